//! How late schedules start when many are due in the same second, and how many runs a server completes.
//!
//! Lateness is what the product records itself: the run's start on the database's clock, minus the time it was due.

use crate::table::Table;
use futures::{StreamExt, stream};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::{Client, NoTls};

/// How many are due at once, and how often that is measured.
const BURSTS: [(usize, usize); 3] = [(1, 30), (100, 8), (1000, 5)];
/// Due at once to see how many are completed per second.
const FLOOD: usize = 5000;

pub async fn measure(table: &mut Table) -> Result<()> {
    // Its own private Postgres, as most people run it: durable, and small.
    let server = TestServer::start(TestServerOptions::private()).await?;
    let database = database(&server).await?;
    let most = FLOOD.max(BURSTS[BURSTS.len() - 1].0);
    create(&server, most).await?;
    for (count, rounds) in BURSTS {
        let mut late: Vec<f64> = Vec::new();
        for _ in 0..rounds {
            let burst = fire(&database, count).await?;
            late.extend(burst.late);
        }
        late.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| late[((late.len() - 1) as f64 * share).round() as usize];
        let aim = match count {
            1 => ("≤ 20 ms", ""),
            1000 => ("", "≤ 500 ms"),
            _ => ("", ""),
        };
        table.add(
            format!("lateness, {count} due at once, p50"),
            format!("{:.1} ms", at(0.5)),
            aim.0,
        );
        table.add(
            format!("lateness, {count} due at once, p99"),
            format!("{:.1} ms", at(0.99)),
            aim.1,
        );
    }
    let flood = fire(&database, FLOOD).await?;
    let runs = FLOOD as f64 / flood.took.as_secs_f64();
    table.add(
        format!("runs completed per second ({FLOOD} at once)"),
        format!("{runs:.0}"),
        "",
    );
    let inserts = inserts(&server, FLOOD).await?;
    table.add(
        "plain inserts per second, same Postgres",
        format!("{inserts:.0}"),
        "",
    );
    table.add("runs per plain insert", format!("{:.2}", runs / inserts), "");
    Ok(())
}

/// A connection to the server's private Postgres, through the socket in its runtime directory.
async fn database(server: &TestServer) -> Result<Client> {
    let runtime = server.data_dir().with_file_name("run");
    let socket = std::fs::read_dir(&runtime)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("pg-"))
        })
        .ok_or("the private Postgres has no socket directory")?;
    let url = format!("host={} user=chrontainer dbname=chrontainer", socket.display());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
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
            "with due as (select date_trunc('second', clock_timestamp()) + interval '3 seconds' as at), \
             chosen as (select id from schedules order by name limit $1), \
             moved as (update schedules s set next_at = due.at, \
               triggers = jsonb_build_array(jsonb_build_object('type', 'once', 'at', due.at)) \
               from due, chosen c where c.id = s.id returning 1) \
             select due.at::text, (select count(*) from moved), pg_notify('chrontainer', 'schedules')::text from due",
            &[&i64::try_from(count)?],
        )
        .await?;
    let due: String = row.get(0);
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let row = database
            .query_one(
                "select count(*) from runs where scheduled_for = $1::text::timestamptz and finished_at is not null",
                &[&due],
            )
            .await?;
        if usize::try_from(row.get::<_, i64>(0))? >= count {
            break;
        }
        if Instant::now() > end {
            return Err(format!(
                "of {count} runs only {} ended within two minutes",
                row.get::<_, i64>(0)
            )
            .into());
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
    let first = database(server).await?;
    first
        .batch_execute("create table bench_plain (id bigserial primary key, at timestamptz not null default now(), text text)")
        .await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(database(server).await?);
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
    Ok(count as f64 / took.as_secs_f64())
}
