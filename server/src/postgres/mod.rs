//! The private Postgres: a cluster of the server's own, for everyone who has no database to give it.
//!
//! * **Where.** `<data>/postgres/<major>/` is the cluster, `<data>/backups/` its dumps, `<data>/postgres/postgres.log`
//!   what it said, `<runtime>/pg-<hash>/` its socket. Nothing listens on a network.
//! * **Who.** Postgres refuses to run as root, so root hands it to an unprivileged account (see [`account`]); anyone
//!   else runs it as themselves. Connections need no password, because the socket's directory is 0700: who can enter it
//!   can read the data files as well, so a password would add a secret to lose and keep nobody out.
//! * **One server.** A lock on `<data>/chrontainer.lock` belongs to the server that supervises. It falls with its
//!   process, however that ends.
//! * **Killed servers.** The postmaster lives in its own process group and survives a server that is killed. The next
//!   server recognises it by its pid file and adopts it: nothing is interrupted, nothing needs recovery.
//! * **Killed postmasters** are started again, after their orphaned backends have gone, with a growing pause.
//! * **Dumps** are taken nightly and kept in rotation; a new major version of Postgres starts from one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use control::db::connect::ConnectSpec;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::settings::Settings;

mod account;
mod attach;
mod backups;
mod config;
mod database;
mod error;
mod initdb;
mod launch;
mod lock;
mod logs;
mod postmaster;
mod programs;
mod restore;
mod supervisor;
mod versions;

pub use attach::{Attached, attach};
pub use backups::{Dump, dump_database, dumps};
pub use error::ClusterError;
pub use restore::{Restored, restore};
pub use supervisor::ClusterState;

use account::Account;
use launch::Launch;
use lock::DataLock;
use programs::Programs;
use versions::Plan;

/// The superuser and the database of a private cluster.
pub const DATABASE: &str = "chrontainer";
pub(crate) const PORT: u16 = 5432;

/// What a private cluster needs to know of the settings.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    pub data_dir: PathBuf,
    pub runtime_dir: PathBuf,
    /// Where initdb and postgres are, when they are not to be searched for.
    pub bin: Option<PathBuf>,
    /// Connections the server's pools may open in all.
    pub connections: usize,
    /// Nightly dumps that are kept.
    pub keep: usize,
    /// How long after the start the first look at the age of the newest dump is taken.
    pub first_dump_after: Duration,
}

impl From<&Settings> for ClusterOptions {
    fn from(settings: &Settings) -> Self {
        Self {
            data_dir: settings.data_dir.clone(),
            runtime_dir: settings.runtime_dir.clone(),
            bin: settings.postgres_bin.clone(),
            connections: settings.pools.total(),
            keep: settings.backup_keep,
            first_dump_after: Duration::from_secs(120),
        }
    }
}

impl ClusterOptions {
    fn root(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    /// Where the dumps are kept.
    pub fn backups(&self) -> PathBuf {
        self.data_dir.join("backups")
    }
}

/// A private cluster that runs and is supervised. Dropping it lets go without stopping Postgres, as a killed server
/// does; [`PrivateCluster::stop`] is the clean end.
#[derive(Debug)]
pub struct PrivateCluster {
    options: ClusterOptions,
    spec: ConnectSpec,
    programs: Programs,
    launch: Launch,
    /// Whether programs of a newer major are installed, which take over from a dump once ours are gone.
    successor: bool,
    state: watch::Receiver<ClusterState>,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<Result<(), ClusterError>>,
    tasks: CancellationToken,
    _lock: DataLock,
}

impl PrivateCluster {
    /// Makes the cluster at the first start, adopts a running one, starts a stopped one, brings one of an older major
    /// over when that loses nothing; returns when it takes connections. Recovery after a crash may take its time.
    ///
    /// # Errors
    /// Each says what happened and what to do: another server has the directory, Postgres is not installed, the data
    /// belongs to another major version or account, or Postgres does not start.
    pub async fn start(options: &ClusterOptions) -> Result<Self, ClusterError> {
        account::shared_dir(&options.data_dir)?;
        let lock = DataLock::take(&options.data_dir)?;
        let installed = programs::installed(options.bin.as_deref()).await?;
        let account = Account::prepare(&options.root())?;
        launch::clear_drafts(&options.root()).await?;
        let plan = versions::plan(&options.root(), &options.backups(), &installed)?;
        let programs = match &plan {
            Plan::Use { programs, .. } | Plan::Create { programs, .. } | Plan::Upgrade { programs, .. } => {
                programs.clone()
            }
        };
        account::check_reach(account, &programs, &options.root()).await?;
        let dir = match plan {
            Plan::Use { dir, .. } => dir,
            Plan::Create { dir, .. } => {
                info!(
                    postgres.major = programs.major,
                    "Making the private database in {}",
                    dir.display()
                );
                initdb::create(account, &programs, &dir).await?;
                dir
            }
            Plan::Upgrade { dump, .. } => {
                info!(
                    "Bringing the private database to PostgreSQL {} from {}",
                    programs.major,
                    dump.display()
                );
                restore::replace(options, account, &programs, &dump).await?.dir
            }
        };

        let launch = Launch::new(options, account, programs.clone(), dir)?;
        let process = launch.adopt_or_start().await?;
        // Before anyone can write. Not before the start: one that fails changes nothing.
        versions::clear_final_dump(launch.dir());
        let spec = ConnectSpec::socket(launch.socket_dir(), PORT, DATABASE, DATABASE);
        database::ensure(&spec).await?;

        let tasks = CancellationToken::new();
        let (stop, stopping) = oneshot::channel();
        let (states, state) = watch::channel(ClusterState::Ready);
        let supervisor = tokio::spawn(supervisor::run(launch.clone(), process, states, stopping));
        tokio::spawn(logs::follow(launch.log(), tasks.child_token()));
        tokio::spawn(backups::nightly(
            options.clone(),
            programs.clone(),
            spec.clone(),
            tasks.child_token(),
        ));
        let successor = installed.iter().any(|other| other.major > programs.major);
        Ok(Self {
            options: options.clone(),
            spec,
            programs,
            launch,
            successor,
            state,
            stop,
            supervisor,
            tasks,
            _lock: lock,
        })
    }

    /// How to connect.
    pub fn connect_spec(&self) -> &ConnectSpec {
        &self.spec
    }

    /// Whether Postgres runs and takes connections, as far as its supervisor knows.
    pub fn healthy(&self) -> bool {
        matches!(*self.state.borrow(), ClusterState::Ready)
    }

    /// Follows the state, for readiness checks and pages.
    pub fn watch(&self) -> watch::Receiver<ClusterState> {
        self.state.clone()
    }

    /// The major version of Postgres that runs.
    pub fn major(&self) -> u32 {
        self.programs.major
    }

    /// The postmaster's process id, while there is one.
    pub fn pid(&self) -> Option<i32> {
        postmaster::find(self.launch.dir()).map(|live| live.pid)
    }

    /// Takes a dump now, and removes those beyond the number that is kept.
    ///
    /// # Errors
    /// When another dump is being taken, the disk is full or Postgres is down.
    pub async fn dump_now(&self) -> Result<Dump, ClusterError> {
        backups::take(
            &self.programs,
            &self.spec,
            &self.options.backups(),
            self.options.keep,
        )
        .await
    }

    /// Stops Postgres cleanly. Close the pools first: what is still connected is cut off.
    ///
    /// When a newer major version is installed beside ours, a last dump is taken before, so that the data can move there
    /// on the day our version is removed.
    ///
    /// # Errors
    /// When Postgres could not be stopped; its data is safe all the same.
    pub async fn stop(self) -> Result<(), ClusterError> {
        self.tasks.cancel();
        if self.successor && self.healthy() {
            match self.dump_now().await {
                Ok(dump) => versions::note_final_dump(self.launch.dir(), &dump),
                Err(error) => tracing::warn!("No dump for the newer PostgreSQL could be taken: {error}"),
            }
        }
        // The supervisor listens until it ends; if it is gone, its result says why.
        let _listens = self.stop.send(());
        match self.supervisor.await {
            Ok(result) => result,
            Err(panicked) => Err(ClusterError::Supervisor(panicked.to_string())),
        }
    }
}

/// Takes a dump of the private database for `chrontainer-server backup now`, whether a server runs or not.
///
/// # Errors
/// When there is no private database yet, another dump is being taken, or Postgres does not start.
pub async fn backup_now(options: &ClusterOptions) -> Result<Dump, ClusterError> {
    let installed = programs::installed(options.bin.as_deref()).await?;
    let (dir, programs) = match versions::plan(&options.root(), &options.backups(), &installed)? {
        Plan::Use { dir, programs } => (dir, programs),
        Plan::Create { .. } => {
            return Err(ClusterError::NoCluster {
                data_dir: options.data_dir.clone(),
            });
        }
        // Then the newest dump holds everything already.
        Plan::Upgrade { dump, .. } => {
            return Dump::from_path(&dump).ok_or(ClusterError::NotADump { path: dump });
        }
    };
    if let Some(socket_dir) = postmaster::running_socket_dir(&dir) {
        let spec = ConnectSpec::socket(socket_dir, PORT, DATABASE, DATABASE);
        return backups::take(&programs, &spec, &options.backups(), options.keep).await;
    }
    let cluster = PrivateCluster::start(options).await?;
    let dump = cluster.dump_now().await;
    cluster.stop().await?;
    dump
}

/// Writes a file so that a kill leaves either the old or the new one.
fn write_whole(path: &Path, text: &str, account: Option<Account>) -> Result<(), ClusterError> {
    let draft = path.with_extension("draft");
    let write = || -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let _stale = fs::remove_file(&draft);
        let mut file = fs::File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&draft)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        if let Some(account) = account {
            account.own(&draft)?;
        }
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| ClusterError::io("write", path, source))
}
