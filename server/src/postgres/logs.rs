//! What Postgres says, brought into the server's log.
//!
//! Postgres writes to a file, which we read. Constraint violations and cancelled statements are everyday answers to
//! queries and come back to whoever asked, and one that asks no more is no fault of Postgres, so they are `debug` here.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub(super) const FILE: &str = "postgres.log";
const POLL: Duration = Duration::from_secs(1);
/// Beyond this the file begins anew; what it held is in the server's log.
const LARGEST: u64 = 4 << 20;
const TAIL: usize = 2048;

/// Follows the file from its present end until told to stop.
pub(super) async fn follow(path: PathBuf, stop: CancellationToken) {
    let mut position = fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let mut rest = String::new();
    loop {
        let stopped = tokio::select! { () = stop.cancelled() => true, () = sleep(POLL) => false };
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if length < position {
            position = 0;
        }
        if length > position
            && let Ok(text) = read_from(&path, position)
        {
            position += text.len() as u64;
            rest.push_str(&String::from_utf8_lossy(&text));
            while let Some(end) = rest.find('\n') {
                tell(&rest[..end]);
                rest.drain(..=end);
            }
        }
        if position > LARGEST {
            // Postgres appends, so it goes on at the beginning.
            let _kept = File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_len(0));
        }
        if stopped {
            return;
        }
    }
}

/// Moves a long file aside before a start.
pub(super) fn rotate(path: &Path) {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST) {
        let _kept = fs::rename(path, path.with_extension("log.old"));
    }
}

/// The last lines, for the sentence about a failed start.
pub(super) fn tail(path: &Path) -> String {
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let text = read_from(path, length.saturating_sub(TAIL as u64)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(6).collect();
    lines
        .into_iter()
        .rev()
        .map(|line| parse(line).message)
        .collect::<Vec<_>>()
        .join(" / ")
}

fn read_from(path: &Path, position: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position))?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    pid: Option<i32>,
    state: &'a str,
    severity: &'a str,
    message: &'a str,
}

/// Takes `2026-11-22 03:00:00.000 UTC [123] 23505 ERROR:  duplicate key …` apart; see `log_line_prefix`.
fn parse(line: &str) -> Line<'_> {
    let whole = Line {
        pid: None,
        state: "",
        severity: "",
        message: line,
    };
    let Some((_, rest)) = line.split_once(" [") else {
        return whole;
    };
    let Some((pid, rest)) = rest.split_once("] ") else {
        return whole;
    };
    let Ok(pid) = pid.parse() else { return whole };
    let Some((state, rest)) = rest.split_once(' ') else {
        return whole;
    };
    let Some((severity, message)) = rest.split_once(":  ") else {
        return whole;
    };
    Line {
        pid: Some(pid),
        state,
        severity,
        message,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Debug,
}

fn level(line: &Line<'_>) -> Level {
    // SQLSTATE: 08 whoever asked has gone (a server that stops or was killed), 23 constraints, 25P03 whoever asked slept in a
    // transaction, 40 serialisation, 57 cancelled or stopping.
    let everyday = ["08", "23", "25P03", "40", "57"]
        .iter()
        .any(|class| line.state.starts_with(class));
    match line.severity {
        "PANIC" => Level::Error,
        "FATAL" if !everyday => Level::Error,
        "ERROR" | "WARNING" if !everyday => Level::Warn,
        _ => Level::Debug,
    }
}

fn tell(text: &str) {
    let line = parse(text);
    let (pid, state, message) = (line.pid, line.state, line.message);
    match level(&line) {
        Level::Error => {
            tracing::error!(target: "postgres", { postgres.pid = pid, postgres.state = state }, "{message}")
        }
        Level::Warn => {
            tracing::warn!(target: "postgres", { postgres.pid = pid, postgres.state = state }, "{message}")
        }
        Level::Debug => {
            tracing::debug!(target: "postgres", { postgres.pid = pid, postgres.state = state }, "{message}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart_and_weighed() {
        let cases = [
            (
                "2026-11-22 03:00:00.000 UTC [12] 23505 ERROR:  duplicate key value",
                Level::Debug,
                "duplicate key value",
            ),
            (
                "2026-11-22 03:00:00.000 UTC [12] 53100 ERROR:  could not extend file",
                Level::Warn,
                "could not extend file",
            ),
            (
                "2026-11-22 03:00:00.000 UTC [1] XX000 PANIC:  could not write",
                Level::Error,
                "could not write",
            ),
            (
                "2026-11-22 03:00:00.000 UTC [1] 57P03 FATAL:  the database system is starting up",
                Level::Debug,
                "the database system is starting up",
            ),
            (
                "2026-11-22 03:00:00.000 UTC [12] 08006 FATAL:  connection to client lost",
                Level::Debug,
                "connection to client lost",
            ),
            (
                "2026-11-22 03:00:00.000 UTC [1] 00000 LOG:  database system is ready",
                Level::Debug,
                "database system is ready",
            ),
            ("no prefix at all", Level::Debug, "no prefix at all"),
        ];
        for (text, expected, message) in &cases {
            let line = parse(text);
            assert_eq!(level(&line), *expected, "{text}");
            assert_eq!(line.message, *message);
        }
        assert_eq!(parse(cases[0].0).pid, Some(12));
    }
}
