//! The server from start to stop.

use crate::{
    listen,
    metrics::Metrics,
    postgres::{ClusterError, ClusterOptions, PrivateCluster},
    router::{self, Renderer, RouteTable, Site},
    seat::Seat,
    settings::Settings,
    state::AppState,
    tls::{Tls, TlsError},
    worker::{self, QueueError, Worker},
};
use control::{
    Control, ControlOptions,
    db::{ConnectSpec, Db, MigrateError, migrate},
    secrets::{KeyError, SealKey},
};
use domain::ids::OrgId;
use secrecy::{ExposeSecret, SecretString};
use std::{io, net::SocketAddr, path::PathBuf, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Why the server does not start: what happened, why, what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("The database {database} cannot be used. {source}")]
    Migrate { database: String, source: MigrateError },
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0}")]
    Control(String),
    #[error(
        "The address {address} is taken by another program. Stop that one, or choose another address with \
         CHRONTAINER_LISTEN."
    )]
    AddressTaken { address: SocketAddr },
    #[error(
        "Chrontainer cannot listen on {address}: {source}. Choose another address with CHRONTAINER_LISTEN."
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error(
        "The password file {path} of CHRONTAINER_SETUP_PASSWORD_FILE cannot be read: {source}. Check it and its permissions."
    )]
    PasswordFile { path: PathBuf, source: io::Error },
    #[error(
        "The file {path} of CHRONTAINER_OIDC_CLIENT_SECRET_FILE cannot be read: {source}. Check it and its permissions."
    )]
    ClientSecretFile { path: PathBuf, source: io::Error },
    #[error("The system gives no more threads: {0}. Raise its limit on tasks, or end other programs.")]
    Threads(io::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("Metrics cannot be recorded: {0}")]
    Metrics(String),
}

impl From<control::Error> for StartError {
    fn from(error: control::Error) -> Self {
        Self::Control(error.into_problem().message)
    }
}

/// A server that runs.
pub struct Server {
    address: SocketAddr,
    state: AppState,
    table: RouteTable,
    setup_token: Option<SecretString>,
    cluster: Option<PrivateCluster>,
    worker: Worker,
    stop: CancellationToken,
    listener: JoinHandle<()>,
    _seat: Option<Seat>,
}

/// Starts everything, in the order in which each needs the one before; what was started is stopped again when a later
/// step fails.
///
/// # Errors
/// Each says what happened and what to do.
pub async fn serve(settings: Settings) -> Result<Server, StartError> {
    // Before the database: it is the quickest to fail.
    let tls = settings.tls.clone().map(Tls::load).transpose()?;
    let listener = bind(settings.listen).await?;
    let (spec, cluster) = match &settings.database {
        Some(spec) => (spec.clone(), None),
        None => {
            let cluster = PrivateCluster::start(&ClusterOptions::from(&settings)).await?;
            (cluster.connect_spec().clone(), Some(cluster))
        }
    };
    match with_database(settings, &spec, (listener, tls)).await {
        Ok(server) => Ok(Server { cluster, ..server }),
        Err(error) => {
            if let Some(cluster) = cluster
                && let Err(error) = cluster.stop().await
            {
                tracing::warn!("{error}");
            }
            Err(error)
        }
    }
}

async fn with_database(
    settings: Settings,
    spec: &ConnectSpec,
    listener: (TcpListener, Option<Tls>),
) -> Result<Server, StartError> {
    let seal_key = match &settings.secret_key_file {
        Some(path) => SealKey::load(path)?,
        None => SealKey::load_or_create(&settings.data_dir.join("secret.key"))?,
    };
    let control = open_control(&settings, spec, seal_key).await?;
    match start(settings, control.clone(), listener).await {
        Ok(server) => Ok(server),
        Err(error) => {
            control.stop().await;
            control.db().close();
            Err(error)
        }
    }
}

/// Migrates and puts the control plane together, without starting it: for commands too.
///
/// # Errors
/// When the database does not answer or cannot be migrated.
pub async fn open_control(
    settings: &Settings,
    spec: &ConnectSpec,
    seal_key: SealKey,
) -> Result<Control, StartError> {
    migrate(spec).await.map_err(|source| StartError::Migrate {
        database: spec.to_string(),
        source,
    })?;
    worker::prepare(spec).await?;
    let db = Db::new(spec.clone(), settings.pools.records)?;
    let options = ControlOptions {
        lease: settings.run_lease,
        http_allow: settings.http_allow.clone(),
        session_idle: settings.session_idle,
        session_max: settings.session_max,
        runtime_dir: Some(settings.runtime_dir.clone()),
        own_container: engine::itself::own_container_id(),
        ..ControlOptions::default()
    };
    Ok(Control::new(db, seal_key, options))
}

async fn start(
    settings: Settings,
    control: Control,
    (listener, tls): (TcpListener, Option<Tls>),
) -> Result<Server, StartError> {
    if let Some(setup) = &settings.setup
        && control::auth::setup_needed(&control).await?
    {
        let password = read_password(&setup.password_file)?;
        if control::auth::setup_unattended(&control, &setup.user, password).await? {
            tracing::info!(user.name = setup.user, "made the owner's account");
        }
    }
    control::secrets::check_key(&control).await?;
    let provider = match &settings.provider {
        Some(provider) => Some(provider.load().map_err(|source| StartError::ClientSecretFile {
            path: provider.secret_file.clone().unwrap_or_default(),
            source,
        })?),
        None => None,
    };
    control::providers::keep_managed(&control, provider).await?;
    let mut seat = Seat::take(&settings.data_dir);
    if let Some(seat) = &mut seat {
        if let Some(before) = seat.before() {
            control::runs::take_over(&control, before).await?;
        }
        seat.sign(control.server_id());
    }
    control.start().await?;
    let here = control.clone();
    // Beside the start: an engine that hangs is asked for two seconds.
    control.spawn(async move {
        if let Err(error) = control::hosts::register_local(&here, OrgId::HOME).await {
            tracing::warn!(
                "the engine of this machine was not added: {}",
                error.into_problem()
            );
        }
    });
    let setup_token = control::auth::issue_setup_token(&control).await?;

    let metrics = Metrics::install().map_err(|error| StartError::Metrics(error.to_string()))?;
    let site = Site::open(&settings.site_root);
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        address: settings.listen,
        source,
    })?;
    let worker = worker::start(&control, settings.pools.queue, settings.workers);
    let renderer = Renderer::start().map_err(StartError::Threads)?;
    let state = AppState::new(control, settings, (site, renderer), metrics);
    let (router, table) = router::build(&state);
    let stop = CancellationToken::new();
    let acceptor = tls.as_ref().map(Tls::acceptor);
    let listener = tokio::spawn(listen::run(listener, acceptor, router, stop.clone()));
    if let Some(tls) = tls {
        tokio::spawn(tls.follow(stop.clone()));
    }
    let (upkeep, stopping) = (state.metrics.clone(), stop.clone());
    tokio::spawn(async move {
        while tokio::time::timeout(Duration::from_secs(30), stopping.cancelled())
            .await
            .is_err()
        {
            upkeep.upkeep();
        }
    });
    Ok(Server {
        address,
        state,
        table,
        setup_token,
        cluster: None,
        worker,
        stop,
        listener,
        _seat: seat,
    })
}

impl Server {
    /// Where it listens; the port is the real one where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Every route with its permission.
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// What it speaks where it listens.
    pub fn scheme(&self) -> &'static str {
        match self.state.settings.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// The address for people: the public one, or where it listens, by a name that works on this machine.
    pub fn url(&self) -> String {
        let scheme = self.scheme();
        match &self.state.settings.public_url {
            Some(url) => url.origin().to_owned(),
            None if self.address.ip().is_unspecified() => {
                format!("{scheme}://localhost:{}", self.address.port())
            }
            None => format!("{scheme}://{}", self.address),
        }
    }

    /// The one-time link while nobody owns this installation.
    pub fn setup_link(&self) -> Option<String> {
        let token = self.setup_token.as_ref()?;
        Some(format!("{}/setup?token={}", self.url(), token.expose_secret()))
    }

    /// Ends in the order that loses nothing: no new connections, open streams, answers and runs that have begun (5 s for
    /// both), the control plane, the pools, Postgres.
    ///
    /// # Errors
    /// When Postgres could not be stopped; its data is safe all the same.
    pub async fn stop(self) -> Result<(), ClusterError> {
        self.stop.cancel();
        self.state.streams.cancel();
        // Before the control plane: answers need it, and runs are given back by it.
        let (listener, ()) = tokio::join!(self.listener, self.worker.stop());
        if let Err(error) = listener {
            tracing::error!(%error, "the listener ended badly");
        }
        self.state.control.stop().await;
        self.state.control.db().close();
        match self.cluster {
            Some(cluster) => cluster.stop().await,
            None => Ok(()),
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::AddressTaken { address },
            _ => StartError::Listen { address, source },
        })
}

/// Editors end a file with a line end that is no part of the password.
fn read_password(path: &PathBuf) -> Result<SecretString, StartError> {
    let text = std::fs::read_to_string(path).map_err(|source| StartError::PasswordFile {
        path: path.clone(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
