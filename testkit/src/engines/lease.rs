//! An engine's directory and the lock that says it is in use.

use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::File,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const REAP: &str = include_str!("reap.sh");
const KEEP: &str = include_str!("keep.sh");

/// Where engines of tests live. Short: a socket's path has at most 107 bytes, and Podman's directory 50.
pub(super) fn home() -> PathBuf {
    let home = PathBuf::from("/tmp/chrontainer-engines");
    std::fs::create_dir_all(&home).expect("/tmp can be written");
    home
}

/// A hold on an engine: it is ended once nobody holds it, however the holder ended.
pub(super) struct Lease {
    root: PathBuf,
    _lock: Flock<File>,
}

impl Lease {
    /// A new directory for an engine, held by the caller, with a keeper that ends the engine `linger` seconds after
    /// the last holder went.
    pub(super) fn create(name: &str, linger: u32) -> Self {
        let root = home().join(format!("engine-{name}"));
        std::fs::create_dir_all(&root).expect("an engine's directory");
        let file = File::create(root.join("lease")).expect("a lease's file");
        let lock = Flock::lock(file, FlockArg::LockShared)
            .map_err(|(_, error)| error)
            .expect("a new file's lock");
        // Through a shell that ends at once: the keeper outlives this process and is nobody's zombie.
        let started = Command::new("sh")
            .args(["-c", r#"sh -c "$0" keep "$@" </dev/null >/dev/null 2>&1 &"#, KEEP])
            .arg(&root)
            .args([&linger.to_string(), REAP])
            // Not in the test's process group: what kills the test must not kill it.
            .process_group(0)
            .status();
        assert!(started.is_ok_and(|status| status.success()), "sh does not start");
        Self { root, _lock: lock }
    }

    /// Holds an engine that someone else started, unless it is being ended.
    pub(super) fn join(root: &Path) -> Option<Self> {
        let path = root.join("lease");
        let file = File::open(&path).ok()?;
        let lock = Flock::lock(file, FlockArg::LockSharedNonblock).ok()?;
        let same = std::fs::metadata(&path)
            .is_ok_and(|now| lock.metadata().is_ok_and(|held| held.ino() == now.ino()));
        same.then(|| Self {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Ends the engine now and removes its directory.
    pub(super) fn reap(&self) {
        let _ = Command::new("sh")
            .args(["-c", REAP, "reap"])
            .arg(&self.root)
            .stdin(Stdio::null())
            .status();
    }
}
