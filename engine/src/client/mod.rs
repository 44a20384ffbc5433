//! One engine: how to ask it, and what it says of itself.

mod facts;
mod lacks;
pub(crate) mod version;

pub use lacks::lacks;

use crate::{
    error::EngineError,
    transport::{EngineUrl, Transport, TransportSettings},
    wire::{Wire, within},
};
use domain::hosts::EngineFacts;
use std::{fmt, sync::Arc, time::Duration};
use version::ApiVersion;

/// How long each kind of wait may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Connecting, name resolution included.
    pub connect: Duration,
    /// A whole question (inspect, facts), from the request to the answer's end.
    pub deadline: Duration,
    /// The list of all containers, which a small machine with many takes long for.
    pub list: Duration,
    /// A whole action (start, pause, …); stop and restart add their grace time.
    pub action: Duration,
    /// A ping.
    pub ping: Duration,
    /// Silence between two parts of an answer's body.
    pub idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            deadline: Duration::from_secs(20),
            list: Duration::from_secs(60),
            action: Duration::from_secs(60),
            ping: Duration::from_secs(5),
            idle: Duration::from_secs(15),
        }
    }
}

impl Options {
    /// The same deadline for questions and actions, and none of the waits within longer than it.
    pub fn deadline(deadline: Duration) -> Self {
        let usual = Self::default();
        Self {
            connect: usual.connect.min(deadline),
            deadline,
            list: deadline,
            action: deadline,
            ping: usual.ping.min(deadline),
            idle: usual.idle.min(deadline),
        }
    }
}

/// How much longer a first connection by SSH may take: key exchange and sign-in of a small machine.
const SSH_PATIENCE: Duration = Duration::from_secs(10);

impl Options {
    /// By SSH a connection may have to begin with a session.
    fn patient_with(self, url: &EngineUrl) -> Self {
        match url {
            EngineUrl::Ssh { .. } => Self {
                connect: self.connect + SSH_PATIENCE,
                ping: self.ping + SSH_PATIENCE,
                ..self
            },
            _ => self,
        }
    }
}

/// One engine. Clones share its connections; dropping the last one closes them.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wire: Arc<Wire>,
    url: EngineUrl,
}

impl Engine {
    /// Prepares to speak to the engine at this address, which needs nothing else; nothing is dialled before the first
    /// operation.
    pub fn connect(url: &EngineUrl, options: Options) -> Self {
        Self::over(Transport::from(url), options)
    }

    /// As [`Engine::connect`], with certificates or keys.
    ///
    /// # Errors
    /// What of the settings cannot be read.
    pub fn open(settings: TransportSettings, options: Options) -> Result<Self, EngineError> {
        Ok(Self::over(Transport::new(settings)?, options))
    }

    /// Prepares to speak to the engine at the end of this way.
    pub fn over(transport: Transport, options: Options) -> Self {
        let options = options.patient_with(transport.url());
        Self {
            url: transport.url().clone(),
            wire: Arc::new(Wire::new(transport, options)),
        }
    }

    /// The way to it; an SSH session in it is shared with this engine.
    pub fn transport(&self) -> &Transport {
        self.wire.transport()
    }

    pub fn url(&self) -> &EngineUrl {
        &self.url
    }

    pub fn options(&self) -> &Options {
        &self.wire.options
    }

    /// Asks for a sign of life and agrees on the API version.
    ///
    /// # Errors
    /// Anything of [`EngineError`]; `Protocol` when it is no engine, `TooOld` when its API is below 1.41.
    pub async fn ping(&self) -> Result<(), EngineError> {
        const OPERATION: &str = "answer a ping";
        within(OPERATION, self.wire.options.ping, async {
            let request = self.wire.unversioned("/_ping")?;
            let response = self.wire.accepted(OPERATION, request).await?;
            let spoken = response
                .headers()
                .get("api-version")
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.parse::<ApiVersion>().ok())
                .ok_or_else(|| EngineError::protocol("its answer to a ping names no API version"))?;
            // The body is "OK"; reading it lets the connection be used again.
            self.wire.read(OPERATION, response, 1024).await?;
            self.wire.set_api(spoken.agreed()?);
            Ok(())
        })
        .await
    }

    /// What the engine says of itself. Agrees on the API version anew, so that it may be called after an
    /// engine was replaced by an older one.
    pub async fn facts(&self) -> Result<EngineFacts, EngineError> {
        self.facts_and_clock().await.map(|(facts, _)| facts)
    }

    /// The facts, and the engine's own clock in nanoseconds since 1970 where it tells.
    pub(crate) async fn facts_and_clock(&self) -> Result<(EngineFacts, Option<i64>), EngineError> {
        self.ping().await?;
        facts::facts(&self.wire).await
    }

    /// Agrees on the API version unless that was done.
    pub(crate) async fn ready(&self) -> Result<(), EngineError> {
        if self.wire.api().is_none() {
            self.ping().await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("url", &self.url.to_string())
            .finish_non_exhaustive()
    }
}
