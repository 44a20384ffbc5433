//! One postmaster: started, waited for, recognised.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{sys::signal::Signal, unistd::Pid};

use super::{
    Result, USER,
    programs::{self, Account},
};

pub const PORT: u16 = 5432;
const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(15);

/// A directory with `data/`, `s/` (the socket) and `log`.
#[derive(Clone, Debug)]
pub struct Layout(pub PathBuf);

impl Layout {
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub fn url(&self, dbname: &str) -> String {
        format!(
            "postgres:///{dbname}?host={}&port={PORT}&user={USER}",
            self.socket().display()
        )
    }

    /// Makes the cluster when there is none.
    pub fn prepare(&self, account: Account) -> Result<()> {
        account.private_dir(&self.socket())?;
        if !self.data().join("PG_VERSION").exists() {
            if self.data().exists() {
                fs::remove_dir_all(self.data())?;
            }
            account.private_dir(&self.data())?;
            programs::initdb(account, &self.data())?;
        }
        Ok(())
    }

    /// Starts the postmaster and waits until it takes connections.
    pub fn start(&self, account: Account, options: &[&str]) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = account.command(&programs::directory()?.join("postgres"));
        command.arg("-D").arg(self.data()).arg("-k").arg(self.socket());
        for option in [
            "listen_addresses=",
            "shared_buffers=64MB",
            "huge_pages=off",
            "jit=off",
            "wal_level=minimal",
        ]
        .iter()
        .chain(["max_wal_senders=0", "log_checkpoints=off", "max_wal_size=256MB"].iter())
        .chain(options)
        {
            command.arg("-c").arg(option);
        }
        let mut child = command
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()?;
        let begun = Instant::now();
        loop {
            if self.is_ready(child.id()) {
                return Ok(child);
            }
            let ended = child.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_LIMIT {
                let _gone = child.kill();
                let _status = child.wait();
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                return Err(format!("Postgres did not start ({ended:?}):\n{}", tail.join("\n")).into());
            }
            sleep(POLL);
        }
    }

    /// The running postmaster of this directory, if any: its pid file's process must be a `postgres` on our data.
    pub fn running(&self) -> Option<Pid> {
        let pid: i32 = self.pid_file_line(0)?.parse().ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let data = self.data();
        let ours = command
            .split(|byte| *byte == 0)
            .any(|word| word == data.as_os_str().as_encoded_bytes());
        ours.then(|| Pid::from_raw(pid))
    }

    /// Whether postmaster `pid` says in its pid file that it takes connections.
    pub fn is_ready(&self, pid: u32) -> bool {
        self.pid_file_line(0).is_some_and(|line| line == pid.to_string())
            && self.pid_file_line(7).is_some_and(|line| line == "ready")
    }

    fn pid_file_line(&self, number: usize) -> Option<String> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        text.lines().nth(number).map(|line| line.trim().to_owned())
    }

    /// The processes that work in our data directory: every part of a cluster does, orphaned backends included.
    pub fn processes(&self) -> Vec<Pid> {
        let data = self.data();
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data))
            .map(Pid::from_raw)
            .collect()
    }

    /// Waits until nothing works in the data directory any more.
    pub fn wait_until_gone(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while !self.processes().is_empty() {
            if begun.elapsed() > limit {
                return false;
            }
            sleep(POLL);
        }
        true
    }
}

/// Sends a signal; a process that is gone already is what was wanted.
pub fn signal(pid: Pid, signal: Signal) {
    let _gone = nix::sys::signal::kill(pid, signal);
}

/// Whether the two paths lead to the same file: a lock file may have been replaced since it was opened.
pub fn is_same_file(open: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (open.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}
