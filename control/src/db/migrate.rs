//! Migrations: embedded, run at start under an advisory lock, so that servers may start together.

use super::{ConnectSpec, establish};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// "chrontai" in ASCII: the key of the advisory lock.
const LOCK: i64 = 0x6368_726f_6e74_6169;

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("The database does not accept a connection: {0}")]
    Connect(#[from] diesel::ConnectionError),
    #[error("The database could not be prepared: {0}")]
    Query(#[from] diesel::result::Error),
    #[error("A migration failed, and nothing of it was kept: {0}")]
    Migration(String),
}

/// Brings the schema up to this release. Waits while another server does it.
///
/// # Errors
/// When the database does not answer, or a migration fails; each runs in a transaction of its own.
pub async fn migrate(spec: &ConnectSpec) -> Result<(), MigrateError> {
    let mut conn = establish(spec).await?;
    diesel::sql_query("select pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut conn)
        .await?;
    // The lock belongs to the session: it ends with the connection, also when this process is killed.
    let mut harness = AsyncMigrationHarness::new(conn);
    tokio::task::block_in_place(|| {
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|done| {
                for version in &done {
                    tracing::info!(migration = %version, "migrated");
                }
            })
            .map_err(|error| MigrateError::Migration(error.to_string()))
    })
}
