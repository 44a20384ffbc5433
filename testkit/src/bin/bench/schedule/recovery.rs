//! How long after `kill -9` all is done that was open.

use super::stock;
use crate::report::{Report, Unit};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

/// Due at once; the server is killed when so many of their runs are open.
const DUE: usize = 1200;
const OPEN: i64 = 1000;
/// Milliseconds.
const AIM: f64 = 5000.0;

pub async fn measure(report: &mut Report) -> Result<()> {
    let mut server = TestServer::start(TestServerOptions::private()).await?;
    let database = server.database().await?;
    // Two steps, so that runs are open for a while, and some are cut between them.
    let steps = json!([{ "action": { "type": "noop" } }, { "action": { "type": "wait", "time": "50ms" } }]);
    stock::fill_with(&server, &database, DUE, steps).await?;
    database
        .batch_execute(
            "update schedules set next_at = date_trunc('second', clock_timestamp()) + interval '2 seconds'; \
             notify chrontainer, 'schedules'",
        )
        .await?;
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        let (open, begun) = open(&database).await?;
        if open >= OPEN && begun > 0 {
            break;
        }
        if Instant::now() > limit {
            return Err("there were never 1,000 open runs".into());
        }
    }
    server.kill9();
    let (left, begun) = open(&database).await?;
    let started = Instant::now();
    server.start_again().await?;
    let listens = started.elapsed();
    while open(&database).await?.0 > 0 {
        if started.elapsed() > Duration::from_secs(120) {
            return Err("two minutes after the start, runs are still open".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = started.elapsed();
    let again: i64 = database
        .query_one(
            "select count(*) from (select 1 from run_logs where step = 0 group by run_id having count(*) > 1) twice",
            &[],
        )
        .await?
        .get(0);
    if again > 0 {
        return Err(format!("the first step of {again} runs was done again").into());
    }
    let name = |what: &str| format!("kill -9 with {OPEN} open runs: {what}");
    report.add(&name("open when killed"), Unit::Count, left as f64);
    report.add(&name("of them begun"), Unit::Count, begun as f64);
    report.add(
        &name("the new server listens after"),
        Unit::Milliseconds,
        listens.as_secs_f64() * 1e3,
    );
    report.add_at_most(
        &name("all have ended after"),
        Unit::Milliseconds,
        took.as_secs_f64() * 1e3,
        AIM,
    );
    Ok(())
}

/// Open runs, and how many of them have begun.
async fn open(database: &Client) -> Result<(i64, i64)> {
    let row = database
        .query_one(
            "select count(*), count(*) filter (where state = 'running') from runs \
             where state in ('waiting', 'queued', 'running', 'cancelling')",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}
