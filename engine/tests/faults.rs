//! Every way an engine fails is a sentence within its time, never a hang.

use engine::{Engine, EngineError, Options};
use futures::StreamExt;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use testkit::engines::{FaultProxy, HungEngine, Rubbish, RubbishEngine, RunOptions, TestEngine};

fn connect(url: &str) -> Engine {
    Engine::connect(
        &url.parse().expect("an address"),
        Options::deadline(Duration::from_secs(1)),
    )
}

async fn fails<T: std::fmt::Debug>(
    work: impl Future<Output = Result<T, EngineError>>,
    code: &str,
) -> EngineError {
    let start = Instant::now();
    let error = work.await.expect_err("it cannot succeed");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}: {error}",
        start.elapsed()
    );
    assert_eq!(error.code(), code, "{error}");
    assert!(
        !error.to_string().contains("Error {") && error.to_string().ends_with(['.', '}']),
        "{error}"
    );
    error
}

#[tokio::test]
async fn an_engine_that_never_answers_times_out() {
    let hung = HungEngine::start().await;
    let engine = connect(&hung.docker_host());
    fails(engine.ping(), "engine_timeout").await;
    fails(engine.list(), "engine_timeout").await;
    fails(engine.facts(), "engine_timeout").await;
    let error = fails(engine.start("web"), "engine_timeout").await;
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_engine_that_hangs_in_the_middle_leaves_the_outcome_unknown() {
    let test = TestEngine::shared().await;
    let name = test.name("web");
    test.run_container(&name, RunOptions::default()).await;
    let mut proxy = FaultProxy::start(test.socket()).await;
    let engine = connect(&proxy.docker_host());
    engine.ping().await.expect("a ping");
    proxy.hang();
    let error = fails(engine.restart(&name, Some(Duration::ZERO)), "engine_timeout").await;
    assert!(error.outcome_unknown());
    assert!(error.to_string().contains("restart the container"), "{error}");
    proxy.resume().await;
    engine.ping().await.expect("a ping again");
    proxy.cut();
    let error = engine.start(&name).await.expect_err("the wire is cut");
    assert!(
        matches!(error.code(), "engine_gone" | "engine_unreachable"),
        "{error}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_slow_engine_is_waited_for_within_the_deadline() {
    let test = TestEngine::shared().await;
    let proxy = FaultProxy::start_tcp(test.socket()).await;
    let engine = connect(&proxy.docker_host());
    proxy.delay(Duration::from_millis(300));
    engine.ping().await.expect("a slow ping is a ping");
    proxy.delay(Duration::from_millis(1500));
    fails(engine.list(), "engine_timeout").await;
}

#[tokio::test]
async fn nothing_there_is_said_with_what_to_do() {
    let error = fails(
        connect("unix:///nowhere/docker.sock").ping(),
        "engine_unreachable",
    )
    .await;
    assert!(
        error
            .to_string()
            .contains("There is no socket at /nowhere/docker.sock"),
        "{error}"
    );
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    let error = fails(connect(&format!("tcp://{free}")).ping(), "engine_unreachable").await;
    assert!(error.to_string().contains("refused the connection"), "{error}");
    let error = fails(
        connect("tcp://no-such-host.invalid:2375").ping(),
        "engine_unreachable",
    )
    .await;
    assert!(error.to_string().contains("has no address"), "{error}");
    let test = TestEngine::shared().await;
    let mut proxy = FaultProxy::start(test.socket()).await;
    proxy.refuse().await;
    let error = fails(connect(&proxy.docker_host()).ping(), "engine_unreachable").await;
    assert!(error.to_string().contains("the engine is not running"), "{error}");
    assert!(!error.outcome_unknown());
}

#[tokio::test]
async fn what_is_no_engine_is_told_as_such() {
    for rubbish in [Rubbish::NotHttp, Rubbish::Html, Rubbish::Html404] {
        let server = RubbishEngine::start(rubbish).await;
        let engine = connect(&server.docker_host());
        let error = fails(engine.ping(), "engine_protocol").await;
        assert!(
            error.to_string().contains("not a Docker or Podman engine"),
            "{rubbish:?}: {error}"
        );
        fails(engine.list(), "engine_protocol").await;
    }
    let old = RubbishEngine::start(Rubbish::TooOld).await;
    let error = fails(connect(&old.docker_host()).list(), "engine_too_old").await;
    assert!(error.to_string().contains("API 1.24"), "{error}");
}

#[tokio::test]
async fn broken_and_endless_answers_end() {
    let broken = RubbishEngine::start(Rubbish::BrokenJson).await;
    fails(connect(&broken.docker_host()).list(), "engine_protocol").await;
    let half = RubbishEngine::start(Rubbish::HalfAnswer).await;
    fails(connect(&half.docker_host()).list(), "engine_timeout").await;
    let endless = RubbishEngine::start(Rubbish::Endless).await;
    let url = endless.docker_host().parse().expect("an address");
    let error = Engine::connect(&url, Options::default())
        .list()
        .await
        .expect_err("there is no end");
    assert_eq!(error.code(), "engine_answer_too_large");
    assert!(error.to_string().contains("64 MiB"), "{error}");
}

#[tokio::test]
async fn rubbish_events_are_skipped_and_counted() {
    let server = RubbishEngine::start(Rubbish::Events).await;
    let mut events = connect(&server.docker_host())
        .events(None)
        .await
        .expect("a stream");
    let event = tokio::time::timeout(Duration::from_secs(5), events.next())
        .await
        .expect("in time");
    assert_eq!(event.expect("an event").expect("a sound one").engine_id, "good");
    assert_eq!(events.rubbish(), 5);
}

#[tokio::test]
async fn the_stream_of_events_ends_with_the_engine() {
    let test = TestEngine::shared().await;
    let proxy = FaultProxy::start(test.socket()).await;
    let mut events = connect(&proxy.docker_host())
        .events(None)
        .await
        .expect("a stream");
    proxy.cut();
    loop {
        match events.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break assert_eq!(error.code(), "engine_gone"),
            None => panic!("it ends with a reason"),
        }
    }
    assert!(events.next().await.is_none());
}
