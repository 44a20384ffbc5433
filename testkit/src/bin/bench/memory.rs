//! What an idle installation keeps in memory.

use crate::{
    report::{Report, Unit},
    site,
};
use std::time::Duration;
use testkit::{
    engines::{RunOptions, TestEngine},
    postgres::Result,
    server::TestServer,
};

/// After the start, before it is looked at.
const IDLE: Duration = Duration::from_secs(20);
const CONTAINERS: usize = 5;
/// Bytes.
const SERVER: f64 = 40e6;
const TOGETHER: f64 = 110e6;

pub async fn measure(report: &mut Report) -> Result<()> {
    let engine = TestEngine::start().await;
    for number in 0..CONTAINERS {
        engine
            .run_container(&engine.name(&number.to_string()), RunOptions::default())
            .await;
    }
    let server = TestServer::start(site::server().docker_host(engine.docker_host())).await?;
    let mut browser = server.sign_in().await?;
    tokio::time::sleep(IDLE).await;
    add(report, "idle", &server, true)?;

    // What was used once stays in part; a server that people have looked at is the usual one.
    for path in [
        "/",
        "/schedules",
        "/schedules/new",
        "/activity",
        "/hosts",
        "/api/docs/",
    ] {
        for _ in 0..10 {
            let page = browser.open(path).await;
            if page.status != 200 {
                return Err(format!("{path} was answered with {}", page.status).into());
            }
        }
    }
    tokio::time::sleep(IDLE / 4).await;
    add(report, "idle after 60 pages", &server, false)?;
    Ok(())
}

/// Server and Postgres as they are now; `aimed` says whether they should be small.
fn add(report: &mut Report, when: &str, server: &TestServer, aimed: bool) -> Result<()> {
    let resident = resident(server)?;
    // Its processes share most of their memory: each one's part of that is counted.
    let mut database = 0.0;
    for pid in server.database_pids() {
        // One that has ended meanwhile keeps nothing.
        database += kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:").unwrap_or_default();
    }
    if database == 0.0 {
        return Err("the memory of Postgres cannot be read; run as root or as the user it runs as".into());
    }
    let mut one = |what: &str, value: f64, aim: f64| {
        let name = format!("memory of {what}, {when}");
        if aimed {
            report.add_at_most(&name, Unit::Megabytes, value, aim);
        } else {
            report.add(&name, Unit::Megabytes, value);
        }
    };
    one("the server (RSS)", resident, SERVER);
    one(
        "the server (RSS) and Postgres (PSS)",
        resident + database,
        TOGETHER,
    );
    Ok(())
}

/// What the server itself holds in memory, in bytes.
pub fn resident(server: &TestServer) -> Result<f64> {
    kib(&format!("/proc/{}/status", server.pid()), "VmRSS:")
}

/// A line of a file in proc(5), in bytes.
fn kib(path: &str, name: &str) -> Result<f64> {
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib: u32 = line
        .and_then(|line| line.trim().strip_suffix("kB"))
        .ok_or_else(|| format!("{path} has no {name}"))?
        .trim()
        .parse()?;
    Ok(f64::from(kib) * 1024.0)
}
