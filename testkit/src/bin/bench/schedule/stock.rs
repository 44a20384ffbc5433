//! Schedules to measure with.

use serde_json::json;
use std::path::{Path, PathBuf};
use testkit::{postgres::Result, server::TestServer};
use tokio_postgres::Client;

/// Makes so many schedules of one no-op step that are due in a lifetime: one through the API, the others as copies of it.
pub async fn fill(server: &TestServer, database: &Client, count: usize) -> Result<()> {
    fill_with(server, database, count, json!([{ "action": { "type": "noop" } }])).await
}

/// The same with other steps.
pub async fn fill_with(
    server: &TestServer,
    database: &Client,
    count: usize,
    steps: serde_json::Value,
) -> Result<()> {
    let body = json!({
        "name": "bench 00000",
        "triggers": [{ "type": "once", "at": "2099-01-01T00:00:00Z" }],
        "steps": steps,
    });
    let answer = server.post("/api/v1/schedules", body).await;
    if answer.status != 201 {
        return Err(format!("a schedule was not made: {}", answer.text).into());
    }
    database
        .execute(
            "insert into schedules (id, org_id, name, enabled, timezone, triggers, steps, guards, acts_for, anchor_at, next_at) \
             select gen_random_uuid(), s.org_id, 'bench ' || lpad(n::text, 5, '0'), true, s.timezone, s.triggers, s.steps, \
               s.guards, s.acts_for, s.anchor_at, s.next_at + n * interval '1 minute' \
             from schedules s, generate_series(1, $1::bigint - 1) n where s.name = 'bench 00000'",
            &[&i64::try_from(count)?],
        )
        .await?;
    database.batch_execute("vacuum analyze schedules").await?;
    Ok(())
}

/// A private Postgres takes the connections of its own server and few more; here others are measured on it too.
pub async fn allow_more_connections(server: &mut TestServer) -> Result<()> {
    let cluster =
        below(&server.data_dir(), "chrontainer.conf").ok_or("the private Postgres has no settings")?;
    std::fs::write(cluster.with_file_name("local.conf"), "max_connections = 100\n")?;
    server.stop().await?;
    server.start_again().await
}

/// A file of this name somewhere in a directory.
fn below(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let here = entries
        .iter()
        .find(|path| path.is_file() && path.file_name().is_some_and(|file| file == name));
    here.cloned()
        .or_else(|| entries.iter().find_map(|path| below(path, name)))
}
