//! Runs on a real database: who executes them, who may, and what stays.

mod actions;
mod engines;
mod hosts;
mod life_cycle;
mod requests;
mod rights;

use super::lease::{self, Halt, Note, RENEW};
use super::*;
use crate::{Error, pages::ListQuery, testing::Fixture};
use diesel_async::AsyncConnection;
use domain::{
    actions::Action,
    auth::{Actor, Role},
    errors::ErrorClass,
    ids::RunId,
    runs::{RunPlan, RunState, RunTrigger, TargetState},
    schedules::Step,
};
use std::time::Duration;

fn noop() -> Step {
    Step::new(Action::Noop, "")
}

fn restart(target: &str) -> Step {
    Step::new(Action::from_verb("restart").unwrap(), target)
}

async fn direct(fixture: &Fixture, actor: &Actor, steps: Vec<Step>) -> RunId {
    start_direct(
        &fixture.control,
        actor,
        "Try".to_owned(),
        RunPlan::of(steps),
        None,
    )
    .await
    .unwrap()
    .id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_queued_to_its_end_and_keeps_its_steps_and_log() {
    let fixture = Fixture::new().await;
    let id = direct(&fixture, &fixture.owner, vec![noop(), noop()]).await;
    let queued = fixture.run(id).await;
    assert_eq!(queued.summary.status, RunState::Queued);
    assert_eq!(
        queued.summary.trigger,
        RunTrigger::Direct {
            by: "olga".to_owned()
        }
    );
    assert!(
        queued
            .steps
            .iter()
            .all(|step| step.status == TargetState::Pending)
    );

    fixture.work().await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Succeeded);
    assert!(run.summary.started_at >= Some(run.summary.queued_at));
    assert!(run.summary.finished_at >= run.summary.started_at);
    assert!(run.steps.iter().all(|step| step.status == TargetState::Succeeded));
    assert_eq!(run.steps[0].name, "Do nothing");
    let page = log(&fixture.control, &fixture.owner, id, ListQuery::default())
        .await
        .unwrap();
    assert_eq!(
        (page.total, page.items.len(), page.items[1].step),
        (2, 2, Some(1))
    );
    assert_eq!(fixture.text("select count(*) from apalis.jobs").await, "0");
    assert_eq!(
        fixture
            .text("select count(*) from events where kind = 'run'")
            .await,
        "2"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_servers_executes_a_run() {
    let fixture = Fixture::new().await;
    let other = fixture.another();
    for _ in 0..20 {
        let id = direct(&fixture, &fixture.owner, vec![noop(), restart("name:gone")]).await;
        let (one, two) = tokio::join!(execute(&fixture.control, id), execute(&other, id));
        one.unwrap();
        two.unwrap();
        assert_eq!(fixture.run(id).await.summary.status, RunState::Partial);
        assert_eq!(
            fixture
                .text(&format!("select epoch from runs where id = '{id}'"))
                .await,
            "1"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_that_lost_its_run_writes_nothing_more() {
    let fixture = Fixture::new().await;
    let other = fixture.another();
    let id = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    let first = lease::claim(&fixture.control, id).await.unwrap().unwrap();
    let lease = fixture.control.runs().leases.hold(&fixture.control, &first);
    lease
        .fenced(Note::default(), RENEW, "", |query| query)
        .await
        .unwrap();
    assert!(
        lease::claim(&other, id).await.unwrap().is_none(),
        "the lease is still good"
    );

    fixture
        .sql("update runs set lease_until = now() - interval '1 second'")
        .await;
    let second = lease::claim(&other, id).await.unwrap().unwrap();
    assert_eq!((first.epoch, second.epoch), (1, 2));
    let before = fixture.text("select row(r) from runs r").await;
    let lost = lease
        .fenced(
            Note {
                targets: 5,
                is_news: true,
                ..Note::default()
            },
            RENEW,
            "",
            |query| query,
        )
        .await
        .unwrap_err();
    assert!(matches!(lost, Error::LeaseLost(run) if run == id), "{lost}");
    assert_eq!(lease.halt(), Some(Halt::Lost));
    assert_eq!(fixture.text("select row(r) from runs r").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_puts_back_what_nobody_executes() {
    let fixture = Fixture::new().await;
    let lost_job = direct(&fixture, &fixture.owner, vec![noop()]).await;
    let dead = direct(&fixture, &fixture.owner, vec![noop()]).await;
    let alive = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    lease::claim(&fixture.another(), dead).await.unwrap().unwrap();
    lease::claim(&fixture.another(), alive).await.unwrap().unwrap();
    fixture
        .sql(&format!(
            "with gone as (delete from apalis.jobs), \
             old as (update runs set queued_at = now() - interval '1 minute' where id = '{lost_job}') \
             update runs set lease_until = now() - interval '1 second' where id = '{dead}'"
        ))
        .await;
    let next = sweep::once(&fixture.control).await.unwrap();
    assert!(next <= fixture.control.options().lease / 2);
    assert_eq!(
        fixture
            .text("select count(*) from apalis.jobs where status = 'Pending'")
            .await,
        "2"
    );
    // Again: nothing is put back twice.
    sweep::once(&fixture.control).await.unwrap();
    assert_eq!(fixture.text("select count(*) from apalis.jobs").await, "2");
    fixture.work().await;
    for id in [lost_job, dead] {
        assert_eq!(fixture.run(id).await.summary.status, RunState::Succeeded);
    }
    assert_eq!(fixture.run(alive).await.summary.status, RunState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_server_left_goes_on_at_once_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (dead, alive) = (fixture.another(), fixture.another());
    let begun = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    let taken = direct(&fixture, &fixture.owner, vec![noop()]).await;
    let other = direct(&fixture, &fixture.owner, vec![noop()]).await;
    lease::claim(&dead, begun).await.unwrap().unwrap();
    lease::claim(&alive, other).await.unwrap().unwrap();
    for (run, server) in [(begun, &dead), (taken, &dead), (other, &alive)] {
        let (job, worker) = (job_id(run), format!("runs-{}-0", server.server_id()));
        let lock = format!(
            "update apalis.jobs set status = 'Running', lock_by = '{worker}', lock_at = now() where id = '{job}'"
        );
        fixture
            .sql(&format!(
                "insert into apalis.workers (id, worker_type, storage_name) values ('{worker}', 'runs', 'test') \
                 on conflict do nothing"
            ))
            .await;
        assert_eq!(fixture.sql(&lock).await, 1);
    }
    assert_eq!(take_over(&fixture.control, dead.server_id()).await.unwrap(), 1);
    let pending = "select string_agg(status, ' ' order by id) from apalis.jobs";
    assert_eq!(fixture.text(pending).await, "Pending Pending Running");
    let again = lease::claim(&fixture.control, begun).await.unwrap().unwrap();
    assert!(again.is_continued() && again.was_handed_over);
    assert!(lease::claim(&fixture.control, other).await.unwrap().is_none());
    fixture.work().await;
    assert_eq!(fixture.run(taken).await.summary.status, RunState::Succeeded);
    // Twice changes nothing: the run has an owner that lives.
    assert_eq!(take_over(&fixture.control, dead.server_id()).await.unwrap(), 0);
    assert!(lease::claim(&alive, begun).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_what_waits_and_stops_what_runs() {
    let fixture = Fixture::new().await;
    let waiting = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    let run = cancel(&fixture.control, &fixture.owner, waiting).await.unwrap();
    assert_eq!(run.status, RunState::Cancelled);
    assert!(run.message.unwrap().contains("olga"));
    assert_eq!(fixture.run(waiting).await.steps[0].status, TargetState::Cancelled);
    let again = cancel(&fixture.control, &fixture.owner, waiting)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(
        (again.code.as_str(), again.class),
        ("run_ended", ErrorClass::Conflict)
    );

    // Its executor died; the next one finds the wish.
    let running = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    let claimed = lease::claim(&fixture.control, running).await.unwrap().unwrap();
    let lease = fixture.control.runs().leases.hold(&fixture.control, &claimed);
    let run = cancel(&fixture.control, &fixture.owner, running).await.unwrap();
    assert_eq!(run.status, RunState::Cancelling);
    assert_eq!(
        lease.halt(),
        Some(Halt::Cancelled),
        "this process is told at once"
    );
    fixture
        .sql("update runs set lease_until = now() - interval '1 second' where state = 'cancelling'")
        .await;
    execute(&fixture.another(), running).await.unwrap();
    let run = fixture.run(running).await;
    assert_eq!(run.summary.status, RunState::Cancelled);
    assert_eq!(run.summary.message.as_deref(), Some("Cancelled by olga."));

    let viewer = fixture.person("vera", Role::Viewer).await;
    let refused = cancel(&fixture.control, &viewer, running)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(refused.code, "forbidden");
    let elsewhere = Actor {
        org_id: domain::ids::OrgId::new(),
        ..fixture.owner.clone()
    };
    let unseen = cancel(&fixture.control, &elsewhere, running)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(unseen.code, "run_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_the_step_fails_and_later_ones_are_not_begun() {
    let fixture = Fixture::new().await;
    let id = direct(
        &fixture,
        &fixture.owner,
        vec![noop(), restart("name:web"), noop()],
    )
    .await;
    fixture.work().await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Partial);
    let states: Vec<_> = run.steps.iter().map(|step| step.status).collect();
    assert_eq!(
        states,
        [TargetState::Succeeded, TargetState::Failed, TargetState::Skipped]
    );
    assert!(
        run.summary
            .message
            .unwrap()
            .contains("No container matches name:web")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_what_its_person_may_do_now() {
    let fixture = Fixture::new().await;
    let operator = fixture.person("otto", Role::Operator).await;
    let user = operator.user_id.unwrap();
    for (change, words) in [
        (
            format!("update memberships set role = 'viewer' where user_id = '{user}'"),
            "only viewer now",
        ),
        (
            format!("update users set disabled_at = now() where id = '{user}'"),
            "no account here any more",
        ),
    ] {
        for steps in [vec![restart("name:web")], vec![noop(), restart("name:web")]] {
            fixture
                .sql(&format!(
                    "update memberships set role = 'operator' where user_id = '{user}'"
                ))
                .await;
            let id = direct(&fixture, &operator, steps).await;
            fixture.sql(&change).await;
            fixture.work().await;
            let message = fixture.run(id).await.summary.message.unwrap();
            assert!(message.contains(words), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_rolled_back_leaves_no_job() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.control.db().conn().await.unwrap();
    let new = NewRun {
        org: fixture.owner.org_id,
        schedule: None,
        title: "Never".to_owned(),
        trigger: RunTrigger::Schedule,
        plan: RunPlan::of(vec![noop()]),
        acts_for: None,
        scheduled_for: None,
        priority: 0,
    };
    let rolled_back = conn
        .transaction(async |conn| {
            start(conn, &new).await?;
            Err::<(), _>(Error::Internal("changed my mind".to_owned()))
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!(
        fixture
            .text("select (select count(*) from apalis.jobs) + (select count(*) from runs)")
            .await,
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_gives_its_runs_back() {
    let fixture = Fixture::new().await;
    let id = direct(&fixture, &fixture.owner, vec![restart("name:web")]).await;
    let server = fixture.another();
    let claimed = lease::claim(&server, id).await.unwrap().unwrap();
    let lease = server.runs().leases.hold(&server, &claimed);
    drain(&server, Duration::from_millis(50)).await;
    assert_eq!(lease.halt(), Some(Halt::Draining));
    fixture.work().await;
    assert_eq!(fixture.run(id).await.summary.status, RunState::Failed);
}
