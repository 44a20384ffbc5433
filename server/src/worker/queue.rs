//! The queue's tables and its connections.

use crate::settings::sqlx_options;
use apalis_postgres::PostgresStorage;
use control::db::ConnectSpec;
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};
use std::time::Duration;

/// The queue's tables could not be made.
#[derive(Debug, thiserror::Error)]
#[error("The job queue's tables could not be prepared: {0}")]
pub struct QueueError(String);

/// Brings the queue's tables (schema `apalis`) up to this release. Servers of a newer release that share the database may
/// have added to them, which is no error.
///
/// # Errors
/// When the database does not answer, or its user may not create the schema or the extension `hstore`.
pub async fn prepare(spec: &ConnectSpec) -> Result<(), QueueError> {
    let pool = pool(spec, 1);
    let mut migrations = PostgresStorage::migrations();
    migrations.set_ignore_missing(true);
    let prepared = migrations.run(&pool).await;
    pool.close().await;
    prepared.map_err(|error| QueueError(error.to_string()))
}

pub(super) fn pool(spec: &ConnectSpec, connections: usize) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections.try_into().unwrap_or(u32::MAX))
        .acquire_timeout(Duration::from_secs(5))
        // A connection that died is found out by its query, and the worker starts anew.
        .test_before_acquire(false)
        .after_connect(|conn, _| {
            Box::pin(async move {
                // That a job was taken may be forgotten in a crash of Postgres: it is taken again, and claimed once.
                conn.execute("set synchronous_commit = off").await?;
                Ok(())
            })
        })
        .connect_lazy_with(sqlx_options(spec))
}
