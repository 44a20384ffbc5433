//! What is known of an engine's containers, and what an answer changes about it.

use super::WatchEvent;
use domain::containers::{ContainerFacts, ContainerState, Health, Port};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

#[derive(Default)]
pub(super) struct View {
    known: HashMap<String, Known>,
}

struct Known {
    facts: Arc<ContainerFacts>,
    line: Line,
}

/// What a list says of a container, apart from what never changes. Compared with the list before and not with an
/// inspect: engines word some of it differently in the two.
#[derive(PartialEq)]
struct Line {
    name: String,
    state: ContainerState,
    health: Option<Health>,
    exit_code: Option<i64>,
    ports: Vec<Port>,
}

impl Line {
    fn of(facts: &ContainerFacts) -> Self {
        Self {
            name: facts.name.clone(),
            state: facts.state,
            health: facts.health,
            exit_code: facts.exit_code,
            ports: facts.ports.clone(),
        }
    }
}

impl View {
    /// Whether a list shows this container in another state than it is known in, or for the first time.
    pub(super) fn differs(&self, listed: &ContainerFacts) -> bool {
        let known = self.known.get(&listed.engine_id);
        known.is_none_or(|known| known.facts.state != listed.state)
    }

    /// Takes a list as the whole truth, after a connection was made. Details are kept where the list shows no change.
    /// Gives all containers, and those to ask about: running ones first, as they may have been restarted meanwhile.
    pub(super) fn replace(&mut self, list: Vec<ContainerFacts>) -> (Vec<Arc<ContainerFacts>>, Vec<String>) {
        let mut before = std::mem::take(&mut self.known);
        let mut all = Vec::with_capacity(list.len());
        let (mut running, mut others) = (Vec::new(), Vec::new());
        for listed in list {
            let line = Line::of(&listed);
            let id = listed.engine_id.clone();
            let kept = before
                .remove(&id)
                .filter(|known| known.line == line && known.facts.state == line.state);
            if line.state == ContainerState::Running || line.state == ContainerState::Paused {
                running.push(id.clone());
            } else if kept.is_none() && line.state != ContainerState::Created {
                others.push(id.clone());
            }
            let facts = kept.map_or_else(|| Arc::new(listed), |known| known.facts);
            all.push(facts.clone());
            self.known.insert(id, Known { facts, line });
        }
        running.append(&mut others);
        (all, running)
    }

    /// Takes a list that was asked for while events came in. What an event touched since is left alone: it is asked
    /// about anyway. Gives what changed, and whom to ask about.
    pub(super) fn compare(
        &mut self,
        list: Vec<ContainerFacts>,
        touched: &HashSet<String>,
    ) -> (Vec<WatchEvent>, Vec<String>) {
        let (mut changes, mut ask) = (Vec::new(), Vec::new());
        let listed: HashSet<String> = list.iter().map(|facts| facts.engine_id.clone()).collect();
        for facts in list {
            let id = facts.engine_id.clone();
            if touched.contains(&id) {
                continue;
            }
            let line = Line::of(&facts);
            match self.known.get_mut(&id) {
                Some(known) if known.line == line && known.facts.state == line.state => {}
                Some(known) => {
                    let mut now = ContainerFacts::clone(&known.facts);
                    now.name.clone_from(&line.name);
                    (now.state, now.health, now.exit_code) = (line.state, line.health, line.exit_code);
                    known.line = line;
                    ask.push(id);
                    if now != *known.facts {
                        known.facts = Arc::new(now);
                        changes.push(WatchEvent::Changed(known.facts.clone()));
                    }
                }
                None => {
                    let facts = Arc::new(facts);
                    changes.push(WatchEvent::Changed(facts.clone()));
                    self.known.insert(id.clone(), Known { facts, line });
                    ask.push(id);
                }
            }
        }
        let gone = self
            .known
            .keys()
            .filter(|id| !listed.contains(*id) && !touched.contains(*id));
        for engine_id in gone.cloned().collect::<Vec<_>>() {
            changes.extend(self.removed(&engine_id));
        }
        (changes, ask)
    }

    /// Takes the answer about one container.
    pub(super) fn inspected(&mut self, facts: ContainerFacts) -> Option<WatchEvent> {
        match self.known.get_mut(&facts.engine_id) {
            Some(known) if *known.facts == facts => None,
            Some(known) => {
                known.facts = Arc::new(facts);
                Some(WatchEvent::Changed(known.facts.clone()))
            }
            None => {
                let (facts, line) = (Arc::new(facts.clone()), Line::of(&facts));
                self.known.insert(
                    facts.engine_id.clone(),
                    Known {
                        facts: facts.clone(),
                        line,
                    },
                );
                Some(WatchEvent::Changed(facts))
            }
        }
    }

    /// The engine does not know this container any more.
    pub(super) fn removed(&mut self, engine_id: &str) -> Option<WatchEvent> {
        self.known.remove(engine_id)?;
        Some(WatchEvent::Removed {
            engine_id: engine_id.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: &str, state: ContainerState, started: Option<&str>) -> ContainerFacts {
        ContainerFacts {
            engine_id: id.to_owned(),
            name: id.to_owned(),
            image: String::new(),
            image_id: String::new(),
            state,
            health: None,
            health_output: None,
            exit_code: None,
            created_at: None,
            started_at_raw: started.map(str::to_owned),
            started_at: None,
            finished_at: None,
            ports: Vec::new(),
            labels: Default::default(),
        }
    }
    use ContainerState::{Exited, Running};

    #[test]
    fn a_new_connection_keeps_details_and_asks_about_what_runs() {
        let mut view = View::default();
        let (all, ask) = view.replace(vec![facts("a", Running, None), facts("b", Exited, None)]);
        assert_eq!((all.len(), ask), (2, vec!["a".to_owned(), "b".to_owned()]));
        assert!(view.inspected(facts("a", Running, Some("1"))).is_some());
        assert!(view.inspected(facts("a", Running, Some("1"))).is_none());
        let (all, ask) = view.replace(vec![facts("a", Running, None), facts("b", Exited, None)]);
        assert_eq!(all[0].started_at_raw.as_deref(), Some("1"));
        assert_eq!(ask, ["a"]);
        let (all, _) = view.replace(vec![facts("a", Exited, None)]);
        assert_eq!((all.len(), all[0].started_at_raw.as_deref()), (1, None));
    }

    #[test]
    fn a_later_list_tells_only_what_changed() {
        let mut view = View::default();
        view.replace(vec![
            facts("a", Running, None),
            facts("b", Running, None),
            facts("gone", Exited, None),
        ]);
        view.inspected(facts("a", Running, Some("1")));
        let none = HashSet::new();
        let same = || {
            vec![
                facts("a", Running, None),
                facts("b", Running, None),
                facts("gone", Exited, None),
            ]
        };
        let (changes, ask) = view.compare(same(), &none);
        assert!(changes.is_empty() && ask.is_empty());

        let list = vec![
            facts("a", Exited, None),
            facts("b", Running, None),
            facts("new", Running, None),
        ];
        let (changes, ask) = view.compare(list, &none);
        assert_eq!(changes.len(), 3);
        assert!(matches!(&changes[0], WatchEvent::Changed(a) if a.state == Exited));
        assert!(matches!(&changes[2], WatchEvent::Removed { engine_id } if engine_id == "gone"));
        assert_eq!(ask, ["a", "new"]);
    }

    #[test]
    fn a_list_older_than_an_event_does_not_undo_it() {
        let mut view = View::default();
        view.replace(vec![facts("a", Running, None), facts("b", Running, None)]);
        let touched = HashSet::from(["a".to_owned(), "b".to_owned()]);
        view.removed("b");
        view.inspected(facts("a", Exited, None));
        let (changes, _) = view.compare(
            vec![facts("a", Running, None), facts("b", Running, None)],
            &touched,
        );
        assert!(changes.is_empty());
        assert!(view.removed("b").is_none());
    }
}
