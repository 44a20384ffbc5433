//! How late schedules start when many are due in the same second, and how many runs a server completes.
//!
//! Lateness is what the product records itself: the run's start on the database's clock, minus the time it was due.

use crate::report::{Report, Unit, percentile};
use futures::{StreamExt, stream};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

/// How many are due at once, and how often that is measured.
const BURSTS: [(usize, usize); 3] = [(1, 30), (100, 8), (1000, 5)];
/// Due at once to see how many are completed per second.
const FLOOD: usize = 5000;

/// Milliseconds.
const SINGLE_P50: f64 = 20.0;
const THOUSAND_P99: f64 = 500.0;

pub async fn measure(report: &mut Report) -> Result<()> {
    // Its own private Postgres, as most people run it: durable, and small.
    let server = TestServer::start(TestServerOptions::private()).await?;
    let database = server.database().await?;
    create(&server, FLOOD).await?;
    for (count, rounds) in BURSTS {
        let mut late: Vec<f64> = Vec::new();
        for _ in 0..rounds {
            late.extend(fire(&database, count).await?.late);
        }
        late.sort_unstable_by(f64::total_cmp);
        let due = match count {
            1 => "1 schedule".to_owned(),
            _ => format!("{count} schedules"),
        };
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let figure = format!("lateness of {due} due in a second, {name}");
            let value = percentile(&late, share);
            match (count, name) {
                (1, "p50") => report.add_at_most(&figure, Unit::Milliseconds, value, SINGLE_P50),
                (1000, "p99") => report.add_at_most(&figure, Unit::Milliseconds, value, THOUSAND_P99),
                _ => report.add(&figure, Unit::Milliseconds, value),
            }
        }
    }
    let flood = fire(&database, FLOOD).await?;
    let runs = rate(FLOOD, flood.took);
    report.add(
        &format!("runs completed per second, {FLOOD} due at once"),
        Unit::PerSecond,
        runs,
    );
    let inserts = inserts(&server, FLOOD).await?;
    report.add(
        "plain inserts per second, same Postgres",
        Unit::PerSecond,
        inserts,
    );
    report.add("runs per plain insert", Unit::Ratio, runs / inserts);
    Ok(())
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Makes schedules that are due in a year, through the API.
async fn create(server: &TestServer, count: usize) -> Result<()> {
    let at = "2099-01-01T00:00:00Z";
    let failed: Vec<String> = stream::iter(0..count)
        .map(|n| async move {
            let body = json!({
                "name": format!("bench {n:05}"),
                "triggers": [{ "type": "once", "at": at }],
                "steps": [{ "action": { "type": "noop" } }],
            });
            let answer = server.post("/api/v1/schedules", body).await;
            (answer.status != 201 && answer.status != 200).then_some(answer.text)
        })
        .buffer_unordered(16)
        .filter_map(async |failed| failed)
        .collect()
        .await;
    match failed.first() {
        None => Ok(()),
        Some(error) => Err(format!("a schedule was not made: {error}").into()),
    }
}

struct Burst {
    /// Milliseconds, of each run.
    late: Vec<f64>,
    /// From the time they were due to the last one's end.
    took: Duration,
}

/// Makes `count` schedules due in the same instant, waits for their runs' end, and reads what was recorded.
async fn fire(database: &Client, count: usize) -> Result<Burst> {
    let row = database
        .query_one(
            "with due as (select date_trunc('second', clock_timestamp()) + interval '2 seconds' as at), \
             chosen as (select id from schedules order by name limit $1), \
             moved as (update schedules s set next_at = due.at, \
               triggers = jsonb_build_array(jsonb_build_object('type', 'once', 'at', due.at)) \
               from due, chosen c where c.id = s.id returning 1) \
             select due.at::text, (select count(*) from moved), pg_notify('chrontainer', 'schedules')::text, \
               extract(epoch from due.at - clock_timestamp())::float8 from due",
            &[&i64::try_from(count)?],
        )
        .await?;
    let due: String = row.get(0);
    let end = Instant::now() + Duration::from_secs(120);
    // Nothing is asked while they are started, so that asking costs them nothing.
    let mut pause = Duration::from_secs_f64(row.get::<_, f64>(3) + 0.2);
    loop {
        tokio::time::sleep(pause).await;
        pause = Duration::from_millis(250);
        let row = database
            .query_one(
                "select count(*) from runs where scheduled_for = $1::text::timestamptz and finished_at is not null",
                &[&due],
            )
            .await?;
        let ended = usize::try_from(row.get::<_, i64>(0))?;
        if ended >= count {
            break;
        }
        if Instant::now() > end {
            return Err(format!("of {count} runs only {ended} ended within two minutes").into());
        }
    }
    let rows = database
        .query(
            "select extract(epoch from started_at - scheduled_for)::float8 * 1000, \
               extract(epoch from finished_at - scheduled_for)::float8 \
             from runs where scheduled_for = $1::text::timestamptz and state = 'succeeded'",
            &[&due],
        )
        .await?;
    if rows.len() != count {
        return Err(format!("{count} were due, and {} runs succeeded", rows.len()).into());
    }
    let took = rows.iter().map(|row| row.get::<_, f64>(1)).fold(0.0, f64::max);
    Ok(Burst {
        late: rows.iter().map(|row| row.get(0)).collect(),
        took: Duration::from_secs_f64(took),
    })
}

/// One row per transaction into the same Postgres, over as many connections as the server has for its records.
async fn inserts(server: &TestServer, count: usize) -> Result<f64> {
    const CONNECTIONS: usize = 10;
    let first = server.database().await?;
    first
        .batch_execute("create table bench_plain (id bigserial primary key, at timestamptz not null default now(), text text)")
        .await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(server.database().await?);
    }
    let begun = Instant::now();
    let inserting = clients.iter().map(|client| async move {
        let insert = client
            .prepare("insert into bench_plain (text) values ($1)")
            .await?;
        for _ in 0..count / CONNECTIONS {
            client.execute(&insert, &[&"a run of nothing"]).await?;
        }
        Ok::<_, testkit::postgres::Error>(())
    });
    futures::future::try_join_all(inserting).await?;
    let took = begun.elapsed();
    first.batch_execute("drop table bench_plain").await?;
    Ok(rate(count, took))
}
