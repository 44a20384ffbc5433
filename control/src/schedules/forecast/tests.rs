//! The forecast, and skipping and moving from it, on a real database.

use super::*;
use crate::{
    schedules::{self, ticker::tick},
    testing::Fixture,
};
use chrono::SubsecRound;
use domain::{
    actions::Action,
    auth::Role,
    forecast::MarkState,
    schedules::{Schedule, ScheduleDraft},
};
use serde_json::json;

async fn made(fixture: &Fixture, name: &str, triggers: serde_json::Value) -> Schedule {
    let draft: ScheduleDraft = serde_json::from_value(json!({
        "name": name,
        "timezone": "Europe/Berlin",
        "triggers": triggers,
        "steps": [{ "action": Action::Noop }],
    }))
    .unwrap();
    schedules::create(&fixture.control, &fixture.owner, draft)
        .await
        .unwrap()
}

async fn cron(fixture: &Fixture, name: &str, expression: &str) -> Schedule {
    made(
        fixture,
        name,
        json!([{ "type": "cron", "expression": expression }]),
    )
    .await
}

async fn days(fixture: &Fixture, days: i64) -> Forecast {
    let to = chrono::Utc::now() + TimeDelta::days(days);
    let query = ForecastQuery {
        to: Some(to),
        ..ForecastQuery::default()
    };
    forecast(&fixture.control, &fixture.owner, query).await.unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().into_problem().code
}

#[tokio::test(flavor = "multi_thread")]
async fn it_marks_what_is_rare_and_counts_what_is_not() {
    let fixture = Fixture::new().await;
    let nightly = cron(&fixture, "nightly", "0 3 * * *").await;
    cron(&fixture, "check", "*/5 * * * *").await;
    let paused = cron(&fixture, "paused", "0 4 * * *").await;
    schedules::set_enabled(&fixture.control, &fixture.owner, paused.id, false)
        .await
        .unwrap();

    let all = days(&fixture, 7).await;
    assert_eq!(all.marks.len(), 7);
    assert_eq!(all.marks[0].at, nightly.next_at.unwrap());
    assert!(all.marks.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(all.density.len(), 1);
    assert_eq!(
        (
            all.density[0].schedule.name.as_str(),
            all.density[0].sentence.as_str()
        ),
        ("check", "Every 5 minutes")
    );
    assert_eq!(all.dense_total, 7 * 288);
    assert_eq!(all.total, 7 * 288 + 7);
    // Six hours of UTC each, the first one begun.
    assert!((28..=29).contains(&all.cells.len()), "{}", all.cells.len());
    assert_eq!(all.lanes.len(), 1);
    assert_eq!(all.lanes[0].runs.iter().sum::<u32>(), 7);
    assert_eq!(all.lanes[0].dense.iter().sum::<u32>(), 7 * 288);
    assert_eq!((all.next, all.conflicts.len()), (None, 0));

    let page = |limit, cursor| ForecastQuery {
        to: Some(all.to),
        query: "NIGHT".to_owned(),
        limit: Some(limit),
        cursor,
        ..ForecastQuery::default()
    };
    let (control, owner) = (&fixture.control, &fixture.owner);
    let first = forecast(control, owner, page(4, None)).await.unwrap();
    let second = forecast(control, owner, page(4, first.next.clone()))
        .await
        .unwrap();
    assert_eq!((first.marks.len(), second.marks.len(), second.next), (4, 3, None));
    assert_eq!([first.marks, second.marks].concat(), all.marks);
    assert_eq!(first.density, []);

    // What changes is seen at once.
    let draft: ScheduleDraft = serde_json::from_value(json!({
        "name": "nightly", "triggers": [{ "type": "cron", "expression": "0 3 * * 1" }],
        "steps": [{ "action": Action::Noop }],
    }))
    .unwrap();
    schedules::update(control, owner, nightly.id, draft)
        .await
        .unwrap();
    assert_eq!(days(&fixture, 7).await.marks.len(), 1);

    for (query, expected) in [
        (
            ForecastQuery {
                timezone: Some("Nowhere".into()),
                ..ForecastQuery::default()
            },
            "unknown_timezone",
        ),
        (
            ForecastQuery {
                cell: Some("2h".into()),
                ..ForecastQuery::default()
            },
            "unknown_cell",
        ),
        (
            ForecastQuery {
                to: Some(all.now - TimeDelta::days(1)),
                ..ForecastQuery::default()
            },
            "window_invalid",
        ),
        (
            ForecastQuery {
                to: Some(all.now + TimeDelta::days(90)),
                ..ForecastQuery::default()
            },
            "window_too_long",
        ),
        (
            ForecastQuery {
                cursor: Some("7".into()),
                ..ForecastQuery::default()
            },
            "cursor_invalid",
        ),
    ] {
        assert_eq!(code(forecast(control, owner, query).await), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coming_run_is_skipped_moved_and_brought_back() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = cron(&fixture, "nightly", "0 3 * * *").await;
    let times: Vec<_> = days(&fixture, 5).await.marks.iter().map(|mark| mark.at).collect();
    let id = made.id;
    let to = times[1] + TimeDelta::hours(2);

    let skipped = schedules::skip_at(control, owner, id, times[2]).await.unwrap();
    assert_eq!((skipped.next_at, skipped.skipping), (Some(times[0]), None));
    schedules::move_fire(control, owner, id, times[1], to)
        .await
        .unwrap();
    let again = schedules::move_fire(control, owner, id, times[1], to)
        .await
        .unwrap();
    assert_eq!(again.next_at, Some(times[0]), "twice moves nothing twice");
    let marks = days(&fixture, 5).await;
    let told: Vec<_> = marks
        .marks
        .iter()
        .map(|mark| (mark.at, mark.state, mark.moved))
        .collect();
    assert_eq!(
        &told[..4],
        [
            (times[0], MarkState::Planned, None),
            (times[1], MarkState::Postponed, Some(to)),
            (to, MarkState::Moved, Some(times[1])),
            (times[2], MarkState::Skipped, None),
        ]
    );
    assert!(marks.marks[1].note.as_ref().unwrap().contains("olga"));
    assert_eq!(marks.total, 4, "of five days, one is left out");

    let later = times[0] + TimeDelta::seconds(1);
    assert_eq!(
        code(schedules::skip_at(control, owner, id, later).await),
        "no_such_fire"
    );
    assert_eq!(
        code(schedules::skip_at(control, owner, id, times[1]).await),
        "fire_moved"
    );
    assert_eq!(
        code(schedules::move_fire(control, owner, id, times[2], to).await),
        "fire_skipped"
    );
    assert_eq!(
        code(schedules::move_fire(control, owner, id, times[0], times[3]).await),
        "fires_then"
    );
    let past = marks.now - TimeDelta::hours(1);
    assert_eq!(
        code(schedules::move_fire(control, owner, id, times[0], past).await),
        "in_the_past"
    );
    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        code(schedules::skip_at(control, &viewer, id, times[0]).await),
        "forbidden"
    );

    // The next one, to before itself: it is what comes next now.
    let sooner = (marks.now + TimeDelta::seconds(40)).trunc_subsecs(0);
    let moved = schedules::move_fire(control, owner, id, times[0], sooner)
        .await
        .unwrap();
    assert_eq!(moved.next_at, Some(sooner));
    let back = schedules::undo_at(control, owner, id, times[0]).await.unwrap();
    assert_eq!(back.next_at, Some(times[0]));
    schedules::undo_at(control, owner, id, times[1]).await.unwrap();
    schedules::undo_at(control, owner, id, times[2]).await.unwrap();
    let states: Vec<_> = days(&fixture, 5)
        .await
        .marks
        .iter()
        .map(|mark| mark.state)
        .collect();
    assert_eq!(states, [MarkState::Planned; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_run_runs_once_and_its_own_time_does_not() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = cron(&fixture, "yearly", "0 3 1 1 *").await;
    let at = made.next_at.unwrap();
    let to = (chrono::Utc::now() + TimeDelta::seconds(30)).trunc_subsecs(0);
    schedules::move_fire(control, owner, made.id, at, to)
        .await
        .unwrap();
    // As if the half minute had passed.
    let due = to - TimeDelta::seconds(31);
    fixture
        .sql(&format!(
            "update schedule_fires set moved_to = '{due}' where schedule_id = '{0}'",
            made.id
        ))
        .await;
    fixture
        .sql(&format!(
            "update schedules set next_at = '{due}' where id = '{}'",
            made.id
        ))
        .await;
    let other = fixture.another();
    let (one, two) = tokio::join!(tick(control), tick(&other));
    assert!(one.is_ok() && two.is_ok());
    let states = "select string_agg(state, ' ' order by fire_at) from schedule_fires";
    assert_eq!(fixture.text(states).await, "claimed postponed");
    assert_eq!(fixture.text("select count(*) from runs").await, "1");
    let after = schedules::get(control, owner, made.id).await.unwrap();
    let year = chrono::Months::new(12);
    assert_eq!(
        after.next_at,
        Some(at + year),
        "its own time was decided with the move"
    );
    // Other triggers, other times: what was decided for the old ones is forgotten.
    fixture
        .sql(&format!(
            "update schedule_fires set moved_to = '{to}' where state = 'postponed'"
        ))
        .await;
    let draft: ScheduleDraft = serde_json::from_value(json!({
        "name": "yearly", "triggers": [{ "type": "cron", "expression": "0 4 1 1 *" }],
        "steps": [{ "action": Action::Noop }],
    }))
    .unwrap();
    schedules::update(control, owner, made.id, draft).await.unwrap();
    assert_eq!(fixture.text(states).await, "claimed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_empty_and_jitter_follows_a_moved_run() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = cron(&fixture, "nightly", "0 3 * * *").await;
    let all = days(&fixture, 7).await;
    let until = all.marks[2].at + TimeDelta::minutes(1);
    schedules::pause(control, owner, made.id, Some(until))
        .await
        .unwrap();
    let paused = days(&fixture, 7).await;
    assert_eq!((paused.marks.len(), paused.total), (4, 4));
    assert!(paused.marks.iter().all(|mark| mark.at > until));

    let draft: ScheduleDraft = serde_json::from_value(json!({
        "name": "spread", "triggers": [{ "type": "cron", "expression": "0 3 * * *" }], "jitter": "1h",
        "steps": [{ "action": Action::Noop }],
    }))
    .unwrap();
    let spread = schedules::create(control, owner, draft).await.unwrap();
    let marks = days(&fixture, 3).await.marks;
    let at = marks
        .iter()
        .find(|mark| mark.schedule.id == spread.id)
        .unwrap()
        .at;
    let to = (chrono::Utc::now() + TimeDelta::seconds(60)).trunc_subsecs(0);
    let due = "select due_at - next_at < interval '1 hour' and due_at >= next_at from schedules where name = 'spread'";
    assert_eq!(fixture.text(due).await, "true");
    schedules::move_fire(control, owner, spread.id, at, to)
        .await
        .unwrap();
    assert_eq!(
        fixture.text(due).await,
        "true",
        "what is due follows what is next"
    );
}

async fn blackout(fixture: &Fixture, value: serde_json::Value) -> domain::blackouts::Blackout {
    let draft = serde_json::from_value(value).unwrap();
    crate::blackouts::create(&fixture.control, &fixture.owner, draft)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn blackouts_hold_what_falls_into_them_as_the_ticker_will() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let utc = |name: &str, expression: &str| {
        let draft: ScheduleDraft = serde_json::from_value(json!({
            "name": name, "triggers": [{ "type": "cron", "expression": expression }],
            "steps": [{ "action": Action::Noop }],
        }))
        .unwrap();
        schedules::create(control, owner, draft)
    };
    let nightly = utc("nightly", "0 3 * * *").await.unwrap();
    let noon = utc("noon", "0 12 * * *").await.unwrap();
    utc("often", "*/10 * * * *").await.unwrap();
    let free = days(&fixture, 7).await;
    assert_eq!((free.total, free.blackouts.len()), (7 * 144 + 14, 0));
    blackout(
        &fixture,
        json!({ "name": "night", "on": { "type": "organisation" }, "policy": "postpone",
            "window": { "type": "weekly", "start": "02:00", "duration": "4h" } }),
    )
    .await;
    blackout(
        &fixture,
        json!({ "name": "lunch", "on": { "type": "schedule", "id": noon.id }, "policy": "skip",
            "window": { "type": "weekly", "start": "11:30", "duration": "1h" } }),
    )
    .await;
    let held = days(&fixture, 7).await;
    let of = |id| held.marks.iter().filter(move |mark| mark.schedule.id == id);
    for mark in of(nightly.id) {
        assert_eq!(mark.state, MarkState::Postponed);
        assert_eq!(mark.moved, Some(mark.at + TimeDelta::hours(3)));
        assert_eq!(mark.blackout.as_deref(), Some("night"));
        assert!(
            mark.note
                .as_deref()
                .unwrap()
                .starts_with("Waits for the end of the blackout night")
        );
    }
    for mark in of(noon.id) {
        assert_eq!((mark.state, mark.moved), (MarkState::Skipped, None));
        assert!(
            mark.note
                .as_deref()
                .unwrap()
                .starts_with("Skipped: the blackout lunch")
        );
        assert!(mark.conflict);
    }
    assert_eq!((of(nightly.id).count(), of(noon.id).count()), (7, 7));
    // What is skipped is not counted; what waits is, where it ends up.
    assert!(
        (7 * 144 + 6..=7 * 144 + 7).contains(&held.total),
        "{}",
        held.total
    );
    assert_eq!(held.density[0].count, 7 * 144);
    assert!(
        (7 * 23..=7 * 25).contains(&held.density[0].held),
        "{}",
        held.density[0].held
    );
    let kinds: Vec<_> = held
        .conflicts
        .iter()
        .map(|conflict| (conflict.kind, conflict.times))
        .collect();
    assert_eq!(kinds, [(domain::forecast::ClashKind::Blackout, 7); 2]);
    let mut names: Vec<_> = held
        .blackouts
        .iter()
        .map(|blackout| blackout.name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["lunch", "night"]);
    let night = held
        .blackouts
        .iter()
        .find(|blackout| blackout.name == "night")
        .unwrap();
    assert!(night.everywhere && (7..=8).contains(&night.periods.len()));
    // Moved out of it, it runs; moved into it, it waits.
    let first = of(nightly.id).next().unwrap().at;
    let out = first + TimeDelta::hours(5);
    schedules::move_fire(control, owner, nightly.id, first, out)
        .await
        .unwrap();
    let after = days(&fixture, 7).await;
    let there = after
        .marks
        .iter()
        .find(|mark| mark.at == out && mark.schedule.id == nightly.id)
        .unwrap();
    assert_eq!((there.state, &there.blackout), (MarkState::Moved, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn jitter_moves_marks_as_it_moves_runs() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let draft: ScheduleDraft = serde_json::from_value(json!({
        "name": "spread", "triggers": [{ "type": "cron", "expression": "0 3 * * *" }], "jitter": "1h",
        "steps": [{ "action": Action::Noop }],
    }))
    .unwrap();
    let made = schedules::create(control, owner, draft).await.unwrap();
    let marks = days(&fixture, 5).await.marks;
    assert_eq!(Some(marks[0].starts()), made.next_at, "the same as the ticker's");
    for mark in &marks {
        assert!(mark.starts() >= mark.at && mark.starts() < mark.at + TimeDelta::hours(1));
    }
    // Its time has come and jitter keeps it back: it is still to come.
    fixture
        .sql("update schedules set next_at = date_trunc('second', now()) - interval '1 second', \
              triggers = jsonb_build_array(jsonb_build_object('type', 'once', 'at', date_trunc('second', now()) - interval '1 second')), \
              guards = '{\"jitter\": \"30d\"}', version = version + 1")
        .await;
    let marks = days(&fixture, 1).await.marks;
    assert_eq!(marks.len(), 1);
    assert!(marks[0].at < chrono::Utc::now() && marks[0].starts() > chrono::Utc::now());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_is_told_with_its_outcome() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let nightly = cron(&fixture, "nightly", "0 3 * * *").await;
    let often = cron(&fixture, "often", "*/5 * * * *").await;
    for schedule in [&nightly, &often] {
        schedules::run_now(control, owner, schedule.id).await.unwrap();
    }
    fixture.work().await;
    let now = chrono::Utc::now();
    let query = |from: i64, to: i64, query: &str| ForecastQuery {
        from: Some(now + TimeDelta::hours(from)),
        to: Some(now + TimeDelta::hours(to)),
        query: query.to_owned(),
        ..ForecastQuery::default()
    };
    let seen = forecast(control, owner, query(-2, 22, "")).await.unwrap();
    assert_eq!(
        seen.past.len(),
        1,
        "frequent ones are not told one by one: {:?}",
        seen.past
    );
    assert_eq!(seen.past[0].schedule.id, nightly.id);
    assert_eq!(seen.past[0].status, domain::runs::RunState::Succeeded);
    assert!(seen.past[0].took_ms.is_some() && !seen.past_cut);
    assert!(
        seen.marks.iter().all(|mark| mark.at >= now),
        "nothing is planned for the past"
    );
    assert_eq!(seen.lanes.len(), 1);
    let none = forecast(control, owner, query(0, 24, "")).await.unwrap();
    assert_eq!(none.past, []);
    let other = forecast(control, owner, query(-2, 22, "other")).await.unwrap();
    assert_eq!(other.past, []);
    let whole = forecast(control, owner, query(-24, -1, "")).await.unwrap();
    assert_eq!((whole.past.len(), whole.marks.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_on_hosts_or_on_nothing_touches_no_container() {
    use domain::forecast::ClashKind;
    use testkit::engines::{RunOptions, TestEngine};
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    control.start().await.unwrap();
    let local = domain::hosts::HostDraft::new("local", engine.docker_host());
    crate::hosts::create(control, owner, local).await.unwrap();
    let target = format!("host:local name:{web}");
    for (name, action) in [
        ("prune", json!({ "type": "prune", "what": "images" })),
        ("ask", json!({ "type": "http", "url": "https://example.com/" })),
        ("restart", json!({ "type": "restart" })),
    ] {
        let target = if name == "ask" { "" } else { &target };
        let draft: ScheduleDraft = serde_json::from_value(json!({
            "name": name, "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
            "steps": [{ "action": action, "target": target }],
        }))
        .unwrap();
        schedules::create(control, owner, draft).await.unwrap();
    }
    let mut seen = days(&fixture, 1).await;
    for _ in 0..200 {
        if seen.marks.iter().any(|mark| mark.targets > 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        // What targets find is believed for a while.
        control.forecasts().forget_found();
        seen = days(&fixture, 1).await;
    }
    let of = |name: &str| seen.marks.iter().find(|mark| mark.schedule.name == name).unwrap();
    let shown = |name: &str| {
        (
            of(name).targets,
            of(name).hosts.len(),
            of(name).first_target.as_deref(),
        )
    };
    assert_eq!(shown("prune"), (0, 1, None));
    assert_eq!(shown("ask"), (0, 0, None));
    assert_eq!(shown("restart"), (1, 1, Some(web.as_str())));
    let clash = |conflict: &domain::forecast::Conflict| conflict.kind == ClashKind::SameContainer;
    assert!(!seen.conflicts.iter().any(clash), "{:?}", seen.conflicts);
    control.fleet().refresh_planned(control).await;
    let query = crate::containers::ContainerQuery {
        query: format!("name:{web}"),
        limit: 1,
        ..crate::containers::ContainerQuery::default()
    };
    let page = crate::containers::list(control, owner, query).await.unwrap();
    let next = page.items[0].next_run.clone().unwrap();
    assert_eq!(
        (next.schedule_name.as_str(), next.action.as_str()),
        ("restart", "restart")
    );
    engine.remove(&web).await;
    control.stop().await;
}
