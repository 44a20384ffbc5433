//! How an engine is reached: its address, and the connections to it.
//!
//! A [`Transport`] is one variant per way; whatever it dials becomes the same byte stream, so TLS and SSH are
//! further variants here and nothing above this module changes.

mod connector;
mod url;

pub(crate) use connector::Connector;
pub use url::{EngineUrl, UrlError};

use std::{io, path::PathBuf};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// A connection to an engine, whatever carries it.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A way to an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    Unix { path: PathBuf },
    Tcp { host: String, port: u16 },
}

impl Transport {
    /// Dials once. The caller limits the time; errors are the operating system's own.
    pub async fn connect(&self) -> io::Result<Box<dyn Io>> {
        match self {
            Self::Unix { path } => Ok(Box::new(UnixStream::connect(path).await?)),
            Self::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                // Requests are small and wait for their answers; Nagle's delay would only add to each.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }

    /// What follows `http://` in requests, and with it the `Host` header: engines reject an empty one.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Unix { .. } => "localhost".to_owned(),
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
        }
    }

    /// The address as sentences name it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Unix { path } => path.display().to_string(),
            Self::Tcp { .. } => self.authority(),
        }
    }
}

impl From<&EngineUrl> for Transport {
    fn from(url: &EngineUrl) -> Self {
        match url {
            EngineUrl::Unix { path } => Self::Unix { path: path.clone() },
            EngineUrl::Tcp { host, port } => Self::Tcp {
                host: host.clone(),
                port: *port,
            },
        }
    }
}
