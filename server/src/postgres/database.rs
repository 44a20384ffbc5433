//! The one database in the private cluster.

use control::db::connect::ConnectSpec;
use tokio_postgres::{Client, NoTls};

use super::ClusterError;

/// Makes the database unless it exists.
pub(super) async fn ensure(spec: &ConnectSpec) -> Result<(), ClusterError> {
    let admin = connect(&spec.with_dbname("postgres")).await?;
    let failed = |error| failure(spec, &error);
    let known = admin
        .query_opt("select 1 from pg_database where datname = $1", &[&spec.dbname])
        .await
        .map_err(failed)?;
    if known.is_none() {
        let name = spec.dbname.replace('"', "\"\"");
        admin
            .batch_execute(&format!("create database \"{name}\""))
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// One connection over the private socket.
pub(super) async fn connect(spec: &ConnectSpec) -> Result<Client, ClusterError> {
    let (client, connection) = spec
        .to_tokio_postgres()
        .connect(NoTls)
        .await
        .map_err(|error| failure(spec, &error))?;
    tokio::spawn(async move {
        // It ends with its client, whose next call tells of any error.
        let _ended = connection.await;
    });
    Ok(client)
}

fn failure(spec: &ConnectSpec, error: &tokio_postgres::Error) -> ClusterError {
    let message = match error.as_db_error() {
        Some(answer) => answer.message().to_owned(),
        None => std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    };
    ClusterError::Connect {
        database: spec.to_string(),
        message,
    }
}
