use control::db::connect::{ConnectSpec, DatabaseHost, TlsMode};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Configures sqlx from the same description tokio-postgres gets, so that both drivers reach the same database the
/// same way.
///
/// With a root certificate sqlx also trusts the system's authorities; tokio-postgres, which connects first at every
/// start, trusts that certificate alone.
pub fn sqlx_options(spec: &ConnectSpec) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(spec.port)
        .username(&spec.user)
        .database(&spec.dbname)
        .application_name(&spec.application_name)
        .ssl_mode(match spec.tls_mode() {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    options = match &spec.host {
        DatabaseHost::Tcp(host) => options.host(host),
        DatabaseHost::Socket(directory) => options.socket(directory),
    };
    if let Some(password) = &spec.password {
        options = options.password(password.expose_secret());
    }
    if let Some(path) = &spec.root_cert {
        options = options.ssl_root_cert(path);
    }
    options
}
