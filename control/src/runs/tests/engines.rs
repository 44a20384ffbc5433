//! Runs on a real engine: what is done, what is refused, and what is found out after an interruption.

use super::{direct, noop};
use crate::{
    Control, ControlOptions,
    containers::{self, ContainerQuery},
    hosts,
    pages::ListQuery,
    runs::{RunQuery, cancel, execute, lease, list, log},
    testing::{Fixture, work_on},
};
use domain::{
    actions::Action,
    durations::HumanDuration,
    hosts::HostDraft,
    ids::{ContainerId, RunId},
    runs::{Run, RunState, TargetState},
    schedules::Step,
};
use std::time::Duration;
use testkit::engines::{RunOptions, TestEngine};

pub(super) fn step(verb: &str, target: &str) -> Step {
    Step::new(Action::from_verb(verb).unwrap(), target)
}

fn seconds(seconds: u64) -> Option<HumanDuration> {
    Some(HumanDuration::from_secs(seconds).unwrap())
}

impl Fixture {
    /// A server that watches the engine as the host "local".
    pub(super) async fn with(engine: &TestEngine) -> Self {
        let fixture = Self::new().await;
        fixture.control.start().await.unwrap();
        let local = HostDraft::new("local", engine.docker_host());
        hosts::create(&fixture.control, &fixture.owner, local)
            .await
            .unwrap();
        fixture
    }

    pub(super) async fn see(&self, name: &str) -> ContainerId {
        see(&self.control, &self.owner, name).await
    }

    async fn done(&self, steps: Vec<Step>) -> Run {
        let id = direct(self, &self.owner, steps).await;
        self.work().await;
        self.run(id).await
    }
}

pub(super) async fn see(control: &Control, actor: &domain::auth::Actor, name: &str) -> ContainerId {
    for _ in 0..200 {
        let query = ContainerQuery {
            query: format!("name:{name}"),
            limit: 10,
            ..ContainerQuery::default()
        };
        if let Some(found) = containers::list(control, actor, query)
            .await
            .unwrap()
            .items
            .first()
        {
            return found.id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{name} was never seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_does_what_it_says() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::with(&engine).await;
    fixture.see(&web).await;
    let before = engine.started_at(&web).await;
    let target = format!("host:local name:{web}");
    let bound = fixture.control.fleet().host_names(fixture.owner.org_id)[0].id;
    let target = target.replace("host:local", &format!("host:@{bound}"));

    let run = fixture.done(vec![step("restart", &target)]).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    assert_eq!((run.summary.targets, run.summary.succeeded), (1, 1));
    assert_eq!(run.steps[0].target, format!("host:local name:{web}"));
    assert_ne!(engine.started_at(&web).await, before);
    let page = log(
        &fixture.control,
        &fixture.owner,
        run.summary.id,
        ListQuery::default(),
    )
    .await
    .unwrap();
    let text: Vec<_> = page.items.iter().map(|line| line.text.as_str()).collect();
    assert!(text[0].contains("1 container found"), "{text:?}");
    assert!(
        text.iter().any(|line| line.starts_with("Restarted in")),
        "{text:?}"
    );
    // It is found by the container that it worked on.
    let own = run.steps[0].targets[0].container_id.unwrap();
    for (container, total) in [(own, 1), (ContainerId::new(), 0)] {
        let query = RunQuery {
            container: Some(container),
            ..RunQuery::default()
        };
        let page = list(&fixture.control, &fixture.owner, query).await.unwrap();
        assert_eq!((page.total, page.items.len()), (total, total as usize));
        assert!(page.items.iter().all(|found| found.id == run.summary.id));
    }

    for (verb, state, again) in [
        ("pause", "paused", "It was paused already."),
        ("unpause", "running", "It was running already."),
        ("stop", "exited", "It was stopped already."),
        ("start", "running", "It was running already."),
    ] {
        let run = fixture.done(vec![step(verb, &target)]).await;
        assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
        assert_eq!(engine.state(&web).await, state);
        let run = fixture.done(vec![step(verb, &target)]).await;
        assert_eq!(run.steps[0].targets[0].message.as_deref(), Some(again), "{verb}");
    }

    // The same name is the same target, whatever the engine calls it now.
    engine.remove(&web).await;
    engine.run_container(&web, RunOptions::default()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    fixture.see(&web).await;
    let run = fixture.done(vec![step("restart", &target), noop()]).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");

    // What the engine refuses comes in its own words.
    fixture.done(vec![step("stop", &target)]).await;
    let run = fixture.done(vec![step("pause", &target)]).await;
    assert_eq!(run.summary.status, RunState::Failed);
    assert!(
        run.steps[0].targets[0]
            .message
            .as_deref()
            .unwrap()
            .contains("is not running"),
        "{run:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_lets_the_engine_finish_and_begins_nothing_more() {
    let engine = TestEngine::shared().await;
    let name = engine.name("slow");
    for n in 0..6 {
        engine
            .run_container(&format!("{name}-{n}"), RunOptions::stubborn())
            .await;
    }
    let fixture = Fixture::with(&engine).await;
    fixture.see(&format!("{name}-5")).await;
    let stop = Step {
        action: Action::Stop { grace: seconds(2) },
        ..step("stop", &format!("name:{name}-*"))
    };
    let id = direct(&fixture, &fixture.owner, vec![stop, noop()]).await;
    let cancelled = async {
        // Four of them are being stopped, two wait for the host.
        tokio::time::sleep(Duration::from_millis(900)).await;
        cancel(&fixture.control, &fixture.owner, id).await.unwrap();
    };
    tokio::join!(fixture.work(), cancelled);
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Cancelled, "{run:#?}");
    let ended = |state| {
        run.steps[0]
            .targets
            .iter()
            .filter(|target| target.status == state)
            .count()
    };
    assert_eq!(
        (ended(TargetState::Succeeded), ended(TargetState::Cancelled)),
        (4, 2)
    );
    assert_eq!(run.steps[1].status, TargetState::Cancelled);
}

/// Leaves a run as an executor that died between storing its intent and its result.
async fn interrupted(fixture: &Fixture, engine: &TestEngine, name: &str, verb: &str, ago: &str) -> RunId {
    let id = direct(
        fixture,
        &fixture.owner,
        vec![step(verb, &format!("name:{name}")), noop()],
    )
    .await;
    let container = fixture.see(name).await;
    let seen = engine.api().inspect(name).await;
    let host = fixture.control.fleet().host_names(fixture.owner.org_id)[0].id;
    lease::claim(&fixture.another(), id).await.unwrap().unwrap();
    fixture
        .sql(&format!(
            "with step as (insert into run_steps (run_id, step, name, action, target, state, started_at) \
               values ('{id}', 0, 'x', '{{\"type\":\"{verb}\"}}', 'name:{name}', 'running', now())), \
             target as (insert into run_targets (run_id, step, ordinal, host_id, host_name, container_id, container_name, \
               state, started_at, intent_engine_id, intent_started_at, intent_state) \
               values ('{id}', 0, 0, '{host}', 'local', '{container}', '{name}', 'running', now() - interval '{ago}', \
                 '{}', '{}', '{}')) \
             update runs set targets = 1, lease_until = now() - interval '1 second' where id = '{id}'",
            seen["Id"].as_str().unwrap(),
            seen["State"]["StartedAt"].as_str().unwrap(),
            seen["State"]["Status"].as_str().unwrap(),
        ))
        .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_action_is_looked_up_and_never_done_twice() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::with(&engine).await;

    // The engine had done it.
    let id = interrupted(&fixture, &engine, &web, "restart", "1 second").await;
    engine.api().act(&web, "restart").await;
    let done_at = engine.started_at(&web).await;
    execute(&fixture.control, id).await.unwrap();
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    assert_eq!(
        engine.started_at(&web).await,
        done_at,
        "it was not restarted again"
    );
    assert!(
        run.steps[0].targets[0]
            .message
            .as_deref()
            .unwrap()
            .contains("interrupted")
    );

    // The engine had not, and has had its time.
    let id = interrupted(&fixture, &engine, &web, "restart", "1 minute").await;
    execute(&fixture.control, id).await.unwrap();
    assert_eq!(fixture.run(id).await.summary.status, RunState::Succeeded);
    assert_ne!(engine.started_at(&web).await, done_at, "it was restarted now");

    // Another container under the same name: nobody can know.
    let id = interrupted(&fixture, &engine, &web, "stop", "1 second").await;
    engine.remove(&web).await;
    engine.run_container(&web, RunOptions::default()).await;
    execute(&fixture.control, id).await.unwrap();
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Unknown, "{run:#?}");
    assert_eq!(run.steps[1].status, TargetState::Skipped);
    assert_eq!(engine.state(&web).await, "running", "the new one was left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn chrontainer_does_not_take_itself_away() {
    let engine = TestEngine::shared().await;
    let (own, other) = (engine.name("a-own"), engine.name("b-other"));
    let own_id = engine.run_container(&own, RunOptions::default()).await;
    engine.run_container(&other, RunOptions::default()).await;
    let fixture = Fixture::with(&engine).await;
    fixture.see(&own).await;
    let control = fixture.like(ControlOptions {
        own_container: Some(own_id),
        ..ControlOptions::default()
    });
    control.start().await.unwrap();
    see(&control, &fixture.owner, &other).await;
    see(&control, &fixture.owner, &own).await;

    let both = format!("name:{}-*", engine.prefix());
    let id = direct(&fixture, &fixture.owner, vec![step("stop", &both)]).await;
    work_on(&control).await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Partial, "{run:#?}");
    assert_eq!(
        (engine.state(&own).await, engine.state(&other).await),
        ("running".to_owned(), "exited".to_owned())
    );

    let id = direct(&fixture, &fixture.owner, vec![step("restart", &both)]).await;
    work_on(&control).await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    let at = |name: &str| {
        let target = run.steps[0]
            .targets
            .iter()
            .find(|target| target.container == name)
            .unwrap();
        (target.started_at, target.finished_at)
    };
    assert!(at(&own).0 > at(&other).1, "its own restart comes last");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_gone_fails_the_target_with_its_sentence() {
    let mut engine = TestEngine::start().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::with(&engine).await;
    fixture.see(&web).await;
    engine.stop_engine().await;
    let run = fixture.done(vec![step("restart", &format!("name:{web}"))]).await;
    assert_eq!(run.summary.status, RunState::Failed, "{run:#?}");
    let message = run.steps[0].targets[0].message.clone().unwrap();
    assert!(message.contains("not running"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_conditions_answer_who_comes_first_and_what_would_hold_it() {
    let engine = TestEngine::shared().await;
    let project = engine.name("shop");
    let service = |name: &str, needs: &str| {
        let labels = [
            ("com.docker.compose.project", project.as_str()),
            ("com.docker.compose.service", name),
            ("com.docker.compose.depends_on", needs),
        ];
        RunOptions {
            labels: labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..RunOptions::default()
        }
    };
    let (api, db) = (engine.name("a-api"), engine.name("z-db"));
    engine
        .run_container(&api, service("api", "db:service_started:false"))
        .await;
    engine.run_container(&db, service("db", "")).await;
    let fixture = Fixture::with(&engine).await;
    for name in [&api, &db] {
        fixture.see(name).await;
    }
    let draft = |conditions: serde_json::Value| -> domain::schedules::ScheduleDraft {
        serde_json::from_value(serde_json::json!({
            "name": "try", "enabled": false,
            "triggers": [{ "type": "interval", "every": "1h" }],
            "steps": [
                { "action": { "type": "start" }, "target": format!("stack:{project}"), "order": "dependency" },
                { "action": { "type": "stop" }, "target": format!("stack:{project}"), "order": "serial", "when": "failure" },
            ],
            "conditions": conditions,
        }))
        .unwrap()
    };
    let (control, owner) = (&fixture.control, &fixture.owner);
    let conditions = serde_json::json!([{ "if": "running" }, { "selector": format!("name:{db}") }]);
    let dry = crate::schedules::dry_run_draft(control, owner, draft(conditions), None)
        .await
        .unwrap();
    assert_eq!(dry.held.len(), 1, "{:?}", dry.held);
    assert_eq!(dry.held[0].kind, domain::dry_run::DryHoldKind::Off);
    let order: Vec<_> = dry.steps[0]
        .targets
        .iter()
        .map(|target| (target.container.as_str(), target.turn, target.outcome))
        .collect();
    use domain::dry_run::DryOutcome;
    assert_eq!(
        order,
        [
            (db.as_str(), 1, DryOutcome::Already),
            (api.as_str(), 2, DryOutcome::Skip)
        ]
    );
    let left = &dry.steps[0].targets[1];
    let answers: Vec<_> = left
        .conditions
        .iter()
        .map(|one| (one.condition.as_str(), one.holds))
        .collect();
    assert_eq!(
        answers,
        [
            ("is running", Some(true)),
            (format!("is picked by name:{db}").as_str(), Some(false))
        ]
    );
    assert!(
        left.reason
            .as_deref()
            .unwrap()
            .starts_with("Skipped: it acts only on what"),
        "{left:?}"
    );
    assert!(dry.steps[1].not_begun.is_some() && dry.steps[1].max_parallel == 1);
    assert_eq!(dry.steps[1].targets[1].turn, 2);

    // A saved one: its open run is in the way.
    let saved = domain::schedules::ScheduleDraft {
        enabled: true,
        ..draft(serde_json::json!([]))
    };
    let made = crate::schedules::create(control, owner, saved.clone())
        .await
        .unwrap();
    assert_eq!(
        crate::schedules::dry_run(control, owner, made.id)
            .await
            .unwrap()
            .held,
        []
    );
    crate::schedules::run_now(control, owner, made.id).await.unwrap();
    let dry = crate::schedules::dry_run_draft(control, owner, saved, Some(made.id))
        .await
        .unwrap();
    assert_eq!(
        dry.held[0].kind,
        domain::dry_run::DryHoldKind::Overlap,
        "{:?}",
        dry.held
    );
    assert_eq!(dry.usual_ms, None);
    fixture.work().await;
    let dry = crate::schedules::dry_run(control, owner, made.id).await.unwrap();
    assert!(dry.held.is_empty() && dry.usual_ms.is_some(), "{dry:?}");
}
