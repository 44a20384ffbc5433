//! What each kind of step does on a real engine, and how chains go on.

use super::{direct, engines::see, noop};
use crate::{
    hosts,
    pages::ListQuery,
    runs::{log, rerun, retry},
    secrets,
    testing::Fixture,
};
use domain::{
    hosts::HostDraft,
    ids::RunId,
    runs::{Run, RunPlan, RunState, RunTrigger, TargetState},
    schedules::Step,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::engines::{RunOptions, TestEngine};

const IMAGE: &str = "localhost/chrontainer-test/busybox:1";

fn step(value: Value) -> Step {
    serde_json::from_value(value).unwrap()
}

fn shell(target: &str, script: &str) -> Value {
    json!({ "action": { "type": "exec", "command": ["sh", "-c", script] }, "target": target })
}

async fn fixture(engine: &TestEngine) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.control.start().await.unwrap();
    let local = HostDraft::new("local", engine.docker_host());
    hosts::create(&fixture.control, &fixture.owner, local)
        .await
        .unwrap();
    fixture
}

async fn done(fixture: &Fixture, steps: &[Value]) -> Run {
    let steps = steps.iter().cloned().map(step).collect();
    let id = direct(fixture, &fixture.owner, steps).await;
    fixture.work().await;
    fixture.run(id).await
}

async fn planned(fixture: &Fixture, plan: Value) -> RunId {
    let plan: RunPlan = serde_json::from_value(plan).unwrap();
    super::start_direct(&fixture.control, &fixture.owner, "Try".to_owned(), plan, None)
        .await
        .unwrap()
        .id
}

async fn lines(fixture: &Fixture, run: &Run, level: &str) -> Vec<String> {
    let page = ListQuery {
        limit: Some(500),
        cursor: None,
    };
    let page = log(&fixture.control, &fixture.owner, run.summary.id, page)
        .await
        .unwrap();
    let lines = page.items.into_iter().filter(|line| line.level == level);
    lines.map(|line| line.text).collect()
}

fn states(run: &Run) -> Vec<TargetState> {
    run.steps.iter().map(|step| step.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_with_its_output_exit_code_and_variables() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = fixture(&engine).await;
    see(&fixture.control, &fixture.owner, &web).await;
    let value = SecretString::from("s3cret-value");
    secrets::put(&fixture.control, &fixture.owner, "token", &value)
        .await
        .unwrap();
    let target = format!("name:{web}");

    let mut first = shell(
        &target,
        "echo out; echo err >&2; printf 'a\\377b\\n'; echo $TOKEN; pwd",
    );
    first["action"]["env"] = json!({ "TOKEN": "{{ secret('token') }}" });
    first["action"]["workdir"] = json!("/tmp");
    let second = shell(
        &target,
        "echo '{{ target.name }}@{{ host.name }} {{ previous.status }}'; echo '{{ previous.output }}' | grep -c out",
    );
    let third = shell(&target, "echo bye; exit 3");
    let run = done(
        &fixture,
        &[first, second, third, json!({"action":{"type":"noop"}})],
    )
    .await;
    assert_eq!(run.summary.status, RunState::Partial, "{run:#?}");
    use TargetState::{Failed, Skipped, Succeeded};
    assert_eq!(states(&run), [Succeeded, Succeeded, Failed, Skipped]);
    assert_eq!(
        lines(&fixture, &run, "stdout").await,
        [
            "out",
            "a\\xffb",
            "***",
            "/tmp",
            &format!("{web}@local succeeded"),
            "1",
            "bye"
        ]
    );
    assert_eq!(lines(&fixture, &run, "stderr").await, ["err"]);
    let failed = &run.steps[2].targets[0];
    assert_eq!(failed.exit_code, Some(3));
    assert!(
        failed.message.as_deref().unwrap().contains("exit code 3"),
        "{failed:?}"
    );
    // The secret is nowhere in what is kept.
    let kept =
        "select count(*) from run_targets where encode(coalesce(output, ''), 'escape') like '%s3cret%'";
    assert_eq!(fixture.text(kept).await, "0");

    let unknown = done(&fixture, &[shell(&target, "echo {{ secret('gone') }}")]).await;
    assert_eq!(unknown.summary.status, RunState::Failed);
    assert!(
        unknown
            .summary
            .message
            .unwrap()
            .contains("no secret with the name gone")
    );
    let missing = done(&fixture, &[shell(&target, "echo {{ trigger.payload.tag }}")]).await;
    assert!(missing.summary.message.unwrap().contains("no value"));
}

#[tokio::test(flavor = "multi_thread")]
async fn much_output_costs_little_and_keeps_both_ends() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = fixture(&engine).await;
    see(&fixture.control, &fixture.owner, &web).await;
    // About 7 MB.
    let run = done(&fixture, &[shell(&format!("name:{web}"), "seq 1 1000000")]).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    let size = fixture
        .text(&format!(
            "select sum(size) from run_logs where run_id = '{}'",
            run.summary.id
        ))
        .await;
    assert!(size.parse::<u64>().unwrap() < 20_000_000, "{size}");
    let id = run.summary.id;
    let last = fixture
        .text(&format!(
            "select convert_from(output, 'UTF8') from run_targets where run_id = '{id}'"
        ))
        .await;
    assert!(last.ends_with("\n1000000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_once_and_is_removed() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = fixture(&engine).await;
    see(&fixture.control, &fixture.owner, &web).await;
    let once = |script: &str| {
        json!({ "action": { "type": "run", "image": IMAGE, "command": ["sh", "-c", script], "env": { "A": "b" },
            "network": "none", "limits": { "memory": "64m" } }, "target": "host:local" })
    };
    let mut both = vec![once("echo $A; echo oops >&2"), once("exit 7")];
    for step in &mut both {
        step["target"] = json!(format!("name:{web}"));
    }
    let run = done(&fixture, &both).await;
    assert_eq!(
        states(&run),
        [TargetState::Succeeded, TargetState::Failed],
        "{run:#?}"
    );
    assert_eq!(lines(&fixture, &run, "stdout").await, ["b"]);
    assert_eq!(lines(&fixture, &run, "stderr").await, ["oops"]);
    assert_eq!(run.steps[1].targets[0].exit_code, Some(7));
    assert_eq!(run.steps[0].targets[0].container_id, None);

    // A time limit ends it and takes it away.
    let mut slow = once("echo begun; sleep 60");
    slow["target"] = json!(format!("name:{web}"));
    slow["timeout"] = json!("2s");
    let begun = Instant::now();
    let late = done(&fixture, &[slow]).await;
    assert!(begun.elapsed() < Duration::from_secs(40));
    assert_eq!(states(&late), [TargetState::TimedOut], "{late:#?}");
    assert!(
        late.summary.message.clone().unwrap().contains("may take 2s"),
        "{late:#?}"
    );
    assert_eq!(lines(&fixture, &late, "stdout").await, ["begun"]);
    for id in [run.summary.id, late.summary.id] {
        let client =
            engine::Engine::connect(&engine.docker_host().parse().unwrap(), engine::Options::default());
        let left = client.list().await.unwrap();
        assert!(!left.iter().any(|one| one.name.contains(&id.to_string())), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_and_only_that() {
    let engine = TestEngine::shared().await;
    let (a, b) = (engine.name("x-a"), engine.name("x-b"));
    for name in [&a, &b] {
        engine.run_container(name, RunOptions::default()).await;
    }
    let fixture = fixture(&engine).await;
    for name in [&a, &b] {
        see(&fixture.control, &fixture.owner, name).await;
    }
    let both = format!("name:{}-x-*", engine.prefix());
    // It fails twice in one container, and each container counts its attempts.
    let script = format!(
        "echo x >> /tmp/tries; case {{{{ target.name }}}} in {a}) test $(grep -c x /tmp/tries) -ge 3;; esac"
    );
    let mut step = shell(&both, &script);
    step["retry"] = json!({ "attempts": 3, "backoff": "fixed", "initial": "100ms" });
    let run = done(&fixture, &[step]).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    let tries = done(&fixture, &[shell(&both, "grep -c x /tmp/tries")]).await;
    let mut counts = lines(&fixture, &tries, "stdout").await;
    counts.sort();
    assert_eq!(counts, ["1", "3"]);
    let attempts: Vec<u32> = run.steps[0].targets.iter().map(|target| target.attempt).collect();
    assert_eq!(attempts, [3, 1]);
    assert_eq!(run.steps[0].targets[0].attempts, 3);

    // A person tries again what is left: the step before is not done again.
    let steps = [
        shell(&both, "echo y >> /tmp/first"),
        shell(
            &both,
            &format!("test {{{{ target.name }}}} = {b} || test -e /tmp/good"),
        ),
        json!({ "action": { "type": "noop" } }),
    ];
    let run = done(&fixture, &steps).await;
    assert_eq!(run.summary.status, RunState::Partial);
    done(&fixture, &[shell(&both, "touch /tmp/good")]).await;
    let again = retry(&fixture.control, &fixture.owner, run.summary.id)
        .await
        .unwrap();
    assert!(matches!(again.trigger, RunTrigger::Retry { of, .. } if of == run.summary.id));
    fixture.work().await;
    let again = fixture.run(again.id).await;
    use TargetState::{Skipped, Succeeded};
    assert_eq!(states(&again), [Skipped, Succeeded, Succeeded], "{again:#?}");
    assert_eq!(again.steps[1].targets.len(), 1);
    let nothing = retry(&fixture.control, &fixture.owner, again.summary.id)
        .await
        .unwrap_err()
        .into_problem();
    assert_eq!(nothing.code, "nothing_to_retry");
    let whole = rerun(&fixture.control, &fixture.owner, run.summary.id)
        .await
        .unwrap();
    fixture.work().await;
    assert_eq!(
        states(&fixture.run(whole.id).await),
        [Succeeded, Succeeded, Succeeded]
    );
    let firsts = done(&fixture, &[shell(&format!("name:{a}"), "grep -c y /tmp/first")]).await;
    assert_eq!(lines(&fixture, &firsts, "stdout").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_orders_conditions_and_limits_hold() {
    let engine = TestEngine::shared().await;
    let name = |which: &str| engine.name(&format!("o-{which}"));
    let compose = |service: &str, needs: &str| {
        RunOptions::default()
            .label("com.docker.compose.project", engine.prefix())
            .label("com.docker.compose.service", service)
            .label("com.docker.compose.depends_on", needs)
    };
    engine
        .run_container(&name("a-web"), compose("web", "db:service_started:false"))
        .await;
    engine.run_container(&name("b-db"), compose("db", "")).await;
    engine.run_container(&name("c-job"), RunOptions::default()).await;
    let fixture = fixture(&engine).await;
    for which in ["a-web", "b-db", "c-job"] {
        see(&fixture.control, &fixture.owner, &name(which)).await;
    }
    let stack = format!("stack:{}", engine.prefix());
    let at = |run: &Run, step: usize, which: &str| {
        let target = run.steps[step]
            .targets
            .iter()
            .find(|target| target.container == name(which));
        let target = target.unwrap();
        (target.started_at.unwrap(), target.finished_at.unwrap())
    };
    // What others need starts first and stops last.
    let stop = json!({ "action": { "type": "stop", "grace": "0s" }, "target": stack, "order": "dependency" });
    let start = json!({ "action": { "type": "start" }, "target": stack, "order": "dependency" });
    let run = done(&fixture, &[stop, start]).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    assert!(at(&run, 0, "b-db").0 >= at(&run, 0, "a-web").1, "{run:#?}");
    assert!(at(&run, 1, "a-web").0 >= at(&run, 1, "b-db").1, "{run:#?}");

    // One by one, the first failure is the last; then the branch for failures.
    let all = format!("name:{}-o-*", engine.prefix());
    let fail = format!("test {{{{ target.name }}}} != {}", name("b-db"));
    let mut serial = shell(&all, &fail);
    serial["order"] = json!("serial");
    let mut never = json!({ "action": { "type": "noop" } });
    never["when"] = json!("success");
    let mut mend = shell(&format!("name:{}", name("c-job")), "echo {{ previous.status }}");
    mend["when"] = json!("failure");
    let always = json!({ "action": { "type": "noop" }, "when": "always" });
    let run = done(
        &fixture,
        &[serial.clone(), never.clone(), mend.clone(), always.clone()],
    )
    .await;
    use TargetState::{Failed, Skipped, Succeeded};
    assert_eq!(states(&run), [Failed, Skipped, Succeeded, Succeeded], "{run:#?}");
    let of_first: Vec<_> = run.steps[0].targets.iter().map(|target| target.status).collect();
    assert_eq!(of_first, [Succeeded, Failed, Skipped]);
    assert_eq!(lines(&fixture, &run, "stdout").await, ["failed"]);
    serial["on_failure"] = json!("continue");
    let run = done(&fixture, &[serial, never, always]).await;
    assert_eq!(states(&run), [Failed, Succeeded, Succeeded]);

    // Conditions are asked once, so that a chain does not stumble over its own doing.
    let paused = name("c-job");
    engine.api().act(&paused, "pause").await;
    let plan = json!({
        "steps": [
            { "action": { "type": "stop", "grace": "0s" }, "target": all },
            { "action": { "type": "start" }, "target": all },
        ],
        "guards": { "conditions": [{ "if": "running" }] },
    });
    let id = planned(&fixture, plan).await;
    fixture.work().await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    for step in &run.steps {
        let left = step
            .targets
            .iter()
            .find(|target| target.container == paused)
            .unwrap();
        assert_eq!(left.status, Skipped);
        assert!(
            left.message.as_deref().unwrap().contains("this one is paused"),
            "{left:?}"
        );
    }
    assert_eq!(engine.state(&paused).await, "paused");
    engine.api().act(&paused, "unpause").await;

    // The run's own time.
    let plan = json!({
        "steps": [{ "action": { "type": "wait", "time": "1h" } }, { "action": { "type": "noop" } }],
        "guards": { "timeout": "1s" },
    });
    let id = planned(&fixture, plan).await;
    fixture.work().await;
    let run = fixture.run(id).await;
    assert_eq!(run.summary.status, RunState::Failed, "{run:#?}");
    assert!(run.summary.message.unwrap().contains("1s"));

    // Nothing fits, and that is fine here.
    let plan = json!({ "steps": [{ "action": { "type": "start" }, "target": "name:nobody" }, step(json!({"action":{"type":"noop"}}))],
        "guards": { "on_no_targets": "skip" } });
    let id = planned(&fixture, plan).await;
    fixture.work().await;
    assert_eq!(states(&fixture.run(id).await), [Skipped, Succeeded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_are_killed_waited_for_and_removed() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine
        .run_container(&web, RunOptions::default().health("true"))
        .await;
    let fixture = fixture(&engine).await;
    see(&fixture.control, &fixture.owner, &web).await;
    let target = format!("name:{web}");
    let run = done(
        &fixture,
        &[
            json!({ "action": { "type": "wait", "until": "healthy", "timeout": "30s" }, "target": target }),
            json!({ "action": { "type": "kill" }, "target": target }),
            json!({ "action": { "type": "wait", "until": "exited", "timeout": "30s" }, "target": target }),
            json!({ "action": { "type": "remove" }, "target": target }),
        ],
    )
    .await;
    assert_eq!(run.summary.status, RunState::Succeeded, "{run:#?}");
    let client = engine::Engine::connect(&engine.docker_host().parse().unwrap(), engine::Options::default());
    assert_eq!(
        client.inspect(&web).await.unwrap_err().code(),
        "container_not_found"
    );
    let dry = done(
        &fixture,
        &[json!({ "action": { "type": "prune", "what": "containers", "dry": true }, "target": "*" })],
    )
    .await;
    assert_eq!(dry.summary.status, RunState::Succeeded, "{dry:#?}");
    let pull = json!({ "action": { "type": "pull", "image": "127.0.0.1:1/nothing:1" }, "target": "*" });
    let pull = done(&fixture, &[pull]).await;
    assert_eq!(pull.summary.status, RunState::Failed, "{pull:#?}");
    let closed = json!({ "action": { "type": "http", "url": "http://127.0.0.1:9/" }, "retry": { "attempts": 3, "initial": "1s" } });
    let closed = done(&fixture, &[closed]).await;
    assert!(closed.summary.message.unwrap().contains("CHRONTAINER_HTTP_ALLOW"));
    assert_eq!(
        closed.steps[0].targets[0].attempt, 1,
        "what is refused is not tried again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_cut_is_found_by_its_id() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = fixture(&engine).await;
    let container = see(&fixture.control, &fixture.owner, &web).await;
    let client = engine::Engine::connect(&engine.docker_host().parse().unwrap(), engine::Options::default());
    let host = fixture.control.fleet().host_names(fixture.owner.org_id)[0].id;
    for (script, started, state, code) in [
        ("sleep 1; exit 4", true, TargetState::Failed, Some(4)),
        ("echo now", false, TargetState::Succeeded, Some(0)),
    ] {
        let step = step(shell(&format!("name:{web}"), script));
        let id = direct(&fixture, &fixture.owner, vec![step, noop()]).await;
        let seen = client.inspect(&web).await.unwrap();
        let spec = engine::ExecSpec {
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            ..engine::ExecSpec::default()
        };
        let command = client.exec_create(&seen.engine_id, &spec).await.unwrap();
        if started {
            drop(client.exec_start(&command).await.unwrap());
        }
        super::lease::claim(&fixture.another(), id)
            .await
            .unwrap()
            .unwrap();
        fixture
            .sql(&format!(
                "with step as (insert into run_steps (run_id, step, name, action, target, state, started_at) \
                   values ('{id}', 0, 'x', '{{\"type\":\"noop\"}}', 'name:{web}', 'running', now())), \
                 target as (insert into run_targets (run_id, step, ordinal, host_id, host_name, container_id, container_name, \
                   state, started_at, intent_engine_id, intent_started_at, intent_state, intent_ref) \
                   values ('{id}', 0, 0, '{host}', 'local', '{container}', '{web}', 'running', now() - interval '10 seconds', \
                     '{}', '{}', 'running', '{command}')) \
                 update runs set targets = 1, lease_until = now() - interval '1 second' where id = '{id}'",
                seen.engine_id,
                seen.started_at_raw.clone().unwrap(),
            ))
            .await;
        super::execute(&fixture.control, id).await.unwrap();
        let run = fixture.run(id).await;
        let target = &run.steps[0].targets[0];
        assert_eq!((target.status, target.exit_code), (state, code), "{run:#?}");
    }
}
