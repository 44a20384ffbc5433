//! What the server was told by its environment: every `CHRONTAINER_*` variable, read once at the start.
//!
//! A bad or unknown variable stops the start with a sentence, so that a typing error never silently means the
//! default. An empty value counts as not set, because Compose files pass variables through that way.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use crate::tls::TlsFiles;
use control::db::connect::ConnectSpec;
use ipnet::IpNet;

mod error;
mod parse;
mod paths;
mod pools;
mod provider;
mod public_url;
mod reader;
mod reference;
mod sqlx_options;

pub use error::{Problem, SettingsError};
pub use pools::PoolSizes;
pub use provider::ProviderSettings;
pub use public_url::PublicUrl;
pub use reference::SettingDoc;
pub use sqlx_options::sqlx_options;

use reader::Reader;

/// The longest runtime directory in bytes: a unix socket's path may have 107, and names below the directory take the rest.
pub const LONGEST_RUNTIME_DIR: usize = 80;

/// Everything the server can be told. The text for people is in [`Settings::reference`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// `CHRONTAINER_LISTEN`
    pub listen: SocketAddr,
    /// `CHRONTAINER_TLS_CERT_FILE` and `CHRONTAINER_TLS_KEY_FILE`, which need each other; `None` means plain HTTP.
    pub tls: Option<TlsFiles>,
    /// `CHRONTAINER_PUBLIC_URL`
    pub public_url: Option<PublicUrl>,
    /// `CHRONTAINER_DATABASE_URL`; `None` means the private cluster. Its `Debug` hides the password.
    pub database: Option<ConnectSpec>,
    /// `CHRONTAINER_DATABASE_POOL`
    pub pools: PoolSizes,
    /// `CHRONTAINER_DATA_DIR`
    pub data_dir: PathBuf,
    /// `CHRONTAINER_RUNTIME_DIR`
    pub runtime_dir: PathBuf,
    /// `CHRONTAINER_POSTGRES_BIN`
    pub postgres_bin: Option<PathBuf>,
    /// `CHRONTAINER_BACKUP_KEEP`
    pub backup_keep: usize,
    /// `CHRONTAINER_SETUP_USER` and `CHRONTAINER_SETUP_PASSWORD_FILE`, which need each other.
    pub setup: Option<UnattendedSetup>,
    /// `CHRONTAINER_SECRET_KEY_FILE`; `None` means a key made once in the data directory.
    pub secret_key_file: Option<PathBuf>,
    /// `CHRONTAINER_TRUSTED_PROXIES`
    pub trusted_proxies: Vec<IpNet>,
    /// `CHRONTAINER_HTTP_ALLOW`: inner addresses that schedules may make requests to.
    pub http_allow: control::runs::HttpAllow,
    /// `CHRONTAINER_OIDC_…`: a provider to sign in with.
    pub provider: Option<ProviderSettings>,
    /// `CHRONTAINER_SESSION_IDLE`
    pub session_idle: Duration,
    /// `CHRONTAINER_SESSION_MAX`
    pub session_max: Duration,
    /// `CHRONTAINER_RATE_LIMIT`: requests a minute for each key or session; 0 is no limit.
    pub rate_limit: u32,
    /// `CHRONTAINER_WORKERS`: how many runs this server executes at once.
    pub workers: usize,
    /// `CHRONTAINER_RUN_LEASE`: how long a run stays with a server that no longer renews it.
    pub run_lease: Duration,
    /// `CHRONTAINER_SITE_ROOT`: the built interface.
    pub site_root: PathBuf,
    /// `CHRONTAINER_LOG`: a checked `tracing` filter.
    pub log_filter: String,
    /// `CHRONTAINER_LOG_FORMAT`
    pub log_format: LogFormat,
}

/// The owner account of a first start without a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnattendedSetup {
    pub user: String,
    /// Read when it is needed, so that the password is not held in memory.
    pub password_file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Settings {
    /// Reads the process' environment.
    ///
    /// # Errors
    /// All the problems at once, each as one sentence.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_vars(std::env::vars_os(), nix::unistd::geteuid().is_root())
    }

    /// Reads the given variables; `root` decides the default directories. Names that do not begin with `CHRONTAINER_`
    /// are ignored except `HOME`, `XDG_DATA_HOME` and `XDG_RUNTIME_DIR`.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn from_vars(
        vars: impl IntoIterator<Item = (OsString, OsString)>,
        root: bool,
    ) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(vars);
        let home = paths::Home {
            root,
            ..reader.home()
        };
        let settings = Self {
            listen: reader
                .value("LISTEN", parse::listen)
                .unwrap_or_else(parse::default_listen),
            tls: tls(&mut reader),
            public_url: reader.value("PUBLIC_URL", PublicUrl::parse),
            database: reader.value("DATABASE_URL", |url| {
                url.parse::<ConnectSpec>().map_err(|error| error.to_string())
            }),
            pools: reader
                .value("DATABASE_POOL", PoolSizes::parse)
                .unwrap_or_default(),
            data_dir: reader
                .value("DATA_DIR", paths::directory)
                .unwrap_or_else(|| home.data_dir()),
            runtime_dir: reader
                .value("RUNTIME_DIR", paths::runtime_dir)
                .unwrap_or_else(|| home.runtime_dir()),
            postgres_bin: reader.value("POSTGRES_BIN", paths::existing_directory),
            backup_keep: reader.value("BACKUP_KEEP", parse::between(1, 1000)).unwrap_or(7),
            setup: unattended(&mut reader),
            secret_key_file: reader.value("SECRET_KEY_FILE", paths::directory),
            http_allow: reader
                .value("HTTP_ALLOW", |text| text.parse::<control::runs::HttpAllow>())
                .unwrap_or_default(),
            trusted_proxies: reader
                .value("TRUSTED_PROXIES", parse::networks)
                .unwrap_or_default(),
            provider: provider::read(&mut reader),
            session_idle: reader
                .value(
                    "SESSION_IDLE",
                    parse::duration(Duration::from_secs(60), parse::days(700)),
                )
                .unwrap_or(parse::days(7)),
            session_max: reader
                .value(
                    "SESSION_MAX",
                    parse::duration(Duration::from_secs(60), parse::days(700)),
                )
                .unwrap_or(parse::days(30)),
            rate_limit: reader
                .value("RATE_LIMIT", parse::between(0, 1_000_000))
                .unwrap_or(3000),
            workers: reader.value("WORKERS", parse::between(1, 4096)).unwrap_or(64),
            run_lease: reader
                .value(
                    "RUN_LEASE",
                    parse::duration(Duration::from_secs(2), Duration::from_secs(600)),
                )
                .unwrap_or(Duration::from_secs(15)),
            site_root: reader
                .value("SITE_ROOT", paths::directory)
                .unwrap_or_else(paths::site_root),
            log_filter: reader
                .value("LOG", parse::log_filter)
                .unwrap_or_else(|| parse::DEFAULT_LOG.to_owned()),
            log_format: reader
                .value("LOG_FORMAT", parse::log_format)
                .unwrap_or(LogFormat::Text),
        };
        if settings.session_idle > settings.session_max {
            reader.problem("CHRONTAINER_SESSION_IDLE is longer than CHRONTAINER_SESSION_MAX: a session cannot be idle \
                            for longer than it lives; raise CHRONTAINER_SESSION_MAX or lower CHRONTAINER_SESSION_IDLE.");
        }
        reader.finish()?;
        Ok(settings)
    }

    /// Every variable with its default and its meaning, in the order of the documentation.
    pub fn reference() -> Vec<SettingDoc> {
        reference::SETTINGS.to_vec()
    }
}

fn tls(reader: &mut Reader) -> Option<TlsFiles> {
    let certificate = reader.value("TLS_CERT_FILE", paths::directory);
    let key = reader.value("TLS_KEY_FILE", paths::directory);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (certificate, _) => {
            let (set, missing) = match certificate {
                Some(_) => ("CHRONTAINER_TLS_CERT_FILE", "CHRONTAINER_TLS_KEY_FILE"),
                None => ("CHRONTAINER_TLS_KEY_FILE", "CHRONTAINER_TLS_CERT_FILE"),
            };
            reader.problem(format!(
                "{set} is set without {missing}: set both to serve over TLS, or neither to serve plain HTTP."
            ));
            None
        }
    }
}

fn unattended(reader: &mut Reader) -> Option<UnattendedSetup> {
    let user = reader.value("SETUP_USER", |user| Ok(user.to_owned()));
    let file = reader.value("SETUP_PASSWORD_FILE", paths::directory);
    match (user, file) {
        (Some(user), Some(password_file)) => Some(UnattendedSetup { user, password_file }),
        (None, None) => None,
        (Some(_), None) => {
            reader.problem("CHRONTAINER_SETUP_USER is set without CHRONTAINER_SETUP_PASSWORD_FILE: set both to create \
                            the owner account at the first start, or neither to use the set-up link from the log.");
            None
        }
        (None, Some(_)) => {
            reader.problem("CHRONTAINER_SETUP_PASSWORD_FILE is set without CHRONTAINER_SETUP_USER: set both to create \
                            the owner account at the first start, or neither to use the set-up link from the log.");
            None
        }
    }
}

#[cfg(test)]
mod tests;
