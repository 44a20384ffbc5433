//! A host behind SSH as a unix socket of this machine, so that other programs (Compose, the docker command) can use it:
//! `DOCKER_HOST=unix://…`.
//!
//! The sockets lie in a directory that only this user may enter. Each connection becomes a channel of the host's one
//! SSH session.

use crate::transport::{MAX_SOCKET_PATH, Transport};
use std::{
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tokio::{
    net::{UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

/// How many programs' connections one host carries at once; more wait until one ends.
const CONNECTIONS: usize = 64;

/// Why there is no bridge.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    #[error(
        "The path {0} is longer than the {MAX_SOCKET_PATH} bytes that the operating system allows for a socket. Choose a \
         shorter runtime directory."
    )]
    PathTooLong(PathBuf),
    #[error(
        "The socket {path} could not be made: {error}. Check that its directory can be written by this user."
    )]
    Io { path: PathBuf, error: io::Error },
}

/// A bridge; dropping it ends its connections and removes its socket.
pub struct Bridge {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Bridge {
    /// Makes the socket `NAME.sock` in this directory, which is made with mode 0700, or given it.
    ///
    /// # Errors
    /// A path that is too long, or what the operating system says.
    pub fn start(transport: Transport, directory: &Path, name: &str) -> Result<Self, BridgeError> {
        let path = directory.join(format!("{name}.sock"));
        if path.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(BridgeError::PathTooLong(path));
        }
        let failed = |error| BridgeError::Io {
            path: path.clone(),
            error,
        };
        private(directory).map_err(failed)?;
        // What an earlier process left behind.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self {
            path,
            task: tokio::spawn(serve(listener, transport)),
        })
    }

    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// `unix:///run/…/nas.sock`.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A directory that nobody else may enter.
fn private(directory: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}

async fn serve(listener: UnixListener, transport: Transport) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    open.spawn(carry(stream, transport.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, engine.url = %transport.url(), "a bridge takes no connections");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn carry(mut stream: UnixStream, transport: Transport) {
    let mut engine = match transport.connect().await {
        Ok(engine) => engine,
        Err(error) => {
            tracing::debug!(%error, engine.url = %transport.url(), "a bridge's connection failed");
            return refuse(stream, &error).await;
        }
    };
    // Either side may end it at any time.
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut engine).await;
}

/// Tells the program why in the engine's own form, so that its user reads a sentence instead of "EOF".
async fn refuse(stream: UnixStream, error: &io::Error) {
    let body = serde_json::json!({ "message": error.to_string() }).to_string();
    let answer = format!(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut read, mut write) = stream.into_split();
    // The request first: closing with it unread would reset the connection, and the answer with it.
    let mut sink = vec![0; 64 * 1024];
    let heard = tokio::io::AsyncReadExt::read(&mut read, &mut sink);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), heard).await;
    let _ = tokio::io::AsyncWriteExt::write_all(&mut write, answer.as_bytes()).await;
}
