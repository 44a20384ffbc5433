//! How an engine is reached: its address, what the way to it needs, and the connections by it.
//!
//! ```text
//! TransportSettings { url, tls, ssh } ── Transport::new ──▶ Transport ── Engine::over ──▶ Engine
//! ```
//!
//! - [`EngineUrl`] is the address: `unix://`, `tcp://`, `ssh://user@host:port/socket`. It never holds a secret.
//! - [`TransportSettings`] adds what is needed to get there: [`TlsSettings`] make a `tcp://` address TLS (the given CA
//!   alone is trusted, the client may show a certificate); [`SshSettings`] hold key, passphrase, password, agent,
//!   the docker command's path, and the confirmed [`HostKey`]s.
//! - [`Transport::new`] reads certificates and keys, so that a damaged one is told before anything is dialled. A
//!   [`Transport`] is cheap to clone; clones share one SSH session.
//! - [`TransportError`] is what can go wrong beyond plain sockets, inside [`crate::EngineError::Transport`]. Its `code()`
//!   is stable, `field()` names the setting that is wrong, and two of its variants carry what a person must decide on:
//!   `HostKeyUnknown { presented }` (code `host_key_unknown`) and `HostKeyChanged { pinned, presented }`
//!   (`host_key_changed`). To accept, put `presented` into [`SshSettings::host_keys`].
//! - [`crate::diagnose`] takes the same settings and tells each step of the way.
//! - [`crate::bridge`] makes an SSH host a unix socket of this machine, for other programs.
//! - [`known_hosts`] reads confirmed keys out of OpenSSH's file; [`crate::contexts`] reads `docker context`s.
//!
//! Whatever a [`Transport`] dials becomes the same byte stream, so nothing above this module knows which it is.

mod connector;
mod error;
mod known_hosts;
mod settings;
pub(crate) mod ssh;
pub(crate) mod tls;
mod url;

pub(crate) use connector::Connector;
pub use error::TransportError;
pub use known_hosts::{KnownHosts, known_hosts};
pub use settings::{BadFingerprint, HostKey, PemPart, SshSettings, TlsSettings, TransportSettings};
pub use url::{
    DEFAULT_PORT, DEFAULT_SOCKET, DEFAULT_SSH_PORT, DEFAULT_TLS_PORT, EngineUrl, MAX_SOCKET_PATH, UrlError,
};

use ssh::{Ssh, Target};
use std::{fmt, io, path::PathBuf, sync::Arc};
use tls::Tls;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// A connection to an engine, whatever carries it.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A way to an engine. Clones share what is kept open, which is an SSH session.
#[derive(Clone)]
pub struct Transport {
    url: EngineUrl,
    way: Way,
}

#[derive(Clone)]
pub(crate) enum Way {
    Unix {
        path: PathBuf,
    },
    Tcp {
        host: String,
        port: u16,
        tls: Option<Arc<Tls>>,
    },
    Ssh(Arc<Ssh>),
}

impl Transport {
    /// Reads certificates and keys. Nothing is dialled.
    ///
    /// # Errors
    /// What of the settings cannot be read; see [`TransportError::field`].
    pub fn new(settings: TransportSettings) -> Result<Self, TransportError> {
        let way = match settings.url.clone() {
            EngineUrl::Unix { path } => Way::Unix { path },
            EngineUrl::Tcp { host, port } => {
                let tls = settings
                    .tls
                    .as_ref()
                    .map(|tls| Tls::new(&host, tls))
                    .transpose()?;
                Way::Tcp {
                    tls: tls.map(Arc::new),
                    host,
                    port,
                }
            }
            EngineUrl::Ssh {
                user,
                host,
                port,
                socket,
            } => {
                let target = Target {
                    user,
                    host,
                    port,
                    socket,
                };
                Way::Ssh(Arc::new(Ssh::new(target, settings.ssh.unwrap_or_default())?))
            }
        };
        Ok(Self {
            url: settings.url,
            way,
        })
    }

    pub fn url(&self) -> &EngineUrl {
        &self.url
    }

    /// Dials once. The caller limits the time. Errors are the operating system's own, or hold a [`TransportError`].
    pub async fn connect(&self) -> io::Result<Box<dyn Io>> {
        match &self.way {
            Way::Unix { path } => Ok(Box::new(UnixStream::connect(path).await?)),
            Way::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Requests are small and wait for their answers; Nagle's delay would only add to each.
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => Ok(Box::new(tls.handshake(stream, &self.place()).await?)),
                    None => Ok(Box::new(stream)),
                }
            }
            Way::Ssh(ssh) => ssh.connect().await,
        }
    }

    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// What follows `http://` in requests, and with it the `Host` header: engines reject an empty one.
    pub(crate) fn authority(&self) -> String {
        match &self.way {
            Way::Unix { .. } | Way::Ssh(_) => "localhost".to_owned(),
            Way::Tcp { host, port, .. } => url::authority(host, *port),
        }
    }

    /// The address as sentences name it.
    pub(crate) fn place(&self) -> String {
        match &self.way {
            Way::Unix { path } => path.display().to_string(),
            Way::Tcp { host, port, .. } => url::authority(host, *port),
            Way::Ssh(ssh) => ssh.target.at(),
        }
    }

    /// What an error on an established connection means, where TLS or SSH says so.
    pub(crate) fn understand(&self, error: &io::Error) -> Option<TransportError> {
        if let Some(known) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<TransportError>())
        {
            return Some(known.clone());
        }
        match &self.way {
            Way::Tcp { tls: Some(tls), .. } => tls::why(error, &self.place(), tls.shows_certificate),
            _ => None,
        }
    }
}

impl From<&EngineUrl> for Transport {
    /// A way that needs nothing but its address.
    fn from(url: &EngineUrl) -> Self {
        let way = match url.clone() {
            EngineUrl::Unix { path } => Way::Unix { path },
            EngineUrl::Tcp { host, port } => Way::Tcp {
                host,
                port,
                tls: None,
            },
            EngineUrl::Ssh {
                user,
                host,
                port,
                socket,
            } => {
                let target = Target {
                    user,
                    host,
                    port,
                    socket,
                };
                Way::Ssh(Arc::new(Ssh::bare(target)))
            }
        };
        Self {
            url: url.clone(),
            way,
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transport").field(&self.url.to_string()).finish()
    }
}
