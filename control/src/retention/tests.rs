//! What is deleted, and what never is.

use super::*;
use crate::testing::Fixture;
use domain::{auth::Role, errors::ErrorClass, ids::ScheduleId};

impl Fixture {
    async fn weekly(&self, name: &str) -> ScheduleId {
        self.by_cron(name, "UTC", "0 3 * * 1").await.id
    }

    /// A run that was recorded so long ago, with a step, a target and a log of so many bytes.
    async fn old_run(&self, of: Option<ScheduleId>, state: &str, ago: &str, log: usize) {
        let of = of.map_or("null".to_owned(), |id| format!("'{id}'"));
        self.sql(&format!(
            "with run as (insert into runs (id, org_id, schedule_id, title, trigger, plan, state, queued_at, started_at, \
               finished_at) \
             select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' \
                 || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid, '{org}', {of}, \
               'old', '{{\"type\":\"schedule\"}}', '{{\"steps\":[]}}', '{state}', at, at, \
               case when '{state}' = 'running' then null else at + interval '1 s' end \
             from (select now() - interval '{ago}' as at) t returning id), \
             step as (insert into run_steps (run_id, step, name, action, target, state) \
               select id, 0, 'noop', '{{\"type\":\"noop\"}}', '', 'succeeded' from run returning run_id), \
             target as (insert into run_targets (run_id, step, ordinal, host_id, host_name, container_id, container_name, state) \
               select run_id, 0, 0, gen_random_uuid(), 'nas', gen_random_uuid(), 'web', 'succeeded' from step returning run_id) \
             insert into run_logs (run_id, step, ordinal, attempt, seq, chunk, size, lines) \
               select run_id, 0, 0, 1, 0, convert_to(repeat('x', {log}), 'UTF8'), {log}, 1 from target",
            org = OrgId::HOME,
        ))
        .await;
    }

    async fn count(&self, what: &str) -> i64 {
        self.text(&format!("select count(*) from {what}"))
            .await
            .parse()
            .unwrap()
    }

    async fn keep(&self, days: Option<u32>, runs_per_schedule: Option<u32>, bytes: Option<u64>) {
        let limits = Retention {
            days,
            runs_per_schedule,
            bytes,
        };
        set(&self.control, &self.owner, limits).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_go_with_all_that_is_theirs() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let schedule = fixture.weekly("weekly").await;
    for (of, state, ago) in [
        (Some(schedule), "succeeded", "100 days"),
        (Some(schedule), "failed", "95 days"),
        (Some(schedule), "succeeded", "89 days"),
        (Some(schedule), "failed", "2 days"),
        (None, "succeeded", "91 days"),
        (None, "running", "91 days"),
    ] {
        fixture.old_run(of, state, ago, 100).await;
    }
    // The defaults hold while nobody has chosen.
    assert_eq!(apply(control).await.unwrap(), 3);
    for table in ["runs", "run_steps", "run_targets", "run_logs"] {
        assert_eq!(fixture.count(table).await, 3, "{table}");
    }
    assert_eq!(fixture.count("runs where state = 'running'").await, 1);
    assert_eq!(apply(control).await.unwrap(), 0);

    // Statistics begin where the deleted ones end.
    let figures = crate::statistics::of_schedule(control, &fixture.owner, schedule, Some(120))
        .await
        .unwrap();
    assert!(figures.cut_short);
    assert_eq!((figures.runs, figures.succeeded, figures.failed), (2, 1, 1));
    let short = crate::statistics::of_schedule(control, &fixture.owner, schedule, Some(30))
        .await
        .unwrap();
    assert!(!short.cut_short);
    let failing = crate::statistics::statistics(control, &fixture.owner, Some(120))
        .await
        .unwrap()
        .failing;
    assert_eq!((failing[0].failures, failing[0].failure_rate), (1, 0.5));
    assert!(failing[0].since > figures.since - chrono::TimeDelta::seconds(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_run_and_the_latest_success_stay_however_old() {
    let fixture = Fixture::new().await;
    let (control, schedule) = (&fixture.control, fixture.weekly("weekly").await);
    for (state, ago) in [
        ("succeeded", "400 days"),
        ("succeeded", "300 days"),
        ("failed", "250 days"),
        ("failed", "200 days"),
    ] {
        fixture.old_run(Some(schedule), state, ago, 1).await;
    }
    assert_eq!(apply(control).await.unwrap(), 2);
    assert_eq!(
        fixture
            .text("select string_agg(state, ',' order by id) from runs")
            .await,
        "succeeded,failed"
    );
    // Of a schedule that is gone nothing must stay.
    crate::schedules::delete(control, &fixture.owner, schedule)
        .await
        .unwrap();
    assert_eq!(apply(control).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_schedule_so_many_stay() {
    let fixture = Fixture::new().await;
    let (busy, quiet) = (fixture.weekly("busy").await, fixture.weekly("quiet").await);
    for hours in 2..12 {
        fixture
            .old_run(Some(busy), "succeeded", &format!("{hours} hours"), 1)
            .await;
    }
    fixture.old_run(Some(busy), "succeeded", "1 minute", 1).await;
    for _ in 0..3 {
        fixture.old_run(Some(quiet), "succeeded", "3 days", 1).await;
        fixture.old_run(None, "succeeded", "3 days", 1).await;
    }
    fixture.keep(None, Some(4), None).await;
    assert_eq!(apply(&fixture.control).await.unwrap(), 7);
    assert_eq!(
        fixture.count(&format!("runs where schedule_id = '{busy}'")).await,
        4
    );
    assert_eq!(fixture.count("runs").await, 10);
    assert_eq!(fixture.text("select runs from runs_deleted").await, "7");
    // What ended just now stays, although it is one too many.
    fixture.keep(None, Some(1), None).await;
    fixture.old_run(Some(busy), "succeeded", "1 second", 1).await;
    apply(&fixture.control).await.unwrap();
    assert_eq!(
        fixture.count(&format!("runs where schedule_id = '{busy}'")).await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_go_until_the_rest_is_small_enough() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    for days in 1..=10 {
        fixture
            .old_run(None, "succeeded", &format!("{days} days 1 hour"), 300_000)
            .await;
    }
    fixture.keep(None, None, None).await;
    assert_eq!(apply(control).await.unwrap(), 0);
    let before = get(control, owner).await.unwrap().kept;
    assert_eq!(before.runs, 10);
    assert!((3_000_000..3_100_000).contains(&before.bytes), "{before:?}");
    assert!(before.measured_at.is_some() && before.oldest.is_some());

    fixture.keep(None, None, Some(1_000_000)).await;
    assert_eq!(apply(control).await.unwrap(), 7);
    let after = get(control, owner).await.unwrap().kept;
    assert_eq!(after.runs, 3);
    assert!(after.bytes <= 1_000_000, "{after:?}");
    assert!(after.oldest > before.oldest);
    assert_eq!(
        fixture
            .text("select bool_and(queued_at > now() - interval '4 days') from runs")
            .await,
        "true"
    );
    assert_eq!(apply(control).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_deletes_at_a_time() {
    let fixture = Fixture::new().await;
    for _ in 0..20 {
        fixture.old_run(None, "succeeded", "200 days", 1).await;
    }
    let other = fixture.another();
    let (one, two) = tokio::join!(apply(&fixture.control), apply(&other));
    assert_eq!(one.unwrap() + two.unwrap(), 20);
    assert_eq!(fixture.count("runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_of_one_organisation_and_for_admins() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    assert_eq!(
        get(control, &fixture.owner).await.unwrap().limits,
        Retention::default()
    );
    let limits = Retention {
        days: Some(7),
        runs_per_schedule: None,
        bytes: Some(5_000_000),
    };
    let operator = fixture.person("otto", Role::Operator).await;
    let refused = set(control, &operator, limits).await.unwrap_err().into_problem();
    assert_eq!(refused.class, ErrorClass::Forbidden);
    let admin = fixture.person("ada", Role::Admin).await;
    assert_eq!(set(control, &admin, limits).await.unwrap().limits, limits);
    assert_eq!(get(control, &operator).await.unwrap().limits, limits);
    let wrong = Retention {
        days: Some(0),
        ..limits
    };
    let problem = set(control, &admin, wrong).await.unwrap_err().into_problem();
    assert_eq!(
        (problem.code.as_str(), &problem.details["field"]),
        ("invalid_retention", &"days".into())
    );
    assert_eq!(
        fixture
            .text("select after->>'days' from audit where action = 'retention.update'")
            .await,
        "7"
    );
    let elsewhere = Actor {
        org_id: OrgId::new(),
        ..admin
    };
    assert_eq!(
        get(control, &elsewhere).await.unwrap().limits,
        Retention::default()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn old_fire_times_are_forgotten_and_never_decided_again() {
    let fixture = Fixture::new().await;
    let schedule = fixture.weekly("weekly").await;
    let other = fixture.weekly("other").await;
    let base = fixture.text("select date_trunc('second', now())").await;
    let decided = |schedule: ScheduleId, fire_at: &str, state: &str, decided_at: &str, moved_to: &str| {
        format!(
            "insert into schedule_fires (schedule_id, fire_at, org_id, state, decided_at, moved_to) \
             select '{schedule}', timestamptz '{base}' - interval '{fire_at}', '{}', '{state}', \
               now() - interval '{decided_at}', {moved_to}",
            OrgId::HOME
        )
    };
    let ahead = "now() + interval '1 day'";
    for (fire_at, state, decided_at, moved_to) in [
        ("720 h", "claimed", "720 h", "null"),
        ("240 h", "claimed", "240 h", "null"),
        // Moved to a time that is to come, decided late, and this week's.
        ("216 h", "postponed", "480 h", ahead),
        ("192 h", "missed", "1 h", "null"),
        ("24 h", "claimed", "24 h", "null"),
    ] {
        fixture
            .sql(&decided(schedule, fire_at, state, decided_at, moved_to))
            .await;
    }
    fixture
        .sql(&decided(other, "24 h", "claimed", "24 h", "null"))
        .await;
    // More than one batch, of another one.
    fixture
        .sql(&format!(
            "insert into schedule_fires (schedule_id, fire_at, org_id, state, decided_at) \
             select '{other}', t, '{}', 'claimed', t from generate_series(now() - interval '216 h', \
               now() - interval '192 h', '1 minute') t",
            OrgId::HOME
        ))
        .await;
    let control = &fixture.control;
    assert_eq!(fires::prune(control).await.unwrap(), 2 + 1441);
    assert_eq!(fires::prune(control).await.unwrap(), 0);
    let left = format!("schedule_fires where schedule_id = '{schedule}'");
    assert_eq!(fixture.count(&left).await, 3);
    let until = "select string_agg(round(extract(epoch from now() - fires_until) / 86400)::text, ' ' order by name desc) \
                 from schedules";
    assert_eq!(fixture.text(until).await, "10 8");

    // Somebody sets the schedule back to a time that was forgotten: it is passed over, and what comes after it is not.
    fixture
        .sql(&format!(
            "update schedules set triggers = '[{{\"type\":\"interval\",\"every\":\"1d\"}}]', \
               anchor_at = fires_until, next_at = fires_until - interval '24 h', \
               guards = guards || '{{\"catch_up\":{{\"policy\":\"all\",\"max\":100}}}}' \
             where id = '{schedule}'"
        ))
        .await;
    crate::schedules::ticker::tick(control).await.unwrap();
    let again = "schedule_fires f join schedules s on s.id = f.schedule_id and f.fire_at <= s.fires_until";
    assert_eq!(fixture.count(again).await, 0);
    // Of ten days three were decided before.
    assert_eq!(fixture.count(&left).await, 10);
    let made = format!("runs where schedule_id = '{schedule}' and scheduled_for is not null");
    assert_eq!(fixture.count(&made).await, 7);
}
