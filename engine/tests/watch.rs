//! The watcher against real engines, and against their failures.

use domain::containers::{ContainerFacts, ContainerState, Health};
use engine::{Engine, EventAction, Options, StreamFault, WatchEvent, WatchOptions, Watcher};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::engines::{FaultProxy, HungEngine, Rubbish, RubbishEngine, RunOptions, TestEngine};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

/// A watcher and what it told so far.
struct Watched {
    watcher: Watcher,
    events: Receiver<WatchEvent>,
    cancel: CancellationToken,
    containers: HashMap<String, Arc<ContainerFacts>>,
}

impl Watched {
    fn start(url: &str) -> Self {
        Self::with(url, WatchOptions::default(), Options::default())
    }

    /// Pings and lists often, so that tests need not wait for it.
    fn brisk(url: &str) -> Self {
        let watch = WatchOptions {
            ping_every: Duration::from_millis(300),
            resync_every: Duration::from_secs(1),
            retry_longest: Duration::from_millis(500),
            ..WatchOptions::default()
        };
        Self::with(url, watch, Options::deadline(Duration::from_secs(1)))
    }

    fn with(url: &str, watch: WatchOptions, options: Options) -> Self {
        let engine = Engine::connect(&url.parse().expect("an address"), options);
        let cancel = CancellationToken::new();
        let (watcher, events) = Watcher::start(engine, watch, cancel.clone());
        Self {
            watcher,
            events,
            cancel,
            containers: HashMap::new(),
        }
    }

    async fn next(&mut self, patience: Duration) -> WatchEvent {
        let event = tokio::time::timeout(patience, self.events.recv()).await;
        let event = event
            .expect("the watcher tells something in time")
            .expect("the watcher runs");
        match &event {
            WatchEvent::Snapshot(all) => {
                self.containers = all
                    .iter()
                    .map(|one| (one.engine_id.clone(), one.clone()))
                    .collect();
            }
            WatchEvent::Changed(one) => {
                self.containers.insert(one.engine_id.clone(), one.clone());
            }
            WatchEvent::Removed { engine_id } => {
                self.containers.remove(engine_id);
            }
            _ => {}
        }
        event
    }

    /// Reads until the event is one that is looked for.
    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&WatchEvent) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not told within 20 s: {what}");
            if let Some(found) = pick(&self.next(left).await) {
                return found;
            }
        }
    }

    async fn online(&mut self) {
        self.until("online", |event| {
            matches!(event, WatchEvent::Online(_)).then_some(())
        })
        .await;
        self.until("snapshot", |event| {
            matches!(event, WatchEvent::Snapshot(_)).then_some(())
        })
        .await;
    }

    async fn offline(&mut self) -> (&'static str, String) {
        self.until("offline", |event| match event {
            WatchEvent::Offline { error, code, .. } => Some((*code, error.clone())),
            _ => None,
        })
        .await
    }

    /// Reads until the container is told to be so.
    async fn changed(&mut self, id: &str, so: impl Fn(&ContainerFacts) -> bool) -> Arc<ContainerFacts> {
        self.until("a changed container", |event| match event {
            WatchEvent::Changed(facts) if facts.engine_id == id && so(facts) => Some(facts.clone()),
            _ => None,
        })
        .await
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(Duration::from_secs(1), self.watcher.stopped())
            .await
            .expect("it stops at once");
    }
}

#[tokio::test]
async fn a_change_is_told_within_300_ms() {
    let test = TestEngine::shared().await;
    let name = test.name("web");
    let id = test.run_container(&name, RunOptions::default()).await;
    let mut watched = Watched::start(&test.docker_host());
    watched.online().await;
    assert_eq!(watched.containers[&id].state, ContainerState::Running);
    let details = watched.changed(&id, |facts| facts.started_at_raw.is_some()).await;
    assert_eq!(details.started_at_raw, Some(test.started_at(&name).await));

    for (verb, state) in [
        ("pause", "paused"),
        ("unpause", "running"),
        ("kill", "exited"),
        ("start", "running"),
    ] {
        // dockerd mixes up a pause and an unpause that follow at once (it waits for containerd to tell it).
        tokio::time::sleep(Duration::from_millis(200)).await;
        test.api().act(&name, verb).await;
        let done = Instant::now();
        watched
            .changed(&id, |facts| facts.state == ContainerState::from_engine(state))
            .await;
        assert!(
            done.elapsed() < Duration::from_millis(300),
            "{verb}: {:?}",
            done.elapsed()
        );
    }
    let exited = watched.containers[&id].clone();
    assert_eq!(
        (exited.exit_code, exited.started_at_raw.clone()),
        (None, Some(test.started_at(&name).await))
    );

    let renamed = test.name("renamed");
    test.api().act(&name, &format!("rename?name={renamed}")).await;
    let (old, new) = watched
        .until("renamed", |event| match event {
            WatchEvent::Renamed { engine_id, old, new } if *engine_id == id => {
                Some((old.clone(), new.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!((old, new), (name, renamed.clone()));
    watched.changed(&id, |facts| facts.name == renamed).await;

    test.remove(&renamed).await;
    watched
        .until("removed", |event| {
            matches!(event, WatchEvent::Removed { engine_id } if *engine_id == id).then_some(())
        })
        .await;
    watched.stop().await;
}

#[tokio::test]
async fn health_and_the_exit_code_are_told() {
    let test = TestEngine::shared().await;
    let mut watched = Watched::start(&test.docker_host());
    watched.online().await;
    let name = test.name("sick");
    let id = test
        .run_container(&name, RunOptions::default().health("echo no disk left; false"))
        .await;
    let sick = watched
        .changed(&id, |facts| facts.health == Some(Health::Unhealthy))
        .await;
    assert_eq!(sick.health_output.as_deref(), Some("no disk left\n"));
    let short = test
        .run_container(&test.name("short"), RunOptions::cmd(["sh", "-c", "exit 7"]))
        .await;
    let died = watched.until("die", |event| match event {
        WatchEvent::Happened(event) if event.engine_id == short && event.action == EventAction::Die => {
            event.exit_code()
        }
        _ => None,
    });
    assert_eq!(died.await, 7);
    watched.changed(&short, |facts| facts.exit_code == Some(7)).await;
    watched.stop().await;
}

#[tokio::test]
async fn an_engine_that_stops_and_starts_is_followed() {
    let mut test = TestEngine::start().await;
    let id = test
        .run_container(
            "web",
            RunOptions {
                restart: "always".into(),
                ..RunOptions::default()
            },
        )
        .await;
    let mut watched = Watched::start(&test.docker_host());
    watched.online().await;
    let before = watched
        .changed(&id, |facts| facts.started_at_raw.is_some())
        .await
        .started_at_raw
        .clone();

    test.stop_engine().await;
    let (code, error) = watched.offline().await;
    assert!(
        matches!(code, "engine_gone" | "engine_unreachable"),
        "{code}: {error}"
    );
    test.start_engine().await;
    watched.watcher.retry_now();
    watched.online().await;
    let after = watched
        .changed(&id, |facts| {
            facts.started_at_raw.is_some() && facts.started_at_raw != before
        })
        .await;
    assert_eq!(after.state, ContainerState::Running);

    test.kill9().await;
    watched.offline().await;
    test.start_engine().await;
    watched.online().await;
    assert!(watched.containers.contains_key(&id));
    watched.stop().await;
}

#[tokio::test]
async fn a_frozen_engine_is_noticed_by_the_ping() {
    let mut test = TestEngine::start().await;
    let mut watched = Watched::brisk(&test.docker_host());
    watched.online().await;
    test.pause();
    let (code, error) = watched.offline().await;
    assert_eq!(code, "engine_timeout");
    assert!(error.contains("did not answer within"), "{error}");
    test.resume();
    watched.online().await;
    watched.stop().await;
}

#[tokio::test]
async fn a_wire_that_hangs_and_breaks_is_followed() {
    let test = TestEngine::shared().await;
    let name = test.name("web");
    let id = test.run_container(&name, RunOptions::default()).await;
    let mut proxy = FaultProxy::start_tcp(test.socket()).await;
    let mut watched = Watched::brisk(&proxy.docker_host());
    watched.online().await;
    watched.changed(&id, |facts| facts.started_at_raw.is_some()).await;

    proxy.hang();
    assert_eq!(watched.offline().await.0, "engine_timeout");
    proxy.resume().await;
    watched.online().await;

    proxy.refuse().await;
    let (code, error) = watched.offline().await;
    assert!(matches!(code, "engine_unreachable" | "engine_gone"), "{error}");
    // What happens meanwhile is told afterwards, once.
    test.api().act(&name, "restart?t=1").await;
    let restarted = test.started_at(&name).await;
    proxy.resume().await;
    watched.online().await;
    let (mut starts, mut fresh) = (0, false);
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        match watched.next(Duration::from_secs(3)).await {
            WatchEvent::Happened(event) if event.engine_id == id && event.action == EventAction::Restart => {
                starts += 1
            }
            WatchEvent::Changed(facts) if facts.engine_id == id => {
                fresh |= facts.started_at_raw.as_ref() == Some(&restarted);
            }
            _ => {}
        }
    }
    assert_eq!((starts, fresh), (1, true));
    watched.stop().await;
}

#[tokio::test]
async fn a_stream_that_a_proxy_ends_is_opened_anew() {
    let test = TestEngine::shared().await;
    let proxy = FaultProxy::start(test.socket()).await;
    let mut watched = Watched::brisk(&proxy.docker_host());
    watched.online().await;
    tokio::time::sleep(Duration::from_millis(5200)).await;
    proxy.break_connections();
    let id = test
        .run_container(&test.name("late"), RunOptions::default())
        .await;
    loop {
        match watched.next(Duration::from_secs(5)).await {
            WatchEvent::Offline { error, .. } => panic!("the engine was never lost: {error}"),
            WatchEvent::Changed(facts) if facts.engine_id == id => break,
            _ => {}
        }
    }
    watched.stop().await;
}

#[tokio::test]
async fn an_engine_that_never_answers_is_offline_and_stops_at_once() {
    let hung = HungEngine::start().await;
    let mut watched = Watched::brisk(&hung.docker_host());
    assert_eq!(watched.offline().await.0, "engine_timeout");
    watched.stop().await;
    let end = Instant::now() + Duration::from_secs(2);
    while hung.connections() > 0 {
        assert!(
            Instant::now() < end,
            "{} connections stay open",
            hung.connections()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn rubbish_among_events_is_skipped() {
    let rubbish = RubbishEngine::start(Rubbish::Events).await;
    let mut watched = Watched::brisk(&rubbish.docker_host());
    watched.online().await;
    let name = watched.until("the good event", |event| match event {
        WatchEvent::Happened(event) => Some((event.name().map(str::to_owned), event.action)),
        _ => None,
    });
    assert_eq!(name.await, (Some("good".to_owned()), EventAction::Start));
    let fault = |event: &WatchEvent| match event {
        WatchEvent::Stream(fault) => Some(*fault),
        _ => None,
    };
    let told = watched.until("what is wrong with the stream", fault).await;
    assert!(
        matches!(told, Some(StreamFault::Rubbish { lines: 3.. })),
        "{told:?}"
    );
    let told = watched.until("that it has got better", fault).await;
    assert_eq!(told, None);
    watched.stop().await;
}

#[tokio::test]
async fn a_stream_that_stalls_is_told_from_one_on_which_nothing_happens() {
    let stalled = RubbishEngine::start(Rubbish::Stalled).await;
    let test = TestEngine::shared().await;
    let mut good = Watched::brisk(&test.docker_host());
    let mut bad = Watched::brisk(&stalled.docker_host());
    good.online().await;
    bad.online().await;
    let name = test.name("told");
    test.run_container(&name, RunOptions::default()).await;
    let told = bad.until("that its events do not come", |event| match event {
        WatchEvent::Stream(Some(fault)) => Some(*fault),
        _ => None,
    });
    assert_eq!(told.await, StreamFault::Stalled { changes: 1 });
    test.remove(&name).await;
    good.until("the container's end", |event| match event {
        WatchEvent::Stream(Some(fault)) => panic!("{fault}"),
        WatchEvent::Happened(event) if event.name() == Some(&name) => {
            (event.action == EventAction::Destroy).then_some(())
        }
        _ => None,
    })
    .await;
    good.stop().await;
    bad.stop().await;
}

#[tokio::test]
async fn a_storm_of_events_of_one_container_stays_cheap() {
    let test = TestEngine::shared().await;
    let name = test.name("busy");
    let id = test.run_container(&name, RunOptions::default()).await;
    let mut watched = Watched::start(&test.docker_host());
    watched.online().await;
    for _ in 0..50 {
        test.api().act(&name, "kill?signal=WINCH").await;
    }
    let (mut happened, mut changed) = (0, 0);
    while happened < 50 {
        match watched.next(Duration::from_secs(5)).await {
            WatchEvent::Happened(event) if event.engine_id == id => happened += 1,
            WatchEvent::Changed(facts) if facts.engine_id == id => changed += 1,
            _ => {}
        }
    }
    // Each event is told; the container, which they do not change, at most once for its details.
    assert!(changed <= 1, "{changed}");
    watched.stop().await;
}
