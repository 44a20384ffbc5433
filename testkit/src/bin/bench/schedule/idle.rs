//! What it costs to wait: a ticker with very many schedules of which none is due.

use super::stock;
use crate::report::{Report, Unit};
use std::time::{Duration, Instant};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

const SCHEDULES: usize = 100_000;
/// Until what follows the start is over, and how long is measured.
const SETTLE: Duration = Duration::from_secs(20);
const WINDOW: Duration = Duration::from_secs(40);
/// `USER_HZ`, in which proc(5) counts; the same on every Linux.
const TICKS: f64 = 100.0;

pub async fn measure(report: &mut Report) -> Result<()> {
    let server = TestServer::start(TestServerOptions::private()).await?;
    let database = server.database().await?;
    tokio::time::sleep(SETTLE).await;
    add(report, "no schedule", &server, &database).await?;
    stock::fill(&server, &database, SCHEDULES).await?;
    tokio::time::sleep(SETTLE).await;
    add(report, "100,000 schedules", &server, &database).await
}

async fn add(report: &mut Report, with: &str, server: &TestServer, database: &Client) -> Result<()> {
    let all = || -> Result<(f64, f64)> {
        let postgres = server
            .database_pids()
            .into_iter()
            .filter_map(|pid| ticks(pid, true).ok());
        Ok((ticks(i32::try_from(server.pid())?, false)?, postgres.sum()))
    };
    let (begun, before, queries) = (Instant::now(), all()?, transactions(database).await?);
    tokio::time::sleep(WINDOW).await;
    let (took, after) = (begun.elapsed().as_secs_f64(), all()?);
    // Of ours there is the one that asked at the beginning.
    let queries = (transactions(database).await? - queries - 1) as f64;
    let share = |from: f64, to: f64| (to - from) / TICKS / took * 100.0;
    let name = |what: &str| format!("idle with {with}: {what}");
    report.add(
        &name("CPU of the server"),
        Unit::Percent,
        share(before.0, after.0),
    );
    report.add(&name("CPU of Postgres"), Unit::Percent, share(before.1, after.1));
    report.add(&name("transactions"), Unit::FewPerSecond, queries / took);
    Ok(())
}

async fn transactions(database: &Client) -> Result<i64> {
    // Statistics of other sessions arrive within a second; those of this one are cut off by a new snapshot.
    let row = database
        .query_one(
            "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// What a process has used of the processor, in ticks; with what its children used that have ended.
fn ticks(pid: i32, with_children: bool) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before it may hold anything, brackets too.
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<f64> = rest
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, system, children_user, children_system] = fields[..] else {
        return Err(format!("/proc/{pid}/stat is short").into());
    };
    Ok(user
        + system
        + if with_children {
            children_user + children_system
        } else {
            0.0
        })
}
