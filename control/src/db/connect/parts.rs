//! What a connection URL says, piece by piece.

use super::{
    ConnectSpec, ConnectSpecError, DEFAULT_APPLICATION, DEFAULT_CONNECT_TIMEOUT, DEFAULT_PORT, DatabaseHost,
    TlsMode,
};
use secrecy::SecretString;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What the URL has said so far.
#[derive(Default)]
pub(super) struct Parts {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    pub dbname: Option<String>,
    pub tls: Option<TlsMode>,
    pub root_cert: Option<PathBuf>,
    pub application_name: Option<String>,
    pub connect_timeout: Option<Duration>,
}

impl Parts {
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConnectSpecError> {
        let bad = |name, allowed| ConnectSpecError::BadParameter {
            name,
            value: value.to_owned(),
            allowed,
        };
        match name {
            "host" => self.host = Some(value.to_owned()),
            "port" => {
                self.port = Some(
                    value
                        .parse()
                        .map_err(|_| bad("port", "write a number from 1 to 65535"))?,
                );
            }
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(SecretString::from(value)),
            "dbname" => self.dbname = Some(value.to_owned()),
            "sslmode" => self.tls = Some(value.parse()?),
            "sslrootcert" if Path::new(value).is_absolute() => self.root_cert = Some(PathBuf::from(value)),
            "sslrootcert" => return Err(bad("sslrootcert", "write the absolute path of a PEM file")),
            "application_name" => self.application_name = Some(value.to_owned()),
            "connect_timeout" => match value.parse() {
                Ok(seconds @ 1..=300) => self.connect_timeout = Some(Duration::from_secs(seconds)),
                _ => return Err(bad("connect_timeout", "write seconds from 1 to 300")),
            },
            _ => return Err(ConnectSpecError::UnknownParameter(name.to_owned())),
        }
        Ok(())
    }

    pub fn finish(self) -> Result<ConnectSpec, ConnectSpecError> {
        let host = self
            .host
            .filter(|host| !host.is_empty())
            .ok_or(ConnectSpecError::Missing("host"))?;
        if host.contains(',') {
            return Err(ConnectSpecError::SeveralHosts);
        }
        let host = if host.starts_with('/') {
            DatabaseHost::Socket(PathBuf::from(host))
        } else {
            // An IPv6 address has brackets in a URL, and none for the drivers.
            DatabaseHost::Tcp(host.trim_start_matches('[').trim_end_matches(']').to_owned())
        };
        if self.tls == Some(TlsMode::Disable) && self.root_cert.is_some() {
            return Err(ConnectSpecError::RootCertWithoutTls);
        }
        let port = self.port.unwrap_or(DEFAULT_PORT);
        if port == 0 {
            return Err(ConnectSpecError::BadParameter {
                name: "port",
                value: "0".to_owned(),
                allowed: "write a number from 1 to 65535",
            });
        }
        Ok(ConnectSpec {
            host,
            port,
            user: self.user.ok_or(ConnectSpecError::Missing("user"))?,
            password: self.password,
            dbname: self.dbname.ok_or(ConnectSpecError::Missing("database"))?,
            tls: self.tls.unwrap_or_default(),
            root_cert: self.root_cert,
            application_name: self
                .application_name
                .unwrap_or_else(|| DEFAULT_APPLICATION.to_owned()),
            connect_timeout: self.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT),
        })
    }
}
