//! Restoring a dump into a new cluster, which takes the place of the one in use; that one is kept beside it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use chrono::{DateTime, Utc};
use control::db::connect::ConnectSpec;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use tracing::info;

use super::{
    ClusterError, ClusterOptions, DATABASE, PORT, Programs,
    account::{self, Account, quiet_command},
    backups, database, initdb,
    launch::{self, Launch, Postmaster},
    lock::DataLock,
    postmaster, programs, versions,
};

/// What a restore made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The new cluster, in use from the next start on.
    pub dir: PathBuf,
    /// Its version of Postgres: the newest that is installed.
    pub major: u32,
    /// The cluster that was in use before, kept under another name.
    pub kept: Option<PathBuf>,
}

/// Replaces the private database by a dump, for `chrontainer-server restore --dump FILE`. The server must not run.
/// A kill at any moment leaves either the old database or the new one in use.
///
/// # Errors
/// When a server runs on the directory, the file is no dump, or Postgres refuses it; then nothing has changed.
pub async fn restore(options: &ClusterOptions, dump: &Path) -> Result<Restored, ClusterError> {
    account::shared_dir(&options.data_dir)?;
    let _lock = DataLock::take(&options.data_dir)?;
    let installed = programs::installed(options.bin.as_deref()).await?;
    let newest = installed.first().ok_or(ClusterError::NoPostgres {
        searched: String::new(),
    })?;
    let account = Account::prepare(&options.root())?;
    launch::clear_drafts(&options.root()).await?;
    account::check_reach(account, newest, &options.root()).await?;
    replace(options, account, newest, dump).await
}

/// As [`restore`], for who holds the lock.
pub(super) async fn replace(
    options: &ClusterOptions,
    account: Account,
    programs: &Programs,
    dump: &Path,
) -> Result<Restored, ClusterError> {
    if !dump.is_file() || backups::check(programs, dump).await.is_err() {
        return Err(ClusterError::NotADump {
            path: dump.to_owned(),
        });
    }
    let dir = options.root().join(programs.major.to_string());
    let draft = initdb::draft_of(&dir);
    initdb::make(account, programs, &draft).await?;
    let launch = Launch::new(options, account, programs.clone(), draft.clone())?;
    let filled = fill(&launch, programs, dump).await;
    // The socket's directory is named after the draft, which goes.
    let _gone = fs::remove_dir_all(launch.socket_dir());
    if let Err(error) = filled {
        let _gone = fs::remove_dir_all(&draft);
        return Err(error);
    }
    let old = versions::current(&options.root())?;
    if let Some((_, old)) = &old {
        // The old cluster's own people settings go along; its orphan, if any, stops.
        let _absent = fs::copy(old.join("local.conf"), draft.join("local.conf"))
            .and_then(|_| account.own(&draft.join("local.conf")));
        if let Some(live) = postmaster::find(old) {
            Postmaster::found(live).stop(old).await?;
        }
    }
    let kept = swap(&draft, &dir, old.map(|(_, dir)| dir).as_deref())?;
    info!("Restored {} into {}", dump.display(), dir.display());
    Ok(Restored {
        dir,
        major: programs.major,
        kept,
    })
}

async fn fill(launch: &Launch, programs: &Programs, dump: &Path) -> Result<(), ClusterError> {
    let mut postmaster = launch.spawn().await?;
    let filled = async {
        launch.wait_until_ready(&mut postmaster).await?;
        let spec = ConnectSpec::socket(launch.socket_dir(), PORT, DATABASE, DATABASE);
        database::ensure(&spec).await?;
        let program = programs.path("pg_restore");
        let mut command = quiet_command(&program);
        command
            .envs(spec.libpq_environment())
            .args([
                "--exit-on-error",
                "--no-owner",
                "--no-acl",
                "--no-password",
                "--dbname",
                DATABASE,
            ])
            .arg(dump);
        backups::run(command, &program).await?;
        let client = database::connect(&spec).await?;
        // Without statistics the first queries would be planned blindly.
        client
            .batch_execute("analyze")
            .await
            .map_err(|error| ClusterError::Connect {
                database: spec.to_string(),
                message: error.to_string(),
            })
    }
    .await;
    let stopped = postmaster.stop(launch.dir()).await;
    filled.and(stopped)
}

/// Gives the draft its name, and the old cluster another one.
fn swap(draft: &Path, dir: &Path, old: Option<&Path>) -> Result<Option<PathBuf>, ClusterError> {
    let Some(old) = old else {
        initdb::rename(draft, dir)?;
        return Ok(None);
    };
    let stamp = DateTime::<Utc>::from(SystemTime::now()).format("%Y%m%d-%H%M%SZ");
    let mut kept = old.as_os_str().to_owned();
    kept.push(format!(".replaced-{stamp}"));
    let kept = PathBuf::from(kept);
    if old != dir {
        initdb::rename(draft, dir)?;
        initdb::rename(old, &kept)?;
        return Ok(Some(kept));
    }
    // One step, so that there is a cluster in use at every moment.
    match renameat2(AT_FDCWD, draft, AT_FDCWD, dir, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => initdb::rename(draft, &kept)?,
        // Some file systems cannot exchange. Killed between these two, the next start finds no cluster but the
        // replaced one, and refuses to make an empty one.
        Err(_) => {
            initdb::rename(old, &kept)?;
            initdb::rename(draft, dir)?;
        }
    }
    Ok(Some(kept))
}
