//! The database: one pool, one place that knows how to connect, and the migrations.

pub mod connect;
mod first_id;
mod migrate;
mod statement;

pub use connect::*;
pub(crate) use first_id::first_id;
pub use migrate::{MigrateError, migrate};
pub(crate) use statement::statement;

use crate::error::{Error, Result};
use deadpool::managed::QueueMode;
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use std::time::Duration;

/// A pooled connection.
pub type Conn = Object<AsyncPgConnection>;

/// How long a caller waits for a connection before it is told that the database does not answer.
const WAIT: Duration = Duration::from_secs(5);
/// How long a transaction may do nothing before the database ends its connection: a process that is suspended in the
/// middle of one must not keep its locks from the other servers, nor its place in the outbox.
const IDLE_IN_TRANSACTION: &str = "set idle_in_transaction_session_timeout = '10s'";

/// The pool of the control plane (diesel). The queue has its own small one, since apalis speaks sqlx.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    spec: ConnectSpec,
}

impl Db {
    /// Makes the pool; connects at the first use.
    ///
    /// # Errors
    /// When the TLS settings cannot be read.
    pub fn new(spec: ConnectSpec, connections: usize) -> Result<Self> {
        let mut config = ManagerConfig::default();
        // A connection that died is noticed at its first query and replaced; a ping per use would double the queries.
        config.recycling_method = RecyclingMethod::Fast;
        let connect = spec.clone();
        config.custom_setup = Box::new(move |_| {
            let spec = connect.clone();
            Box::pin(async move {
                let mut conn = establish(&spec).await?;
                conn.batch_execute(IDLE_IN_TRANSACTION)
                    .await
                    .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(conn)
            })
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let pool = Pool::builder(manager)
            .max_size(connections)
            // The connection used last has its statements prepared and its backend warm.
            .queue_mode(QueueMode::Lifo)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { pool, spec })
    }

    /// A connection from the pool.
    ///
    /// # Errors
    /// [`Error::NoConnection`] after 5 s without one.
    pub async fn conn(&self) -> Result<Conn> {
        match tokio::time::timeout(WAIT, self.pool.get()).await {
            Ok(Ok(conn)) => Ok(conn),
            Ok(Err(error)) => Err(Error::NoConnection(error.to_string())),
            Err(_) => Err(Error::NoConnection(format!(
                "none was free within {} s",
                WAIT.as_secs()
            ))),
        }
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn ping(&self) -> Result<()> {
        use diesel_async::RunQueryDsl;
        let mut conn = self.conn().await?;
        diesel::sql_query("select 1").execute(&mut conn).await?;
        Ok(())
    }

    /// How to connect, for those who need a connection of their own (LISTEN, the queue).
    pub fn spec(&self) -> &ConnectSpec {
        &self.spec
    }

    /// Closes every connection; later calls fail at once.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// One connection outside the pool.
pub(crate) async fn establish(spec: &ConnectSpec) -> diesel::ConnectionResult<AsyncPgConnection> {
    let bad = |error: String| diesel::ConnectionError::BadConnection(error);
    let config = spec.to_tokio_postgres();
    match spec.rustls_config().map_err(|error| bad(error.to_string()))? {
        None => {
            let (client, connection) = config
                .connect(tokio_postgres::NoTls)
                .await
                .map_err(|error| bad(describe(&error)))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        Some(tls) => {
            let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
            let (client, connection) = config.connect(tls).await.map_err(|error| bad(describe(&error)))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
}

/// tokio-postgres says only "db error"; the reason is in its source.
fn describe(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
