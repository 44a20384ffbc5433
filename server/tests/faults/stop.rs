//! A server that is asked to stop while runs are open.

use super::api::{
    SOON, container_id, create, database, ended, every_second, is_open, on, run, text, try_get, until,
};
use std::time::{Duration, Instant};
use testkit::{
    engines::{RunOptions, TestEngine},
    server::{Answer, TestServer, TestServerOptions},
};

/// Docker gives a container 10 s to stop.
const DOCKERS: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_in_time_and_loses_nothing() {
    tokio::join!(while_an_engine_works(), while_runs_are_made());
}

/// The run is still open when the server ends, and its next start ends it.
async fn while_an_engine_works() {
    let engine = TestEngine::shared().await;
    let name = engine.name("slow");
    engine.run_container(&name, RunOptions::counted(true)).await;
    let database = database().await;
    let mut server = TestServer::start(on(database.url(), &engine)).await.unwrap();
    let path = format!(
        "/api/v1/containers/{}/restart?grace=8s",
        container_id(&server, &name).await
    );
    let ask = |query: &str| {
        server
            .request(reqwest::Method::POST, &format!("{path}{query}"))
            .bearer_auth(&server.api_key)
            .header("idempotency-key", "once")
    };
    let id = text(&Answer::of(ask("")).await.json()["run"]["id"]);
    let waiting = ask("&wait=60s");
    let waiting = tokio::spawn(Answer::of(waiting));
    until("the engine was asked", SOON, async || {
        let run = run(&server, &id).await;
        (run["steps"][0]["targets"][0]["status"] == "running").then_some(())
    })
    .await;

    let begun = Instant::now();
    assert_eq!(server.stop().await.unwrap(), Some(0));
    assert!(begun.elapsed() < DOCKERS, "{:?}", begun.elapsed());
    let told = waiting.await.unwrap();
    assert!(told.status == 202 && is_open(&told.json()["run"]), "{told:?}");

    server.start_again().await.unwrap();
    let run = ended(&server, &id, SOON).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(engine.starts(&name, 2).await, 2, "restarted once");
}

/// Nothing of an ordinary stop looks like a fault in the log, Postgres' part of it included.
async fn while_runs_are_made() {
    let mut server = TestServer::start(TestServerOptions::private()).await.unwrap();
    for n in 0..20 {
        create(&server, every_second(&format!("busy {n}"))).await;
    }
    for _ in 0..3 {
        until("it works", SOON, async || {
            let done = try_get(&server, "/api/v1/runs?status=succeeded&limit=1").await?;
            done["items"].get(0).cloned()
        })
        .await;
        assert_eq!(server.stop().await.unwrap(), Some(0));
        let log = server.log();
        let bad: Vec<_> = log.lines().filter(|line| line.contains("ERROR")).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        server.start_again().await.unwrap();
    }
}
