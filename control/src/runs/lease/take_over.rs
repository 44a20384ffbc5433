//! Taking over what a server left that is dead for certain, without waiting for its leases to end.

use super::give_back::put_back;
use crate::{Control, db::statement, error::Result, runs::jobs::QUEUE};
use diesel::{
    QueryableByName,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use domain::ids::{RunId, ServerId};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Frees the runs that the server `before` was executing or about to, and the jobs that its worker had taken, so that they
/// go on at once. Gives how many runs that were.
///
/// The caller must know that the process is gone: a server that is only suspended or cut off may still have asked an
/// engine for something, and its runs belong to it until their leases are over.
///
/// # Errors
/// When the database does not answer.
pub async fn take_over(control: &Control, before: ServerId) -> Result<usize> {
    let mut conn = control.db().conn().await?;
    let left: Vec<Left> = statement(
        "update runs set lease_until = now() - interval '1 second', owner = null \
         where owner = $1 and state in ('queued', 'running', 'cancelling') returning id",
    )
    .bind::<SqlUuid, _>(before.0)
    .load(&mut conn)
    .await?;
    let left: Vec<RunId> = left.into_iter().map(|run| RunId(run.id)).collect();
    put_back(&mut conn, &left).await?;
    // Those that nobody had begun. The names of its workers begin with its own.
    statement(
        "update apalis.jobs set status = 'Pending', lock_by = null, lock_at = null, attempts = 0, done_at = null, \
           last_result = null \
         where job_type = $1 and status <> 'Pending' and starts_with(lock_by, $2)",
    )
    .bind::<Text, _>(QUEUE)
    .bind::<Text, _>(format!("{QUEUE}-{before}-"))
    .execute(&mut conn)
    .await?;
    statement("delete from servers where id = $1")
        .bind::<SqlUuid, _>(before.0)
        .execute(&mut conn)
        .await?;
    if !left.is_empty() {
        tracing::info!(runs = left.len(), server.id = %before, "took over what the server before this one left open");
    }
    Ok(left.len())
}
