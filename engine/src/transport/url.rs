//! An engine's address, as people write it.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// The port of an engine without TLS, taken when an address names none (Docker's convention).
pub const DEFAULT_PORT: u16 = 2375;
/// The longest path a unix socket can have: `sun_path` holds 108 bytes with the ending NUL (unix(7)).
pub const MAX_SOCKET_PATH: usize = 107;

/// An engine's address: `unix:///var/run/docker.sock` or `tcp://nas:2375`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EngineUrl {
    Unix { path: PathBuf },
    Tcp { host: String, port: u16 },
}

/// Why a text is no engine's address; its `Display` says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("The address is empty. Write unix:///var/run/docker.sock or tcp://HOST:2375.")]
    Empty,
    #[error("The address has no scheme. Write unix:// before a socket's path, or tcp:// before HOST:PORT.")]
    NoScheme,
    #[error("The scheme `{0}://` is unknown. Write unix:///var/run/docker.sock or tcp://HOST:2375.")]
    UnknownScheme(String),
    #[error(
        "Reaching an engine by `{0}://` comes later. Until then use unix:// or tcp://, for example through a tunnel \
         of your own."
    )]
    Unsupported(String),
    #[error("A socket's path must start with a slash. Write unix:///var/run/docker.sock with three slashes.")]
    RelativePath,
    #[error(
        "The socket's path is {0} bytes long, and the operating system allows {MAX_SOCKET_PATH}. Use a shorter path, \
         for example a link to the socket."
    )]
    PathTooLong(usize),
    #[error("The address names no host. Write tcp://HOST:2375.")]
    NoHost,
    #[error(
        "`{0}` is not a host's name or IP address. Write tcp://HOST:2375, and an IPv6 address in brackets."
    )]
    BadHost(String),
    #[error("`{0}` is not a port. Write a number from 1 to 65535, or nothing for {DEFAULT_PORT}.")]
    BadPort(String),
    #[error(
        "Something follows the port. Write only tcp://HOST:PORT, without a path, a query or credentials."
    )]
    Trailing,
}

impl UrlError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "transport_unsupported",
            Self::UnknownScheme(_) | Self::NoScheme => "url_scheme_unknown",
            Self::PathTooLong(_) => "url_path_too_long",
            _ => "url_invalid",
        }
    }
}

impl EngineUrl {
    /// What a person should know before using it, if anything.
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Unix { .. } => None,
            Self::Tcp { .. } => Some(
                "This connection is neither encrypted nor authenticated: anyone on that network owns the host. Use \
                 it on trusted networks only.",
            ),
        }
    }
}

impl FromStr for EngineUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "unix" => unix(rest),
            "tcp" => tcp(rest),
            later @ ("ssh" | "https" | "npipe" | "fd") => Err(UrlError::Unsupported(later.to_owned())),
            _ => Err(UrlError::UnknownScheme(scheme.chars().take(20).collect())),
        }
    }
}

fn unix(path: &str) -> Result<EngineUrl, UrlError> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(UrlError::RelativePath);
    }
    if path.len() > MAX_SOCKET_PATH {
        return Err(UrlError::PathTooLong(path.len()));
    }
    Ok(EngineUrl::Unix { path: path.into() })
}

fn tcp(rest: &str) -> Result<EngineUrl, UrlError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#', '@']) {
        return Err(UrlError::Trailing);
    }
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed
            .split_once(']')
            .ok_or_else(|| UrlError::BadHost(rest.to_owned()))?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(UrlError::BadHost(host.to_owned()));
        }
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err(UrlError::BadHost(rest.to_owned())),
        }
    } else {
        match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    if !host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'))
    {
        return Err(UrlError::BadHost(host.to_owned()));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => return Err(UrlError::BadPort(text.to_owned())),
        },
    };
    Ok(EngineUrl::Tcp {
        host: host.to_ascii_lowercase(),
        port,
    })
}

impl fmt::Display for EngineUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { path } => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

impl TryFrom<String> for EngineUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl From<EngineUrl> for String {
    fn from(url: EngineUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, &'static str> {
        text.parse::<EngineUrl>()
            .map(|url| url.to_string())
            .map_err(|error| error.code())
    }

    #[test]
    fn good_addresses_keep_their_meaning() {
        assert_eq!(
            parsed("unix:///var/run/docker.sock"),
            Ok("unix:///var/run/docker.sock".into())
        );
        assert_eq!(parsed(" tcp://NAS.lan "), Ok("tcp://nas.lan:2375".into()));
        assert_eq!(parsed("tcp://10.0.0.5:2376/"), Ok("tcp://10.0.0.5:2376".into()));
        assert_eq!(parsed("tcp://[fd00::1]"), Ok("tcp://[fd00::1]:2375".into()));
        assert_eq!(parsed("tcp://[fd00::1]:99"), Ok("tcp://[fd00::1]:99".into()));
    }

    #[test]
    fn bad_addresses_have_a_code() {
        for (text, code) in [
            ("", "url_invalid"),
            ("/var/run/docker.sock", "url_scheme_unknown"),
            ("gopher://x", "url_scheme_unknown"),
            ("http://nas:2375", "url_scheme_unknown"),
            ("ssh://pi@nas", "transport_unsupported"),
            ("https://nas", "transport_unsupported"),
            ("unix://docker.sock", "url_invalid"),
            ("tcp://", "url_invalid"),
            ("tcp://:2375", "url_invalid"),
            ("tcp://nas:0", "url_invalid"),
            ("tcp://nas:99999", "url_invalid"),
            ("tcp://nas:", "url_invalid"),
            ("tcp://user:secret@nas:2375", "url_invalid"),
            ("tcp://na s", "url_invalid"),
            ("tcp://[fd00::1", "url_invalid"),
            ("tcp://[nas]:1", "url_invalid"),
            ("tcp://fd00::1:2375", "url_invalid"),
            ("tcp://nas/path", "url_invalid"),
        ] {
            assert_eq!(parsed(text), Err(code), "{text}");
        }
        let long = format!("unix:///{}", "x".repeat(107));
        assert_eq!(parsed(&long), Err("url_path_too_long"));
        assert!(parsed(&long[..long.len() - 1]).is_ok());
    }
}
