//! Templates: databases that were migrated once and are cloned for every test.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use tokio_postgres::Client;

use super::{Result, TestCluster, connect};

/// Makes the template `name` unless it exists. `build` gets the URL of an empty database. Of all processes that ask at
/// once, one builds and the others wait.
pub async fn ensure(
    cluster: &TestCluster,
    name: &str,
    build: impl AsyncFnOnce(String) -> Result<()>,
) -> Result<()> {
    let admin = cluster.client("postgres").await?;
    if exists(&admin, name).await? {
        return Ok(());
    }
    // Released with the connection, also when this process dies.
    admin
        .execute("select pg_advisory_lock(hashtextextended($1, 0))", &[&name])
        .await?;
    if exists(&admin, name).await? {
        return Ok(());
    }
    let draft = format!("draft_{name}");
    admin
        .batch_execute(&format!("drop database if exists {draft} with (force)"))
        .await?;
    admin
        .batch_execute(&format!("create database {draft} template template0"))
        .await?;
    build(cluster.url(&draft)).await?;
    // What the builder left connected would keep the template from being cloned.
    admin
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
            &[&draft],
        )
        .await?;
    admin
        .batch_execute(&format!("alter database {draft} with allow_connections false"))
        .await?;
    admin
        .batch_execute(&format!("alter database {draft} rename to {name}"))
        .await?;
    Ok(())
}

async fn exists(admin: &Client, name: &str) -> Result<bool> {
    Ok(admin
        .query_opt("select 1 from pg_database where datname = $1", &[&name])
        .await?
        .is_some())
}

/// Runs every `<version>/up.sql` in order and notes it in diesel's table, so that the server finds nothing left to do.
pub async fn migrate(url: &str, migrations: &[(String, String)]) -> Result<()> {
    let client = connect(url).await?;
    client
        .batch_execute(
            "create table __diesel_schema_migrations (version varchar(50) primary key not null, \
             run_on timestamp not null default current_timestamp)",
        )
        .await?;
    for (directory, sql) in migrations {
        client
            .batch_execute(sql)
            .await
            .map_err(|error| format!("{directory}/up.sql: {error:?}"))?;
        // As diesel does: what stands before the first underscore, without dashes.
        let version = directory.split('_').next().unwrap_or_default().replace('-', "");
        client
            .execute(
                "insert into __diesel_schema_migrations (version) values ($1)",
                &[&version],
            )
            .await?;
    }
    Ok(())
}

/// The directories of `path` with their SQL, in diesel's order.
pub fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let mut directories: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    directories.retain(|directory| directory.join("up.sql").exists());
    directories.sort();
    directories
        .into_iter()
        .map(|directory| {
            let name = directory
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok((name, fs::read_to_string(directory.join("up.sql"))?))
        })
        .collect()
}

/// A database name that changes with what is hashed.
pub fn name(what: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    format!("template_{:016x}", hasher.finish())
}
