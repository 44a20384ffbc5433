//! The operations of one engine, against a real dockerd.

use domain::containers::{ContainerState, Health};
use engine::{Engine, EngineUrl, Options, Outcome};
use std::time::{Duration, Instant};
use testkit::engines::{RunOptions, TestEngine};

fn connect(test: &TestEngine) -> Engine {
    let url: EngineUrl = test.docker_host().parse().expect("an engine's address");
    Engine::connect(&url, Options::default())
}

#[tokio::test]
async fn facts_say_what_it_is() {
    let test = TestEngine::shared().await;
    let facts = connect(&test).facts().await.expect("facts");
    assert_eq!(facts.kind, "docker");
    assert!(!facts.engine_id.is_empty() && !facts.version.is_empty() && !facts.hostname.is_empty());
    assert!(facts.cpus > 0 && facts.memory_bytes > 0, "{facts:?}");
    assert_eq!(
        facts.engine_id,
        connect(&test).facts().await.expect("facts").engine_id
    );
}

#[tokio::test]
async fn a_list_and_an_inspect_agree() {
    let test = TestEngine::shared().await;
    let name = test.name("web");
    let options = RunOptions::default()
        .label("com.docker.compose.project", "shop")
        .health("echo all is well");
    let id = test.run_container(&name, options).await;
    let engine = connect(&test);

    let end = Instant::now() + Duration::from_secs(10);
    let facts = loop {
        let facts = engine.inspect(&name).await.expect("the container");
        if facts.health == Some(Health::Healthy) || Instant::now() > end {
            break facts;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (facts.health, facts.health_output.as_deref()),
        (Some(Health::Healthy), Some("all is well\n"))
    );
    assert_eq!(facts.started_at_raw, Some(test.started_at(&name).await));
    assert_eq!((facts.exit_code, facts.finished_at), (None, None));

    let listed = engine.list().await.expect("the list");
    let listed = listed
        .into_iter()
        .find(|one| one.engine_id == id)
        .expect("the container in the list");
    assert_eq!((&listed.name, listed.state), (&name, ContainerState::Running));
    assert_eq!(
        (listed.health, listed.stack()),
        (Some(Health::Healthy), Some("shop"))
    );
    assert_eq!((&listed.image, &listed.image_id), (&facts.image, &facts.image_id));
    assert_eq!(listed.labels, facts.labels);
    let (short, full) = (
        listed.created_at.expect("a time"),
        facts.created_at.expect("a time"),
    );
    assert_eq!(short.timestamp(), full.timestamp());
}

#[tokio::test]
async fn starting_and_stopping_tell_done_from_already_so() {
    let test = TestEngine::shared().await;
    let name = test.name("web");
    test.run_container(&name, RunOptions::default().created_only())
        .await;
    let engine = connect(&test);
    let grace = Some(Duration::from_secs(5));

    assert_eq!(engine.stop(&name, grace).await, Ok(Outcome::AlreadySo));
    assert_eq!(engine.start(&name).await, Ok(Outcome::Done));
    assert_eq!(engine.start(&name).await, Ok(Outcome::AlreadySo));
    let first = test.started_at(&name).await;
    assert_eq!(engine.restart(&name, None).await, Ok(Outcome::Done));
    assert_ne!(test.started_at(&name).await, first);
    assert_eq!(engine.pause(&name).await, Ok(Outcome::Done));
    assert_eq!(
        engine.inspect(&name).await.expect("it").state,
        ContainerState::Paused
    );
    assert_eq!(engine.pause(&name).await, Ok(Outcome::AlreadySo));
    assert_eq!(engine.unpause(&name).await, Ok(Outcome::Done));
    // dockerd believes what containerd told it last, which may still be on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(engine.unpause(&name).await, Ok(Outcome::AlreadySo));
    assert_eq!(engine.stop(&name, grace).await, Ok(Outcome::Done));
    let stopped = engine.inspect(&name).await.expect("it");
    assert_eq!(
        (stopped.state, stopped.exit_code),
        (ContainerState::Exited, Some(0))
    );
    assert!(stopped.finished_at.is_some());
    assert_eq!(engine.restart(&name, grace).await, Ok(Outcome::Done));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_engines_own_words() {
    let test = TestEngine::shared().await;
    let engine = connect(&test);
    let missing = engine
        .start(&test.name("nothing"))
        .await
        .expect_err("no such container");
    assert_eq!(missing.code(), "container_not_found");
    assert_eq!(
        missing.engine_message(),
        Some(format!("No such container: {}", test.name("nothing")).as_str())
    );

    let broken = test.name("broken");
    test.run_container(&broken, RunOptions::cmd(["/no/such/program"]).created_only())
        .await;
    let refused = engine.start(&broken).await.expect_err("it cannot start");
    assert_eq!(refused.code(), "engine_refused");
    assert!(refused.to_string().contains("/no/such/program"), "{refused}");
    assert!(!refused.outcome_unknown() && !refused.is_transient());

    let stopped = engine.pause(&broken).await.expect_err("it does not run");
    assert!(stopped.to_string().contains("is not running"), "{stopped}");
}

#[tokio::test]
async fn the_deadline_grows_with_the_grace_time() {
    let test = TestEngine::shared().await;
    let name = test.name("stubborn");
    test.run_container(
        &name,
        RunOptions {
            stop_timeout: Some(2),
            ..RunOptions::stubborn()
        },
    )
    .await;
    let url = test.docker_host().parse().expect("an address");
    let engine = Engine::connect(&url, Options::deadline(Duration::from_millis(1500)));

    let start = Instant::now();
    assert_eq!(
        engine.restart(&name, Some(Duration::from_millis(1800))).await,
        Ok(Outcome::Done)
    );
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "1.8 s of grace are 2 whole ones"
    );
    // Without a grace time it is the container's own: the deadline grows by that.
    assert_eq!(engine.stop(&name, None).await, Ok(Outcome::Done));
    assert_eq!(engine.inspect(&name).await.expect("it").exit_code, Some(137));
}

#[tokio::test]
async fn the_local_engine_is_found_where_it_answers() {
    let test = TestEngine::shared().await;
    let hung = testkit::engines::HungEngine::start().await;
    let urls = [
        "unix:///nowhere/docker.sock".to_owned(),
        hung.docker_host(),
        test.docker_host(),
    ];
    let urls: Vec<EngineUrl> = urls.iter().map(|url| url.parse().expect("an address")).collect();
    let start = Instant::now();
    assert_eq!(engine::local::first_of(urls.clone()).await, Ok(urls[2].clone()));
    assert!(start.elapsed() < Duration::from_secs(4));
    let errors = engine::local::first_of(urls[..2].to_vec())
        .await
        .expect_err("neither answers");
    let codes: Vec<_> = errors.iter().map(engine::EngineError::code).collect();
    assert_eq!(codes, ["engine_unreachable", "engine_timeout"]);
}

#[tokio::test]
async fn published_ports_are_the_same_in_list_and_inspect() {
    let test = TestEngine::start_bridged().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address")
        .port();
    let options = RunOptions {
        network: "bridge".to_owned(),
        ports: vec![(8080, free)],
        ..RunOptions::cmd(["httpd", "-f", "-p", "8080"])
    };
    test.run_container("web", options).await;
    let engine = connect(&test);
    let inspected = engine.inspect("web").await.expect("it").ports;
    assert_eq!(engine.list().await.expect("a list")[0].ports, inspected);
    let port = inspected.first().expect("a published port");
    assert_eq!(
        (port.public, port.private, port.protocol.as_str()),
        (free, 8080, "tcp")
    );
    // It really is the container that answers there.
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", free))
        .await
        .expect("the port is open");
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1."), "{answer}");
}
