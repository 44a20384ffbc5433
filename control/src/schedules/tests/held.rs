//! Runs that overlap, are caught up, spread, paused and archived.

use super::*;
use domain::guards::{CatchUp, CatchUpPolicy};

fn guarded(name: &str, seconds: u64, guards: Guards) -> ScheduleDraft {
    ScheduleDraft {
        guards,
        ..draft(name, every(seconds))
    }
}

fn overlapping(overlap: Overlap, queue_depth: u32) -> Guards {
    Guards {
        overlap,
        queue_depth,
        ..Guards::default()
    }
}

impl Fixture {
    /// One more fire of the schedule, decided.
    async fn fire(&self, id: ScheduleId) {
        self.sql(&format!(
            "update schedules set next_at = clock_timestamp(), anchor_at = clock_timestamp(), due_at = null where id = '{id}'"
        ))
        .await;
        tick(&self.control).await.unwrap();
    }

    /// States of its runs, the oldest first.
    async fn states(&self, id: ScheduleId) -> Vec<RunState> {
        let mut runs = self.runs_of(id).await;
        runs.reverse();
        runs.into_iter().map(|run| run.status).collect()
    }

    /// As if a worker had it.
    async fn running(&self, id: ScheduleId) {
        self.sql(&format!(
            "update runs set state = 'running', epoch = 1, owner = gen_random_uuid(), started_at = clock_timestamp(), \
             lease_until = now() + interval '1 hour' where schedule_id = '{id}' and state = 'queued'"
        ))
        .await;
    }

    /// Ends the one that runs, as an executor does.
    async fn ended(&self, id: ScheduleId, state: &str) {
        let run = self
            .text(&format!(
                "select id from runs where schedule_id = '{id}' and state in ('running', 'cancelling')"
            ))
            .await;
        self.sql(&format!(
            "update runs set state = '{state}', finished_at = clock_timestamp(), lease_until = null where id = '{run}'"
        ))
        .await;
        runs::after_end(&self.control, &[run.parse().unwrap()]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skip_says_why_and_the_next_fire_after_the_end_runs() {
    let fixture = Fixture::new().await;
    let made = fixture.schedule(draft("often", every(3600))).await;
    fixture.fire(made.id).await;
    fixture.fire(made.id).await;
    let found = fixture.runs_of(made.id).await;
    assert_eq!(found[0].status, RunState::Skipped);
    let why = found[0].message.clone().unwrap();
    assert!(why.contains("run before it had not ended"), "{why}");
    fixture.work().await;
    fixture.fire(made.id).await;
    use RunState::{Queued, Skipped, Succeeded};
    assert_eq!(fixture.states(made.id).await, [Succeeded, Skipped, Queued]);
    let decided = fixture
        .text("select string_agg(state, ' ' order by fire_at) from schedule_fires")
        .await;
    assert_eq!(decided, "claimed skipped claimed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_holds_as_many_as_it_may_and_lets_them_go_in_order() {
    use RunState::{Cancelled, Queued, Running, Skipped, Succeeded, Waiting};
    let fixture = Fixture::new().await;
    let made = fixture
        .schedule(guarded("often", 3600, overlapping(Overlap::Queue, 2)))
        .await;
    for _ in 0..4 {
        fixture.fire(made.id).await;
    }
    assert_eq!(fixture.states(made.id).await, [Queued, Waiting, Waiting, Skipped]);
    let seen = get(&fixture.control, &fixture.owner, made.id).await.unwrap();
    assert_eq!(seen.waiting, 2);
    fixture.running(made.id).await;
    // One that waits can be cancelled, and nothing starts for it.
    let runs = fixture.runs_of(made.id).await;
    runs::cancel(&fixture.control, &fixture.owner, runs[2].id)
        .await
        .unwrap();
    assert_eq!(
        fixture.states(made.id).await,
        [Running, Cancelled, Waiting, Skipped]
    );
    fixture.ended(made.id, "succeeded").await;
    assert_eq!(
        fixture.states(made.id).await,
        [Succeeded, Cancelled, Queued, Skipped]
    );
    fixture
        .sql("delete from apalis.jobs where status <> 'Pending'")
        .await;
    fixture.work().await;
    assert_eq!(fixture.states(made.id).await[2], Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_the_first_lets_the_next_go() {
    use RunState::{Cancelled, Queued, Waiting};
    let fixture = Fixture::new().await;
    let made = fixture
        .schedule(guarded("often", 3600, overlapping(Overlap::Queue, 5)))
        .await;
    fixture.fire(made.id).await;
    fixture.fire(made.id).await;
    assert_eq!(fixture.states(made.id).await, [Queued, Waiting]);
    let first = fixture.runs_of(made.id).await[1].id;
    runs::cancel(&fixture.control, &fixture.owner, first)
        .await
        .unwrap();
    assert_eq!(fixture.states(made.id).await, [Cancelled, Queued]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_cancels_the_old_and_starts_after_its_end() {
    use RunState::{Cancelled, Cancelling, Queued, Waiting};
    let fixture = Fixture::new().await;
    let made = fixture
        .schedule(guarded("often", 3600, overlapping(Overlap::Replace, 1)))
        .await;
    fixture.fire(made.id).await;
    // Nothing runs yet: the old one is gone at once, and the new one starts.
    fixture.fire(made.id).await;
    assert_eq!(fixture.states(made.id).await, [Cancelled, Queued]);
    let old = &fixture.runs_of(made.id).await[1];
    assert!(
        old.message
            .as_deref()
            .unwrap()
            .contains("Replaced by a newer run")
    );
    fixture.running(made.id).await;
    fixture.fire(made.id).await;
    assert_eq!(fixture.states(made.id).await, [Cancelled, Cancelling, Waiting]);
    fixture.fire(made.id).await;
    assert_eq!(
        fixture.states(made.id).await,
        [Cancelled, Cancelling, Cancelled, Waiting],
        "only the newest waits"
    );
    fixture.ended(made.id, "cancelled").await;
    assert_eq!(fixture.states(made.id).await[3], Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_server_did_not_let_go_is_let_go_by_the_sweep() {
    let fixture = Fixture::new().await;
    let made = fixture
        .schedule(guarded("often", 3600, overlapping(Overlap::Queue, 5)))
        .await;
    for _ in 0..3 {
        fixture.fire(made.id).await;
    }
    // The server died between the end of the first and the start of the second.
    fixture
        .sql("update runs set state = 'succeeded', finished_at = now() where state = 'queued'")
        .await;
    runs::sweep::once(&fixture.another()).await.unwrap();
    use RunState::{Queued, Succeeded, Waiting};
    assert_eq!(fixture.states(made.id).await, [Succeeded, Queued, Waiting]);
    runs::sweep::once(&fixture.another()).await.unwrap();
    assert_eq!(fixture.states(made.id).await, [Succeeded, Queued, Waiting]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_servers_a_queue_runs_one_at_a_time_and_loses_none() {
    let fixture = Fixture::new().await;
    for n in 0..20 {
        let guards = overlapping(Overlap::Queue, 1000);
        fixture.schedule(guarded(&format!("s{n}"), 1, guards)).await;
    }
    let servers = [fixture.control.clone(), fixture.another()];
    let end = tokio::time::Instant::now() + Duration::from_secs(4);
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
    runs::sweep::once(&fixture.control).await.unwrap();
    work_on(&fixture.control).await;
    assert_eq!(
        fixture
            .text("select count(*) from runs where state <> 'succeeded'")
            .await,
        "0"
    );
    let together = fixture
        .text(
            "select count(*) from runs a join runs b on a.schedule_id = b.schedule_id and a.id < b.id \
             and a.started_at < b.finished_at and b.started_at < a.finished_at",
        )
        .await;
    assert_eq!(together, "0");
    let made: i64 = fixture.text("select count(*) from runs").await.parse().unwrap();
    assert!(made >= 20 * 2, "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_caught_up_runs_once_and_one_after_another() {
    let fixture = Fixture::new().await;
    let guards = Guards {
        catch_up: CatchUp {
            policy: CatchUpPolicy::All,
            max: 3,
            window: None,
        },
        ..Guards::default()
    };
    let made = fixture.schedule(guarded("often", 600, guards)).await;
    fixture.overdue(made.id, "3 hours 5 minutes").await;
    let (one, two) = (fixture.another(), fixture.another());
    let (first, second) = tokio::join!(tick(&one), tick(&two));
    first.unwrap();
    second.unwrap();
    use RunState::{Missed, Queued, Succeeded, Waiting};
    assert_eq!(fixture.states(made.id).await, [Missed, Queued, Waiting, Waiting]);
    let missed = fixture.runs_of(made.id).await.pop().unwrap();
    assert!(missed.message.unwrap().starts_with("Missed 16 times"));
    fixture.work().await;
    assert_eq!(
        fixture.states(made.id).await,
        [Missed, Succeeded, Succeeded, Succeeded]
    );
    let decided = fixture
        .text("select count(*) filter (where state = 'missed') || ' ' || count(*) filter (where state = 'claimed') from schedule_fires")
        .await;
    assert_eq!(decided, "16 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn jitter_moves_the_run_and_lateness_is_counted_from_there() {
    let fixture = Fixture::new().await;
    let guards = Guards {
        jitter: Some("30m".parse().unwrap()),
        ..Guards::default()
    };
    let made = fixture.schedule(guarded("often", 3600, guards.clone())).await;
    let fire_at: domain::Timestamp = fixture
        .text("select to_char(next_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from schedules")
        .await
        .parse()
        .unwrap();
    let due = fire_at + domain::guards::jitter_offset(made.id, fire_at, guards.jitter.unwrap());
    assert_eq!(made.next_at, Some(due));
    // An hour earlier in everything: between the fire time and its jittered time nothing happens.
    let by = (due - made.created_at).num_seconds() - 1;
    fixture
        .sql(&format!(
            "update schedules set due_at = due_at - interval '{by} seconds', anchor_at = anchor_at - interval '{by} seconds', \
             next_at = next_at - interval '{by} seconds'"
        ))
        .await;
    tick(&fixture.control).await.unwrap();
    assert!(fixture.runs_of(made.id).await.is_empty());
    let off = set_enabled(&fixture.control, &fixture.owner, made.id, false)
        .await
        .unwrap();
    assert_eq!(off.next_at, None);
    assert_eq!(fixture.text("select count(due_at) from schedules").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_schedule_fires_after_its_pause_and_misses_nothing() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let one = fixture.schedule(draft("one", every(60))).await;
    let two = fixture.schedule(draft("two", nightly())).await;
    let until = one.created_at + Duration::from_secs(86_400);
    let paused = pause_many(control, owner, &[two.id, one.id], Some(until))
        .await
        .unwrap();
    assert!(paused.iter().all(|schedule| {
        schedule.paused_until == Some(until) && schedule.next_at.unwrap() > until && schedule.enabled
    }));
    // An edit keeps the pause.
    let edited = update(control, owner, one.id, draft("one more", every(60)))
        .await
        .unwrap();
    assert!(edited.next_at.unwrap() > until);
    let back = pause(control, owner, one.id, None).await.unwrap();
    assert!(back.paused_until.is_none() && back.next_at.unwrap() < until);
    let past = one.created_at - Duration::from_secs(1);
    assert_eq!(
        code(pause(control, owner, one.id, Some(past)).await),
        "in_the_past"
    );
    set_enabled(control, owner, two.id, false).await.unwrap();
    assert_eq!(
        code(pause(control, owner, two.id, Some(until)).await),
        "schedule_disabled"
    );
    // All or none.
    let until = until + Duration::from_secs(60);
    assert_eq!(
        code(pause_many(control, owner, &[one.id, two.id], Some(until)).await),
        "schedule_disabled"
    );
    assert_eq!(get(control, owner, one.id).await.unwrap().paused_until, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_is_archived_after_its_run() {
    let fixture = Fixture::new().await;
    let at = chrono::Utc::now() + Duration::from_secs(3600);
    let made = fixture.schedule(draft("once", Trigger::Once { at })).await;
    fixture
        .sql(
            "update schedules set next_at = date_trunc('second', now()), triggers = \
             jsonb_build_array(jsonb_build_object('type', 'once', 'at', date_trunc('second', now())))",
        )
        .await;
    tick(&fixture.control).await.unwrap();
    let listed = async |archived| {
        let query = ScheduleQuery {
            archived,
            ..ScheduleQuery::default()
        };
        list(&fixture.control, &fixture.owner, query).await.unwrap().total
    };
    assert_eq!(
        (listed(false).await, listed(true).await),
        (1, 0),
        "its run is open"
    );
    fixture.work().await;
    assert_eq!((listed(false).await, listed(true).await), (0, 1));
    assert!(
        get(&fixture.control, &fixture.owner, made.id)
            .await
            .unwrap()
            .archived
    );
    // A new time brings it back.
    let at = chrono::Utc::now() + Duration::from_secs(3600);
    update(
        &fixture.control,
        &fixture.owner,
        made.id,
        draft("once", Trigger::Once { at }),
    )
    .await
    .unwrap();
    assert_eq!((listed(false).await, listed(true).await), (1, 0));
}
