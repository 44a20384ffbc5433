//! One connection's time with an engine, from reaching it to losing it.

use super::{
    WatchEvent, WatchOptions,
    fault::{Listener, StreamFault},
    queue::Queue,
    replay::Replay,
    view::View,
};
use crate::{
    client::Engine,
    error::EngineError,
    events::{EngineEvent, EventAction},
};
use domain::containers::ContainerFacts;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval_at},
};

/// Why a session ended.
pub(super) enum Ended {
    /// Nobody reads what is told.
    Unread,
    Lost(EngineError),
}

impl From<EngineError> for Ended {
    fn from(error: EngineError) -> Self {
        Self::Lost(error)
    }
}

/// A stream of events that ended is opened anew at once, unless that was done this recently: some proxies end every
/// long answer, and that is no reason to call the engine lost.
const RESUBSCRIBE: Duration = Duration::from_secs(5);

/// What outlives a single connection is kept here.
pub(super) struct Session {
    engine: Engine,
    options: WatchOptions,
    sender: mpsc::Sender<WatchEvent>,
    retry: Arc<Notify>,
    view: View,
    replay: Replay,
    queue: Queue,
    online: Option<Instant>,
    /// Containers that something happened to since the running list was asked for.
    touched: HashSet<String>,
    listing: bool,
    listener: Listener,
    fault: Option<StreamFault>,
    /// Lines that were no events: of this stream, of all, and when the last one came.
    rubbish: u64,
    rubbish_in_all: u64,
    rubbish_at: Option<Instant>,
}

/// An answer that was waited for beside the events.
enum Answer {
    Container(String, Box<Result<ContainerFacts, EngineError>>),
    List(Result<Vec<ContainerFacts>, EngineError>),
    Ping(Result<Duration, EngineError>),
}

type Answers = FuturesUnordered<BoxFuture<'static, Answer>>;

impl Session {
    pub(super) fn new(
        engine: Engine,
        options: WatchOptions,
        sender: mpsc::Sender<WatchEvent>,
        retry: Arc<Notify>,
    ) -> Self {
        Self {
            engine,
            options,
            sender,
            retry,
            view: View::default(),
            replay: Replay::default(),
            queue: Queue::new(options.gather, options.concurrency),
            online: None,
            touched: HashSet::new(),
            listing: false,
            listener: Listener::default(),
            fault: None,
            rubbish: 0,
            rubbish_in_all: 0,
            rubbish_at: None,
        }
    }

    /// Since when the engine was reached, if it was in the last run; forgets it.
    pub(super) fn take_online(&mut self) -> Option<Instant> {
        self.online.take()
    }

    /// Reaches the engine and follows it until it is lost.
    pub(super) async fn run(&mut self) -> Ended {
        match self.follow().await {
            Ok(never) => match never {},
            Err(ended) => {
                self.replay.lost(Instant::now());
                ended
            }
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Ended> {
        self.queue.clear();
        self.touched.clear();
        self.listing = false;
        (self.listener, self.fault) = (Listener::default(), None);
        (self.rubbish, self.rubbish_in_all, self.rubbish_at) = (0, 0, None);
        let (facts, clock) = self.engine.facts_and_clock().await?;
        let mut events = self.engine.events(self.replay.since(Instant::now())).await?;
        let mut subscribed = Instant::now();
        let (all, ask) = self.view.replace(self.engine.list().await?);
        self.online = Some(Instant::now());
        self.replay.reached(clock);
        self.tell(WatchEvent::Online(Box::new(facts))).await?;
        self.tell(WatchEvent::Snapshot(all)).await?;
        self.queue.learn(ask);

        let mut answers = Answers::new();
        let every = |period| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let mut pings = every(self.options.ping_every);
        let mut resyncs = every(self.options.resync_every);
        let retry = self.retry.clone();
        let mut pinging = false;
        loop {
            while let Some(id) = self.queue.next(Instant::now()) {
                let engine = self.engine.clone();
                answers.push(Box::pin(async move {
                    let answer = engine.inspect(&id).await;
                    Answer::Container(id, Box::new(answer))
                }));
            }
            let due = self.queue.due();
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.happened(event).await?,
                    ended => {
                        let error = lost(ended);
                        if subscribed.elapsed() < RESUBSCRIBE {
                            return Err(error.into());
                        }
                        self.count_rubbish(events.rubbish()).await?;
                        self.rubbish = 0;
                        events = self.engine.events(self.replay.since(Instant::now())).await?;
                        subscribed = Instant::now();
                        self.list(&mut answers);
                    }
                },
                Some(answer) = answers.next() => match answer {
                    Answer::Container(id, answer) => self.answered(&id, *answer).await?,
                    Answer::List(answer) => self.listed(answer).await?,
                    Answer::Ping(answer) => {
                        pinging = false;
                        self.tell(WatchEvent::Alive { latency: answer? }).await?;
                    }
                },
                () = until(due) => {}
                _ = pings.tick(), if !pinging => {
                    pinging = true;
                    answers.push(Box::pin(ping(self.engine.clone())));
                    self.count_rubbish(events.rubbish()).await?;
                    if let Some(changes) = self.listener.stalled(Instant::now()) {
                        self.tell_fault(Some(StreamFault::Stalled { changes })).await?;
                        events = self.engine.events(self.replay.since(Instant::now())).await?;
                        (subscribed, self.rubbish) = (Instant::now(), 0);
                    }
                }
                _ = resyncs.tick() => {
                    self.forgive_rubbish().await?;
                    self.list(&mut answers);
                }
                () = retry.notified() => self.list(&mut answers),
                () = self.sender.closed() => return Err(Ended::Unread),
            }
        }
    }

    async fn tell(&self, event: WatchEvent) -> Result<(), Ended> {
        self.sender.send(event).await.map_err(|_| Ended::Unread)
    }

    async fn happened(&mut self, event: EngineEvent) -> Result<(), Ended> {
        let now = Instant::now();
        if !self.replay.is_new(&event) {
            return Ok(());
        }
        let id = event.engine_id.clone();
        self.listener.heard(&id);
        if matches!(self.fault, Some(StreamFault::Stalled { .. })) {
            self.tell_fault(None).await?;
        }
        if self.listing {
            self.touched.insert(id.clone());
        }
        let mut more = None;
        match event.action {
            EventAction::Destroy => {
                self.queue.forget(&id);
                more = self.view.removed(&id);
            }
            EventAction::Rename => {
                self.queue.touch(&id, now);
                if let (Some(old), Some(new)) = (event.old_name(), event.name()) {
                    let (old, new) = (old.to_owned(), new.to_owned());
                    more = Some(WatchEvent::Renamed {
                        engine_id: id,
                        old,
                        new,
                    });
                }
            }
            _ => self.queue.touch(&id, now),
        }
        self.tell(WatchEvent::Happened(event)).await?;
        if let Some(more) = more {
            self.tell(more).await?;
        }
        Ok(())
    }

    async fn answered(&mut self, id: &str, answer: Result<ContainerFacts, EngineError>) -> Result<(), Ended> {
        if !self.queue.landed(id, Instant::now()) {
            return Ok(());
        }
        let change = match answer {
            Ok(facts) => self.view.inspected(facts),
            Err(EngineError::NotFound { .. }) => self.view.removed(id),
            // One container can be stuck where its engine is not: that is for the ping to say.
            Err(error) => {
                tracing::debug!(engine.url = %self.engine.url(), container.id = id, %error, "an inspect failed");
                None
            }
        };
        match change {
            Some(change) => self.tell(change).await,
            None => Ok(()),
        }
    }

    /// Asks for everything anew, unless that is under way.
    fn list(&mut self, answers: &mut Answers) {
        if !std::mem::replace(&mut self.listing, true) {
            self.touched.clear();
            let engine = self.engine.clone();
            answers.push(Box::pin(async move { Answer::List(engine.list().await) }));
        }
    }

    async fn listed(&mut self, answer: Result<Vec<ContainerFacts>, EngineError>) -> Result<(), Ended> {
        self.listing = false;
        let touched = std::mem::take(&mut self.touched);
        let list = match answer {
            Ok(list) => list,
            Err(error) => {
                tracing::warn!(engine.url = %self.engine.url(), %error, "an engine's containers could not be listed anew");
                return Ok(());
            }
        };
        let mut differ: HashSet<String> = list
            .iter()
            .filter(|facts| self.view.differs(facts))
            .map(|facts| facts.engine_id.clone())
            .collect();
        let (changes, ask) = self.view.compare(list, &touched);
        differ.extend(changes.iter().filter_map(|change| match change {
            WatchEvent::Removed { engine_id } => Some(engine_id.clone()),
            _ => None,
        }));
        differ.retain(|id| !touched.contains(id));
        self.listener.listed(differ, Instant::now());
        for change in changes {
            self.tell(change).await?;
        }
        let now = Instant::now();
        for id in ask {
            self.queue.touch(&id, now);
        }
        Ok(())
    }

    async fn count_rubbish(&mut self, lines: u64) -> Result<(), Ended> {
        let new = lines.saturating_sub(self.rubbish);
        self.rubbish = lines;
        if new == 0 {
            return Ok(());
        }
        self.rubbish_in_all += new;
        self.rubbish_at = Some(Instant::now());
        let lines = self.rubbish_in_all;
        self.tell_fault(Some(StreamFault::Rubbish { lines })).await
    }

    /// A stream without rubbish for a while is a good one.
    async fn forgive_rubbish(&mut self) -> Result<(), Ended> {
        let old = self
            .rubbish_at
            .is_none_or(|at| at.elapsed() >= self.options.resync_every);
        match self.fault {
            Some(StreamFault::Rubbish { .. }) if old => self.tell_fault(None).await,
            _ => Ok(()),
        }
    }

    async fn tell_fault(&mut self, fault: Option<StreamFault>) -> Result<(), Ended> {
        if self.fault == fault {
            return Ok(());
        }
        if let Some(fault) = &fault
            && self.fault.is_none()
        {
            tracing::warn!(engine.url = %self.engine.url(), "{fault}");
        }
        self.fault = fault;
        self.tell(WatchEvent::Stream(fault)).await
    }
}

/// Why the stream of events ended.
fn lost(ended: Option<Result<EngineEvent, EngineError>>) -> EngineError {
    match ended {
        Some(Err(error)) => error,
        _ => EngineError::Gone {
            operation: "tell its events",
        },
    }
}

/// A ping; a failed one is tried once more, as an overloaded machine may miss one.
async fn ping(engine: Engine) -> Answer {
    let start = Instant::now();
    if engine.ping().await.is_ok() {
        return Answer::Ping(Ok(start.elapsed()));
    }
    let start = Instant::now();
    Answer::Ping(engine.ping().await.map(|()| start.elapsed()))
}

/// Waits until then, or for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
