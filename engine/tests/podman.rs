//! The same operations against a real Podman.

use domain::containers::ContainerState;
use engine::{Engine, EventAction, Options, Outcome, WatchEvent, WatchOptions, Watcher};
use std::time::Duration;
use testkit::engines::{RunOptions, TestEngine};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn podman_is_an_engine() {
    let test = TestEngine::podman().await;
    let engine = Engine::connect(
        &test.docker_host().parse().expect("an address"),
        Options::default(),
    );
    let facts = engine.facts().await.expect("facts");
    assert_eq!(facts.kind, "podman");
    assert_eq!(facts.engine_id, engine.facts().await.expect("facts").engine_id);

    let cancel = CancellationToken::new();
    let (watcher, mut told) = Watcher::start(engine.clone(), WatchOptions::default(), cancel.clone());
    loop {
        if let WatchEvent::Snapshot(all) = told.recv().await.expect("the watcher runs") {
            assert!(all.is_empty());
            break;
        }
    }
    let id = test
        .run_container(
            "web",
            RunOptions::default()
                .label("io.podman.compose.project", "shop")
                .created_only(),
        )
        .await;
    assert_eq!(engine.start("web").await, Ok(Outcome::Done));
    assert_eq!(engine.start("web").await, Ok(Outcome::AlreadySo));
    let first = engine.inspect("web").await.expect("it");
    assert_eq!(
        (first.state, first.stack()),
        (ContainerState::Running, Some("shop"))
    );
    assert_eq!(engine.pause("web").await, Ok(Outcome::Done));
    assert_eq!(engine.pause("web").await, Ok(Outcome::AlreadySo));
    assert_eq!(
        engine.list().await.expect("a list")[0].state,
        ContainerState::Paused
    );
    assert_eq!(engine.unpause("web").await, Ok(Outcome::Done));
    assert_eq!(
        engine.restart("web", Some(Duration::from_secs(1))).await,
        Ok(Outcome::Done)
    );
    let second = engine.inspect("web").await.expect("it");
    assert_ne!(first.started_at_raw, second.started_at_raw);
    assert_eq!(
        engine.stop("web", Some(Duration::from_secs(1))).await,
        Ok(Outcome::Done)
    );
    assert_eq!(engine.stop("web", None).await, Ok(Outcome::AlreadySo));
    assert_eq!(
        engine.inspect("web").await.expect("it").state,
        ContainerState::Exited
    );
    let missing = engine.start("nothing").await.expect_err("no such container");
    assert_eq!(missing.code(), "container_not_found");

    test.remove("web").await;
    let mut seen = Vec::new();
    loop {
        match told.recv().await.expect("the watcher runs") {
            WatchEvent::Happened(event) if event.engine_id == id => seen.push(event.action),
            WatchEvent::Removed { engine_id } if engine_id == id => break,
            _ => {}
        }
    }
    for action in [
        EventAction::Create,
        EventAction::Start,
        EventAction::Pause,
        EventAction::Die,
    ] {
        assert!(seen.contains(&action), "{action:?} is not in {seen:?}");
    }
    cancel.cancel();
    watcher.stopped().await;
}
