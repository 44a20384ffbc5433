//! An event stream that is open and not to be relied on: it holds what is no event, or tells nothing of what happens.

use std::{collections::HashSet, fmt, time::Duration};
use tokio::time::Instant;

/// How long an event may be behind the list that shows what it tells.
const SETTLE: Duration = Duration::from_secs(3);

/// What is wrong with an engine's stream of events. Containers are still right, by the list that is read now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// So many lines were no events.
    Rubbish { lines: u64 },
    /// So many changes were found in the list, and no event told of them.
    Stalled { changes: usize },
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |many: bool, one, more| if many { more } else { one };
        match self {
            Self::Rubbish { lines } => write!(
                f,
                "The engine's event stream holds rubbish: {lines} {} so far. Changes may show up to a minute late. Check what lies \
                 between, such as a proxy, or update the engine.",
                several(*lines != 1, "line is no event", "lines are no events"),
            ),
            Self::Stalled { changes } => write!(
                f,
                "The engine's event stream has stalled: it told nothing of {changes} {}. It was opened anew; until it tells \
                 something, changes may show up to a minute late. Check what lies between, such as a proxy that holds answers \
                 back, or restart the engine.",
                several(
                    *changes != 1,
                    "change that a look at all containers found",
                    "changes that a look at all containers found"
                ),
            ),
        }
    }
}

/// Finds out whether a silent stream is one on which nothing happens.
#[derive(Default)]
pub(super) struct Listener {
    /// Containers that an event told of since the list before.
    heard: HashSet<String>,
    /// What a list showed that no event has told of yet.
    silent: Option<(Instant, HashSet<String>)>,
}

impl Listener {
    /// An event told of this container.
    pub fn heard(&mut self, id: &str) {
        if let Some((_, silent)) = &mut self.silent {
            silent.remove(id);
            if silent.is_empty() {
                self.silent = None;
            }
        }
        if !self.heard.contains(id) {
            self.heard.insert(id.to_owned());
        }
    }

    /// A list showed that these are not as they were.
    pub fn listed(&mut self, changed: HashSet<String>, now: Instant) {
        let heard = std::mem::take(&mut self.heard);
        let new: HashSet<String> = changed.into_iter().filter(|id| !heard.contains(id)).collect();
        match &mut self.silent {
            // The first has waited the longest.
            Some((_, silent)) => silent.extend(new),
            None if !new.is_empty() => self.silent = Some((now, new)),
            None => {}
        }
    }

    /// How many changes no event told of, once it had the time to.
    pub fn stalled(&mut self, now: Instant) -> Option<usize> {
        self.silent
            .take_if(|(at, _)| now.duration_since(*at) >= SETTLE)
            .map(|(_, silent)| silent.len())
            .filter(|many| *many > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_a_stall_only_when_something_happened() {
        let mut listener = Listener::default();
        let now = Instant::now();
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>();
        listener.listed(ids(&[]), now);
        assert_eq!(listener.stalled(now + SETTLE), None);
        // Told before the list, and after it.
        listener.heard("a");
        listener.listed(ids(&["a", "b"]), now);
        listener.heard("b");
        assert_eq!(listener.stalled(now + SETTLE), None);
        // Never told, and found again by the next lists.
        listener.listed(ids(&["c"]), now);
        assert_eq!(listener.stalled(now), None);
        listener.listed(ids(&["c"]), now + SETTLE / 2);
        assert_eq!(listener.stalled(now + SETTLE), Some(1));
        assert_eq!(listener.stalled(now + SETTLE), None, "said once");
    }

    #[test]
    fn faults_are_sentences() {
        for fault in [
            StreamFault::Rubbish { lines: 1 },
            StreamFault::Rubbish { lines: 2 },
            StreamFault::Stalled { changes: 1 },
        ] {
            let said = fault.to_string();
            assert!(said.ends_with('.') && !said.contains("  "), "{said}");
        }
    }
}
