//! How many runs are completed per second when more are due than can be done, beside what the same Postgres does for pgbench.

use crate::report::{Report, Unit};
use std::{process::Stdio, time::Duration};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

/// Schedules of every second: more than can be done.
const OFFERED: i64 = 6000;
/// Until all is under way, and how long is measured.
const RAMP: Duration = Duration::from_secs(4);
const WINDOW: Duration = Duration::from_secs(12);
/// With full history, on one server.
const AIM: f64 = 1500.0;

pub async fn measure(report: &mut Report, server: &TestServer, database: &Client) -> Result<()> {
    let updates = match pgbench(server).await {
        Ok(updates) => {
            report.add("pgbench, simple update, same Postgres", Unit::PerSecond, updates);
            Some(updates)
        }
        Err(error) => {
            report.note(
                "pgbench, simple update, same Postgres",
                &format!("not measured: {error}"),
            );
            None
        }
    };
    let one = rate(database).await?;
    report.add_at_least("runs sustained per second, one server", Unit::PerSecond, one, AIM);
    let second = TestServer::start(TestServerOptions::on_url(&server.database_url()?)).await?;
    let two = rate(database).await?;
    report.add("runs sustained per second, two servers", Unit::PerSecond, two);
    drop(second);
    for (servers, runs) in [("one server", one), ("two servers", two)] {
        if let Some(updates) = updates {
            let name = format!("runs sustained per simple update, {servers}");
            report.add(&name, Unit::Ratio, runs / updates);
        }
    }
    Ok(())
}

/// Lets the schedules fire every second for a while, and counts the runs that end meanwhile.
async fn rate(database: &Client) -> Result<f64> {
    database
        .execute(
            "update schedules set next_at = date_trunc('second', clock_timestamp()) + interval '2 seconds', \
               anchor_at = date_trunc('second', clock_timestamp()), done_at = null, enabled = true, \
               triggers = '[{\"type\":\"interval\",\"every\":\"1s\"}]', guards = guards || '{\"overlap\":\"allow\"}' \
             where id in (select id from schedules order by name limit $1)",
            &[&OFFERED],
        )
        .await?;
    wake(database).await?;
    tokio::time::sleep(RAMP).await;
    let ended = "select count(*) from runs where state = 'succeeded' and finished_at >= $1::text::timestamptz \
                 and finished_at < $1::text::timestamptz + $2::float8 * interval '1 second'";
    let from: String = database
        .query_one("select clock_timestamp()::text", &[])
        .await?
        .get(0);
    tokio::time::sleep(WINDOW).await;
    database
        .execute("update schedules set enabled = false", &[])
        .await?;
    wake(database).await?;
    let count: i64 = database
        .query_one(ended, &[&from, &WINDOW.as_secs_f64()])
        .await?
        .get(0);
    // What was made is done before anything else is measured.
    for _ in 0..600 {
        let open = "select count(*) from runs where state in ('waiting', 'queued', 'running', 'cancelling')";
        let open: i64 = database.query_one(open, &[]).await?.get(0);
        if open == 0 {
            return Ok(count as f64 / WINDOW.as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err("two minutes later, runs are still open".into())
}

async fn wake(database: &Client) -> Result<()> {
    database.batch_execute("notify chrontainer, 'schedules'").await?;
    Ok(())
}

/// The transactions per second of pgbench's simple update, as many clients as the server has connections for its records.
async fn pgbench(server: &TestServer) -> Result<f64> {
    let socket = server.socket_dir()?;
    let run = async |words: &[&str]| -> Result<String> {
        let output = tokio::process::Command::new("pgbench")
            .arg("--host")
            .arg(&socket)
            .args(["--username", "chrontainer"])
            .args(words)
            .arg("chrontainer")
            .stdin(Stdio::null())
            .output()
            .await?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    run(&["--initialize", "--quiet", "--scale", "10"]).await?;
    let words = [
        "--skip-some-updates",
        "--no-vacuum",
        "--protocol",
        "prepared",
        "--client",
        "10",
        "--jobs",
        "2",
        "--time",
        "12",
    ];
    let said = run(&words).await?;
    let rate = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))
        .and_then(|rest| rest.split(' ').next())
        .ok_or("pgbench told no rate")?;
    Ok(rate.parse()?)
}
