//! The Fleet page in a real browser that says when it changed.

use serde_json::Value;
use std::{
    process::Stdio,
    time::{Duration, SystemTime},
};
use testkit::postgres::Result;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A browser starts in seconds even on a small machine.
const START: Duration = Duration::from_secs(60);

/// Seconds since 1970, on the clock that engines and browsers of this machine use too.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// An open page; the browser is killed with it, unless it was closed.
pub struct Page {
    browser: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Page {
    /// Opens Fleet and watches the line of one container.
    pub async fn open(url: &str, user: &str, password: &str, container: &str) -> Result<Self> {
        let mut browser = Command::new("node")
            .arg("support/watch.mjs")
            .args([url, user, password, container])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| "there is no node (./dev setup)")?;
        let output = browser.stdout.take().ok_or("its output is not piped")?;
        let mut page = Self {
            browser,
            lines: BufReader::new(output).lines(),
        };
        page.until("Running", START)
            .await
            .map_err(|_| "Fleet does not come to life in Chromium (./dev setup, ./dev e2e)")?;
        Ok(page)
    }

    /// When the container's line began to show this word, in seconds since 1970.
    pub async fn until(&mut self, word: &str, patience: Duration) -> Result<f64> {
        let shown = async {
            loop {
                let line = self.lines.next_line().await?.ok_or("the browser is gone")?;
                let change: Value = serde_json::from_str(&line)?;
                if change["state"] == word {
                    return change["at"].as_f64().map(|at| at / 1e3).ok_or("a time".into());
                }
            }
        };
        timeout(patience, shown)
            .await
            .map_err(|_| format!("the page never showed {word}"))?
    }

    /// Ends the browser, so that it removes its files.
    pub async fn close(mut self) -> Result<()> {
        drop(self.browser.stdin.take());
        timeout(START, self.browser.wait())
            .await
            .map_err(|_| "the browser does not end")??;
        Ok(())
    }
}
