//! An engine's address, as people write it.

use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// The port of an engine without TLS, taken when an address names none (Docker's convention; 2376 is the one with TLS).
pub const DEFAULT_PORT: u16 = 2375;
/// The port of an engine with TLS, by Docker's convention.
pub const DEFAULT_TLS_PORT: u16 = 2376;
/// The port of an SSH server, taken when an address names none.
pub const DEFAULT_SSH_PORT: u16 = 22;
/// Where an engine's socket is on the other side of SSH, unless an address says otherwise.
pub const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// The longest path a unix socket can have: `sun_path` holds 108 bytes with the ending NUL (unix(7)).
pub const MAX_SOCKET_PATH: usize = 107;

/// An engine's address: `unix:///var/run/docker.sock`, `tcp://nas:2375` or `ssh://admin@nas:22/var/run/docker.sock`.
/// It never holds a secret: keys and passwords are [`TransportSettings`](super::TransportSettings).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EngineUrl {
    Unix {
        path: PathBuf,
    },
    /// Plain, or with TLS: that is a matter of the settings, not of the address.
    Tcp {
        host: String,
        port: u16,
    },
    Ssh {
        user: String,
        host: String,
        port: u16,
        /// The engine's socket on that machine.
        socket: String,
    },
}

/// Why a text is no engine's address; its `Display` says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("The address is empty. Write unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST.")]
    Empty,
    #[error(
        "The address has no scheme. Write unix:// before a socket's path, tcp:// before HOST:PORT, or ssh:// before \
         USER@HOST."
    )]
    NoScheme,
    #[error(
        "The scheme `{0}://` is unknown. Write unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST."
    )]
    UnknownScheme(String),
    #[error("An engine cannot be reached by `{0}://`. {hint}", hint = instead(.0))]
    Unsupported(String),
    #[error("The address names no user. Write ssh://USER@HOST.")]
    NoUser,
    #[error(
        "The address holds a password, and addresses are shown to people. Write ssh://USER@HOST, and the password into \
         its own field."
    )]
    Password,
    #[error("A socket's path must start with a slash. Write unix:///var/run/docker.sock with three slashes.")]
    RelativePath,
    #[error(
        "The socket's path is {0} bytes long, and the operating system allows {MAX_SOCKET_PATH}. Use a shorter path, \
         for example a link to the socket."
    )]
    PathTooLong(usize),
    #[error("The address names no host. Write tcp://HOST:2376 or ssh://USER@HOST.")]
    NoHost,
    #[error(
        "`{0}` is not a host's name or IP address. Write tcp://HOST:2376 or ssh://USER@HOST, and an IPv6 address in \
         brackets."
    )]
    BadHost(String),
    #[error("`{0}` is not a port. Write a number from 1 to 65535, or nothing for the usual one.")]
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
            Self::Password => "url_holds_password",
            _ => "url_invalid",
        }
    }
}

fn instead(scheme: &str) -> &'static str {
    match scheme {
        "https" => "Write tcp://HOST:2376 and give the certificates.",
        _ => "Write unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST.",
    }
}

impl EngineUrl {
    /// What a person should know before using it without TLS, if anything; see
    /// [`TransportSettings::warning`](super::TransportSettings::warning).
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Unix { .. } | Self::Ssh { .. } => None,
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
            "ssh" => ssh(rest),
            later @ ("https" | "npipe" | "fd") => Err(UrlError::Unsupported(later.to_owned())),
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
    let (host, port) = host_and_port(rest, DEFAULT_PORT)?;
    Ok(EngineUrl::Tcp { host, port })
}

fn ssh(rest: &str) -> Result<EngineUrl, UrlError> {
    let (place, socket) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    // The last one: a user's name may hold an @ itself where it is a mail address.
    let (user, place) = place.rsplit_once('@').ok_or(UrlError::NoUser)?;
    if user.is_empty() {
        return Err(UrlError::NoUser);
    }
    if user.contains(':') {
        return Err(UrlError::Password);
    }
    if user.len() > 255 || user.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UrlError::NoUser);
    }
    let (host, port) = host_and_port(place, DEFAULT_SSH_PORT)?;
    let socket = match socket {
        "" | "/" => DEFAULT_SOCKET,
        // Docker writes `ssh://host/run/docker.sock`, others `ssh://host//run/docker.sock`.
        path => path,
    };
    let socket = format!("/{}", socket.trim_start_matches('/'));
    if socket.contains(['?', '#']) || socket.chars().any(char::is_control) {
        return Err(UrlError::Trailing);
    }
    if socket.len() > MAX_SOCKET_PATH {
        return Err(UrlError::PathTooLong(socket.len()));
    }
    Ok(EngineUrl::Ssh {
        user: user.to_owned(),
        host,
        port,
        socket,
    })
}

fn host_and_port(rest: &str, usual: u16) -> Result<(String, u16), UrlError> {
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
        None => usual,
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => return Err(UrlError::BadPort(text.to_owned())),
        },
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// `nas:22`, `[fd00::1]:22`.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

impl fmt::Display for EngineUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { path } => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp://{}", authority(host, *port)),
            Self::Ssh {
                user,
                host,
                port,
                socket,
            } => {
                write!(f, "ssh://{user}@{}{socket}", authority(host, *port))
            }
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
        for (text, whole) in [
            ("ssh://pi@NAS", "ssh://pi@nas:22/var/run/docker.sock"),
            ("ssh://pi@nas:2222/", "ssh://pi@nas:2222/var/run/docker.sock"),
            (
                "ssh://pi@[fd00::1]/run/user/1/docker.sock",
                "ssh://pi@[fd00::1]:22/run/user/1/docker.sock",
            ),
            ("ssh://a@b.c@nas//run/d.sock", "ssh://a@b.c@nas:22/run/d.sock"),
        ] {
            assert_eq!(parsed(text), Ok(whole.into()), "{text}");
            assert_eq!(parsed(whole), Ok(whole.into()), "{whole}");
        }
    }

    #[test]
    fn bad_addresses_have_a_code() {
        for (text, code) in [
            ("", "url_invalid"),
            ("/var/run/docker.sock", "url_scheme_unknown"),
            ("gopher://x", "url_scheme_unknown"),
            ("http://nas:2375", "url_scheme_unknown"),
            ("ssh://nas", "url_invalid"),
            ("ssh://@nas", "url_invalid"),
            ("ssh://pi@", "url_invalid"),
            ("ssh://pi:secret@nas", "url_holds_password"),
            ("ssh://pi@nas:22/d.sock?x=1", "url_invalid"),
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
