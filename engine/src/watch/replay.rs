//! Which events were told already: after a lost connection an engine is asked for what it told since.

use crate::events::{EngineEvent, EventAction};
use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

type Key = (i64, String, EventAction);

/// How many events are remembered. Docker itself remembers 256.
const REMEMBERED: usize = 512;
/// After a longer absence the past is left alone: nobody expects a reaction to it any more.
const WORTH_REPLAYING: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub(super) struct Replay {
    order: VecDeque<Key>,
    known: HashSet<Key>,
    newest: Option<i64>,
    /// When the connection was lost, if it is.
    lost: Option<Instant>,
}

impl Replay {
    /// Whether this event is told for the first time.
    pub(super) fn is_new(&mut self, event: &EngineEvent) -> bool {
        let key = (event.time_nano, event.engine_id.clone(), event.action);
        if !self.known.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.newest = self.newest.max(Some(event.time_nano));
        true
    }

    /// The engine is reached, and this is its clock.
    pub(super) fn reached(&mut self, clock: Option<i64>) {
        self.newest = self.newest.or(clock);
        self.lost = None;
    }

    /// The engine is lost.
    pub(super) fn lost(&mut self, now: Instant) {
        self.lost.get_or_insert(now);
    }

    /// From when on to ask for events, by the engine's clock: the newest one's own time, or that of the first contact.
    pub(super) fn since(&self, now: Instant) -> Option<i64> {
        let forgotten = self
            .lost
            .is_some_and(|lost| now.duration_since(lost) >= WORTH_REPLAYING);
        self.newest.filter(|_| !forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_event_is_told_once() {
        let event = |time_nano, id: &str| EngineEvent {
            time_nano,
            engine_id: id.to_owned(),
            action: EventAction::Start,
            attributes: Default::default(),
        };
        let (mut replay, now) = (Replay::default(), Instant::now());
        assert_eq!(replay.since(now), None);
        replay.reached(Some(3));
        assert_eq!(replay.since(now), Some(3));
        assert!(replay.is_new(&event(7, "a")) && replay.is_new(&event(5, "b")));
        assert!(!replay.is_new(&event(7, "a")));
        assert_eq!(replay.since(now + 2 * WORTH_REPLAYING), Some(7));
        replay.lost(now);
        assert_eq!(replay.since(now + WORTH_REPLAYING / 2), Some(7));
        assert_eq!(replay.since(now + WORTH_REPLAYING), None);
        for time in 0..10_000 {
            replay.is_new(&event(100 + time, "c"));
        }
        assert_eq!((replay.order.len(), replay.known.len()), (REMEMBERED, REMEMBERED));
    }
}
