//! What is selected: rows one by one, ranges of them, or everything that the search finds.

use crate::containers::lines::{Line, Lines};
use domain::ids::ContainerId;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The selection.
#[derive(Clone, Copy)]
pub struct Chosen {
    ids: RwSignal<BTreeSet<ContainerId>>,
    /// Everything the search finds is selected, also what is not on the page; so many there are.
    all: RwSignal<Option<u64>>,
    /// Where a range begins: the row that was selected last.
    anchor: StoredValue<Option<ContainerId>>,
    lines: Lines,
}

impl Chosen {
    pub fn new(lines: Lines) -> Self {
        Self {
            ids: RwSignal::new(BTreeSet::new()),
            all: RwSignal::new(None),
            anchor: StoredValue::new(None),
            lines,
        }
    }

    pub fn has(&self, id: ContainerId) -> bool {
        self.all.with(Option::is_some) || self.ids.with(|ids| ids.contains(&id))
    }

    pub fn count(&self) -> u64 {
        self.all
            .get()
            .unwrap_or_else(|| self.ids.with(|ids| ids.len() as u64))
    }

    pub fn is_all(&self) -> bool {
        self.all.with(Option::is_some)
    }

    pub fn any_untracked(&self) -> bool {
        self.all.with_untracked(Option::is_some) || self.ids.with_untracked(|ids| !ids.is_empty())
    }

    /// Nothing when everything is selected: then the search says what is meant.
    pub fn ids_untracked(&self) -> Vec<ContainerId> {
        match self.all.get_untracked() {
            Some(_) => Vec::new(),
            None => self.ids.with_untracked(|ids| ids.iter().copied().collect()),
        }
    }

    /// The selected containers, as far as the page knows them.
    pub fn lines(&self) -> Vec<Line> {
        self.ids
            .with(|ids| ids.iter().filter_map(|id| self.lines.find(*id)).collect())
    }

    pub fn clear(&self) {
        self.all.set(None);
        self.ids.update(BTreeSet::clear);
        self.anchor.set_value(None);
    }

    /// Another search is another "everything"; what was selected one by one stays selected.
    pub fn new_list(&self) {
        if self.all.with_untracked(Option::is_some) {
            self.clear();
        }
        self.anchor.set_value(None);
    }

    /// Selects a row or takes it out; with `range`, everything of `shown` between it and the one selected last.
    pub fn toggle(&self, id: ContainerId, range: bool, shown: &[ContainerId]) {
        // Out of everything one is taken: the rows of the page stay.
        if self.all.with_untracked(Option::is_some) {
            self.all.set(None);
            self.ids.update(|ids| ids.extend(shown));
        }
        let place = |wanted: ContainerId| shown.iter().position(|other| *other == wanted);
        let ends = self
            .anchor
            .get_value()
            .filter(|_| range)
            .and_then(|anchor| Some((place(anchor)?, place(id)?)));
        self.ids.update(|ids| match ends {
            Some((from, to)) => {
                let (first, last) = (from.min(to), from.max(to));
                ids.extend(&shown[first..=last]);
            }
            None => {
                if !ids.remove(&id) {
                    ids.insert(id);
                }
            }
        });
        self.anchor.set_value(Some(id));
    }

    /// Selects the rows of the page, or nothing when they are.
    pub fn page(&self, shown: &[ContainerId]) {
        let whole = self.all.with_untracked(Option::is_some)
            || self
                .ids
                .with_untracked(|ids| shown.iter().all(|id| ids.contains(id)));
        self.clear();
        if !whole {
            self.ids.update(|ids| ids.extend(shown));
        }
    }

    /// Selects everything that the search finds.
    pub fn everything(&self, total: u64) {
        self.all.set(Some(total));
    }
}
