//! The cluster all test processes share.
//!
//! Every test may be a process of its own (nextest), so the processes agree through locks in one directory:
//! `start.lock` is held while someone starts or stops the cluster, `users.lock` is held shared by every process
//! that uses it, for as long as it lives. A small watchdog outlives the tests and removes everything once nobody has
//! held `users.lock` for a minute.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use nix::unistd::Uid;
use url::Url;

use super::{
    Result, connect,
    process::{Layout, is_same_file},
    programs::Account,
};

/// Stops and removes the cluster in `$1` after `$2` seconds without a user. Both locks are taken before anything is
/// touched, so a process that joins meanwhile either keeps it alive or finds it gone.
const WATCHDOG: &str = r#"
dir=$1 limit=$2 idle=0
exec 9>>"$dir/watchdog.lock"
flock -n 9 || exit 0
while sleep 2; do
  [ -d "$dir" ] || exit 0
  if flock -n -x "$dir/users.lock" true; then idle=$((idle + 2)); else idle=0; fi
  [ "$idle" -ge "$limit" ] || continue
  exec 8>>"$dir/start.lock" 7>>"$dir/users.lock"
  if flock -n 8 && flock -n 7; then
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"
    for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.5; done
    rm -rf "$dir"
    exit 0
  fi
  exec 8>&- 7>&-
  idle=0
done
"#;

const IDLE_SECONDS: u32 = 60;

/// Nothing in it needs to outlive the machine, so it does not wait for disks.
const OPTIONS: [&str; 5] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=600",
    "autovacuum=off",
];

/// The throw-away cluster of this machine's tests.
#[derive(Debug)]
pub struct TestCluster {
    base: Url,
    /// Held until the process ends.
    _user: Option<File>,
}

impl TestCluster {
    /// The cluster, started by the first process that asks.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<TestCluster, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::join().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| error.as_str().into())
    }

    /// The URL of a database in it.
    pub fn url(&self, dbname: &str) -> String {
        let mut url = self.base.clone();
        url.set_path(dbname);
        url.into()
    }

    /// A superuser's connection.
    ///
    /// # Errors
    /// When the cluster is gone.
    pub async fn client(&self, dbname: &str) -> Result<tokio_postgres::Client> {
        connect(&self.url(dbname)).await
    }

    fn join() -> Result<Self> {
        if let Ok(url) = std::env::var("CHRONTAINER_TEST_POSTGRES") {
            return Ok(Self {
                base: Url::parse(&url)?,
                _user: None,
            });
        }
        let account = Account::current()?;
        let layout = Layout(PathBuf::from(format!(
            "/tmp/chrontainer-test-pg-{}",
            Uid::effective()
        )));
        loop {
            make_base(&layout.0)?;
            let Some(start) = lock(&layout.0.join("start.lock"), File::lock)? else {
                continue;
            };
            let Some(user) = lock(&layout.0.join("users.lock"), File::lock_shared)? else {
                continue;
            };
            if layout.running().is_none() {
                // A second attempt with new data: the first may have met what a power cut left (fsync is off).
                if let Err(error) = layout
                    .prepare(account)
                    .and_then(|()| layout.start(account, &OPTIONS))
                {
                    fs::remove_dir_all(layout.data())?;
                    layout.prepare(account)?;
                    layout.start(account, &OPTIONS).map_err(|_| error)?;
                }
            }
            watch(&layout.0)?;
            drop(start);
            return Ok(Self {
                base: Url::parse(&layout.url("postgres"))?,
                _user: Some(user),
            });
        }
    }
}

fn make_base(path: &Path) -> Result<()> {
    // Others may enter but not list, because Postgres may run as another account below it.
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path)?;
    if fs::symlink_metadata(path)?.uid() == Uid::effective().as_raw() {
        Ok(())
    } else {
        Err(format!("{} belongs to someone else; remove it", path.display()).into())
    }
}

/// Takes a lock, or `None` when the file was removed meanwhile and one has to begin again.
fn lock(path: &Path, take: impl FnOnce(&File) -> std::io::Result<()>) -> Result<Option<File>> {
    let file = match File::options().create(true).append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    take(&file)?;
    Ok(is_same_file(&file, path).then_some(file))
}

fn watch(base: &Path) -> Result<()> {
    let probe = File::options()
        .create(true)
        .append(true)
        .open(base.join("watchdog.lock"))?;
    if probe.try_lock().is_err() {
        return Ok(());
    }
    drop(probe);
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(base)
        .arg(IDLE_SECONDS.to_string())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(())
}
