//! Real engines for tests: a dockerd (or Podman) of one's own, one that all tests of a run share, and engines
//! that misbehave.
//!
//! Everything an engine leaves behind is removed when its handle is dropped, and by a keeper process when the test was
//! killed before that.

mod api;
mod bridge;
mod certificates;
mod docker;
mod faults;
mod generated;
mod generation;
mod image;
mod lease;
mod podman;
mod shared;
mod sshd;
mod tls_front;

pub use api::{EngineApi, RunOptions};
pub use certificates::{Certificates, Validity};
pub use faults::{FaultProxy, HungEngine, Rubbish, RubbishEngine};
pub use generated::GeneratedEngine;
pub use generation::Generation;
pub use image::IMAGE;
pub use sshd::{ADMIN, GUEST, PASSWORD, Sshd, SshdOptions};
pub use tls_front::TlsFront;

use bridge::Network;
use docker::Dockerd;
use std::{path::PathBuf, time::Duration};

/// A real engine with the image [`IMAGE`] in it.
pub struct TestEngine {
    api: EngineApi,
    kind: Kind,
    /// Unique per handle: what this handle makes is named after it.
    prefix: String,
}

enum Kind {
    /// Its own dockerd, ended with this handle.
    Own(Dockerd),
    /// A dockerd that other tests use too.
    Shared(
        #[expect(
            dead_code,
            reason = "held: other tests' engine lives as long as someone holds it"
        )]
        lease::Lease,
    ),
    /// The machine's own engine, where this user may not start one.
    Machine,
    Podman(#[expect(dead_code, reason = "held: ended with this handle")] podman::Podman),
}

impl TestEngine {
    /// Starts a dockerd of one's own: about a third of a second. Where the user is not root, the machine's engine
    /// serves, with unique names.
    ///
    /// # Panics
    /// When no engine can be had, with what to do.
    pub async fn start() -> Self {
        Self::begin(Network::None).await
    }

    /// As [`TestEngine::start`], with a network bridge of its own: its containers can publish ports (network `bridge`).
    pub async fn start_bridged() -> Self {
        Self::begin(Network::Bridge).await
    }

    /// As [`TestEngine::start_bridged`], with that bridge where nothing else sees it: published ports exist and are
    /// reached from inside only. Interfaces that come and go make browsers drop their connections.
    pub async fn start_apart() -> Self {
        Self::begin(Network::Apart).await
    }

    /// As [`TestEngine::start`], listening with TLS too; gives that address. Takes root.
    pub async fn start_with_tls(authority: &Certificates) -> (Self, String) {
        // Free now; dockerd takes it in a moment.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let engine = Dockerd::start_with_tls(authority, port).await;
        let api = EngineApi::new(engine.socket());
        (
            Self::of(api, Kind::Own(engine)),
            format!("tcp://127.0.0.1:{port}"),
        )
    }

    async fn begin(network: Network) -> Self {
        if nix::unistd::geteuid().is_root() {
            let engine = Dockerd::start(network).await;
            let api = EngineApi::new(engine.socket());
            image::import(&api).await;
            return Self::of(api, Kind::Own(engine));
        }
        Self::machine().await
    }

    /// The dockerd that all tests of a run share, in this process and others: the first one starts it, and it ends a
    /// while after the last. Names must come from [`TestEngine::name`]; containers made through this handle are removed
    /// with it. Never stop, pause or kill it.
    pub async fn shared() -> Self {
        if !nix::unistd::geteuid().is_root() {
            return Self::machine().await;
        }
        let (socket, lease) = shared::join(Generation::Docker20).await;
        Self::of(EngineApi::new(socket), Kind::Shared(lease))
    }

    /// As [`TestEngine::shared`], of this generation; `None`, with a word on why, where it cannot be had.
    ///
    /// # Panics
    /// In CI, where every generation must be had.
    pub async fn of_generation(generation: Generation) -> Option<Self> {
        if !generation.is_here() {
            return None;
        }
        let (socket, lease) = shared::join(generation).await;
        Some(Self::of(EngineApi::new(socket), Kind::Shared(lease)))
    }

    /// A Podman service with its own storage.
    pub async fn podman() -> Self {
        let podman = podman::Podman::start().await;
        let api = EngineApi::new(podman.socket());
        image::import(&api).await;
        Self::of(api, Kind::Podman(podman))
    }

    async fn machine() -> Self {
        let api = EngineApi::new(PathBuf::from("/var/run/docker.sock"));
        assert!(
            api.answers().await,
            "no engine for tests: run the tests as root (they start their own dockerd), or let this user open \
             /var/run/docker.sock"
        );
        image::import(&api).await;
        Self::of(api, Kind::Machine)
    }

    fn of(api: EngineApi, kind: Kind) -> Self {
        let prefix = format!("t{}", unique());
        Self { api, kind, prefix }
    }

    /// A name that no other test uses: `t0123456789ab-web`.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// What all of this handle's names begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `unix:///…/docker.sock`.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.api.socket().to_owned()
    }

    /// The engine's API itself.
    pub fn api(&self) -> &EngineApi {
        &self.api
    }

    /// Makes a container under this very name, and starts it unless told otherwise. Gives its id.
    pub async fn run_container(&self, name: &str, options: RunOptions) -> String {
        self.api.run(name, &self.prefix, options).await
    }

    /// Removes a container, running or not; one that is gone is fine.
    pub async fn remove(&self, name: &str) {
        self.api.remove(name).await;
    }

    /// The engine's `StartedAt`, as it writes it.
    pub async fn started_at(&self, name: &str) -> String {
        self.api.inspect(name).await["State"]["StartedAt"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The engine's word for the container's state: `running`, `exited`, …
    pub async fn state(&self, name: &str) -> String {
        self.api.inspect(name).await["State"]["Status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// How often a container of [`RunOptions::counted`] was started, once that is `expected` or time is up: it says so a
    /// moment after the engine has started it.
    pub async fn starts(&self, name: &str, expected: usize) -> usize {
        let end = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let starts = self.api.output(name).await.matches("started").count();
            if starts >= expected || tokio::time::Instant::now() >= end {
                return starts;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the container is in this state.
    ///
    /// # Panics
    /// When it is not within the time.
    pub async fn wait_for_state(&self, name: &str, state: &str, patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let now = self.state(name).await;
            if now == state {
                return;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "{name} is {now} and not {state} after {patience:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the engine in order (SIGTERM), its containers with it; the data stays.
    pub async fn stop_engine(&mut self) {
        self.own().stop().await;
    }

    /// Starts the engine again on the same data and socket.
    pub async fn start_engine(&mut self) {
        self.own().start_again().await;
    }

    /// Kills the engine (SIGKILL); its containers go on without it.
    pub async fn kill9(&mut self) {
        self.own().kill9().await;
    }

    /// Freezes the engine (SIGSTOP): it accepts connections and never answers.
    pub fn pause(&mut self) {
        self.own().signal(nix::sys::signal::Signal::SIGSTOP);
    }

    /// Ends [`TestEngine::pause`].
    pub fn resume(&mut self) {
        self.own().signal(nix::sys::signal::Signal::SIGCONT);
    }

    fn own(&mut self) -> &mut Dockerd {
        match &mut self.kind {
            Kind::Own(engine) => engine,
            _ => panic!("only an engine of one's own may be stopped: use TestEngine::start() as root"),
        }
    }
}

/// Twelve random hex digits.
fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string().split_off(20)
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        if matches!(self.kind, Kind::Shared(_) | Kind::Machine) {
            self.api.remove_all_blocking(&self.prefix);
        }
    }
}
