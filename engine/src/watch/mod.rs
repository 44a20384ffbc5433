//! Watches one engine: what runs on it, what happens there, and whether it answers.
//!
//! The watcher subscribes to events before it lists, so that nothing falls between; asks about a single container only
//! after something happened to it; pings, since an engine may hang with its stream open; and lists everything anew
//! now and then, since events can be lost. When the engine goes, it comes back by itself, ever slower.

mod backoff;
mod fault;
mod queue;
mod replay;
mod session;
mod view;

pub use fault::StreamFault;

use crate::{client::Engine, error::EngineError, events::EngineEvent};
use backoff::Backoff;
use domain::{containers::ContainerFacts, hosts::EngineFacts};
use session::{Ended, Session};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// What a watcher tells, in this order: `Online` and then `Snapshot` whenever the engine is reached (anew), changes
/// while it is, `Offline` when it is not.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The engine is reached; a `Snapshot` follows.
    Online(Box<EngineFacts>),
    /// All containers. Replaces all that was told before. What only an inspect knows follows as `Changed`.
    Snapshot(Vec<Arc<ContainerFacts>>),
    /// A container is new or not as it was.
    Changed(Arc<ContainerFacts>),
    /// A container is gone.
    Removed { engine_id: String },
    /// A container has another name; a `Changed` follows.
    Renamed {
        engine_id: String,
        old: String,
        new: String,
    },
    /// Something happened to a container. Told once each per watcher, those after a lost connection included where the
    /// engine still knows them.
    Happened(EngineEvent),
    /// What is wrong with the stream of events of an engine that is reached, or that nothing is any more. After `Online`
    /// nothing is.
    Stream(Option<StreamFault>),
    /// The engine answered a ping.
    Alive { latency: Duration },
    /// The engine is not reached: why, as a sentence and as [`EngineError::code`] has it. Told again when the reason
    /// changes. What was told of its containers is what was last seen.
    Offline {
        error: String,
        code: &'static str,
        /// The SSH host key that was shown and is not a confirmed one: `SHA256:…`.
        host_key: Option<String>,
    },
}

/// How a watcher paces itself.
#[derive(Clone, Copy, Debug)]
pub struct WatchOptions {
    pub ping_every: Duration,
    pub resync_every: Duration,
    /// The first and the longest pause between attempts to reach the engine.
    pub retry_first: Duration,
    pub retry_longest: Duration,
    /// How long to gather what happens to one container before asking about it.
    pub gather: Duration,
    /// How many containers are asked about at once.
    pub concurrency: usize,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(10),
            resync_every: Duration::from_secs(60),
            retry_first: Duration::from_millis(250),
            retry_longest: Duration::from_secs(30),
            gather: Duration::from_millis(15),
            concurrency: 8,
        }
    }
}

/// How many events may wait for their reader before the watcher waits for it.
const CHANNEL: usize = 1024;
/// An engine must have stayed this long before a new failure starts with the shortest pause again: a flapping one is
/// left alone more and more.
const STEADY: Duration = Duration::from_secs(10);
/// The pause after a refusal that only a person can change: servers lock out whoever is refused too often.
const REFUSED: Duration = Duration::from_secs(300);

/// A running watcher. It ends with its token or when the receiver is dropped; dropping this handle does not end it.
pub struct Watcher {
    task: JoinHandle<()>,
    retry: Arc<Notify>,
}

impl Watcher {
    /// Starts to watch. The receiver should be read steadily: after 1,024 unread events the watcher waits.
    pub fn start(
        engine: Engine,
        options: WatchOptions,
        cancel: CancellationToken,
    ) -> (Self, mpsc::Receiver<WatchEvent>) {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let retry = Arc::new(Notify::new());
        let work = run(engine, options, sender, retry.clone());
        let task = tokio::spawn(async move {
            // Dropping the work closes its connections and ends all that it waits for.
            cancel.run_until_cancelled(work).await;
        });
        (Self { task, retry }, receiver)
    }

    /// Tries to reach an engine now instead of after the pause; asks a reached one about everything anew.
    pub fn retry_now(&self) {
        self.retry.notify_one();
    }

    /// Waits until it has ended.
    pub async fn stopped(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a watcher ended unexpectedly");
        }
    }
}

async fn run(engine: Engine, options: WatchOptions, sender: mpsc::Sender<WatchEvent>, retry: Arc<Notify>) {
    let mut session = Session::new(engine, options, sender.clone(), retry.clone());
    let mut backoff = Backoff::new(options.retry_first, options.retry_longest);
    let mut told: Option<EngineError> = None;
    loop {
        let error = match session.run().await {
            Ended::Unread => return,
            Ended::Lost(error) => error,
        };
        if let Some(online) = session.take_online() {
            told = None;
            if online.elapsed() >= STEADY {
                backoff.reset();
            }
        }
        let refused = matches!(&error, EngineError::Transport(error) if error.needs_a_person());
        if told.as_ref() != Some(&error) {
            let event = WatchEvent::Offline {
                error: error.to_string(),
                code: error.code(),
                host_key: shown_key(&error),
            };
            told = Some(error);
            if sender.send(event).await.is_err() {
                return;
            }
        }
        let pause = if refused { REFUSED } else { backoff.pause() };
        tokio::select! {
            () = tokio::time::sleep_until(Instant::now() + pause) => {}
            () = retry.notified() => {}
            () = sender.closed() => return,
        }
    }
}

fn shown_key(error: &EngineError) -> Option<String> {
    use crate::transport::TransportError as T;
    match error {
        EngineError::Transport(T::HostKeyUnknown { presented, .. } | T::HostKeyChanged { presented, .. }) => {
            Some(presented.fingerprint.clone())
        }
        _ => None,
    }
}
