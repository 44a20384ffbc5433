//! How long lists of runs take when ten million are kept. A part of its own: filling the tables takes minutes and gigabytes.

use crate::report::{Report, Unit, percentile};
use serde_json::json;
use std::time::Instant;
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

const RUNS: i64 = 10_000_000;
/// Filled by one statement.
const CHUNK: i64 = 1_000_000;
/// One of so many runs worked on a container of which there are so many; of the rare one there are three.
const WITH_TARGETS: i64 = 10;
const ROUNDS: usize = 20;
/// Milliseconds.
const AIM: f64 = 100.0;

/// Runs of 500 schedules over 90 days, nearly all of which succeeded; of the rarer ends one in a thousand to one in a
/// million; a tenth with a step and a target.
pub async fn measure(report: &mut Report) -> Result<()> {
    let server = TestServer::start(TestServerOptions::private()).await?;
    let database = server.database().await?;
    let begun = Instant::now();
    fill(&server, &database).await?;
    report.add(
        "history: filling with 10 million runs",
        Unit::Seconds,
        begun.elapsed().as_secs_f64(),
    );
    let row = database
        .query_one("select pg_total_relation_size('runs')::float8", &[])
        .await?;
    report.add(
        "history: the table of runs with its indexes",
        Unit::Megabytes,
        row.get(0),
    );
    let one = |column: &str, of: &str| format!("select {column}::text from {of}");
    let ask = async |sql: String| -> Result<String> { Ok(database.query_one(&sql, &[]).await?.get(0)) };
    let busy = ask(one("id", "schedules where name = 'busy'")).await?;
    let some = ask(one("id", "schedules where name = 'history 00007'")).await?;
    let middle = ask(one("id", "runs order by id offset 100 limit 1")).await?;
    let run = ask(one("id", "runs where state = 'failed' order by id desc limit 1")).await?;
    let common = ask(one(
        "container_id",
        "run_targets where container_name = 'common' limit 1",
    ))
    .await?;
    let rare = ask(one(
        "container_id",
        "run_targets where container_name = 'rare' limit 1",
    ))
    .await?;
    let mut browser = server.sign_in().await?;
    let pages = [
        ("first page", "/api/v1/runs".to_owned()),
        ("last page", format!("/api/v1/runs?cursor={middle}")),
        (
            "of a schedule with 5 million",
            format!("/api/v1/runs?schedule={busy}"),
        ),
        ("of another schedule", format!("/api/v1/runs?schedule={some}")),
        ("succeeded", "/api/v1/runs?status=succeeded".to_owned()),
        ("failed, 1 in 1,000", "/api/v1/runs?status=failed".to_owned()),
        ("missed, 1 in a million", "/api/v1/runs?status=missed".to_owned()),
        ("running, none", "/api/v1/runs?status=running".to_owned()),
        (
            "missed, of a schedule",
            format!("/api/v1/runs?status=missed&schedule={busy}"),
        ),
        (
            "of a container with 1 million",
            format!("/api/v1/runs?container={common}"),
        ),
        ("of a container with 3", format!("/api/v1/runs?container={rare}")),
        ("one run", format!("/api/v1/runs/{run}")),
        (
            "figures of a schedule",
            format!("/api/v1/schedules/{some}/statistics"),
        ),
        ("which schedules fail most", "/api/v1/statistics".to_owned()),
    ];
    for (name, path) in pages {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = server.get(&path).await;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            if answer.status != 200 {
                return Err(format!("{path}: {}", answer.text).into());
            }
        }
        add(report, name, took);
    }
    for (name, path) in [
        ("the page Activity", "/activity".to_owned()),
        ("the page of a run", format!("/runs/{run}")),
    ] {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let page = browser.open(&path).await;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            if page.status != 200 {
                return Err(format!("{path} was answered with {}", page.status).into());
            }
        }
        add(report, name, took);
    }
    Ok(())
}

/// The first time is told apart: it reads from the disk what the others find in memory.
fn add(report: &mut Report, name: &str, mut took: Vec<f64>) {
    let first = took.remove(0);
    took.sort_unstable_by(f64::total_cmp);
    let figure = |what: &str| format!("10 million runs: {name}, {what}");
    report.add(&figure("the first time"), Unit::Milliseconds, first);
    report.add_at_most(&figure("p99"), Unit::Milliseconds, percentile(&took, 0.99), AIM);
}

async fn fill(server: &TestServer, database: &Client) -> Result<()> {
    let body = json!({
        "name": "busy", "triggers": [{ "type": "once", "at": "2099-01-01T00:00:00Z" }],
        "steps": [{ "action": { "type": "noop" } }],
    });
    let answer = server.post("/api/v1/schedules", body).await;
    if answer.status != 201 {
        return Err(answer.text.into());
    }
    // Indexes are made once, at the end.
    let indexes: Vec<String> = database
        .query(
            "select indexdef from pg_indexes where tablename in ('runs', 'run_targets') and indexname not like '%_pkey'",
            &[],
        )
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect();
    database
        .batch_execute(
            "set synchronous_commit = off; set maintenance_work_mem = '512MB'; \
             insert into schedules (id, org_id, name, enabled, timezone, triggers, steps, guards, acts_for, anchor_at, next_at) \
               select gen_random_uuid(), s.org_id, 'history ' || lpad(n::text, 5, '0'), true, s.timezone, s.triggers, s.steps, \
                 s.guards, s.acts_for, s.anchor_at, s.next_at from schedules s, generate_series(1, 499) n; \
             create temporary table own as select id, row_number() over (order by name) as place from schedules; \
             do $$ declare name text; begin \
               for name in select indexname from pg_indexes where tablename in ('runs', 'run_targets') \
                 and indexname not like '%_pkey' \
               loop execute 'drop index ' || name; end loop; end $$",
        )
        .await?;
    let mut from = 0;
    while from < RUNS {
        // An id begins with its milliseconds (RFC 9562, version 7); the number keeps those of one millisecond apart.
        database
            .execute(
                "insert into runs (id, org_id, schedule_id, title, trigger, plan, acts_for, state, scheduled_for, queued_at, \
                   started_at, finished_at, message, epoch, targets, succeeded) \
                 select (lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') \
                     || '8' || lpad(to_hex(n), 15, '0'))::uuid, \
                   s.org_id, s.id, s.name, '{\"type\":\"schedule\"}', jsonb_build_object('steps', s.steps, 'guards', '{}'::jsonb), \
                   s.acts_for, \
                   case when n % 1000000 = 77 then 'missed' when n % 10000 = 77 then 'skipped' when n % 1000 = 7 then 'failed' \
                     else 'succeeded' end, \
                   t.at, t.at, t.at + interval '5 ms', t.at + interval '30 ms', \
                   case when n % 1000 = 7 then 'The engine did not answer.' end, 1, (n % $3 = 0)::int, (n % $3 = 0)::int \
                 from generate_series($1::bigint, $1 + $2 - 1) n \
                 cross join lateral (select now() - interval '90 days' + n * (interval '90 days' / $4::float8) as at) t \
                 join own o on o.place = case when n % 2 = 0 then 1 else 2 + n % 499 end join schedules s on s.id = o.id",
                &[&from, &CHUNK, &WITH_TARGETS, &(RUNS as f64)],
            )
            .await?;
        from += CHUNK;
    }
    database
        .batch_execute(&format!(
            "insert into run_steps (run_id, step, name, action, target, state) \
               select id, 0, 'Restart', '{{\"type\":\"restart\"}}', 'name:web', 'succeeded' from runs where targets = 1; \
             insert into run_targets (run_id, step, ordinal, host_id, host_name, container_id, container_name, state) \
               select run_id, 0, 0, '00000000-0000-7000-8000-00000000000a', 'nas', '00000000-0000-7000-8000-00000000000b', \
                 'common', 'succeeded' from run_steps; \
             update run_targets set container_id = '00000000-0000-7000-8000-00000000000c', container_name = 'rare' \
               where run_id in (select run_id from run_steps order by run_id offset 1000 limit 3); \
             {}; vacuum analyze runs, run_steps, run_targets",
            indexes.join("; ")
        ))
        .await
        .map_err(|error| format!("the indexes could not be made: {error}"))?;
    Ok(())
}
