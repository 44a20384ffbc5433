//! The handle of the control plane: what every service function needs, and the tasks that run beside them.

use crate::{
    auth::{Basics, SessionEnds},
    beats::Beats,
    containers::{Fleet, Loads, snapshots::Snapshots},
    db::Db,
    error::Result,
    events::{EventHub, Topic, Wake},
    hosts::Links,
    providers::Known,
    runs,
    schedules::{self, Happenings, Labels, forecast::ForecastCache},
    secrets::SealKey,
};
use domain::ids::ServerId;
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the process decides for the control plane.
#[derive(Clone, Debug)]
pub struct ControlOptions {
    /// How long a lease on a run lasts without a heartbeat.
    pub lease: Duration,
    /// How long a session lasts without being used, and at most.
    pub session_idle: Duration,
    pub session_max: Duration,
    /// Where unix sockets may be made: hosts by SSH are bridged there.
    pub runtime_dir: Option<std::path::PathBuf>,
    /// The id of the container that this server runs in, if it does.
    pub own_container: Option<String>,
    /// Where requests of schedules may go beside public addresses.
    pub http_allow: runs::HttpAllow,
    /// This release, for the list of servers.
    pub release: &'static str,
}

impl Default for ControlOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            session_idle: Duration::from_secs(7 * 24 * 3600),
            session_max: Duration::from_secs(30 * 24 * 3600),
            runtime_dir: None,
            own_container: None,
            http_allow: runs::HttpAllow::default(),
            release: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The control plane; cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    server_id: ServerId,
    options: ControlOptions,
    db: Db,
    seal_key: SealKey,
    hub: EventHub,
    bells: Wake,
    fleet: Fleet,
    loads: Loads,
    snapshots: Snapshots,
    labels: Labels,
    links: Links,
    runs: runs::Local,
    session_ends: SessionEnds,
    basics: Basics,
    beats: Beats,
    forecasts: ForecastCache,
    happenings: Happenings,
    providers: Known,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Control {
    /// Puts the control plane together; nothing runs yet.
    pub fn new(db: Db, seal_key: SealKey, options: ControlOptions) -> Self {
        Self(Arc::new(Inner {
            server_id: ServerId::new(),
            options,
            db,
            seal_key,
            hub: EventHub::default(),
            bells: Wake::default(),
            fleet: Fleet::default(),
            loads: Loads::default(),
            snapshots: Snapshots::default(),
            labels: Labels::default(),
            links: Links::default(),
            runs: runs::Local::default(),
            session_ends: SessionEnds::default(),
            basics: Basics::default(),
            beats: Beats::default(),
            forecasts: ForecastCache::default(),
            happenings: Happenings::default(),
            providers: Known::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Starts what runs beside the service functions: the bells, the outbox pump, the watchers, the ticker and the sweep.
    ///
    /// # Errors
    /// When this server cannot be registered in the database.
    pub async fn start(&self) -> Result<()> {
        crate::servers::register(self).await?;
        let this = self.clone();
        self.spawn(async move { this.bells().send_loop(this.db().clone(), this.stopping()).await });
        let this = self.clone();
        self.spawn(async move {
            this.bells()
                .listen_loop(this.db().spec().clone(), this.stopping())
                .await
        });
        let this = self.clone();
        self.spawn(async move { this.events().pump(&this).await });
        let this = self.clone();
        self.spawn(async move { this.events().refresh_fleet(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::servers::heartbeat(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::auth::sweep(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::audit::keep(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::retention::sweep(&this).await });
        let this = self.clone();
        self.spawn(async move { schedules::listen(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::hosts::watch_all(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::containers::snapshots::keep(&this).await });
        let this = self.clone();
        self.spawn(async move { schedules::keep_labels(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::schedules::ticker::run(&this).await });
        let this = self.clone();
        self.spawn(async move { crate::runs::sweep::run(&this).await });
        Ok(())
    }

    /// Ends the tasks. Open runs keep their leases until they are taken over.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(Duration::from_secs(5), self.0.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some tasks did not end in 5 s");
        }
        if let Err(error) = crate::servers::forget(self).await {
            tracing::debug!(error = %error, "this server stays in the list until it is swept");
        }
    }

    /// Runs a task that ends with the control plane.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(task);
    }

    /// Cancelled when the control plane stops.
    pub fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    pub fn server_id(&self) -> ServerId {
        self.0.server_id
    }

    pub fn options(&self) -> &ControlOptions {
        &self.0.options
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn seal_key(&self) -> &SealKey {
        &self.0.seal_key
    }

    /// Live events.
    pub fn events(&self) -> &EventHub {
        &self.0.hub
    }

    pub fn fleet(&self) -> &Fleet {
        &self.0.fleet
    }

    /// What containers use, as far as somebody looks.
    pub fn loads(&self) -> &Loads {
        &self.0.loads
    }

    /// What of the fleet is kept in the database.
    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.0.snapshots
    }

    /// The hosts whose containers' labels are to be followed.
    pub(crate) fn labels(&self) -> &Labels {
        &self.0.labels
    }

    /// The connections to hosts, beside what the fleet knows of them.
    pub fn links(&self) -> &Links {
        &self.0.links
    }

    /// The runs that this process executes, and the ticker's health.
    pub fn runs(&self) -> &runs::Local {
        &self.0.runs
    }

    /// Sessions that end, for the open streams.
    pub fn session_ends(&self) -> &SessionEnds {
        &self.0.session_ends
    }

    /// Passwords that came with requests and were right a while ago.
    pub(crate) fn basics(&self) -> &Basics {
        &self.0.basics
    }

    /// Signs of life of the ticker and the worker.
    pub fn beats(&self) -> &Beats {
        &self.0.beats
    }

    /// What forecasts keep between them.
    pub(crate) fn forecasts(&self) -> &ForecastCache {
        &self.0.forecasts
    }

    /// What happened to containers, for the schedules that wait for it.
    pub(crate) fn happenings(&self) -> &Happenings {
        &self.0.happenings
    }

    /// What providers said of themselves lately.
    pub(crate) fn providers(&self) -> &Known {
        &self.0.providers
    }

    pub(crate) fn bells(&self) -> &Wake {
        &self.0.bells
    }

    /// Tells this process and the others that there is something new; after the commit.
    pub fn wake(&self, topic: Topic) {
        self.0.bells.ring(topic);
    }
}
