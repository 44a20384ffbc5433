//! Figures on a real database.

use super::*;
use crate::testing::Fixture;
use domain::{
    auth::{Actor, Role},
    ids::{OrgId, ScheduleId},
    runs::RunState,
    schedules::Schedule,
    statistics::OutcomeCount,
};

impl Fixture {
    async fn nightly(&self, name: &str) -> Schedule {
        self.by_cron(name, "Europe/Berlin", "0 3 * * *").await
    }

    /// A run that was recorded so long ago, began `late` later and took `took`.
    async fn ran(&self, of: ScheduleId, state: &str, ago: &str, late: &str, took: &str) {
        self.sql(&format!(
            "insert into runs (id, org_id, schedule_id, title, trigger, plan, state, scheduled_for, queued_at, started_at, \
             finished_at) \
             select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) \
               || '8' || substr(md5(random()::text), 1, 15))::uuid, '{org}', '{of}', 'nightly', '{{\"type\":\"schedule\"}}', \
               '{{\"steps\":[]}}', '{state}', at, at, at + interval '{late}', at + interval '{late}' + interval '{took}' \
             from (select now() - interval '{ago}' as at) t",
            org = OrgId::HOME,
        ))
        .await;
    }
}

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 0.5)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_runs_are_counted_by_outcome_and_by_day() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let schedule = fixture.nightly("nightly").await;
    let nothing = of_schedule(control, owner, schedule.id, None).await.unwrap();
    assert_eq!((nothing.days, nothing.runs, nothing.success_rate), (30, 0, None));
    assert_eq!((nothing.trend.len(), nothing.outcomes.len()), (30, 0));
    assert_eq!(nothing.timezone, "Europe/Berlin");
    assert_eq!(nothing.duration.p50_ms, None);
    assert_eq!(nothing.next.len(), 5);
    assert_eq!(nothing.next[0], schedule.next_at.unwrap());

    for (state, ago, late, took) in [
        ("succeeded", "1 second", "10 ms", "2 s"),
        ("succeeded", "2 days", "20 ms", "4 s"),
        ("failed", "2 days", "30 ms", "6 s"),
        ("skipped", "3 days", "0 s", "0 s"),
        ("succeeded", "40 days", "1 hour", "1 hour"),
    ] {
        fixture.ran(schedule.id, state, ago, late, took).await;
    }
    let other = fixture.nightly("other").await;
    fixture.ran(other.id, "failed", "1 day", "1 s", "1 s").await;

    let found = of_schedule(control, owner, schedule.id, None).await.unwrap();
    assert_eq!((found.runs, found.succeeded, found.failed), (4, 2, 1));
    assert!(
        near(found.success_rate.map(|rate| rate * 1000.0), 666.6),
        "{found:?}"
    );
    let counted = |status, runs| OutcomeCount { status, runs };
    assert_eq!(
        found.outcomes,
        [
            counted(RunState::Succeeded, 2),
            counted(RunState::Failed, 1),
            counted(RunState::Skipped, 1)
        ]
    );
    assert!(near(found.duration.p50_ms, 4000.0), "{found:?}");
    assert!(near(found.duration.p95_ms, 5800.0), "{found:?}");
    assert!(near(found.lateness.p50_ms, 15.0), "{found:?}");
    let today = found.trend.last().unwrap();
    let with_runs: Vec<u64> = found
        .trend
        .iter()
        .map(|day| day.runs)
        .filter(|runs| *runs > 0)
        .collect();
    assert_eq!(with_runs, [1, 2, 1]);
    assert_eq!(
        (today.runs, today.succeeded),
        (1, 1),
        "unless it is midnight in Berlin"
    );
    assert!(near(today.duration.p50_ms, 2000.0));

    let long = of_schedule(control, owner, schedule.id, Some(60)).await.unwrap();
    assert_eq!((long.runs, long.trend.len()), (5, 60));
    for wrong in [0, 367] {
        let problem = of_schedule(control, owner, schedule.id, Some(wrong))
            .await
            .unwrap_err()
            .into_problem();
        assert_eq!(problem.code, "invalid_days");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_that_fail_most_come_first() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let (good, bad, worse, gone) = (
        fixture.nightly("good").await,
        fixture.nightly("bad").await,
        fixture.nightly("worse").await,
        fixture.nightly("gone").await,
    );
    fixture.ran(good.id, "succeeded", "1 day", "0 s", "1 s").await;
    for state in ["succeeded", "succeeded", "succeeded", "failed", "skipped"] {
        fixture.ran(bad.id, state, "1 day", "0 s", "1 s").await;
    }
    for state in ["failed", "partial", "unknown", "missed"] {
        fixture.ran(worse.id, state, "2 days", "0 s", "1 s").await;
    }
    fixture.ran(worse.id, "failed", "50 days", "0 s", "1 s").await;
    for _ in 0..5 {
        fixture.ran(gone.id, "failed", "1 day", "0 s", "1 s").await;
    }
    crate::schedules::delete(control, owner, gone.id).await.unwrap();

    let found = statistics(control, owner, None).await.unwrap();
    let told: Vec<_> = found
        .failing
        .iter()
        .map(|line| (line.name.as_str(), line.failures, line.failure_rate))
        .collect();
    assert_eq!(told, [("worse", 3, 1.0), ("bad", 1, 0.25)]);
    let week = statistics(control, owner, Some(1)).await.unwrap();
    assert!(week.failing.is_empty(), "{week:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_of_ones_own_organisation() {
    let fixture = Fixture::new().await;
    let schedule = fixture.nightly("nightly").await;
    fixture.ran(schedule.id, "failed", "1 day", "0 s", "1 s").await;
    let viewer = fixture.person("vera", Role::Viewer).await;
    assert_eq!(
        of_schedule(&fixture.control, &viewer, schedule.id, None)
            .await
            .unwrap()
            .failed,
        1
    );
    let stranger = Actor {
        org_id: OrgId::new(),
        ..viewer
    };
    let problem = of_schedule(&fixture.control, &stranger, schedule.id, None)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(problem.code, "schedule_not_found");
    let none = statistics(&fixture.control, &stranger, None).await.unwrap();
    assert!(none.failing.is_empty());
}

/// A skipped time does not come, and a moved one comes later.
#[tokio::test(flavor = "multi_thread")]
async fn next_runs_leave_out_what_is_skipped() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let schedule = fixture.nightly("nightly").await;
    let first = of_schedule(control, owner, schedule.id, None).await.unwrap().next;
    crate::schedules::skip_next(control, owner, schedule.id)
        .await
        .unwrap();
    let then = of_schedule(control, owner, schedule.id, None).await.unwrap().next;
    assert_eq!(then[..4], first[1..]);
    crate::schedules::set_enabled(control, owner, schedule.id, false)
        .await
        .unwrap();
    let off = of_schedule(control, owner, schedule.id, None).await.unwrap();
    assert!(off.next.is_empty());
}
