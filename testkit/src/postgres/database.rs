//! One database per test.

use std::path::Path;

use uuid::Uuid;

use super::{Result, TestCluster, template};

/// A database in the shared cluster, dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    cluster: &'static TestCluster,
    name: String,
    url: String,
}

impl TestDatabase {
    /// A migrated database: a clone of a template built once from the diesel migrations in the directory.
    ///
    /// # Errors
    /// When the cluster cannot be had, or a migration fails.
    pub async fn create(migrations: &Path) -> Result<Self> {
        let migrations = template::read(migrations)?;
        let name = template::name(&migrations);
        Self::clone_of(&name, async |url: String| {
            template::migrate(&url, &migrations).await
        })
        .await
    }

    /// A clone of a template that `build` fills, given its URL. `build` runs once per `key`, migrations and cluster, so the
    /// key must change with what else it does.
    ///
    /// # Errors
    /// When the cluster cannot be had, or `build` fails.
    pub async fn from_template(
        key: &str,
        migrations: &Path,
        build: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<Self> {
        let name = template::name((key, template::read(migrations)?));
        Self::clone_of(&name, build).await
    }

    /// An empty database.
    ///
    /// # Errors
    /// When the cluster cannot be had.
    pub async fn empty() -> Result<Self> {
        Self::clone_from(shared().await?, "template0").await
    }

    /// For drivers: `postgres:///name?host=/socket/directory&port=5432&user=postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A superuser's connection to it.
    ///
    /// # Errors
    /// When the cluster is gone.
    pub async fn client(&self) -> Result<tokio_postgres::Client> {
        self.cluster.client(&self.name).await
    }

    async fn clone_of(template: &str, build: impl AsyncFnOnce(String) -> Result<()>) -> Result<Self> {
        let cluster = shared().await?;
        template::ensure(cluster, template, build).await?;
        Self::clone_from(cluster, template).await
    }

    async fn clone_from(cluster: &'static TestCluster, template: &str) -> Result<Self> {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = cluster.client("postgres").await?;
        admin
            .batch_execute(&format!("create database {name} template {template}"))
            .await?;
        Ok(Self {
            cluster,
            url: cluster.url(&name),
            name,
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (cluster, name) = (self.cluster, self.name.clone());
        // A thread of its own, because the test's runtime may be gone or busy. What fails here goes with the cluster.
        let dropping = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let admin = cluster.client("postgres").await?;
                admin
                    .batch_execute(&format!("drop database if exists {name} with (force)"))
                    .await?;
                Ok(())
            })
        });
        let _dropped = dropping.join();
    }
}

/// Starting takes a second or two of waiting, which must not stop the test's runtime.
async fn shared() -> Result<&'static TestCluster> {
    tokio::task::spawn_blocking(TestCluster::shared).await?
}
