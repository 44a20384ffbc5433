//! Ten thousand containers on fifty hosts: lists, selectors, events, memory and the page; then the same with a fifth of
//! the hosts hung. The engines are generated; how our list compares with an engine's own is measured against a real one.

use crate::{
    events::Stream,
    memory,
    page::now,
    report::{Report, Unit, percentile},
    site,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use testkit::{
    engines::{GeneratedEngine, RunOptions, TestEngine},
    postgres::Result,
    server::{OWNER, PASSWORD, TestServer},
};
use tokio::{process::Command, sync::Mutex, time::timeout};

const HOSTS: usize = 50;
const EACH: usize = 200;
const HUNG: usize = 10;
/// Containers of the real engine.
const REAL: usize = 200;
/// How often a question is asked.
const TIMES: usize = 200;
const EVENTS_PER_SECOND: u32 = 200;
const EVENTS: usize = 3000;

/// Everything is read in this time, or it never will be.
const PATIENCE: Duration = Duration::from_secs(180);
/// An engine that hangs is found out in this time: a ping every 10 s, each of 5 s, and once more.
const FOUND_OUT: Duration = Duration::from_secs(40);

/// What is asked of all containers.
const SELECTORS: [&str; 5] = [
    "query=stack:media%20state:running&limit=50",
    "query=name:*web*%20-host:h01&limit=50",
    "query=label:com.docker.compose.service=db%20health:healthy&limit=50",
    "query=image:postgres&sort=state&limit=50",
    "query=*&group=stack&sort=uptime&descending=true&limit=50",
];

/// Width and height of the window in CSS pixels.
const DESK: [&str; 2] = ["1440", "900"];
const PHONE: [&str; 2] = ["390", "844"];
const ON_A_PHONE: &str = ", on a phone";

struct Fleet {
    engines: Vec<Arc<GeneratedEngine>>,
    server: TestServer,
}

pub async fn measure(report: &mut Report) -> Result<()> {
    let fleet = Fleet::start().await?;
    let well = fleet.all(report, "", HOSTS).await?;
    for engine in fleet.engines.iter().rev().take(HUNG) {
        engine.hang(true);
    }
    fleet.until_offline(HUNG).await?;
    let hung = fleet.all(report, ", 10 of 50 hosts hung", HOSTS - HUNG).await?;
    for (name, hung) in hung {
        if let Some((_, well)) = well.iter().find(|(other, _)| *other == name) {
            let name = format!("fleet: {name} with hung hosts, ratio");
            report.add_at_most(&name, Unit::Ratio, hung / well, 1.1);
        }
    }
    drop(fleet);
    against_a_real_engine(report).await
}

/// The page alone, as it is on a desk and on a phone.
pub async fn measure_page(report: &mut Report) -> Result<()> {
    let fleet = Fleet::start().await?;
    fleet.page(report, "", HOSTS, DESK).await?;
    fleet.page(report, ON_A_PHONE, HOSTS, PHONE).await?;
    Ok(())
}

impl Fleet {
    async fn start() -> Result<Self> {
        let server = TestServer::start(site::server()).await?;
        let mut engines = Vec::new();
        for number in 0..HOSTS {
            let name = format!("h{number:02}");
            let engine = GeneratedEngine::start(&name, EACH).await;
            let body = json!({ "name": name, "url": engine.docker_host() });
            let answer = server.post("/api/v1/hosts", body).await;
            if answer.status != 201 {
                return Err(format!("adding {name} was answered with {answer:?}").into());
            }
            engines.push(Arc::new(engine));
        }
        let fleet = Self { engines, server };
        fleet.until(|page| page["total"] == HOSTS * EACH).await?;
        // Every running container is asked about once after the start.
        let started = async {
            loop {
                let page = fleet
                    .server
                    .get("/api/v1/containers?sort=uptime&descending=true&limit=1")
                    .await
                    .json();
                let last = fleet
                    .server
                    .get("/api/v1/containers?query=state:running&sort=uptime&limit=1&cursor=8999")
                    .await
                    .json();
                if page["items"][0]["started_at"].is_string() && last["items"][0]["started_at"].is_string() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        timeout(PATIENCE, started)
            .await
            .map_err(|_| "the containers were never all inspected")?;
        Ok(fleet)
    }

    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let seen = async {
            while !wanted(&self.server.get("/api/v1/containers?limit=1").await.json()) {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        timeout(PATIENCE, seen)
            .await
            .map_err(|_| "the fleet was never read as a whole".into())
    }

    async fn until_offline(&self, count: usize) -> Result<()> {
        let seen = async {
            loop {
                let hosts = self.server.get("/api/v1/hosts?limit=100").await.json();
                let items = hosts["items"].as_array().cloned().unwrap_or_default();
                if items.iter().filter(|host| host["status"] == "offline").count() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        timeout(FOUND_OUT, seen)
            .await
            .map_err(|_| "the hung hosts were not found out".into())
    }

    /// Everything that is measured with and without hung hosts, each with its name.
    async fn all(&self, report: &mut Report, when: &str, hosts: usize) -> Result<Vec<(&'static str, f64)>> {
        let (first, selector) = self.lists(report, when).await?;
        let events = self.events(report, when, hosts).await?;
        let memory = memory::resident(&self.server)?;
        report.add_at_most(
            &format!("fleet: memory of the server (RSS){when}"),
            Unit::Megabytes,
            memory,
            150e6,
        );
        let mut all = vec![
            ("first page", first),
            ("selector", selector),
            ("events p95", events),
            ("memory", memory),
        ];
        all.extend(self.page(report, when, hosts, DESK).await?);
        if hosts == HOSTS {
            self.page(report, ON_A_PHONE, hosts, PHONE).await?;
        }
        Ok(all)
    }

    /// Asks for the first page and for selectors over all; gives the medians of both.
    async fn lists(&self, report: &mut Report, when: &str) -> Result<(f64, f64)> {
        let first = self.ask(&["limit=50"]).await?;
        let median = percentile(&first, 0.5);
        report.add_at_most(
            &format!("fleet: first page of 10,000{when}, p50"),
            Unit::Milliseconds,
            median,
            15.0,
        );
        let all = self.ask(&SELECTORS).await?;
        let selector = percentile(&all, 0.5);
        report.add_at_most(
            &format!("fleet: selector over 10,000{when}, p50"),
            Unit::Milliseconds,
            selector,
            50.0,
        );
        report.add(
            &format!("fleet: selector over 10,000{when}, p99"),
            Unit::Milliseconds,
            percentile(&all, 0.99),
        );
        Ok((median, selector))
    }

    async fn ask(&self, questions: &[&str]) -> Result<Vec<f64>> {
        let mut taken = Vec::new();
        for number in 0..TIMES {
            let path = format!("/api/v1/containers?{}", questions[number % questions.len()]);
            let begun = Instant::now();
            let answer = self.server.get(&path).await;
            taken.push(begun.elapsed().as_secs_f64() * 1e3);
            if answer.status != 200 {
                return Err(format!("{path} was answered with {answer:?}").into());
            }
        }
        taken.sort_unstable_by(f64::total_cmp);
        Ok(taken)
    }

    /// Changes containers at a steady rate and waits for each change at an API client; gives the p95.
    async fn events(&self, report: &mut Report, when: &str, hosts: usize) -> Result<f64> {
        let mut stream = Stream::open(&self.server).await?;
        let made: Arc<Mutex<HashMap<(String, String), (f64, &'static str)>>> = Arc::default();
        let engines = self.engines[..hosts].to_vec();
        let notes = made.clone();
        let maker = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / EVENTS_PER_SECOND);
            for number in 0..EVENTS {
                ticks.tick().await;
                let host = number % engines.len();
                let mut notes = notes.lock().await;
                let at = now();
                let (name, state) = engines[host].flip(number / engines.len());
                notes.insert((format!("h{host:02}"), name), (at, state));
            }
        });
        let mut delays = Vec::with_capacity(EVENTS);
        let heard = async {
            while delays.len() < EVENTS {
                let (at, event) = stream.next().await?;
                let container = &event["container"];
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let key = (text(&container["host"]["name"]), text(&container["name"]));
                let mut made = made.lock().await;
                let known = made
                    .get(&key)
                    .is_some_and(|(_, state)| container["state"] == *state);
                if known && let Some((since, _)) = made.remove(&key) {
                    delays.push((at - since) * 1e3);
                }
            }
            Result::<()>::Ok(())
        };
        let patience = Duration::from_secs(EVENTS as u64 / u64::from(EVENTS_PER_SECOND) + 30);
        let all = timeout(patience, heard).await;
        maker.abort();
        match all {
            Ok(heard) => heard?,
            Err(_) => report.note(
                &format!("fleet: events that were missed{when}"),
                &(EVENTS - delays.len()).to_string(),
            ),
        }
        delays.sort_unstable_by(f64::total_cmp);
        let p95 = percentile(&delays, 0.95);
        let name = |share: &str| format!("fleet: 200 events/s to an API client{when}, {share}");
        report.add(&name("p50"), Unit::Milliseconds, percentile(&delays, 0.5));
        report.add_at_most(&name("p95"), Unit::Milliseconds, p95, 300.0);
        Ok(p95)
    }

    /// The page in Chromium: until it works, while it scrolls, and while 200 events a second come in.
    async fn page(
        &self,
        report: &mut Report,
        when: &str,
        hosts: usize,
        size: [&str; 2],
    ) -> Result<Vec<(&'static str, f64)>> {
        if site::root().is_none() {
            report.note("fleet: the page in Chromium", "not built (./dev bench builds it)");
            return Ok(Vec::new());
        }
        let mut browser = Command::new("node")
            .arg("support/fleet.mjs")
            .args([self.server.url.as_str(), OWNER, PASSWORD])
            .args(size)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| "there is no node (./dev setup)")?;
        let engines = self.engines[..hosts].to_vec();
        let flip = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / EVENTS_PER_SECOND);
            for number in 0_usize.. {
                ticks.tick().await;
                // Every other one on the first host, whose rows the browser sees: what is measured are those.
                match number % 2 {
                    0 => engines[0].flip(number / 2),
                    _ => engines[number / 2 % engines.len()].flip(number / 2 / engines.len()),
                };
            }
        });
        drop(browser.stdin.take());
        let output = timeout(PATIENCE, browser.wait_with_output()).await;
        flip.abort();
        let output = output.map_err(|_| "the browser does not end")??;
        let said: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
            format!(
                "the browser measured nothing: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        let mut measured = Vec::new();
        for (name, field, aim) in [
            ("the page of 10,000 works after", "interactive", 1500.0),
            ("longest task while it scrolls", "scrolling", 50.0),
            ("engine's event to the page at 200/s, p95", "event_p95", 300.0),
        ] {
            let shown = format!("fleet: {name}{when}");
            match said[field].as_f64() {
                Some(value) => {
                    report.add_at_most(&shown, Unit::Milliseconds, value, aim);
                    measured.push((name, value));
                }
                None => report.note(&shown, "not measured"),
            }
        }
        let mut more = |name: &str, unit: Unit, field: &str| {
            if let Some(value) = said[field].as_f64() {
                report.add(&format!("fleet: {name}{when}"), unit, value);
            }
        };
        more(
            "tasks of more than 50 ms while it scrolls",
            Unit::Count,
            "long_tasks",
        );
        more("loaded by the page, packed", Unit::Kilobytes, "loaded");
        Ok(measured)
    }
}

/// The same containers, asked of us and of the engine itself.
async fn against_a_real_engine(report: &mut Report) -> Result<()> {
    let engine = TestEngine::start().await;
    for number in 0..REAL {
        let options = RunOptions {
            start: false,
            ..RunOptions::default()
        };
        engine
            .run_container(&engine.name(&number.to_string()), options)
            .await;
    }
    let server = TestServer::start(site::server().docker_host(engine.docker_host())).await?;
    let known = async {
        while server.get("/api/v1/containers?limit=1").await.json()["total"] != REAL {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, known)
        .await
        .map_err(|_| "the real engine's containers were not read")?;
    let (mut ours, mut theirs, mut program) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES / 2 {
        let begun = Instant::now();
        let answer = server.get("/api/v1/containers?limit=500").await;
        ours.push(begun.elapsed().as_secs_f64() * 1e3);
        if answer.status != 200 {
            return Err(format!("the list was answered with {answer:?}").into());
        }
        let begun = Instant::now();
        engine
            .api()
            .send(reqwest::Method::GET, "/containers/json?all=1", None)
            .await
            .bytes()
            .await?;
        theirs.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let ended = Command::new("docker")
            .args(["--host", &engine.docker_host(), "ps", "--all", "--no-trunc"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if ended.is_ok_and(|status| status.success()) {
            program.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        percentile(values, 0.5)
    };
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    report.add(
        "our list of a real engine's 200 containers, p50",
        Unit::Milliseconds,
        ours,
    );
    report.add("the engine's own list of them, p50", Unit::Milliseconds, theirs);
    report.add(
        "our list against the engine's own, ratio",
        Unit::Ratio,
        ours / theirs,
    );
    if program.is_empty() {
        report.note(
            "our list against docker ps -a, ratio",
            "there is no docker program here",
        );
    } else {
        let program = median(&mut program);
        report.add_at_most(
            "our list against docker ps -a, ratio",
            Unit::Ratio,
            ours / program,
            0.2,
        );
    }
    Ok(())
}
