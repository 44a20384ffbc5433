//! Engines that go away and come back, and engines that never answer.

use super::api::{SOON, container, container_id, database, ended, on, seen, text, try_get, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{
    engines::{FaultProxy, HungEngine, RunOptions, TestEngine},
    server::TestServer,
};

/// Anything below is no waiting for an engine that hangs, even on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(8);

async fn host(server: &TestServer, name: &str, status: &str) -> Value {
    until(&format!("{name} is {status}"), SOON, async || {
        let hosts = try_get(server, "/api/v1/hosts").await?;
        let host = hosts["items"]
            .as_array()?
            .iter()
            .find(|host| host["name"] == name)?;
        (host["status"] == status).then(|| host.clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_stop_or_hang_are_told_and_hold_up_nobody() {
    tokio::join!(stopped_and_started(), never_answering());
}

/// Shown as it was last seen, and followed again by itself.
async fn stopped_and_started() {
    let mut engine = TestEngine::start().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::counted(false)).await;
    let database = database().await;
    let server = TestServer::start(on(database.url(), &engine)).await.unwrap();
    let id = text(&seen(&server, &web, "running").await["id"]);

    engine.stop_engine().await;
    let local = host(&server, "local", "offline").await;
    assert!(text(&local["error"]).ends_with('.'), "{local:#}");
    assert!(
        local["last_seen"].is_string() && local["containers"] == 1,
        "{local:#}"
    );
    let last = container(&server, &web).await;
    assert_eq!(
        (&last["stale"], &last["id"]),
        (&json!(true), &json!(id)),
        "{last:#}"
    );
    let refused = server
        .post(&format!("/api/v1/containers/{id}/start?wait=30s"), json!({}))
        .await;
    assert_eq!(refused.status, 202, "{refused:?}");
    let run = &refused.json()["run"];
    assert_eq!(run["status"], "failed", "{run:#}");
    assert!(text(&run["message"]).contains("not running"), "{run:#}");

    engine.start_engine().await;
    host(&server, "local", "online").await;
    let back = seen(&server, &web, "exited").await;
    assert_eq!(
        (&back["stale"], &back["id"]),
        (&json!(false), &json!(id)),
        "{back:#}"
    );
    let started = server
        .post(&format!("/api/v1/containers/{id}/start?wait=30s"), json!({}))
        .await
        .json();
    assert_eq!(started["run"]["status"], "succeeded", "{started:#}");
    assert_eq!(
        (engine.state(&web).await.as_str(), engine.starts(&web, 2).await),
        ("running", 2)
    );
    // The watcher hears again.
    engine.api().act(&web, "pause").await;
    seen(&server, &web, "paused").await;
}

/// One that hangs in the middle and one that never said a word, beside a good one.
async fn never_answering() {
    let (good, sick) = tokio::join!(TestEngine::shared(), TestEngine::start());
    let mut wire = FaultProxy::start(sick.socket()).await;
    let mute = HungEngine::start().await;
    let (web, frozen) = (good.name("web"), sick.name("frozen"));
    good.run_container(&web, RunOptions::counted(false)).await;
    sick.run_container(&frozen, RunOptions::counted(false)).await;
    let database = database().await;
    let server = TestServer::start(on(database.url(), &good)).await.unwrap();
    for (name, url) in [("sick", wire.docker_host()), ("mute", mute.docker_host())] {
        let added = server
            .post("/api/v1/hosts", json!({"name": name, "url": url}))
            .await;
        assert_eq!(added.status, 201, "{added:?}");
    }
    let (web_id, frozen_id) = (
        container_id(&server, &web).await,
        container_id(&server, &frozen).await,
    );

    wire.hang();
    let asked = server
        .post(
            &format!("/api/v1/containers/{frozen_id}/restart?grace=1s"),
            json!({}),
        )
        .await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let hung = text(&asked.json()["run"]["id"]);
    // Meanwhile: pages and actions on the good one, and the server is well.
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let begun = Instant::now();
        assert_eq!(container(&server, &web).await["state"], "running");
        assert_eq!(server.get("/api/v1/hosts").await.status, 200);
        let done = server
            .post(
                &format!("/api/v1/containers/{web_id}/restart?grace=1s&wait=30s"),
                json!({}),
            )
            .await
            .json();
        assert_eq!(done["run"]["status"], "succeeded", "{done:#}");
        assert_eq!(server.get("/health/ready").await.status, 200);
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < AT_ONCE, "{slowest:?}");
    assert_eq!(good.starts(&web, 6).await, 6);

    let run = ended(&server, &hung, Duration::from_secs(60)).await;
    assert_eq!(run["status"], "failed", "{run:#}");
    let target = &run["steps"][0]["targets"][0];
    assert_eq!(target["status"], "timed_out", "{run:#}");
    assert!(
        text(&target["message"]).contains("did not answer within"),
        "{run:#}"
    );
    let silent = host(&server, "mute", "offline").await;
    assert!(
        text(&silent["error"]).contains("did not answer within"),
        "{silent:#}"
    );

    wire.resume().await;
    let sick_id = text(&host(&server, "sick", "offline").await["id"]);
    server
        .post(&format!("/api/v1/hosts/{sick_id}/retry"), json!({}))
        .await;
    host(&server, "sick", "online").await;
    assert_eq!(
        sick.starts(&frozen, 1).await,
        1,
        "what failed was not done behind our back"
    );
}
