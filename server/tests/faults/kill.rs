//! `kill -9` of the server in the middle of runs.

use super::{
    api::{
        SOON, by_hand, container_id, create, database, ended, every_second, is_open, on, restart, run, runs,
        text, try_post, until,
    },
    fires::{self, Fired, exactly_once},
};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{
    engines::{RunOptions, TestEngine},
    server::TestServer,
};

pub const KILL_AT: &str = "CHRONTAINER_TEST_KILL_AT";

/// With the lease that people have, all is ended within this time of a restart.
pub const PROMISE: Duration = Duration::from_secs(30);

/// At once, since each waits for leases most of its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_and_does_nothing_twice() {
    tokio::join!(
        at_every_point_of_a_run(),
        in_the_middle_of_commands_and_containers(),
        while_it_decides(),
        at_random_instants()
    );
}

/// One run whose executor dies at every point of its way, one after the other.
async fn at_every_point_of_a_run() {
    let engine = TestEngine::shared().await;
    let database = database().await;
    let names = [engine.name("first"), engine.name("second")];
    for name in &names {
        engine.run_container(name, RunOptions::counted(false)).await;
    }
    let options = on(database.url(), &engine).env("CHRONTAINER_RUN_LEASE", "2s");
    let mut server = TestServer::start(options.env(KILL_AT, "claimed")).await.unwrap();
    let steps = json!([restart(&names[0], "1s"), restart(&names[1], "1s")]);
    let schedule = text(&create(&server, by_hand("both", steps)).await["id"]);
    let _lost = try_post(&server, &format!("/api/v1/schedules/{schedule}/run")).await;
    server.ended(SOON).await.unwrap();

    for point in ["resolved", "intent", "acted", "recorded", "finish", "finished"] {
        server.set_env(KILL_AT, Some(point));
        // It may die before it listens.
        if server.start_again().await.is_ok() {
            server.ended(SOON).await.unwrap();
        }
        assert!(
            server.log().contains(&format!("point=\"{point}\"")),
            "{}",
            server.log()
        );
    }
    server.set_env(KILL_AT, None);
    server.start_again().await.unwrap();
    let made = runs(&server, &format!("&schedule={schedule}")).await;
    assert_eq!(made.len(), 1, "{made:#?}");
    let run = ended(&server, &text(&made[0]["id"]), SOON).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let first = &run["steps"][0]["targets"][0];
    assert!(
        text(&first["message"]).contains("found so after the run was interrupted"),
        "{run:#}"
    );
    for name in &names {
        assert_eq!(engine.starts(name, 2).await, 2, "{name} was restarted once");
    }
}

/// A command and a container of its own, whose executor dies at every point: each is done once, or said to be unknown.
async fn in_the_middle_of_commands_and_containers() {
    let engine = TestEngine::shared().await;
    let database = database().await;
    let web = engine.name("exec");
    engine.run_container(&web, RunOptions::default()).await;
    let options = on(database.url(), &engine).env("CHRONTAINER_RUN_LEASE", "2s");
    let mut server = TestServer::start(options).await.unwrap();
    container_id(&server, &web).await;
    let command = json!({"action": {"type": "exec", "command": ["sh", "-c", "echo x >> /tmp/done; sleep 1"]},
        "target": format!("name:{web}")});
    let image = "localhost/chrontainer-test/busybox:1";
    let once = json!({"action": {"type": "run", "image": image, "command": ["sh", "-c", "echo hello; sleep 1; exit 3"],
        "network": "none"}, "target": format!("name:{web}")});
    for (step, point) in [
        (&command, "exec_intent"),
        (&command, "exec_started"),
        (&command, "exec_read"),
        (&once, "run_intent"),
        (&once, "run_created"),
        (&once, "run_started"),
        (&once, "run_read"),
    ] {
        let schedule = text(&create(&server, by_hand(point, json!([step]))).await["id"]);
        server.kill9();
        server.set_env(KILL_AT, Some(point));
        server.start_again().await.unwrap();
        container_id(&server, &web).await;
        let _lost = try_post(&server, &format!("/api/v1/schedules/{schedule}/run")).await;
        server.ended(SOON).await.unwrap();
        server.set_env(KILL_AT, None);
        server.start_again().await.unwrap();
        let made = runs(&server, &format!("&schedule={schedule}")).await;
        assert_eq!(made.len(), 1, "{point}: {made:#?}");
        let run = ended(&server, &text(&made[0]["id"]), SOON).await;
        let target = &run["steps"][0]["targets"][0];
        let expected = if step == &command {
            ("succeeded", 0)
        } else {
            ("failed", 3)
        };
        assert_eq!(
            (
                target["status"].as_str().unwrap(),
                target["exit_code"].as_i64().unwrap()
            ),
            expected,
            "{point}: {run:#}"
        );
        // No container of the run is left.
        let name = format!("chrontainer-{}", text(&run["id"]));
        let is_left = |one: &Value| text(&one["name"]).starts_with(&name);
        until("the run's container is gone", SOON, async || {
            let list = server.get("/api/v1/containers?limit=500").await.json();
            (!list["items"].as_array()?.iter().any(is_left)).then_some(())
        })
        .await;
    }
    // Three times begun, three times done.
    let count = json!({"action": {"type": "exec", "command": ["sh", "-c", "grep -c x /tmp/done"]}, "target": format!("name:{web}")});
    let schedule = text(&create(&server, by_hand("count", json!([count]))).await["id"]);
    let answer = try_post(&server, &format!("/api/v1/schedules/{schedule}/run"))
        .await
        .unwrap();
    let id = text(&answer.json()["run"]["id"]);
    ended(&server, &id, SOON).await;
    let log = server.get(&format!("/api/v1/runs/{id}/log")).await.json();
    assert!(
        log["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["level"] == "stdout" && line["text"] == "3"),
        "{log:#}"
    );
}

/// Before and after the commit that decides.
async fn while_it_decides() {
    let database = database().await;
    let options = testkit::server::TestServerOptions::on(&database);
    let mut server = TestServer::start(options.env(KILL_AT, "fired:2")).await.unwrap();
    let schedules = [create(&server, every_second("always")).await];
    server.ended(SOON).await.unwrap();
    for point in ["fires_committed:2", "fired"] {
        server.set_env(KILL_AT, Some(point));
        if server.start_again().await.is_ok() {
            server.ended(SOON).await.unwrap();
        }
    }
    server.set_env(KILL_AT, None);
    server.start_again().await.unwrap();
    let client = database.client().await.unwrap();
    let to = fires::now(&client).await;
    exactly_once(&client, &schedules, &to, Fired::OrMissed).await;
}

/// What is asked for in one round, each on a container of its own.
const ROUND: [(&str, &str); 6] = [
    ("restart", "?grace=1s"),
    ("restart", "?grace=1s"),
    ("restart", "?grace=2s"),
    ("stop", "?grace=1s"),
    ("stop", "?grace=1s"),
    ("pause", ""),
];
const ROUNDS: usize = 4;

/// Again and again, with the lease that people have.
async fn at_random_instants() {
    let engine = TestEngine::shared().await;
    let database = database().await;
    let name = |round: usize, n: usize| engine.name(&format!("r{round}-{n}"));
    let all: Vec<(usize, usize)> = (0..ROUNDS)
        .flat_map(|round| (0..ROUND.len()).map(move |n| (round, n)))
        .collect();
    for few in all.chunks(6) {
        join_all(few.iter().map(|(round, n)| {
            // Every other one ignores SIGTERM, so that the engine is busy for the whole grace time.
            let (name, options) = (name(*round, *n), RunOptions::counted(n % 2 == 1));
            let engine = &engine;
            async move { engine.run_container(&name, options).await }
        }))
        .await;
    }
    let mut server = TestServer::start(on(database.url(), &engine)).await.unwrap();
    let mut ids = Vec::new();
    for (round, n) in &all {
        ids.push(container_id(&server, &name(*round, *n)).await);
    }

    let mut instants = Vec::new();
    for round in 0..ROUNDS {
        let instant = Duration::from_millis(rand::random_range(0..1500));
        instants.push(instant);
        container_id(&server, &name(round, 0)).await;
        let asked = join_all(ROUND.iter().enumerate().map(|(n, (verb, query))| {
            let id = &ids[round * ROUND.len() + n];
            let (server, path) = (&server, format!("/api/v1/containers/{id}/{verb}{query}"));
            async move { try_post(server, &path).await }
        }));
        // What the server does not come to answer is dropped with it.
        let _answers = tokio::time::timeout(instant, asked).await;
        server.kill9();
        server.start_again().await.unwrap();
    }

    let started = Instant::now();
    let list = until("every run has ended", PROMISE, async || {
        let list = runs(&server, "").await;
        (!list.iter().any(is_open)).then_some(list)
    })
    .await;
    let took = started.elapsed();
    assert!(
        !list.is_empty(),
        "killed after {instants:?}, nothing was even begun"
    );
    for summary in list {
        let run = run(&server, &text(&summary["id"])).await;
        honest(
            &engine,
            &run,
            &format!("killed after {instants:?}, ended {took:?} after the last start"),
        )
        .await;
    }
    // Those that no run was made for are as they were.
    for (round, n) in &all {
        assert!(engine.starts(&name(*round, *n), 1).await <= 2, "{instants:?}");
    }
}

/// Compares what a run says with what the container went through.
pub async fn honest(engine: &TestEngine, run: &Value, context: &str) {
    for step in run["steps"].as_array().unwrap() {
        for target in step["targets"].as_array().unwrap() {
            let name = text(&target["container"]);
            let (status, action) = (text(&target["status"]), text(&step["action"]["type"]));
            let expected = if action == "restart" && status == "succeeded" {
                2
            } else {
                1
            };
            let (state, starts) = (engine.state(&name).await, engine.starts(&name, expected).await);
            let context = format!("{name} is {state}, started {starts} times; {context}; {run:#}");
            match (action.as_str(), status.as_str()) {
                ("restart", "succeeded") => assert!(state == "running" && starts == 2, "{context}"),
                ("restart", "unknown") => assert!(starts <= 2, "{context}"),
                ("stop", "succeeded") => assert!(state == "exited" && starts == 1, "{context}"),
                ("pause", "succeeded") => assert!(state == "paused" && starts == 1, "{context}"),
                ("stop" | "pause", "unknown") => assert_eq!(starts, 1, "{context}"),
                _ => panic!("{status} is no end that a kill explains: {context}"),
            }
        }
    }
    let succeeded = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .all(|step| step["status"] == "succeeded");
    assert_eq!(run["status"] == "succeeded", succeeded, "{run:#}");
}
