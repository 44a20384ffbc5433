//! The same containers' life on every engine, by every way: Docker 20.10, 26.1 and 28.5 and Podman, over a unix socket,
//! TLS and SSH.

use domain::containers::ContainerState;
use engine::{Engine, EventAction, Options, Outcome, SshSettings, TlsSettings, TransportSettings, diagnose};
use futures::StreamExt;
use std::time::Duration;
use testkit::engines::{
    ADMIN, Certificates, Generation, RunOptions, Sshd, SshdOptions, TestEngine, TlsFront,
};

#[tokio::test]
async fn docker_20() {
    docker(Generation::Docker20).await;
}

#[tokio::test]
async fn docker_26() {
    docker(Generation::Docker26).await;
}

#[tokio::test]
async fn docker_28() {
    docker(Generation::Docker28).await;
}

#[tokio::test]
async fn podman() {
    every_way(&TestEngine::podman().await, "podman", "4.0").await;
}

async fn docker(generation: Generation) {
    if let Some(test) = TestEngine::of_generation(generation).await {
        every_way(&test, "docker", generation.version()).await;
    }
}

async fn every_way(test: &TestEngine, kind: &str, version: &str) {
    let plain = TransportSettings::plain(test.docker_host().parse().expect("an address"));

    let authority = Certificates::make();
    let front = TlsFront::start(test.socket(), &authority, "server", Some(&authority)).await;
    let tls = TransportSettings {
        url: front.docker_host().parse().expect("an address"),
        tls: Some(TlsSettings {
            ca: authority.pem("ca"),
            cert: Some(authority.pem("client")),
            key: Some(authority.key("client").into()),
        }),
        ssh: None,
    };

    let sshd = Sshd::start(SshdOptions::default()).await;
    let ssh = TransportSettings {
        url: sshd
            .docker_host(ADMIN, &test.socket())
            .parse()
            .expect("an address"),
        tls: None,
        ssh: Some(SshSettings {
            private_key: Some(sshd.client_key().into()),
            host_keys: vec![sshd.fingerprint().parse().expect("a fingerprint")],
            ..SshSettings::default()
        }),
    };

    let ways = [("unix", plain), ("tls", tls), ("ssh", ssh)];
    let lives = ways.into_iter().map(|(way, settings)| async move {
        let context = format!("{kind} {version} by {way}");
        let engine = Engine::open(settings.clone(), Options::default()).expect(&context);
        let facts = engine.facts().await.expect(&context);
        assert_eq!(facts.kind, kind, "{context}");
        // Debian's releases move on: what is there now may be newer, never older.
        assert!(
            number(&facts.version) >= number(version),
            "{context}: {}",
            facts.version
        );
        assert!(
            !facts.storage_driver.is_empty() && !facts.cgroup_version.is_empty(),
            "{facts:?}"
        );
        one_life(test, &engine, way, &context).await;
        let steps: Vec<_> = diagnose(settings, Options::default()).collect().await;
        assert!(steps.iter().all(|step| step.ok), "{context}: {steps:?}");
    });
    futures::future::join_all(lives).await;

    // By itself: Podman's sum fails when a container is removed meanwhile.
    let url = test.docker_host().parse().expect("an address");
    let disk = Engine::connect(&url, Options::default()).disk_use().await;
    let disk = disk.expect("an account of the disk");
    assert!(
        disk.images.count > 0 && disk.images.bytes > 0,
        "{kind} {version}: {disk:?}"
    );
}

/// `28.5.2+dfsg4` as (28, 5).
fn number(version: &str) -> (u32, u32) {
    let mut parts = version
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

async fn one_life(test: &TestEngine, engine: &Engine, way: &str, context: &str) {
    let name = test.name(way);
    let grace = Some(Duration::from_secs(5));
    let mut events = engine.events(None).await.expect(context);
    let options = RunOptions::default()
        .label("com.docker.compose.project", "shop")
        .created_only();
    let id = test.run_container(&name, options).await;

    let created = engine.inspect(&name).await.expect(context);
    assert_eq!(
        (created.state, created.stack()),
        (ContainerState::Created, Some("shop")),
        "{context}"
    );
    assert_eq!(engine.start(&name).await, Ok(Outcome::Done), "{context}");
    assert_eq!(engine.start(&name).await, Ok(Outcome::AlreadySo), "{context}");
    let started = engine.inspect(&name).await.expect(context);
    assert_eq!(started.state, ContainerState::Running, "{context}");
    assert!(started.started_at_raw.is_some(), "{context}");

    let first = engine.stats(&name, None).await.expect(context);
    assert_eq!(first.cpu_percent, None, "{context}");
    assert!(first.pids.is_none_or(|pids| pids > 0), "{context}: {first:?}");
    tokio::time::sleep(Duration::from_millis(120)).await;
    let second = engine.stats(&name, Some(&first)).await.expect(context);
    if second.counters.cpu > 0 {
        assert!(
            second
                .cpu_percent
                .is_some_and(|percent| (0.0..=10_000.0).contains(&percent)),
            "{context}: {second:?}"
        );
    }
    assert!(
        second.memory_bytes != Some(0),
        "not measured is not 0: {second:?}"
    );

    assert_eq!(engine.pause(&name).await, Ok(Outcome::Done), "{context}");
    assert_eq!(engine.pause(&name).await, Ok(Outcome::AlreadySo), "{context}");
    assert_eq!(engine.unpause(&name).await, Ok(Outcome::Done), "{context}");
    assert_eq!(engine.restart(&name, grace).await, Ok(Outcome::Done), "{context}");
    let again = engine.inspect(&name).await.expect(context);
    assert_ne!(again.started_at_raw, started.started_at_raw, "{context}");
    assert_eq!(engine.stop(&name, grace).await, Ok(Outcome::Done), "{context}");
    assert_eq!(
        engine.stop(&name, grace).await,
        Ok(Outcome::AlreadySo),
        "{context}"
    );
    let listed = engine.list().await.expect(context);
    let listed = listed.iter().find(|one| one.engine_id == id).expect(context);
    assert_eq!(listed.state, ContainerState::Exited, "{context}");
    let error = engine.start("no-such-container").await.expect_err(context);
    assert_eq!(error.code(), "container_not_found", "{context}: {error}");
    let mut missing = vec![EventAction::Start, EventAction::Pause, EventAction::Die];
    while !missing.is_empty() {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        let event = event.expect(context).expect(context).expect(context);
        if event.engine_id == id {
            missing.retain(|action| *action != event.action);
        }
    }
    test.remove(&name).await;
}
