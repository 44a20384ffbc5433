//! The same burst of jobs that do nothing, for schedulers that people use instead, on the same Postgres.
//!
//! APScheduler is the engine under the first Chrontainer; pg-boss is the one of npm that keeps its jobs in Postgres. Both are
//! installed from their registry into a directory of their own, once.

use crate::report::{Report, Unit, percentile};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use testkit::{postgres::Result, server::TestServer};

/// Jobs at once, and how often; the largest burst takes APScheduler many seconds.
const BURSTS: [(usize, usize); 4] = [(1, 10), (100, 4), (1000, 2), (10_000, 1)];
const LIMIT: Duration = Duration::from_secs(300);

struct Rival {
    name: &'static str,
    directory: &'static str,
    install: fn(&Path) -> Vec<Vec<String>>,
    /// Where its interpreter is, its program's name and text.
    run: (&'static str, &'static str, &'static str),
}

const RIVALS: [Rival; 2] = [
    Rival {
        name: "APScheduler 3.11",
        directory: "apscheduler-3.11",
        install: |_| {
            vec![
                words(&["python3", "-m", "venv", "."]),
                words(&[
                    "bin/pip",
                    "install",
                    "--quiet",
                    "apscheduler==3.11.0",
                    "sqlalchemy==2.0.36",
                    "psycopg2-binary",
                ]),
            ]
        },
        run: ("bin/python", "burst.py", include_str!("apscheduler.py")),
    },
    Rival {
        name: "pg-boss 10.4",
        directory: "pg-boss-10.4",
        install: |_| {
            vec![words(&[
                "npm",
                "install",
                "--silent",
                "--no-fund",
                "--no-audit",
                "--prefix",
                ".",
                "pg-boss@10.4.2",
            ])]
        },
        run: ("node", "burst.cjs", include_str!("pg_boss.cjs")),
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Measures each, and says how ours compare; `ours` has the number of schedules, median and last of a hundred.
pub async fn measure(report: &mut Report, server: &TestServer, ours: &[(usize, f64, f64)]) -> Result<()> {
    let socket = server.socket_dir()?;
    for rival in &RIVALS {
        let directory = cache().join(rival.directory);
        if let Err(error) = install(rival, &directory).await {
            report.note(
                &format!("{}: lateness", rival.name),
                &format!("not measured: {}", first_line(&error.to_string())),
            );
            continue;
        }
        for (count, rounds) in BURSTS {
            let name = |what: &str| format!("{}: lateness of {count} due at once, {what}", rival.name);
            match burst(rival, &directory, &socket, count, rounds).await {
                Ok(mut late) => {
                    late.sort_unstable_by(f64::total_cmp);
                    let [p50, p99] = [0.5, 0.99].map(|share| percentile(&late, share));
                    report.add(&name("p50"), Unit::Milliseconds, p50);
                    report.add(&name("p99"), Unit::Milliseconds, p99);
                    let own = ours.iter().find(|(own, ..)| *own == count);
                    if let Some((.., own)) = own.filter(|_| count >= 100) {
                        // Ahead of both from 100 on.
                        report.add_at_most(&name("ours of its p99"), Unit::Ratio, own / p99, 1.0);
                    }
                }
                Err(error) => {
                    report.note(
                        &name("p99"),
                        &format!("not measured: {}", first_line(&error.to_string())),
                    );
                    break;
                }
            }
        }
    }
    Ok(())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn cache() -> PathBuf {
    let own = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    own.unwrap_or_else(|| home.join(".cache"))
        .join("chrontainer/bench")
}

async fn install(rival: &Rival, directory: &Path) -> Result<()> {
    let done = directory.join("installed");
    if !done.exists() {
        std::fs::create_dir_all(directory)?;
        for words in (rival.install)(directory) {
            said(&words[0], &words[1..], directory).await?;
        }
        std::fs::write(done, "")?;
    }
    let (_, file, text) = rival.run;
    std::fs::write(directory.join(file), text)?;
    Ok(())
}

/// The lateness of each job of each round, in milliseconds.
async fn burst(
    rival: &Rival,
    directory: &Path,
    socket: &Path,
    count: usize,
    rounds: usize,
) -> Result<Vec<f64>> {
    let (program, file, _) = rival.run;
    let words = [
        file.to_owned(),
        socket.display().to_string(),
        count.to_string(),
        rounds.to_string(),
    ];
    let told = said(program, &words, directory).await?;
    let late: Vec<f64> = told
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    if late.len() != count * rounds {
        return Err(format!("{} of {} jobs ran", late.len(), count * rounds).into());
    }
    Ok(late)
}

/// What a program prints; its path counts from the directory when it names one.
async fn said(program: &str, words: &[impl AsRef<OsStr>], directory: &Path) -> Result<String> {
    let path = if program.contains('/') {
        directory.join(program)
    } else {
        PathBuf::from(program)
    };
    let run = tokio::process::Command::new(path)
        .args(words)
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run)
        .await
        .map_err(|_| format!("{program} took longer than {} s", LIMIT.as_secs()))?
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let last = error
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Err(format!("{program}: {last}").into())
}
