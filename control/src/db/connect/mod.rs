//! How to reach the database: one driver-neutral description, parsed once.
//!
//! tokio-postgres (under diesel-async) and sqlx (under the queue) read connection URLs differently: the first refuses
//! `sslmode=verify-full` and `sslrootcert`, the second ignores what it does not know. So the URL is parsed here, once,
//! and both drivers are configured from the result. The meaning of every parameter is libpq's
//! (<https://www.postgresql.org/docs/current/libpq-connect.html>).

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

mod parts;
mod tls;

pub use tls::tls_with_anyone;

use parts::Parts;

/// The parameters a database URL may carry behind its `?`.
pub const PARAMETERS: [&str; 9] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "application_name",
    "connect_timeout",
];

const DEFAULT_PORT: u16 = 5432;
const DEFAULT_APPLICATION: &str = "chrontainer";
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a database is, who connects to it and how safely. `Debug` and `Display` never show the password.
#[derive(Clone)]
pub struct ConnectSpec {
    pub host: DatabaseHost,
    pub port: u16,
    pub user: String,
    pub password: Option<SecretString>,
    pub dbname: String,
    pub tls: TlsMode,
    /// A PEM file; with it, only certificates it signed are trusted, without it those the system trusts.
    pub root_cert: Option<PathBuf>,
    pub application_name: String,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
}

/// The two ways to a Postgres server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseHost {
    /// A name or an address.
    Tcp(String),
    /// The directory that holds the socket `.s.PGSQL.<port>`.
    Socket(PathBuf),
}

/// libpq's `sslmode`. A unix socket never uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TlsMode {
    Disable,
    /// TLS when the server offers it, without checking who the server is.
    #[default]
    Prefer,
    /// TLS or nothing; checks the certificate's issuer when a root certificate is given, as libpq does.
    Require,
    /// TLS from a server whose certificate a trusted authority signed.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must name the host.
    VerifyFull,
}

impl FromStr for TlsMode {
    type Err = ConnectSpecError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(match value {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(ConnectSpecError::TlsMode(value.to_owned())),
        })
    }
}

/// Why a database URL was refused. No variant carries the URL, its user or its password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectSpecError {
    #[error(
        "it is not a URL ({0}); write postgres://user:password@host:5432/database, with special characters of the password percent-encoded"
    )]
    NotAUrl(url::ParseError),
    #[error("its scheme is `{0}`; allowed are postgres:// and postgresql://")]
    Scheme(String),
    #[error(
        "it names no {0}; write postgres://user:password@host:5432/database, or postgres:///database?host=/run/postgresql&user=name for a unix socket"
    )]
    Missing(&'static str),
    #[error(
        "it names several hosts; Chrontainer connects to one, so put a proxy or a floating address before them"
    )]
    SeveralHosts,
    #[error("its {0} is not valid UTF-8 after percent-decoding")]
    Encoding(&'static str),
    #[error("it has the parameter `{0}`, which is not supported; allowed are {list}", list = PARAMETERS.join(", "))]
    UnknownParameter(String),
    #[error("it has the parameter `{0}` twice")]
    Repeated(String),
    #[error("its `{name}` is `{value}`; {allowed}")]
    BadParameter {
        name: &'static str,
        value: String,
        allowed: &'static str,
    },
    #[error("its sslmode is `{0}`; allowed are disable, prefer, require, verify-ca and verify-full")]
    TlsMode(String),
    #[error("sslmode=disable and sslrootcert contradict each other; remove one of them")]
    RootCertWithoutTls,
    #[error("the root certificate {path} cannot be used: {reason}")]
    RootCert { path: PathBuf, reason: String },
    #[error(
        "this system trusts no certificate authorities; install ca-certificates or name one with sslrootcert"
    )]
    NoSystemRoots,
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl ConnectSpec {
    /// A connection over the unix socket in `directory`, without a password.
    pub fn socket(directory: impl Into<PathBuf>, port: u16, user: &str, dbname: &str) -> Self {
        Self {
            host: DatabaseHost::Socket(directory.into()),
            port,
            user: user.to_owned(),
            password: None,
            dbname: dbname.to_owned(),
            tls: TlsMode::Disable,
            root_cert: None,
            application_name: DEFAULT_APPLICATION.to_owned(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
        }
    }

    /// The same server, another database.
    pub fn with_dbname(&self, dbname: &str) -> Self {
        Self {
            dbname: dbname.to_owned(),
            ..self.clone()
        }
    }

    /// Configures tokio-postgres. Pair it with [`ConnectSpec::rustls_config`]: where that is `None`, connect with `NoTls`.
    pub fn to_tokio_postgres(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match &self.host {
            DatabaseHost::Tcp(host) => config.host(host),
            DatabaseHost::Socket(directory) => config.host_path(directory),
        };
        config
            .port(self.port)
            .user(&self.user)
            .dbname(&self.dbname)
            .application_name(&self.application_name)
            .connect_timeout(self.connect_timeout)
            .ssl_mode(match self.tls_mode() {
                TlsMode::Disable => tokio_postgres::config::SslMode::Disable,
                TlsMode::Prefer => tokio_postgres::config::SslMode::Prefer,
                TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
                    tokio_postgres::config::SslMode::Require
                }
            });
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        config
    }

    /// The TLS side of the connection, or `None` where it never uses TLS.
    ///
    /// # Errors
    /// When the root certificate cannot be read, or no certificate authority is known and one is needed.
    pub fn rustls_config(&self) -> Result<Option<rustls::ClientConfig>, ConnectSpecError> {
        tls::client_config(self.tls_mode(), self.root_cert.as_deref())
    }

    /// The mode after libpq's rules: none on a unix socket, and `require` with a root certificate checks the issuer.
    pub fn tls_mode(&self) -> TlsMode {
        match (&self.host, self.tls, &self.root_cert) {
            (DatabaseHost::Socket(_), _, _) => TlsMode::Disable,
            (_, TlsMode::Require, Some(_)) => TlsMode::VerifyCa,
            (_, mode, _) => mode,
        }
    }

    /// Variables of the environment for Postgres' own tools (`pg_dump`, `pg_restore`), so that nothing secret is on a
    /// command line.
    pub fn libpq_environment(&self) -> Vec<(&'static str, String)> {
        let host = match &self.host {
            DatabaseHost::Tcp(host) => host.clone(),
            DatabaseHost::Socket(directory) => directory.display().to_string(),
        };
        let mode = match self.tls_mode() {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        };
        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGDATABASE", self.dbname.clone()),
            ("PGSSLMODE", mode.to_owned()),
            ("PGAPPNAME", self.application_name.clone()),
            (
                "PGCONNECT_TIMEOUT",
                self.connect_timeout.as_secs().max(1).to_string(),
            ),
        ];
        if let Some(password) = &self.password {
            environment.push(("PGPASSWORD", password.expose_secret().to_owned()));
        }
        if let Some(path) = &self.root_cert {
            environment.push(("PGSSLROOTCERT", path.display().to_string()));
        }
        environment
    }
}

impl FromStr for ConnectSpec {
    type Err = ConnectSpecError;

    /// Reads `postgres://user:password@host:port/database?parameters`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(ConnectSpecError::NotAUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(ConnectSpecError::Scheme(url.scheme().to_owned()));
        }
        let mut parts = Parts {
            host: url
                .host_str()
                .map(|host| decode(host, "host"))
                .transpose()?
                .filter(|host| !host.is_empty()),
            port: url.port(),
            user: Some(decode(url.username(), "user")?).filter(|user| !user.is_empty()),
            password: url
                .password()
                .map(|password| decode(password, "password"))
                .transpose()?
                .map(SecretString::from),
            dbname: Some(decode(url.path().trim_start_matches('/'), "database")?)
                .filter(|name| !name.is_empty()),
            ..Parts::default()
        };
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in url.query_pairs() {
            if seen.iter().any(|other| *other == name) {
                return Err(ConnectSpecError::Repeated(name.into_owned()));
            }
            parts.set(&name, &value)?;
            seen.push(name.into_owned());
        }
        parts.finish()
    }
}

fn decode(text: &str, what: &'static str) -> Result<String, ConnectSpecError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ConnectSpecError::Encoding(what))
}

impl fmt::Display for ConnectSpec {
    /// `database` at host:port, for logs and errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            DatabaseHost::Tcp(host) => write!(f, "`{}` at {host}:{}", self.dbname, self.port),
            DatabaseHost::Socket(directory) => {
                write!(
                    f,
                    "`{}` at {}/.s.PGSQL.{}",
                    self.dbname,
                    directory.display(),
                    self.port
                )
            }
        }
    }
}

impl fmt::Debug for ConnectSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectSpec")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "[redacted]"))
            .field("dbname", &self.dbname)
            .field("tls", &self.tls)
            .field("root_cert", &self.root_cert)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
