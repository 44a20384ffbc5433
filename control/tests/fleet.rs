//! The fleet against a real engine and a real database.

#![allow(clippy::unwrap_used, reason = "a test may stop at any surprise")]

use control::{
    Control, ControlOptions,
    containers::{self, ContainerQuery},
    db::{ConnectSpec, Db},
    hosts,
    secrets::SealKey,
};
use domain::{
    auth::Actor,
    containers::{Container, ContainerState},
    events::Event,
    hosts::{HostDraft, HostStatus},
    ids::{HostId, OrgId},
};
use std::{path::Path, time::Duration};
use testkit::{
    engines::{FaultProxy, RunOptions, TestEngine},
    postgres::TestDatabase,
};

struct Fixture {
    control: Control,
    actor: Actor,
    database: TestDatabase,
}

async fn server(database: &TestDatabase) -> Control {
    let spec: ConnectSpec = database.url().parse().unwrap();
    let db = Db::new(spec, 6).unwrap();
    let control = Control::new(db, SealKey::random(), ControlOptions::default());
    control.start().await.unwrap();
    control
}

impl Fixture {
    async fn new() -> Self {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let database = TestDatabase::create(&migrations).await.unwrap();
        Self {
            control: server(&database).await,
            actor: Actor::system(OrgId::HOME),
            database,
        }
    }

    /// Another server on the same database, after this one has ended.
    async fn restart(&mut self) {
        self.control.stop().await;
        self.control = server(&self.database).await;
    }

    async fn add_host(&self, name: &str, url: &str) -> HostId {
        let new = HostDraft::new(name, url);
        hosts::create(&self.control, &self.actor, new).await.unwrap().id
    }

    async fn list(&self, query: &str) -> Vec<Container> {
        let query = ContainerQuery {
            query: query.into(),
            limit: 500,
            ..ContainerQuery::default()
        };
        containers::list(&self.control, &self.actor, query)
            .await
            .unwrap()
            .items
    }

    /// Waits until the list answers what is wanted.
    async fn until(&self, query: &str, wanted: impl Fn(&[Container]) -> bool) -> Vec<Container> {
        for _ in 0..200 {
            let found = self.list(query).await;
            if wanted(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{query} never came to what was expected; now: {:#?}",
            self.list(query).await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_keeps_its_identity_when_it_is_recreated_or_renamed() {
    let engine = TestEngine::shared().await;
    let web = engine.name("web");
    engine.run_container(&web, RunOptions::default()).await;
    let fixture = Fixture::new().await;
    fixture.add_host("local", &engine.docker_host()).await;
    let query = format!("name:{web}");
    let first = fixture.until(&query, |found| found.len() == 1).await.remove(0);
    assert_eq!(first.state, ContainerState::Running);
    assert_eq!(first.host.name, "local");

    engine.remove(&web).await;
    fixture.until(&query, <[Container]>::is_empty).await;
    let engine_id = engine.run_container(&web, RunOptions::default()).await;
    let again = fixture.until(&query, |found| found.len() == 1).await.remove(0);
    assert_eq!(
        again.id, first.id,
        "the same name on the same host is the same container"
    );
    assert_eq!(again.engine_id, engine_id);

    let renamed = engine.name("web-renamed");
    engine
        .api()
        .post(&format!("/containers/{web}/rename?name={renamed}"), None)
        .await;
    let after = fixture
        .until(&format!("name:{renamed}"), |found| found.len() == 1)
        .await
        .remove(0);
    assert_eq!(after.id, first.id, "a rename takes the identity along");
    assert!(fixture.list(&query).await.is_empty());
    engine.remove(&renamed).await;
    fixture.control.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_the_engine_reaches_the_streams_at_once() {
    let engine = TestEngine::shared().await;
    let name = engine.name("quick");
    engine.run_container(&name, RunOptions::default()).await;
    let fixture = Fixture::new().await;
    fixture.add_host("local", &engine.docker_host()).await;
    let container = fixture
        .until(&format!("name:{name}"), |found| found.len() == 1)
        .await
        .remove(0);
    let mut events = fixture.control.events().subscribe();

    engine.api().act(&name, "pause").await;
    let acted = std::time::Instant::now();
    let told = async {
        loop {
            if let Event::ContainerChanged { container: changed } = &events.recv().await.unwrap().event
                && changed.id == container.id
                && changed.state == ContainerState::Paused
            {
                return acted.elapsed();
            }
        }
    };
    let paused = tokio::time::timeout(Duration::from_secs(5), told)
        .await
        .expect("an event says that it is paused");
    // A bound for a loaded machine; the bench measures the real figure.
    assert!(paused < Duration::from_secs(2), "it took {paused:?}");
    engine.remove(&name).await;
    fixture.control.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_goes_away_keeps_its_lines_and_costs_the_others_nothing() {
    let engine = TestEngine::shared().await;
    let name = engine.name("steady");
    engine.run_container(&name, RunOptions::default()).await;
    let mut proxy = FaultProxy::start(engine.socket()).await;
    let fixture = Fixture::new().await;
    let flaky = fixture.add_host("flaky", &proxy.docker_host()).await;
    fixture.add_host("steady", &engine.docker_host()).await;
    fixture
        .until(&format!("name:{name}"), |found| found.len() == 2)
        .await;

    proxy.refuse().await;
    let on_flaky = format!("name:{name} host:flaky");
    let stale = fixture
        .until(&on_flaky, |found| found.len() == 1 && found[0].stale)
        .await
        .remove(0);
    assert_eq!(stale.state, ContainerState::Running, "what was last seen stays");
    let host = hosts::get(&fixture.control, &fixture.actor, flaky).await.unwrap();
    assert_eq!(host.status, HostStatus::Offline);
    assert!(
        host.error.is_some_and(|error| error.ends_with('.')),
        "the reason is a sentence"
    );
    assert!(!fixture.list(&format!("name:{name} host:steady")).await[0].stale);

    proxy.resume().await;
    hosts::retry(&fixture.control, &fixture.actor, flaky)
        .await
        .unwrap();
    fixture
        .until(&on_flaky, |found| found.len() == 1 && !found[0].stale)
        .await;
    engine.remove(&name).await;
    fixture.control.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_while_a_host_sleeps_shows_what_ran_there() {
    let engine = TestEngine::shared().await;
    let [name, removed] = [engine.name("asleep"), engine.name("removed")];
    for name in [&name, &removed] {
        engine.run_container(name, RunOptions::default()).await;
    }
    let mut proxy = FaultProxy::start(engine.socket()).await;
    let mut fixture = Fixture::new().await;
    let host = fixture.add_host("box", &proxy.docker_host()).await;
    let query = format!("name:{name} state:running");
    let mut before = fixture.until(&query, |found| found.len() == 1).await.remove(0);
    let gone = format!("name:{removed}");
    fixture.until(&gone, |found| found.len() == 1).await;
    engine.remove(&removed).await;
    fixture.until(&gone, <[Container]>::is_empty).await;

    proxy.refuse().await;
    fixture.restart().await;
    let after = fixture
        .until(&query, |found| found.len() == 1 && found[0].stale)
        .await
        .remove(0);
    // What only an inspect tells may have come since the first look, and is kept.
    (before.stale, before.started_at) = (true, after.started_at);
    assert_eq!(after, before);
    assert!(
        fixture.list(&gone).await.is_empty(),
        "what was removed does not come back"
    );
    let mut known = hosts::get(&fixture.control, &fixture.actor, host).await.unwrap();
    for _ in 0..200 {
        if known.status == HostStatus::Offline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        known = hosts::get(&fixture.control, &fixture.actor, host).await.unwrap();
    }
    assert!(known.error.is_some_and(|error| error.ends_with('.')));
    assert!(known.containers > 0 && known.engine.is_some() && known.last_seen.is_some());

    proxy.resume().await;
    hosts::retry(&fixture.control, &fixture.actor, host)
        .await
        .unwrap();
    let back = fixture
        .until(&query, |found| found.len() == 1 && !found[0].stale)
        .await;
    assert_eq!(back[0].id, before.id);
    engine.remove(&name).await;
    fixture.control.stop().await;
}
