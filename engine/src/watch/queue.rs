//! Which containers to ask about, and when: what just happened first, what is merely not known yet last.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How many of the places merely unknown details may take: an engine just reached is not flooded.
const LAZY: usize = 2;

pub(super) struct Queue {
    gather: Duration,
    places: usize,
    urgent: BinaryHeap<Reverse<(Instant, String)>>,
    waiting: HashSet<String>,
    lazy: VecDeque<String>,
    flying: HashMap<String, Flight>,
}

struct Flight {
    lazy: bool,
    /// Something happened to it since it was asked about: the answer may be old.
    again: bool,
    /// It was removed since: the answer is about what was.
    gone: bool,
}

impl Queue {
    pub(super) fn new(gather: Duration, places: usize) -> Self {
        Self {
            gather,
            places: places.max(1),
            urgent: BinaryHeap::new(),
            waiting: HashSet::new(),
            lazy: VecDeque::new(),
            flying: HashMap::new(),
        }
    }

    /// Something happened to this container.
    pub(super) fn touch(&mut self, id: &str, now: Instant) {
        if let Some(flight) = self.flying.get_mut(id) {
            flight.again = true;
        } else if self.waiting.insert(id.to_owned()) {
            self.urgent.push(Reverse((now + self.gather, id.to_owned())));
        }
    }

    /// This container was removed.
    pub(super) fn forget(&mut self, id: &str) {
        if let Some(flight) = self.flying.get_mut(id) {
            flight.gone = true;
        }
    }

    /// These are not known in full.
    pub(super) fn learn(&mut self, ids: impl IntoIterator<Item = String>) {
        self.lazy.extend(ids);
    }

    /// What to ask about now, if there is a place.
    pub(super) fn next(&mut self, now: Instant) -> Option<String> {
        if self.flying.len() >= self.places {
            return None;
        }
        if self.urgent.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            let Reverse((_, id)) = self.urgent.pop()?;
            self.waiting.remove(&id);
            self.flying.insert(
                id.clone(),
                Flight {
                    lazy: false,
                    again: false,
                    gone: false,
                },
            );
            return Some(id);
        }
        let lazy = self.flying.values().filter(|flight| flight.lazy).count();
        while lazy < LAZY.min(self.places) {
            let id = self.lazy.pop_front()?;
            if !self.waiting.contains(&id) && !self.flying.contains_key(&id) {
                self.flying.insert(
                    id.clone(),
                    Flight {
                        lazy: true,
                        again: false,
                        gone: false,
                    },
                );
                return Some(id);
            }
        }
        None
    }

    /// When there will be something to ask about; `None` when a place must come free first, or nothing waits.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.flying.len() >= self.places {
            return None;
        }
        self.urgent.peek().map(|Reverse((due, _))| *due)
    }

    /// The answer about a container came. Whether it counts: it does not when the container was removed meanwhile. What
    /// happened meanwhile leads to another question.
    pub(super) fn landed(&mut self, id: &str, now: Instant) -> bool {
        let Some(flight) = self.flying.remove(id) else {
            return true;
        };
        if flight.again && !flight.gone {
            self.touch(id, now);
        }
        !flight.gone
    }

    pub(super) fn clear(&mut self) {
        self.urgent.clear();
        self.waiting.clear();
        self.lazy.clear();
        self.flying.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_events_of_one_container_are_one_question() {
        let mut queue = Queue::new(Duration::from_millis(15), 4);
        let now = Instant::now();
        for _ in 0..100 {
            queue.touch("a", now);
        }
        assert_eq!(queue.next(now), None);
        let due = queue.due().expect("a time");
        assert_eq!(queue.next(due).as_deref(), Some("a"));
        assert_eq!(queue.next(due), None);
        // What happens while it is asked about leads to one more question.
        queue.touch("a", due);
        queue.touch("a", due);
        assert!(queue.landed("a", due));
        assert_eq!(queue.next(due + Duration::from_millis(15)).as_deref(), Some("a"));
        assert!(queue.landed("a", due));
        assert_eq!((queue.next(due), queue.due()), (None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_about_a_removed_container_does_not_count() {
        let (mut queue, now) = (Queue::new(Duration::ZERO, 1), Instant::now());
        queue.touch("a", now);
        assert_eq!(queue.next(now).as_deref(), Some("a"));
        queue.touch("a", now);
        queue.forget("a");
        assert!(!queue.landed("a", now));
        assert_eq!(queue.next(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_happened_goes_before_what_is_unknown() {
        let mut queue = Queue::new(Duration::ZERO, 3);
        let now = Instant::now();
        queue.learn(["a", "b", "c", "d"].map(str::to_owned));
        assert_eq!(queue.next(now).as_deref(), Some("a"));
        assert_eq!(queue.next(now).as_deref(), Some("b"));
        assert_eq!(queue.next(now), None);
        queue.touch("d", now);
        assert_eq!(queue.next(now).as_deref(), Some("d"));
        queue.touch("e", now);
        assert_eq!((queue.next(now), queue.due()), (None, None));
        queue.landed("a", now);
        assert_eq!(queue.next(now).as_deref(), Some("e"));
    }
}
