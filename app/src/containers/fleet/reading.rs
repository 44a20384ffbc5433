//! What the page reads: the part of the list that is in sight, and the hosts; and when it reads it again.

use super::place::{Place, Shown};
use crate::{
    components::debounce::gathered,
    containers::{api, lines::Lines, ports::Addresses},
    error::AppError,
    hosts,
    live::Live,
};
use domain::{
    containers::{ContainerPage, ContainerSort},
    events::Event,
    hosts::Host,
    ids::ContainerId,
    pages::Page,
    selectors::Selector,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// How many rows are read at once, and in which steps the part moves: more than any screen shows, below and above.
pub const ROWS: u32 = 100;
pub const STEP: u32 = 25;
/// Events that come together are one reason to read again.
const GATHER: Duration = Duration::from_millis(150);
/// How long the pointer must rest before rows may change places below it, in milliseconds.
const RESTED: i64 = 5_000;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(400);

/// A part of the list and where it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub offset: u32,
    pub page: ContainerPage,
}

/// Everything the page reads; in its context.
#[derive(Clone, Copy)]
pub struct Reading {
    pub part: Resource<Result<Part, AppError>>,
    pub hosts: Resource<Result<Page<Host>, AppError>>,
    pub lines: Lines,
    /// Where the part begins; follows the scrolling.
    pub offset: RwSignal<u32>,
    pub selected: RwSignal<BTreeSet<ContainerId>>,
    /// When the pointer last moved over the rows; nothing when it is elsewhere.
    pub pointer: StoredValue<Option<i64>>,
    turn: RwSignal<u32>,
}

impl Reading {
    pub fn provide(place: Place) -> Self {
        let live = Live::get();
        let offset = RwSignal::new(0);
        let turn = RwSignal::new(0);
        let part = Resource::new(
            move || (place.get(), offset.get(), turn.get(), live.gaps()),
            |(shown, offset, _, _)| read(shown, offset),
        );
        let host_turn = RwSignal::new(0);
        let hosts = Resource::new(move || (host_turn.get(), live.gaps()), |_| hosts::api::list(None));
        let hosts_again = gathered(GATHER, move || {
            let _ = host_turn.try_update(|turn| *turn += 1);
        });
        live.listen(move |event| {
            if matches!(
                event,
                Event::HostChanged { .. } | Event::HostRemoved { .. } | Event::FleetChanged { .. }
            ) {
                hosts_again();
            }
        });

        let pointer = StoredValue::new(None);
        let again = when_rested(pointer, turn);
        let order = again.clone();
        let lines = Lines::follow(again);
        // What a row says may move it; it moves when nobody points at it.
        live.listen(move |event| {
            let by_change = matches!(
                place.get_untracked().sort,
                ContainerSort::State | ContainerSort::Uptime | ContainerSort::NextRun
            );
            let plan = matches!(
                event,
                Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
            );
            if plan || (by_change && matches!(event, Event::ContainerChanged { .. })) {
                order();
            }
        });

        let addresses = Addresses::provide();
        Effect::new(move |_| {
            if let Some(Ok(part)) = part.get() {
                lines.refresh(&part.page.items);
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(page)) = hosts.get() {
                addresses.learn(&page.items);
            }
        });
        // Another search or order begins at its top.
        Effect::new(move |before: Option<Shown>| {
            let shown = place.get();
            if before.is_some_and(|before| before != shown) {
                offset.set(0);
            }
            shown
        });
        let reading = Self {
            part,
            hosts,
            lines,
            offset,
            selected: RwSignal::new(BTreeSet::new()),
            pointer,
            turn,
        };
        provide_context(reading);
        reading
    }

    /// Reads the list again now.
    pub fn again(&self) {
        self.turn.update(|turn| *turn += 1);
    }

    pub fn error(&self) -> Option<AppError> {
        self.part
            .with(|part| part.as_ref().and_then(|part| part.as_ref().err().cloned()))
    }

    /// The part that is shown; nothing while it is read for the first time.
    pub fn with_part<T>(&self, take: impl FnOnce(&Part) -> T) -> Option<T> {
        self.part
            .with(|part| part.as_ref().and_then(|part| part.as_ref().ok()).map(take))
    }

    /// The selected containers, as far as the page knows them.
    pub fn chosen(&self) -> Vec<crate::containers::lines::Line> {
        self.selected
            .with(|ids| ids.iter().filter_map(|id| self.lines.find(*id)).collect())
    }

    pub fn toggle(&self, id: ContainerId) {
        self.selected.update(|ids| {
            if !ids.remove(&id) {
                ids.insert(id);
            }
        });
    }
}

/// The code of a search that cannot be read.
pub const WRONG: &str = "invalid_selector";

async fn read(shown: Shown, offset: u32) -> Result<Part, AppError> {
    // The field says where the mistake is; the server need not be asked.
    if let Err(error) = Selector::parse_search(&shown.query) {
        return Err(AppError(error.problem("query")));
    }
    let page = api::list(shown.query, shown.sort, shown.descending, offset, ROWS).await?;
    Ok(Part { offset, page })
}

/// Reads again soon, but not while the pointer moves over the rows.
fn when_rested(pointer: StoredValue<Option<i64>>, turn: RwSignal<u32>) -> impl Fn() + Clone + 'static {
    gathered(GATHER, move || wait(pointer, turn))
}

fn wait(pointer: StoredValue<Option<i64>>, turn: RwSignal<u32>) {
    let now = crate::components::time::machine_now();
    match pointer.try_get_value() {
        None => {}
        Some(Some(moved)) if now - moved < RESTED => set_timeout(move || wait(pointer, turn), LOOK),
        Some(_) => {
            let _ = turn.try_update(|turn| *turn += 1);
        }
    }
}
