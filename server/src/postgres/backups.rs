//! Dumps: taken nightly, checked, kept in rotation.
//!
//! A dump is written beside its final name, read back by `pg_restore --list`, synced, and only then renamed: a file of
//! the right name is a whole dump.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use control::db::connect::ConnectSpec;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    ClusterError, ClusterOptions, Programs,
    account::{hand_over, quiet_command, shared_dir},
    programs,
};

const NAME: &str = "chrontainer-%Y%m%d-%H%M%SZ.dump";
const LOOK: Duration = Duration::from_secs(600);
const DAY: TimeDelta = TimeDelta::hours(24);
/// In the night a dump is taken early, so that it stays a nightly one on a machine that is always on.
const NIGHT: std::ops::Range<i8> = 2..5;
const NIGHTLY: TimeDelta = TimeDelta::hours(12);

/// One dump of the whole database, in `pg_dump`'s custom format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    pub path: PathBuf,
    /// When it was begun: it holds what was committed by then.
    pub taken: DateTime<Utc>,
    /// Its size.
    pub bytes: u64,
}

impl Dump {
    /// The dump in a file of the right name; `None` for any other file.
    pub fn from_path(path: &Path) -> Option<Self> {
        let taken = NaiveDateTime::parse_from_str(path.file_name()?.to_str()?, NAME)
            .ok()?
            .and_utc();
        let bytes = fs::metadata(path).ok()?.len();
        Some(Self {
            path: path.to_owned(),
            taken,
            bytes,
        })
    }
}

/// The dumps in a directory, oldest first.
pub fn dumps(directory: &Path) -> Vec<Dump> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<Dump> = entries
        .filter_map(|entry| Dump::from_path(&entry.path()))
        .collect();
    found.sort_by_key(|dump| dump.taken);
    found
}

/// Takes a dump of any database, the private one or one that was given, into the backups directory.
///
/// # Errors
/// When Postgres' tools are missing or older than the database, it does not answer, or the disk is full.
pub async fn dump_database(options: &ClusterOptions, spec: &ConnectSpec) -> Result<Dump, ClusterError> {
    let installed = programs::installed(options.bin.as_deref()).await?;
    let newest = installed.first().ok_or(ClusterError::NoPostgres {
        searched: String::new(),
    })?;
    shared_dir(&options.data_dir)?;
    take(newest, spec, &options.backups(), options.keep).await
}

/// Takes one dump, and removes the oldest beyond `keep`.
pub(super) async fn take(
    programs: &Programs,
    spec: &ConnectSpec,
    directory: &Path,
    keep: usize,
) -> Result<Dump, ClusterError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ClusterError::io(action, &path, source)
    };
    fs::create_dir_all(directory).map_err(io("make", directory))?;
    hand_over(directory)
        .and_then(|()| set_private(directory))
        .map_err(io("protect", directory))?;
    let _alone = lock(directory)?;
    clear_parts(directory);

    let taken = DateTime::<Utc>::from(SystemTime::now());
    let path = directory.join(taken.format(NAME).to_string());
    let part = path.with_extension("part");
    // pg_dump writes into this file, whose mode keeps others out from the beginning.
    File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&part)
        .map_err(io("write", &part))?;
    let written = write(programs, spec, &part).await;
    if let Err(error) = written {
        let _gone = fs::remove_file(&part);
        return Err(error);
    }
    hand_over(&part)
        .and_then(|()| File::open(&part)?.sync_all())
        .and_then(|()| fs::rename(&part, &path))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(io("write", &path))?;
    let dump = Dump::from_path(&path).ok_or(ClusterError::NotADump { path })?;
    rotate(directory, keep, &dump);
    Ok(dump)
}

async fn write(programs: &Programs, spec: &ConnectSpec, part: &Path) -> Result<(), ClusterError> {
    let program = programs.path("pg_dump");
    let mut command = quiet_command(&program);
    command
        .envs(spec.libpq_environment())
        .args([
            "--format=custom",
            "--no-password",
            "--lock-wait-timeout=60000",
            "--file",
        ])
        .arg(part);
    run(command, &program).await?;
    check(programs, part).await
}

/// Whether `pg_restore` can read it.
pub(super) async fn check(programs: &Programs, path: &Path) -> Result<(), ClusterError> {
    let program = programs.path("pg_restore");
    let mut command = quiet_command(&program);
    command.arg("--list").arg(path);
    run(command, &program).await
}

/// Runs one of Postgres' tools to its end; it ends with us.
pub(super) async fn run(mut command: tokio::process::Command, program: &Path) -> Result<(), ClusterError> {
    let output = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ClusterError::io("run", program, source))?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ClusterError::Program {
        program: program.to_owned(),
        message,
    })
}

/// Looks every ten minutes whether a dump is due, and takes it.
pub(super) async fn nightly(
    options: ClusterOptions,
    programs: Programs,
    spec: ConnectSpec,
    stop: CancellationToken,
) {
    let directory = options.backups();
    let mut wait = options.first_dump_after;
    loop {
        tokio::select! { () = stop.cancelled() => return, () = sleep(wait) => {} }
        wait = LOOK;
        let now = DateTime::<Utc>::from(SystemTime::now());
        if !is_due(now, jiff::Zoned::now().hour(), &dumps(&directory)) {
            continue;
        }
        let taking = take(&programs, &spec, &directory, options.keep);
        match tokio::select! { () = stop.cancelled() => return, taken = taking => taken } {
            Ok(dump) => info!(
                dump.bytes = dump.bytes,
                "Dumped the database to {}",
                dump.path.display()
            ),
            Err(error) => warn!("The nightly dump failed, the next attempt is in ten minutes: {error}"),
        }
    }
}

/// Due after a day, and in the night after half of one. Dumps from the future (of a clock that was wrong) do not count.
fn is_due(now: DateTime<Utc>, local_hour: i8, dumps: &[Dump]) -> bool {
    let newest = dumps
        .iter()
        .map(|dump| dump.taken)
        .filter(|taken| *taken <= now + TimeDelta::hours(1))
        .max();
    match newest.map(|newest| now - newest) {
        None => true,
        Some(age) => age >= DAY || (NIGHT.contains(&local_hour) && age >= NIGHTLY),
    }
}

/// Removes the oldest beyond `keep`, but never the one just taken, whatever the clock says.
fn rotate(directory: &Path, keep: usize, newest: &Dump) {
    let others: Vec<Dump> = dumps(directory)
        .into_iter()
        .filter(|dump| dump.path != newest.path)
        .collect();
    let surplus = (others.len() + 1).saturating_sub(keep.max(1));
    for dump in others.iter().take(surplus) {
        if let Err(error) = fs::remove_file(&dump.path) {
            warn!(
                "The old dump {} could not be removed: {error}",
                dump.path.display()
            );
        }
    }
}

/// `2026-11-22 03:00:00 UTC`
pub(super) fn show(time: SystemTime) -> String {
    DateTime::<Utc>::from(time)
        .format("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

fn set_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

fn lock(directory: &Path) -> Result<File, ClusterError> {
    let path = directory.join(".lock");
    let file = File::options().create(true).append(true).mode(0o600).open(&path);
    let file = file
        .and_then(|file| hand_over(&path).map(|()| file))
        .map_err(|source| ClusterError::io("lock", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ClusterError::DumpRunning),
        Err(fs::TryLockError::Error(source)) => Err(ClusterError::io("lock", &path, source)),
    }
}

/// Half dumps of a server that was killed; whoever has the lock is the only one who writes.
fn clear_parts(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "part")
        {
            let _gone = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(taken: DateTime<Utc>) -> Dump {
        Dump {
            path: PathBuf::new(),
            taken,
            bytes: 0,
        }
    }

    #[test]
    fn dumps_are_due_daily_and_rather_at_night() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let ago = |hours| dump(now - TimeDelta::hours(hours));
        assert!(is_due(now, 12, &[]));
        assert!(!is_due(now, 12, &[ago(48), ago(23)]));
        assert!(is_due(now, 12, &[ago(24)]));
        assert!(is_due(now, 3, &[ago(13)]));
        assert!(!is_due(now, 3, &[ago(11)]));
        assert!(is_due(now, 12, &[ago(-72), ago(30)]));
    }

    #[test]
    fn rotation_keeps_the_newest_and_what_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "20261120-030000Z",
            "20261121-030000Z",
            "20261122-030000Z",
            "20200101-000000Z",
        ];
        for name in names {
            fs::write(dir.path().join(format!("chrontainer-{name}.dump")), "x").unwrap();
        }
        fs::write(dir.path().join("chrontainer-mine.dump"), "x").unwrap();
        // Taken while the clock was wrong.
        let newest = Dump::from_path(&dir.path().join("chrontainer-20200101-000000Z.dump")).unwrap();
        rotate(dir.path(), 2, &newest);
        let left: Vec<String> = dumps(dir.path())
            .iter()
            .map(|dump| dump.path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            left,
            [
                "chrontainer-20200101-000000Z.dump",
                "chrontainer-20261122-030000Z.dump"
            ]
        );
        assert!(dir.path().join("chrontainer-mine.dump").exists());
    }
}
