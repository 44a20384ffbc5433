//! Recognising a postmaster and what belongs to it, from its pid file and `/proc`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::{sys::signal::Signal, unistd::Pid};

/// A process that cannot be confused with a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub pid: i32,
    /// Clock ticks from the machine's start to the process'.
    started: u64,
}

impl Live {
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything; the fields behind it are numbers (proc(5): state is 3, start 22).
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        if fields.first() == Some(&"Z") {
            return None;
        }
        Some(Self {
            pid,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    pub fn is_alive(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }

    /// A process that is gone already is what a signal wants.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive() {
            let _gone = nix::sys::signal::kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Whether its program was replaced on the disk since it started, by an update of the package.
    pub fn is_outdated(&self) -> bool {
        fs::read_link(format!("/proc/{}/exe", self.pid))
            .is_ok_and(|program| program.to_string_lossy().ends_with(" (deleted)"))
    }
}

/// The postmaster that runs on `dir`, whoever started it. Only a `postgres` with this very directory on its command
/// line counts: in a small container numbers come round again quickly.
pub(super) fn find(dir: &Path) -> Option<Live> {
    let live = Live::of(pid_file_line(dir, 0)?.parse().ok()?)?;
    let name = fs::read_to_string(format!("/proc/{}/comm", live.pid)).ok()?;
    let line = fs::read(format!("/proc/{}/cmdline", live.pid)).ok()?;
    let dir = fs::canonicalize(dir).ok()?;
    let names_dir = line
        .split(|byte| *byte == 0)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .filter(|word| word.starts_with('/'))
        .any(|word| fs::canonicalize(word).is_ok_and(|path| path == dir));
    (matches!(name.trim(), "postgres" | "postmaster") && names_dir).then_some(live)
}

/// Whether the postmaster says in its pid file that it takes connections.
pub(super) fn is_ready(dir: &Path, live: Live) -> bool {
    pid_file_line(dir, 0).is_some_and(|line| line == live.pid.to_string())
        && pid_file_line(dir, 7).is_some_and(|line| line == "ready")
}

/// Where the running postmaster of `dir` has its socket.
pub(super) fn running_socket_dir(dir: &Path) -> Option<PathBuf> {
    find(dir)?;
    pid_file_line(dir, 4).map(PathBuf::from)
}

/// The processes that work in `dir`: every part of a cluster does, orphaned backends included. Empty where `/proc` does
/// not show them; then Postgres' own check of its shared memory has the last word.
pub(super) fn processes_in(dir: &Path) -> Vec<Live> {
    let Ok(dir) = fs::canonicalize(dir) else {
        return Vec::new();
    };
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir))
        .filter_map(Live::of)
        .collect()
}

/// Removes pid files that name a process which is not a postmaster of `dir`: Postgres takes any process of that number
/// for its predecessor (in a restarted container often the server itself, whose threads have numbers too) and refuses
/// to start.
pub(super) fn clear_stale_pid_files(dir: &Path, socket_dir: &Path) {
    if find(dir).is_some() || !processes_in(dir).is_empty() {
        return;
    }
    let socket = socket_dir.join(format!(".s.PGSQL.{}", super::PORT));
    for path in [
        dir.join("postmaster.pid"),
        socket.with_extension(format!("{}.lock", super::PORT)),
        socket,
    ] {
        // Absent is the usual case, and what cannot be removed Postgres complains about.
        let _gone = fs::remove_file(path);
    }
}

fn pid_file_line(dir: &Path, number: usize) -> Option<String> {
    let text = fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    text.lines().nth(number).map(|line| line.trim().to_owned())
}
