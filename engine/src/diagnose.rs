//! Goes the whole way to an engine, and tells each step: what was found, how long it took, and where it ended.

use crate::{
    client::{Engine, Options},
    error::EngineError,
    transport::{
        EngineUrl, HostKey, Transport, TransportError, TransportSettings, Way,
        ssh::{Failure, Fresh, Session},
    },
};
use futures::{Stream, stream};
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::mpsc,
};

/// A step on the way, in the order they are taken; an address has those that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Certificates and keys are read. Told only when it fails.
    Settings,
    /// The name becomes addresses.
    Resolve,
    /// A connection is made.
    Connect,
    /// TLS: the engine's certificate is checked.
    Certificate,
    /// SSH: the host's key is checked.
    HostKey,
    /// SSH: the user signs in.
    SignIn,
    /// SSH: the engine's socket is reached on that machine.
    Socket,
    /// The engine answers, in an API that is known.
    Ping,
    /// The engine says what it is.
    Version,
    /// The containers may be listed.
    Permission,
}

/// One step that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub step: StepName,
    pub ok: bool,
    pub took_ms: u64,
    /// What was found, in a few words: `10.0.0.5`, `Docker 28.5.2, API 1.51`.
    pub found: String,
    /// Why the way ends here.
    pub error: Option<StepError>,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepError {
    /// [`EngineError::reason`]: the finest stable word there is.
    pub code: &'static str,
    /// What happened, why, and what to do.
    pub message: String,
    /// The setting that is wrong, where one is.
    pub field: Option<&'static str>,
    /// The key that the host showed, for `host_key_unknown` and `host_key_changed`.
    pub presented: Option<HostKey>,
    /// The keys that were confirmed, for `host_key_changed`.
    pub confirmed: Vec<HostKey>,
}

impl From<&EngineError> for StepError {
    fn from(error: &EngineError) -> Self {
        let transport = match error {
            EngineError::Transport(error) => Some(error),
            _ => None,
        };
        let (presented, confirmed) = match transport {
            Some(TransportError::HostKeyUnknown { presented, .. }) => (Some(presented.clone()), Vec::new()),
            Some(TransportError::HostKeyChanged {
                presented, pinned, ..
            }) => (Some(presented.clone()), pinned.clone()),
            _ => (None, Vec::new()),
        };
        Self {
            code: error.reason(),
            message: error.to_string(),
            field: transport.and_then(TransportError::field),
            presented,
            confirmed,
        }
    }
}

/// The steps that will be taken, for a list that is filled as they are.
pub fn plan(settings: &TransportSettings) -> Vec<StepName> {
    use StepName::{Certificate, Connect, HostKey, Permission, Ping, Resolve, SignIn, Socket, Version};
    let way: &[StepName] = match (&settings.url, settings.tls.is_some()) {
        (EngineUrl::Unix { .. }, _) => &[Connect],
        (EngineUrl::Tcp { .. }, false) => &[Resolve, Connect],
        (EngineUrl::Tcp { .. }, true) => &[Resolve, Connect, Certificate],
        (EngineUrl::Ssh { .. }, _) => &[Resolve, Connect, HostKey, SignIn, Socket],
    };
    [way, &[Ping, Version, Permission]].concat()
}

/// Goes the way. Each step is told when it is done; the first that fails is the last. Dropping the stream ends it.
pub fn diagnose(settings: TransportSettings, options: Options) -> impl Stream<Item = Step> + Send + 'static {
    let (teller, steps) = mpsc::channel(16);
    let walk = tokio::spawn(async move {
        let teller = Teller { teller };
        // What ended it was told.
        let _ = walk(settings, options, &teller).await;
    });
    stream::unfold((steps, Abort(walk)), |(mut steps, walk)| async move {
        let step = steps.recv().await?;
        Some((step, (steps, walk)))
    })
}

struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The way ended; why was told.
struct Ended;

struct Teller {
    teller: mpsc::Sender<Step>,
}

impl Teller {
    async fn step<T>(
        &self,
        step: StepName,
        limit: Duration,
        at: &str,
        work: impl Future<Output = Result<(T, String), EngineError>>,
    ) -> Result<T, Ended> {
        let start = Instant::now();
        let result = tokio::time::timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(EngineError::connecting(at, &std::io::ErrorKind::TimedOut.into())));
        let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (found, error, value) = match result {
            Ok((value, found)) => (found, None, Some(value)),
            Err(error) => (String::new(), Some(StepError::from(&error)), None),
        };
        let told = self.teller.send(Step {
            step,
            ok: error.is_none(),
            took_ms,
            found,
            error,
        });
        match (told.await, value) {
            (Ok(()), Some(value)) => Ok(value),
            _ => Err(Ended),
        }
    }
}

async fn walk(settings: TransportSettings, options: Options, teller: &Teller) -> Result<(), Ended> {
    use StepName::{Certificate, Connect, HostKey, Permission, Ping, Settings, SignIn, Socket, Version};
    let transport = match Transport::new(settings) {
        Ok(transport) => transport,
        Err(error) => {
            let failed = async { Err::<((), String), _>(error.into()) };
            return teller.step(Settings, options.connect, "", failed).await;
        }
    };
    let place = transport.place();
    let failed = |error: std::io::Error| match transport.understand(&error) {
        Some(known) => known.into(),
        None => EngineError::connecting(&place, &error),
    };
    match transport.way() {
        Way::Unix { path } => {
            let connect = async {
                UnixStream::connect(path).await.map_err(failed)?;
                Ok(((), place.clone()))
            };
            teller.step(Connect, options.connect, &place, connect).await?;
        }
        Way::Tcp { host, port, tls } => {
            let stream = reach(teller, &options, &place, host, *port).await?;
            if let Some(tls) = tls {
                let handshake = async {
                    let stream = tls.handshake(stream, &place).await.map_err(failed)?;
                    let version = stream.get_ref().1.protocol_version();
                    let version = match version {
                        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
                        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
                        _ => "TLS",
                    };
                    Ok(((), format!("{version}, issued by the given CA")))
                };
                teller
                    .step(Certificate, options.deadline, &place, handshake)
                    .await?;
            }
        }
        Way::Ssh(ssh) => {
            let stream = reach(teller, &options, &place, &ssh.target.host, ssh.target.port).await?;
            let greet = async {
                let fresh = Fresh::greet(ssh, stream).await;
                let fresh = fresh.map_err(|error: Failure| failed(error.into_io()))?;
                let found = fresh.host_key.to_string();
                Ok((fresh, found))
            };
            let fresh = teller.step(HostKey, options.deadline, &place, greet).await?;
            let sign_in = async {
                let session = Session::sign_in(ssh, fresh).await?;
                Ok((session, format!("as {}", ssh.target.user)))
            };
            let session = teller.step(SignIn, options.deadline, &place, sign_in).await?;
            ssh.adopt(Arc::new(session));
            let socket = async {
                drop(transport.connect().await.map_err(failed)?);
                let found = ssh.route().unwrap_or_else(|| ssh.target.socket.clone());
                Ok(((), found))
            };
            teller.step(Socket, options.deadline, &place, socket).await?;
        }
    }
    let engine = Engine::over(transport.clone(), options);
    let limit = engine.options().list;
    let ping = async {
        engine.ping().await?;
        let api = engine.wire.api().map(|api| format!("API {api} agreed on"));
        Ok(((), api.unwrap_or_default()))
    };
    teller.step(Ping, limit, &place, ping).await?;
    let version = async {
        let facts = engine.facts().await?;
        let kind = if facts.kind == "podman" {
            "Podman"
        } else {
            "Docker"
        };
        let found = format!(
            "{kind} {}, API {}, {}, {}",
            facts.version, facts.api_version, facts.os, facts.architecture
        );
        Ok(((), found))
    };
    teller.step(Version, limit, &place, version).await?;
    let permission = async {
        let containers = engine.list().await?.len();
        let found = match containers {
            1 => "1 container".to_owned(),
            count => format!("{count} containers"),
        };
        Ok(((), found))
    };
    teller.step(Permission, limit, &place, permission).await
}

/// Resolves, then tries the addresses in turn.
async fn reach(
    teller: &Teller,
    options: &Options,
    place: &str,
    host: &str,
    port: u16,
) -> Result<TcpStream, Ended> {
    let failed = |error: std::io::Error| EngineError::connecting(place, &error);
    let resolve = async {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
            .await
            .map_err(failed)?
            .collect();
        let texts: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        Ok((addresses, texts.join(", ")))
    };
    let addresses = teller
        .step(StepName::Resolve, options.connect, place, resolve)
        .await?;
    let connect = async {
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(failed)?;
        let found = stream
            .peer_addr()
            .map(|address| address.to_string())
            .unwrap_or_default();
        Ok((stream, found))
    };
    teller
        .step(StepName::Connect, options.connect, place, connect)
        .await
}
