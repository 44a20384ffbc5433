//! One SSH session: its beginning, and the check of the host's key.

use super::{Failure, Ssh, Target, auth, channel};
use crate::transport::{
    HostKey, TransportError,
    known_hosts::{self, host_key},
};
use russh::{
    Channel, Preferred,
    client::{self, Config, Handle, Msg},
    keys::{Algorithm, PublicKeyOrCertificate},
};
use std::{
    borrow::Cow,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpStream;

/// After this long without a word from the server it is asked for one; after three unanswered ones the session is over.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A signed-in session.
pub(crate) struct Session {
    handle: Handle<Checker>,
    at: String,
    /// Commands that run in it.
    commands: Arc<AtomicUsize>,
}

/// A session whose host key was checked, before sign-in.
pub(crate) struct Fresh {
    pub(super) handle: Handle<Checker>,
    /// The host's key.
    pub(crate) host_key: HostKey,
}

impl Session {
    /// Connects, checks the host's key, signs in.
    pub(super) async fn dial(ssh: &Ssh) -> Result<Self, Failure> {
        let stream = TcpStream::connect((ssh.target.host.as_str(), ssh.target.port)).await?;
        let fresh = Fresh::greet(ssh, stream).await?;
        Ok(Self::sign_in(ssh, fresh).await?)
    }

    pub(crate) async fn sign_in(ssh: &Ssh, fresh: Fresh) -> Result<Self, TransportError> {
        let mut handle = fresh.handle;
        auth::sign_in(&mut handle, ssh).await?;
        Ok(Self {
            handle,
            at: ssh.target.at(),
            commands: Arc::default(),
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// How many commands run in it.
    pub(super) fn commands(&self) -> usize {
        self.commands.load(Ordering::Relaxed)
    }

    /// A channel to a socket of that machine.
    pub(super) async fn socket(&self, path: &str) -> Result<Channel<Msg>, russh::Error> {
        self.handle.channel_open_direct_streamlocal(path).await
    }

    /// A channel in which a command runs, counted until the guard is dropped.
    pub(super) async fn command(&self, line: &str) -> Result<(Channel<Msg>, channel::Counted), russh::Error> {
        let counted = channel::Counted::new(self.commands.clone());
        let channel = self.handle.channel_open_session().await?;
        channel.exec(true, line).await?;
        Ok((channel, counted))
    }

    pub(super) fn gone(&self, error: &russh::Error) -> io::Error {
        TransportError::SshGone {
            at: self.at.clone(),
            why: lower(&error.to_string()),
        }
        .into_io()
    }
}

impl Fresh {
    /// Speaks SSH over this connection up to the check of the host's key.
    pub(crate) async fn greet(ssh: &Ssh, stream: TcpStream) -> Result<Self, Failure> {
        let target = &ssh.target;
        stream.set_nodelay(true)?;
        let config = Config {
            keepalive_interval: Some(KEEP_ALIVE),
            nodelay: true,
            preferred: preferred(&ssh.settings.host_keys),
            ..Config::default()
        };
        let seen = Arc::new(std::sync::Mutex::new(None));
        let checker = Checker {
            at: target.at(),
            pinned: ssh.settings.host_keys.clone(),
            seen: seen.clone(),
        };
        let handle = client::connect_stream(Arc::new(config), stream, checker)
            .await
            .map_err(|fault| match fault {
                Fault::HostKey(error) => Failure::Known(error),
                Fault::Russh(error) => greeting_failed(target, error),
            })?;
        let seen = seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let host_key = seen.ok_or_else(|| TransportError::NotSsh { at: target.at() })?;
        Ok(Self { handle, host_key })
    }
}

fn greeting_failed(target: &Target, error: russh::Error) -> Failure {
    let at = target.at();
    match error {
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let why = format!("{kind:?}: it offers {}", theirs.join(", "));
            TransportError::NoCommonAlgorithm { at, why }.into()
        }
        russh::Error::IO(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                TransportError::NotSsh { at }.into()
            }
            _ => error.into(),
        },
        russh::Error::Version
        | russh::Error::Disconnect
        | russh::Error::HUP
        | russh::Error::PacketSize(_)
        | russh::Error::Utf8(_) => TransportError::NotSsh { at }.into(),
        other => TransportError::SshGone {
            at,
            why: lower(&other.to_string()),
        }
        .into(),
    }
}

/// A library's words inside a sentence of ours.
pub(super) fn lower(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    let line: String = first.into_iter().chain(chars).take(200).collect();
    line.trim_end_matches('.').replace(char::is_control, " ")
}

/// Where all confirmed keys name their algorithms, only those are asked for: a server has several keys, and shows
/// another one to whoever prefers another algorithm.
fn preferred(pinned: &[HostKey]) -> Preferred {
    let usual = Preferred::default();
    let names: Option<Vec<_>> = pinned.iter().map(|key| key.algorithm.as_deref()).collect();
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return usual;
    };
    let wanted = |algorithm: &&Algorithm| {
        let plain = known_hosts::algorithm(algorithm);
        names.iter().any(|name| *name == plain)
    };
    let key: Vec<_> = usual.key.iter().filter(wanted).cloned().collect();
    if key.is_empty() {
        return usual;
    }
    Preferred {
        key: Cow::Owned(key),
        ..usual
    }
}

/// Checks the host's key against the confirmed ones.
pub(crate) struct Checker {
    at: String,
    pinned: Vec<HostKey>,
    seen: Arc<std::sync::Mutex<Option<HostKey>>>,
}

/// What ends a session: the library's error, or our own refusal.
#[derive(Debug)]
pub(crate) enum Fault {
    Russh(russh::Error),
    HostKey(TransportError),
}

impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        Self::Russh(error)
    }
}

impl client::Handler for Checker {
    type Error = Fault;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        let presented = host_key(&shown.public_key());
        let known = |pinned: &HostKey| pinned.fingerprint == presented.fingerprint;
        if self.pinned.iter().any(known) {
            let mut seen = self
                .seen
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *seen = Some(presented);
            return Ok(true);
        }
        let at = self.at.clone();
        Err(Fault::HostKey(if self.pinned.is_empty() {
            TransportError::HostKeyUnknown { at, presented }
        } else {
            TransportError::HostKeyChanged {
                at,
                pinned: self.pinned.clone(),
                presented,
            }
        }))
    }
}
