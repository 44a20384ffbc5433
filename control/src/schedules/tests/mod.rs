//! Schedules and the ticker on a real database.

mod applied;
mod asked;
mod blackouts;
mod called;
mod held;
mod history;
mod labels;

use super::{ticker::tick, *};
use crate::{
    Error,
    pages::ListQuery,
    runs::{self, RunQuery},
    testing::{Fixture, work_on},
};
use domain::{
    actions::Action,
    auth::Role,
    durations::HumanDuration,
    guards::{Guards, Overlap},
    ids::ScheduleId,
    runs::{RunState, RunSummary, RunTrigger},
    schedules::{Schedule, ScheduleDraft, Step, Trigger},
};
use std::time::Duration;

fn draft(name: &str, trigger: Trigger) -> ScheduleDraft {
    ScheduleDraft {
        name: name.to_owned(),
        enabled: true,
        timezone: "Europe/Berlin".to_owned(),
        triggers: vec![trigger],
        steps: vec![Step::new(Action::Noop, "")],
        guards: Guards::default(),
        version: None,
    }
}

fn every(seconds: u64) -> Trigger {
    Trigger::Interval {
        every: HumanDuration::from_secs(seconds).unwrap(),
        anchor: None,
    }
}

fn nightly() -> Trigger {
    Trigger::Cron {
        expression: "0 3 * * *".to_owned(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().into_problem().code
}

impl Fixture {
    async fn schedule(&self, draft: ScheduleDraft) -> Schedule {
        create(&self.control, &self.owner, draft).await.unwrap()
    }

    async fn runs_of(&self, id: ScheduleId) -> Vec<RunSummary> {
        let query = RunQuery {
            schedule: Some(id),
            page: ListQuery {
                limit: Some(500),
                cursor: None,
            },
            ..RunQuery::default()
        };
        runs::list(&self.control, &self.owner, query).await.unwrap().items
    }

    /// As if the schedule had been due for that long.
    async fn overdue(&self, id: ScheduleId, by: &str) {
        self.sql(&format!(
            "update schedules set next_at = date_trunc('second', now()) - interval '{by}', due_at = null, \
             anchor_at = date_trunc('second', now()) - interval '{by}' where id = '{id}'"
        ))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_made_changed_and_deleted_with_an_audit_line_each() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = fixture.schedule(draft("  nightly ", nightly())).await;
    assert_eq!(
        (made.name.as_str(), made.sentence.as_str()),
        ("nightly", "Every day at 03:00")
    );
    assert_eq!(made.edited_by.as_deref(), Some("olga"));
    assert!(made.next_at.unwrap() > made.created_at);
    assert_eq!(
        code(create(control, owner, draft("NIGHTLY", nightly())).await),
        "name_taken"
    );

    let other = fixture.person("otto", Role::Operator).await;
    let change = ScheduleDraft {
        version: Some(made.version),
        ..draft("at night", nightly())
    };
    let changed = update(control, &other, made.id, change.clone()).await.unwrap();
    assert_eq!(
        (changed.version, changed.edited_by.as_deref()),
        (made.version + 1, Some("otto"))
    );
    assert_eq!(changed.next_at, made.next_at, "a new name moves nothing");
    let stale = update(control, owner, made.id, change)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(stale.code, "stale_version");
    assert_eq!(stale.details["current"]["name"], "at night");

    let off = set_enabled(control, owner, made.id, false).await.unwrap();
    assert_eq!((off.enabled, off.next_at), (false, None));
    let on = set_enabled(control, owner, made.id, true).await.unwrap();
    assert_eq!(on.next_at, made.next_at);

    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        code(create(control, &viewer, draft("mine", nightly())).await),
        "forbidden"
    );
    assert_eq!(code(delete(control, &viewer, made.id).await), "forbidden");

    let run = run_now(control, owner, made.id).await.unwrap();
    assert_eq!(
        run.trigger,
        RunTrigger::Manual {
            by: "olga".to_owned()
        }
    );
    delete(control, owner, made.id).await.unwrap();
    assert_eq!(code(get(control, owner, made.id).await), "schedule_not_found");
    assert_eq!(fixture.runs_of(made.id).await.len(), 1, "history stays");
    // The name is free again.
    fixture.schedule(draft("at night", nightly())).await;
    let actions = fixture
        .text("select string_agg(action, ' ' order by id) from audit")
        .await;
    assert_eq!(
        actions,
        "schedule.create schedule.update schedule.disable schedule.enable schedule.run schedule.delete schedule.create"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_runs_once_and_moves_on() {
    let fixture = Fixture::new().await;
    let schedule = fixture.schedule(draft("often", every(3600))).await;
    tick(&fixture.control).await.unwrap();
    assert!(
        fixture.runs_of(schedule.id).await.is_empty(),
        "nothing is due yet"
    );
    fixture.overdue(schedule.id, "0 seconds").await;
    tick(&fixture.control).await.unwrap();
    tick(&fixture.another()).await.unwrap();
    let found = fixture.runs_of(schedule.id).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].trigger, RunTrigger::Schedule);
    assert_eq!(found[0].schedule.as_ref().unwrap().name, "often");
    fixture.work().await;
    let after = get(&fixture.control, &fixture.owner, schedule.id).await.unwrap();
    assert_eq!(after.last_run.unwrap().status, RunState::Succeeded);
    assert_eq!(
        after.next_at,
        found[0].scheduled_for.map(|at| at + Duration::from_secs(3600))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_decide_every_fire_time_exactly_once() {
    let fixture = Fixture::new().await;
    for n in 0..60 {
        let mut draft = draft(&format!("s{n}"), every(1));
        draft.guards.overlap = Overlap::Allow;
        fixture.schedule(draft).await;
    }
    let servers = [fixture.control.clone(), fixture.another(), fixture.another()];
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    let ticking = servers.clone().map(|server| {
        tokio::spawn(async move {
            while tokio::time::Instant::now() < end {
                let wait = tick(&server).await.unwrap();
                work_on(&server).await;
                tokio::time::sleep_until(wait.min(end)).await;
            }
        })
    });
    for ticker in ticking {
        ticker.await.unwrap();
    }
    work_on(&fixture.control).await;
    // Every second between the first and the last decided one, once, with one run that ended well.
    let holes = fixture
        .text(
            "select count(*) from schedules s where \
             (select count(*) from schedule_fires f where f.schedule_id = s.id) <> \
             (select extract(epoch from s.next_at - min(f.fire_at))::int from schedule_fires f where f.schedule_id = s.id)",
        )
        .await;
    assert_eq!(holes, "0");
    let bad = fixture
        .text(
            "select count(*) from schedule_fires f full join runs r on r.id = f.run_id \
             where f.run_id is null or r.id is null or r.state <> 'succeeded' or r.scheduled_for <> f.fire_at",
        )
        .await;
    assert_eq!(bad, "0");
    let doubled = fixture
        .text("select count(*) - count(distinct (schedule_id, scheduled_for)) from runs")
        .await;
    assert_eq!(doubled, "0");
    let decided: i64 = fixture
        .text("select count(*) from schedule_fires")
        .await
        .parse()
        .unwrap();
    assert!(decided >= 60 * 3, "{decided}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_fire_does_not_run_and_is_seen_in_history() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let made = fixture.schedule(draft("often", every(3600))).await;
    let first = made.next_at.unwrap();
    let skipped = skip_next(control, owner, made.id).await.unwrap();
    assert_eq!(skipped.skipping, Some(first));
    assert_eq!(skipped.next_at, Some(first + Duration::from_secs(3600)));
    assert_eq!(
        skip_next(control, owner, made.id).await.unwrap(),
        skipped,
        "twice skips no second one"
    );
    assert_eq!(unskip(control, owner, made.id).await.unwrap().skipping, None);
    assert_eq!(
        unskip(control, owner, made.id).await.unwrap().next_at,
        Some(first)
    );

    fixture.overdue(made.id, "0 seconds").await;
    skip_next(control, owner, made.id).await.unwrap();
    tick(control).await.unwrap();
    let found = fixture.runs_of(made.id).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].status, RunState::Skipped);
    assert_eq!(found[0].message.as_deref(), Some("Skipped by olga."));
    let after = get(control, owner, made.id).await.unwrap();
    assert_eq!(after.skipping, None);
    assert_eq!(fixture.text("select count(*) from apalis.jobs").await, "0");

    set_enabled(control, owner, made.id, false).await.unwrap();
    assert_eq!(code(skip_next(control, owner, made.id).await), "nothing_to_skip");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downtime_is_one_missed_run_and_every_missed_fire() {
    let fixture = Fixture::new().await;
    let made = fixture.schedule(draft("often", every(300))).await;
    fixture.overdue(made.id, "3 hours").await;
    tick(&fixture.control).await.unwrap();
    let found = fixture.runs_of(made.id).await;
    // 36 were missed; the one of this very second may have run.
    let missed: Vec<_> = found
        .iter()
        .filter(|run| run.status == RunState::Missed)
        .collect();
    assert_eq!(missed.len(), 1);
    assert!(
        missed[0]
            .message
            .as_deref()
            .unwrap()
            .starts_with("Missed 36 times between")
    );
    assert_eq!(
        fixture
            .text("select count(*) from schedule_fires where state = 'missed'")
            .await,
        "36"
    );
    assert!(found.len() <= 2);
    let after = get(&fixture.control, &fixture.owner, made.id).await.unwrap();
    assert!(after.next_at.unwrap() > after.updated_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_is_done_and_what_cannot_be_read_stops_nobody() {
    let fixture = Fixture::new().await;
    let at = chrono::Utc::now() + Duration::from_secs(3600);
    let once = fixture.schedule(draft("once", Trigger::Once { at })).await;
    let broken = fixture.schedule(draft("broken", nightly())).await;
    let good = fixture.schedule(draft("good", every(3600))).await;
    fixture
        .sql(&format!(
            "update schedules set triggers = '[{{\"type\":\"moon\"}}]' where id = '{}'",
            broken.id
        ))
        .await;
    fixture
        .sql(
            "update schedules set next_at = date_trunc('second', now()), triggers = case name when 'once' \
             then jsonb_build_array(jsonb_build_object('type', 'once', 'at', date_trunc('second', now()))) \
             else triggers end",
        )
        .await;
    tick(&fixture.control).await.unwrap();
    assert_eq!(fixture.runs_of(good.id).await.len(), 1);
    assert_eq!(fixture.runs_of(once.id).await.len(), 1);
    let page = list(&fixture.control, &fixture.owner, ScheduleQuery::default())
        .await
        .unwrap();
    assert_eq!(page.total, 3);
    let by = |name: &str| page.items.iter().find(|schedule| schedule.name == name).unwrap();
    assert_eq!((by("once").next_at, by("once").enabled), (None, true));
    assert!(
        by("broken").sentence.contains("newer release"),
        "{}",
        by("broken").sentence
    );
    assert_eq!(by("broken").next_at, None);
    let off = set_enabled(&fixture.control, &fixture.owner, broken.id, false)
        .await
        .unwrap();
    assert!(!off.enabled);
    assert_eq!(
        code(set_enabled(&fixture.control, &fixture.owner, broken.id, true).await),
        "schedule_unreadable"
    );
    let mended = update(
        &fixture.control,
        &fixture.owner,
        broken.id,
        draft("broken", nightly()),
    )
    .await
    .unwrap();
    assert_eq!(mended.sentence, "Every day at 03:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_search_by_name_and_go_by_page() {
    let fixture = Fixture::new().await;
    for name in ["Web nightly", "db nightly", "web 50%", "other"] {
        fixture.schedule(draft(name, nightly())).await;
    }
    let find = |query: &str, limit, cursor| {
        let query = ScheduleQuery {
            query: query.to_owned(),
            archived: false,
            page: ListQuery {
                limit: Some(limit),
                cursor,
            },
        };
        list(&fixture.control, &fixture.owner, query)
    };
    let names = |page: &domain::pages::Page<Schedule>| -> Vec<String> {
        page.items.iter().map(|schedule| schedule.name.clone()).collect()
    };
    let first = find("", 2, None).await.unwrap();
    assert_eq!(
        (names(&first), first.total),
        (vec!["db nightly".to_owned(), "other".to_owned()], 4)
    );
    let rest = find("", 2, first.next).await.unwrap();
    assert_eq!(
        (names(&rest), rest.next),
        (vec!["web 50%".to_owned(), "Web nightly".to_owned()], None)
    );
    assert_eq!(names(&find("WEB", 9, None).await.unwrap()).len(), 2);
    assert_eq!(names(&find("50%", 9, None).await.unwrap()), ["web 50%"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_went_away_is_met_again() {
    let fixture = Fixture::new().await;
    let made = fixture.schedule(draft("often", every(3600))).await;
    fixture.overdue(made.id, "0 seconds").await;
    let server = fixture.another();
    tick(&server).await.unwrap();
    // Every connection dies, as when Postgres is restarted; the pool only finds out by using them.
    fixture
        .sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .await;
    let mut tries = 0;
    while let Err(error) = tick(&server).await {
        tries += 1;
        assert!(error.is_transient() && tries < 10, "{error}");
    }
    assert_eq!(fixture.runs_of(made.id).await.len(), 1);
}
