//! Many schedules due in the same instant.

use crate::report::{Report, Unit, percentile};
use std::time::{Duration, Instant};
use testkit::{postgres::Result, server::TestServer};
use tokio_postgres::Client;

/// How many are due at once, how often that is measured, and the most that the median and the last of a hundred may be late,
/// in milliseconds.
const BURSTS: [(usize, usize, Option<f64>, Option<f64>); 4] = [
    (1, 30, Some(10.0), None),
    (100, 8, None, None),
    (1000, 5, None, Some(250.0)),
    (10_000, 2, None, Some(4000.0)),
];
/// One-row transactions that the runs are compared with.
const INSERTS: usize = 5000;

/// Measures each burst. Gives how many there were at once with the median and the last of a hundred, in milliseconds.
pub async fn measure(
    report: &mut Report,
    server: &TestServer,
    database: &Client,
) -> Result<Vec<(usize, f64, f64)>> {
    let mut lateness = Vec::new();
    let mut rate = 0.0;
    for (count, rounds, p50_aim, p99_aim) in BURSTS {
        let mut late: Vec<f64> = Vec::new();
        for _ in 0..rounds {
            let burst = fire(database, count).await?;
            late.extend(burst.late);
            rate = count as f64 / burst.took.as_secs_f64();
        }
        late.sort_unstable_by(f64::total_cmp);
        let due = match count {
            1 => "1 schedule".to_owned(),
            _ => format!("{count} schedules"),
        };
        let [p50, p99] = [0.5, 0.99].map(|share| percentile(&late, share));
        for (name, value, aim) in [("p50", p50, p50_aim), ("p99", p99, p99_aim)] {
            let figure = format!("lateness of {due} due in a second, {name}");
            match aim {
                Some(aim) => report.add_at_most(&figure, Unit::Milliseconds, value, aim),
                None => report.add(&figure, Unit::Milliseconds, value),
            }
        }
        lateness.push((count, p50, p99));
    }
    let largest = BURSTS[BURSTS.len() - 1].0;
    let name = format!("runs completed per second, {largest} due at once");
    report.add(&name, Unit::PerSecond, rate);
    let inserts = inserts(server, INSERTS).await?;
    report.add(
        "plain inserts per second, same Postgres",
        Unit::PerSecond,
        inserts,
    );
    report.add("runs per plain insert", Unit::Ratio, rate / inserts);
    Ok(lateness)
}

pub struct Burst {
    /// Milliseconds, of each run.
    pub late: Vec<f64>,
    /// From the time they were due to the last one's end.
    pub took: Duration,
}

/// Makes `count` schedules due in the same instant, waits for their runs' end, and reads what was recorded.
pub async fn fire(database: &Client, count: usize) -> Result<Burst> {
    let row = database
        .query_one(
            "with due as (select date_trunc('second', clock_timestamp()) + $2::float8 * interval '1 second' as at), \
             chosen as (select id from schedules order by name limit $1), \
             moved as (update schedules s set next_at = due.at, \
               triggers = jsonb_build_array(jsonb_build_object('type', 'once', 'at', due.at)) \
               from due, chosen c where c.id = s.id returning 1) \
             select due.at::text, (select count(*) from moved), pg_notify('chrontainer', 'schedules')::text, \
               extract(epoch from due.at - clock_timestamp())::float8 from due",
            // Long enough for this very statement.
            &[&i64::try_from(count)?, &(2.0 + (count / 2500) as f64)],
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
    Ok(count as f64 / took.as_secs_f64())
}
