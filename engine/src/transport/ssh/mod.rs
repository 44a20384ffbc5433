//! SSH to an engine's machine: one session per host, and a channel in it for each connection.
//!
//! A session is dialled when it is needed, by one task whoever waits for it, so that a caller whose time is up does not
//! undo the work; it is kept alive, and dialled anew once it broke.

mod auth;
mod channel;
mod exec;
mod keys;
mod route;
mod session;

pub(super) use keys::Key;
pub(crate) use session::{Fresh, Session};

use super::{Io, SshSettings, TransportError};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use route::Route;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a session's beginning may take: names, key exchange and sign-in of a small machine take seconds.
const DIAL: Duration = Duration::from_secs(30);
/// sshd allows ten commands per connection (MaxSessions), unless told otherwise; forwarded sockets do not count.
const COMMANDS: usize = 8;

/// Who is reached where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The engine's socket there.
    pub(crate) socket: String,
}

impl Target {
    /// `nas:22`, as sentences name it.
    pub(crate) fn at(&self) -> String {
        super::url::authority(&self.host, self.port)
    }
}

/// One host behind SSH.
pub(crate) struct Ssh {
    pub(crate) target: Target,
    pub(crate) settings: SshSettings,
    pub(crate) key: Option<Key>,
    state: Mutex<State>,
}

type Dialling = Shared<BoxFuture<'static, Result<Arc<Session>, Failure>>>;

#[derive(Default)]
struct State {
    /// The last is the newest; more than one only where commands serve as channels and one session's are used up.
    sessions: Vec<Arc<Session>>,
    dialling: Option<Dialling>,
    /// How the socket is reached, once that is known.
    route: Option<Route>,
}

/// Why no session came about; many wait for one answer, so it can be copied.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Known(TransportError),
    Io(Arc<io::Error>),
    TimedOut,
}

impl Failure {
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Known(error) => error.into_io(),
            // The kind and the text are what is read from it.
            Self::Io(error) => match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            },
            Self::TimedOut => io::ErrorKind::TimedOut.into(),
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Known(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl Ssh {
    pub(crate) fn new(target: Target, settings: SshSettings) -> Result<Self, TransportError> {
        let key = Key::read(&settings)?;
        Ok(Self {
            target,
            settings,
            key,
            state: Mutex::default(),
        })
    }

    /// Without anything to sign in with: the host's key is checked all the same.
    pub(crate) fn bare(target: Target) -> Self {
        Self {
            target,
            settings: SshSettings::default(),
            key: None,
            state: Mutex::default(),
        }
    }

    /// A connection to the engine's socket.
    pub(crate) async fn connect(self: &Arc<Self>) -> io::Result<Box<dyn Io>> {
        // A session can break between being found and being used: then once more with a new one.
        let mut again = true;
        loop {
            let session = self.session().await.map_err(Failure::into_io)?;
            let result = self.open(&session).await;
            match result {
                Err(_) if session.is_closed() && again => again = false,
                other => return other,
            }
        }
    }

    /// Takes over a session that someone else began.
    pub(crate) fn adopt(&self, session: Arc<Session>) {
        self.locked().sessions.push(session);
    }

    /// How the socket is reached, in a few words, once that is known.
    pub(crate) fn route(&self) -> Option<String> {
        self.locked().route.as_ref().map(|route| match route {
            Route::Socket => format!("{}, forwarded", self.target.socket),
            Route::Command { line } => format!("by {line}"),
        })
    }

    async fn open(&self, session: &Arc<Session>) -> io::Result<Box<dyn Io>> {
        let known = self.locked().route.clone();
        let route = match known {
            Some(route) => route,
            None => {
                let (route, first) = route::find(session, &self.target, &self.settings).await?;
                self.locked().route = Some(route);
                return Ok(first);
            }
        };
        let result = route.open(session, &self.target).await;
        if result.is_err() {
            // What is allowed or installed there may have changed: look again the next time.
            self.locked().route = None;
        }
        result
    }

    /// A session with room for one more channel, dialled if there is none.
    async fn session(self: &Arc<Self>) -> Result<Arc<Session>, Failure> {
        let dialling = {
            let mut state = self.locked();
            state.sessions.retain(|session| !session.is_closed());
            let commands = matches!(state.route, Some(Route::Command { .. }));
            let free = |session: &&Arc<Session>| !commands || session.commands() < COMMANDS;
            if let Some(session) = state.sessions.iter().find(free) {
                return Ok(session.clone());
            }
            match &state.dialling {
                Some(dialling) => dialling.clone(),
                None => {
                    let dialling = self.clone().dial();
                    state.dialling = Some(dialling.clone());
                    dialling
                }
            }
        };
        dialling.await
    }

    /// Begins a session in a task of its own, which no caller's deadline ends.
    fn dial(self: Arc<Self>) -> Dialling {
        let task = tokio::spawn(async move {
            let dialled = tokio::time::timeout(DIAL, Session::dial(&self)).await;
            let result = dialled.unwrap_or(Err(Failure::TimedOut)).map(Arc::new);
            let mut state = self.locked();
            state.dialling = None;
            if let Ok(session) = &result {
                state.sessions.push(session.clone());
            }
            result
        });
        async move {
            task.await
                .unwrap_or_else(|error| Err(Failure::Io(Arc::new(io::Error::other(error)))))
        }
        .boxed()
        .shared()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
