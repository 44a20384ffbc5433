//! Real Postgres for tests: one throw-away cluster for all test processes of this machine, and a database per test.
//!
//! ```ignore
//! let database = TestDatabase::create(&migrations).await?;   // a clone of a template that was migrated once
//! connect(database.url());                                   // dropped with the value
//!
//! let mut cluster = TestCluster::own()?;                     // for fault tests: kill, stop, pause, start again
//! ```
//!
//! `CHRONTAINER_TEST_POSTGRES=postgres://…` uses that server (as a superuser) and starts none.

mod database;
mod own;
mod process;
mod programs;
mod shared;
mod template;

pub use database::TestDatabase;
pub use own::OwnCluster;
pub use shared::TestCluster;

/// What a test sees when its database cannot be had.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The superuser of every test cluster.
pub const USER: &str = "postgres";

impl TestCluster {
    /// A cluster of the caller's own, for tests that break it.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start.
    pub fn own() -> Result<OwnCluster> {
        OwnCluster::start_new()
    }
}

/// What the server's program says of itself: `postgres (PostgreSQL) 15.8`.
///
/// # Errors
/// When Postgres is not installed.
pub fn version() -> Result<String> {
    let said = std::process::Command::new(programs::directory()?.join("postgres"))
        .arg("--version")
        .output()?;
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}

/// Connects and drives the connection on the current runtime.
pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(async move {
        // The connection ends with its client, or with the server; the client's next call says so.
        let _ended = connection.await;
    });
    Ok(client)
}
