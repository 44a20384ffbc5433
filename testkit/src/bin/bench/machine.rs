//! What the figures were measured on.

use std::{fmt, path::Path, process::Command, time::SystemTime};

/// The machine, and what was measured on it.
#[derive(Debug)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_gib: f64,
    kernel: String,
    postgres: String,
    commit: String,
    date: String,
    load: String,
}

impl Machine {
    /// Looks around; what cannot be found out is said to be unknown.
    pub fn look() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let memory_gib = after(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok())
            .unwrap_or_default() as f64
            / (1024.0 * 1024.0);
        Self {
            // ARM says it elsewhere, or not at all.
            processor: after(&read("/proc/cpuinfo"), "model name")
                .or_else(|| after(&read("/proc/device-tree/model"), ""))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            postgres: testkit::postgres::version().unwrap_or_else(|_| unknown()),
            commit: commit().unwrap_or_else(unknown),
            date: domain::Timestamp::from(SystemTime::now())
                .format("%Y-%m-%d")
                .to_string(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} × {}, {:.1} GiB, Linux {}, {}; commit {}, {}; load before {}.",
            self.cores,
            self.processor,
            self.memory_gib,
            self.kernel,
            self.postgres,
            self.commit,
            self.date,
            self.load
        )
    }
}

/// The commit of the sources, and whether they differ from it.
fn commit() -> Option<String> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    if !Path::new(here).join(".git").exists() {
        return None;
    }
    let commit = said("git", &["-C", here, "rev-parse", "--short=10", "HEAD"])?;
    // What this very program writes is no change of the sources.
    let changed = said("git", &["-C", here, "status", "--porcelain", "--", ".", ":!docs"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit} and changes")
    })
}

fn said(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
