//! How long a change on an engine takes to be seen by an API client, and in a page.
//!
//! A container is started and stopped through the engine's own socket, behind the server's back. The clock starts at the
//! time that the engine gives its event, so that what the engine itself needs is left out.

use crate::{
    page::{Page, now},
    report::{Report, Unit, percentile},
    site,
};
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};
use testkit::{
    engines::{RunOptions, TestEngine},
    postgres::Result,
    server::{OWNER, PASSWORD, TestServer},
};
use tokio::time::timeout;

const CHANGES: usize = 40;
/// Milliseconds.
const AIM: f64 = 300.0;
/// A change that is not seen for this long never will be.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two changes; no multiple of anything, so that no rhythm of the server is met again and again.
const PAUSE: Duration = Duration::from_millis(137);

pub async fn measure(report: &mut Report) -> Result<()> {
    let engine = TestEngine::start().await;
    let name = engine.name("web");
    let id = engine.run_container(&name, RunOptions::default()).await;
    let server = TestServer::start(site::server().docker_host(engine.docker_host())).await?;
    wait_until_known(&server, &name).await?;
    let mut stream = Stream::open(&server).await?;
    let mut page = match site::root() {
        Some(_) => Page::open(&server.url, OWNER, PASSWORD, &name).await,
        None => Err("the browser side is not built".into()),
    };

    let (mut by_api, mut by_page) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        tokio::time::sleep(PAUSE).await;
        let (verb, event, state, word) = match change % 2 {
            0 => ("stop?t=5", "die", "exited", "Stopped"),
            _ => ("start", "start", "running", "Running"),
        };
        let before = now();
        engine.api().act(&name, verb).await;
        let seen = timeout(PATIENCE, stream.until(&name, state))
            .await
            .map_err(|_| format!("the stream never said that the container is {state}"))??;
        let in_page = match &mut page {
            Ok(page) => Some(page.until(word, PATIENCE).await?),
            Err(_) => None,
        };
        let happened = happened(&engine, &id, event, before).await?;
        by_api.push((seen - happened) * 1e3);
        by_page.extend(in_page.map(|seen| (seen - happened) * 1e3));
    }
    add(report, "an API client", by_api);
    match page {
        Ok(page) => {
            page.close().await?;
            add(report, "a page in Chromium", by_page);
        }
        Err(why) => report.note(&name_of("a page in Chromium", "p50"), &why.to_string()),
    }
    Ok(())
}

fn name_of(whom: &str, share: &str) -> String {
    format!("engine's event to {whom}, {share}")
}

fn add(report: &mut Report, whom: &str, mut delays: Vec<f64>) {
    delays.sort_unstable_by(f64::total_cmp);
    for (share, value) in [
        ("p50", percentile(&delays, 0.5)),
        ("p99", percentile(&delays, 0.99)),
    ] {
        report.add_at_most(&name_of(whom, share), Unit::Milliseconds, value, AIM);
    }
}

/// The server has read the engine's containers.
async fn wait_until_known(server: &TestServer, name: &str) -> Result<()> {
    timeout(PATIENCE, async {
        loop {
            let list = server.get("/api/v1/containers").await.json();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            if items
                .iter()
                .any(|item| item["name"] == name && item["state"] == "running")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .map_err(|_| "the server does not find the engine's container".into())
}

/// When the engine says that it happened, in seconds since 1970.
async fn happened(engine: &TestEngine, id: &str, event: &str, since: f64) -> Result<f64> {
    let path = format!("/events?since={since:.6}&until={:.6}", now());
    let answer = engine.api().send(reqwest::Method::GET, &path, None).await;
    let text = answer.text().await?;
    let at = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|said| said["Action"] == event && said["Actor"]["ID"] == id)
        .filter_map(|said| said["timeNano"].as_f64())
        .next_back();
    Ok(at.ok_or_else(|| format!("the engine remembers no event {event}: {text}"))? / 1e9)
}

/// `GET /api/v1/events`, as any client reads it.
pub struct Stream {
    answer: reqwest::Response,
    /// The beginning of an event that has not come whole.
    rest: Vec<u8>,
    /// Events with the time at which they had come.
    heard: VecDeque<(f64, Value)>,
}

impl Stream {
    pub async fn open(server: &TestServer) -> Result<Self> {
        let answer = server
            .request(reqwest::Method::GET, "/api/v1/events")
            .bearer_auth(&server.api_key)
            .timeout(Duration::from_secs(600))
            .send()
            .await?
            .error_for_status()?;
        Ok(Self {
            answer,
            rest: Vec::new(),
            heard: VecDeque::new(),
        })
    }

    /// When the container was said to be in this state.
    async fn until(&mut self, name: &str, state: &str) -> Result<f64> {
        loop {
            let (at, event) = self.next().await?;
            let container = &event["container"];
            if container["name"] == name && container["state"] == state {
                return Ok(at);
            }
        }
    }

    /// The next event, and when it had come.
    pub async fn next(&mut self) -> Result<(f64, Value)> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(heard);
            }
            let bytes = self.answer.chunk().await?.ok_or("the stream of events ended")?;
            let at = now();
            self.rest.extend_from_slice(&bytes);
            while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.rest.drain(..end + 2).collect();
                let data = event
                    .split(|byte| *byte == b'\n')
                    .find_map(|line| line.strip_prefix(b"data: "));
                if let Some(event) = data.and_then(|data| serde_json::from_slice(data).ok()) {
                    self.heard.push_back((at, event));
                }
            }
        }
    }
}
