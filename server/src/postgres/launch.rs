//! Bringing a postmaster up: adopted if it runs, else started, once nothing is left of the one before.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use control::db::connect::ConnectSpec;
use nix::sys::signal::Signal;
use tokio::{
    process::Child,
    time::{sleep, timeout},
};
use tracing::{info, warn};

use super::{
    ClusterError, ClusterOptions, DATABASE, PORT, Programs,
    account::{self, Account},
    config, database, initdb, logs,
    postmaster::{self, Live},
};

const POLL: Duration = Duration::from_millis(20);
/// How often a look is taken at a postmaster that is not our child.
const WATCH: Duration = Duration::from_millis(500);
/// A fast stop writes a checkpoint, on an SD card too.
const FAST_STOP: Duration = Duration::from_secs(30);
const IMMEDIATE_STOP: Duration = Duration::from_secs(10);
/// Orphaned backends see their postmaster's end at once, unless they are in the middle of something.
const ORPHANS_END: Duration = Duration::from_secs(5);
/// How long an adopted postmaster may take to answer before it is taken for hung.
const ANSWER: Duration = Duration::from_secs(10);

/// All that a start needs to know.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    account: Account,
    programs: Programs,
    dir: PathBuf,
    socket_dir: PathBuf,
    log: PathBuf,
    config: String,
}

/// A postmaster: our child, or one we found.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub live: Live,
    child: Option<Child>,
}

impl Launch {
    pub fn new(
        options: &ClusterOptions,
        account: Account,
        programs: Programs,
        dir: PathBuf,
    ) -> Result<Self, ClusterError> {
        account::shared_dir(&options.runtime_dir)?;
        // Several data directories may share one runtime directory.
        let mut hasher = DefaultHasher::new();
        dir.hash(&mut hasher);
        let socket_dir = options
            .runtime_dir
            .join(format!("pg-{:08x}", hasher.finish() >> 32));
        account.private_dir(&socket_dir)?;
        let config = config::text(&socket_dir, options.connections);
        Ok(Self {
            account,
            programs,
            log: options.root().join(logs::FILE),
            dir,
            socket_dir,
            config,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    pub fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// A postmaster that takes connections.
    pub async fn adopt_or_start(&self) -> Result<Postmaster, ClusterError> {
        if let Some(postmaster) = self.adopt().await? {
            return Ok(postmaster);
        }
        let mut postmaster = self.spawn().await?;
        self.wait_until_ready(&mut postmaster).await?;
        Ok(postmaster)
    }

    /// The running postmaster, when it can stay: it was told the same, its program is the installed one, it answers.
    async fn adopt(&self) -> Result<Option<Postmaster>, ClusterError> {
        let Some(live) = postmaster::find(&self.dir) else {
            return Ok(None);
        };
        let mut postmaster = Postmaster::found(live);
        let told = fs::read_to_string(self.dir.join(config::FILE)).unwrap_or_default();
        let problem = if told != self.config {
            Some("its settings changed")
        } else if live.is_outdated() {
            Some("its program was updated")
        } else {
            match timeout(ANSWER, self.answers(&mut postmaster)).await {
                Ok(Ok(())) => None,
                Ok(Err(_)) | Err(_) => Some("it does not answer"),
            }
        };
        match problem {
            None => {
                info!(
                    postgres.pid = live.pid,
                    "Adopted the Postgres of a server that did not stop it"
                );
                Ok(Some(postmaster))
            }
            Some(problem) => {
                info!(
                    postgres.pid = live.pid,
                    "Restarting the Postgres of an earlier server: {problem}"
                );
                // Killed or not, it is gone, and the start that follows recovers what there is to recover.
                let _recovers = postmaster.stop(&self.dir).await;
                Ok(None)
            }
        }
    }

    async fn answers(&self, postmaster: &mut Postmaster) -> Result<(), ClusterError> {
        self.wait_until_ready(postmaster).await?;
        let client =
            database::connect(&ConnectSpec::socket(&self.socket_dir, PORT, DATABASE, "postgres")).await?;
        client
            .simple_query("select 1")
            .await
            .map(drop)
            .map_err(|error| ClusterError::Connect {
                database: "postgres".to_owned(),
                message: error.to_string(),
            })
    }

    /// Starts a postmaster as our child; see [`Launch::wait_until_ready`].
    pub async fn spawn(&self) -> Result<Postmaster, ClusterError> {
        self.clear_orphans().await?;
        postmaster::clear_stale_pid_files(&self.dir, &self.socket_dir);
        self.account.private_dir(&self.socket_dir)?;
        config::write(self.account, &self.dir, &self.config)?;
        let program = self.programs.path("postgres");
        let log = self
            .open_log()
            .map_err(|source| ClusterError::io("write", &self.log, source))?;
        // A file and not a pipe: it never blocks Postgres, and it outlives us as Postgres does.
        let child = log
            .try_clone()
            .and_then(|copy| {
                self.account
                    .command(&program, &self.dir)
                    .arg("-D")
                    .arg(&self.dir)
                    .stdout(Stdio::from(copy))
                    .stderr(Stdio::from(log))
                    .kill_on_drop(false)
                    .spawn()
            })
            .map_err(|source| ClusterError::io("run", &program, source))?;
        let live = child.id().and_then(|pid| Live::of(i32::try_from(pid).ok()?));
        let Some(live) = live else {
            return Err(ClusterError::DidNotStart { log: self.log_tail() });
        };
        Ok(Postmaster {
            live,
            child: Some(child),
        })
    }

    /// Waits while it recovers, however long that takes; fails when it ends instead.
    pub async fn wait_until_ready(&self, postmaster: &mut Postmaster) -> Result<(), ClusterError> {
        let mut told = Instant::now();
        while !postmaster::is_ready(&self.dir, postmaster.live) {
            if postmaster.has_ended() {
                return Err(ClusterError::DidNotStart { log: self.log_tail() });
            }
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                info!("Postgres is still starting; after a crash it first brings its files in order");
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits until the backends of a killed postmaster are gone; helps those that hang.
    async fn clear_orphans(&self) -> Result<(), ClusterError> {
        let begun = Instant::now();
        loop {
            let left = postmaster::processes_in(&self.dir);
            let Some(first) = left.first() else { return Ok(()) };
            let waited = begun.elapsed();
            if waited > ORPHANS_END * 3 {
                return Err(ClusterError::Orphans {
                    dir: self.dir.clone(),
                    pid: first.pid,
                });
            }
            // Without a postmaster there is nothing they could still commit: their work is undone at the start.
            if waited > ORPHANS_END {
                let signal = if waited > ORPHANS_END * 2 {
                    Signal::SIGKILL
                } else {
                    Signal::SIGQUIT
                };
                left.iter().for_each(|orphan| orphan.signal(signal));
            }
            sleep(POLL).await;
        }
    }

    fn open_log(&self) -> std::io::Result<File> {
        logs::rotate(&self.log);
        let file = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.log)?;
        self.account.own(&self.log)?;
        Ok(file)
    }

    fn log_tail(&self) -> String {
        logs::tail(&self.log)
    }
}

impl Postmaster {
    /// One that is not our child.
    pub fn found(live: Live) -> Self {
        Self { live, child: None }
    }

    /// Waits for its end and says how it came.
    pub async fn ended(&mut self) -> String {
        match &mut self.child {
            Some(child) => match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            None => {
                while self.live.is_alive() {
                    sleep(WATCH).await;
                }
                "gone".to_owned()
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => !self.live.is_alive(),
        }
    }

    /// Fast stop, then an immediate one, then death: each loses nothing that was committed.
    pub async fn stop(&mut self, dir: &Path) -> Result<(), ClusterError> {
        self.live.signal(Signal::SIGINT);
        // A stopped process (SIGSTOP) takes its signal when it continues.
        self.live.signal(Signal::SIGCONT);
        if timeout(FAST_STOP, self.ended()).await.is_ok() {
            return Ok(());
        }
        warn!(
            postgres.pid = self.live.pid,
            "Postgres does not stop; stopping it at once, it recovers at its next start"
        );
        self.live.signal(Signal::SIGQUIT);
        if timeout(IMMEDIATE_STOP, self.ended()).await.is_err() {
            postmaster::processes_in(dir)
                .iter()
                .for_each(|process| process.signal(Signal::SIGKILL));
            self.live.signal(Signal::SIGKILL);
            self.ended().await;
        }
        Err(ClusterError::Killed)
    }
}

/// Removes what a server left that was killed while it made or restored a cluster.
pub(super) async fn clear_drafts(root: &Path) -> Result<(), ClusterError> {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if !initdb::is_draft(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        // A draft is worth nothing, and so is what still runs in it.
        while let Some(process) = postmaster::processes_in(&path).first() {
            process.signal(Signal::SIGKILL);
            sleep(POLL).await;
        }
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|source| ClusterError::io("remove", &path, source))?;
    }
    Ok(())
}
