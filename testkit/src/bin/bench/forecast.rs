//! How long the server takes to look ahead over very many schedules.

use crate::report::{Report, Unit, percentile};
use domain::Timestamp;
use serde_json::json;
use std::time::{Instant, SystemTime};
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};
use tokio_postgres::Client;

const SCHEDULES: i32 = 10_000;
const DAYS: i64 = 30;
const ROUNDS: usize = 20;
/// Milliseconds.
const AIM: f64 = 300.0;

/// Half of them daily or rarer, a quarter hourly, a quarter every 5 minutes, in five zones; with a blackout every night, and
/// with jitter on every tenth.
pub async fn measure(report: &mut Report) -> Result<()> {
    let server = TestServer::start(TestServerOptions::private()).await?;
    let database = server.database().await?;
    create(&server, &database).await?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let to = Timestamp::from_timestamp(i64::try_from(now)? + DAYS * 86_400, 0).ok_or("a time")?;
    let to = to.format("%Y-%m-%dT%H:%M:%SZ");
    let path = format!("/api/v1/forecast?to={to}&timezone=Europe/Berlin&cell=1d&limit=200");
    let mut took = Vec::new();
    let mut size = 0;
    for _ in 0..=ROUNDS {
        let begun = Instant::now();
        let answer = server.get(&path).await;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        let seen = answer.json();
        if answer.status != 200 || seen["schedules"] != json!(SCHEDULES) {
            return Err(format!("the forecast is not of {SCHEDULES} schedules: {}", answer.text).into());
        }
        size = answer.text.len();
    }
    let first = took.remove(0);
    took.sort_unstable_by(f64::total_cmp);
    let name = |what: &str| format!("forecast of {SCHEDULES} schedules over {DAYS} days, {what}");
    // Nothing is known of the schedules yet: they are read and understood.
    report.add(&name("the first"), Unit::Milliseconds, first);
    report.add_at_most(&name("p50"), Unit::Milliseconds, percentile(&took, 0.5), AIM);
    report.add_at_most(&name("p99"), Unit::Milliseconds, percentile(&took, 0.99), AIM);
    report.add(&name("its answer"), Unit::Kilobytes, size as f64);
    Ok(())
}

/// One schedule and a blackout through the API, the others as copies of its row.
async fn create(server: &TestServer, database: &Client) -> Result<()> {
    let schedule = json!({
        "name": "bench",
        "triggers": [{ "type": "cron", "expression": "0 3 * * *" }],
        "steps": [{ "action": { "type": "noop" } }],
    });
    let blackout = json!({
        "name": "night", "on": { "type": "organisation" }, "timezone": "Europe/Berlin", "policy": "postpone",
        "window": { "type": "weekly", "start": "22:00", "duration": "8h" },
    });
    for (path, body) in [("/api/v1/schedules", schedule), ("/api/v1/blackouts", blackout)] {
        let answer = server.post(path, body).await;
        if answer.status != 200 && answer.status != 201 {
            return Err(format!("{path}: {}", answer.text).into());
        }
    }
    database
        .execute(
            "insert into schedules (id, org_id, name, enabled, timezone, triggers, steps, guards, acts_for, anchor_at, next_at) \
             select gen_random_uuid(), s.org_id, 'bench ' || n, true, \
               (array['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Sydney'])[1 + n % 5], \
               jsonb_build_array(jsonb_build_object('type', 'cron', 'expression', case n % 4 \
                 when 0 then (n / 4) % 60 || ' ' || (n / 7) % 24 || ' * * *' \
                 when 1 then (n / 4) % 60 || ' ' || (n / 7) % 24 || ' * * ' || (n / 3) % 7 \
                 when 2 then (n / 4) % 60 || ' * * * *' \
                 else '*/5 * * * *' end)), \
               s.steps, case when n % 10 = 0 then '{\"jitter\": \"10m\"}'::jsonb else s.guards end, s.acts_for, s.anchor_at, \
               date_trunc('hour', now()) + interval '6 hours' \
             from schedules s, generate_series(2, $1) n where s.name = 'bench'",
            &[&SCHEDULES],
        )
        .await?;
    database.batch_execute("analyze schedules").await?;
    Ok(())
}
