//! What the page reads: the part of the list that is in sight, and the hosts; and when it reads it again.

use super::{chosen::Chosen, load::Load, place::Place};
use crate::{
    codec::{Resource, resource},
    components::{
        debounce::{gathered, paced},
        toast::Toasts,
    },
    containers::{
        api,
        lines::{Line, Lines},
        ports::Addresses,
    },
    error::AppError,
    hosts,
    live::Live,
};
use chrono::{DateTime, Utc};
use domain::{
    containers::{ContainerGroup, ContainerPage, ContainerSort},
    events::Event,
    hosts::{Host, HostStatus},
    ids::{ContainerId, HostId},
    pages::Page,
    selectors::Selector,
    views::Shown,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many rows are read at once, and in which steps the part moves: more than any screen shows, below and above.
pub const ROWS: u32 = 100;
pub const STEP: u32 = 25;
/// Events that come together are one reason to read again.
const GATHER: Duration = Duration::from_millis(150);
/// At most this often the list is read again because of what is not on the page; a large fleet changes all the time.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a list in the order of what is used is read again; that is measured all the time.
const LOADS: Duration = Duration::from_secs(5);
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

/// What the page showed last, for those who ask outside of drawing: keys, clicks, scrolling.
#[derive(Clone, Debug, Default)]
pub struct Now {
    pub ids: Vec<ContainerId>,
    pub groups: Vec<ContainerGroup>,
    pub total: u64,
    /// How many lines the list has: those of closed groups are none, and below two tags a container has two.
    pub lines: u32,
}

/// A host that does not answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Away {
    pub id: HostId,
    /// When it answered last.
    pub seen: Option<DateTime<Utc>>,
    /// Why it does not: a sentence.
    pub why: String,
}

impl Away {
    fn of(host: &Host) -> Option<Self> {
        (host.status == HostStatus::Offline).then(|| Self {
            id: host.id,
            seen: host.last_seen,
            why: host
                .error
                .clone()
                .unwrap_or_else(|| "It does not answer.".to_owned()),
        })
    }
}

/// Everything the page reads; in its context.
#[derive(Clone, Copy)]
pub struct Reading {
    pub part: Resource<Result<Part, AppError>>,
    pub hosts: Resource<Result<Page<Host>, AppError>>,
    pub lines: Lines,
    /// Where the part begins; follows the scrolling.
    pub offset: RwSignal<u32>,
    pub chosen: Chosen,
    pub favourites: RwSignal<Vec<ContainerId>>,
    /// The hosts that do not answer; known in the browser only.
    pub away: RwSignal<Vec<Away>>,
    pub now: RwSignal<Now>,
    pub load: Load,
    /// When the pointer last moved over the rows; nothing when it is elsewhere.
    pub pointer: StoredValue<Option<i64>>,
    turn: RwSignal<u32>,
    toasts: Toasts,
}

impl Reading {
    pub fn provide(place: Place) -> Self {
        let live = Live::get();
        let offset = RwSignal::new(0);
        let turn = RwSignal::new(0);
        let last = StoredValue::new(None::<(Shown, Part)>);
        let part = resource(
            move || (place.lines(), offset.get(), turn.get(), live.gaps()),
            move |(shown, offset, _, _)| async move {
                let answer = read(shown.clone(), offset).await;
                or_as_last_seen(last, shown, offset, answer)
            },
        );
        let host_turn = RwSignal::new(0);
        let hosts = resource(move || (host_turn.get(), live.gaps()), |_| hosts::api::list(None));
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
        let lines = Lines::follow(again.clone());
        // What a row says may move it; it moves when nobody points at it.
        live.listen(move |event| {
            let by_change = matches!(
                place.get_untracked().sort,
                ContainerSort::State | ContainerSort::Uptime | ContainerSort::NextRun | ContainerSort::Tags
            );
            let plan = matches!(
                event,
                Event::ScheduleChanged { .. } | Event::ScheduleDeleted { .. }
            );
            if plan || (by_change && matches!(event, Event::ContainerChanged { .. })) {
                order();
            }
        });

        // What is used is measured after the question, and no event tells of it.
        let by_load = again.clone();
        if !cfg!(feature = "ssr") {
            let look = move || {
                let sort = place.get_untracked().sort;
                if matches!(sort, ContainerSort::Cpu | ContainerSort::Memory) && !document().hidden() {
                    by_load();
                }
            };
            if let Ok(handle) = set_interval_with_handle(look, LOADS) {
                on_cleanup(move || handle.clear());
            }
        }

        let addresses = Addresses::provide();
        let chosen = Chosen::new(lines);
        let favourites = RwSignal::new(Vec::new());
        let away = RwSignal::new(Vec::new());
        let now = RwSignal::new(Now::default());
        let load = Load::follow(place, move || part.track());
        Effect::new(move |_| {
            if let Some(Ok(part)) = part.get() {
                // The first part came with the page.
                last.set_value(Some((untrack(|| place.lines()), part.clone())));
                lines.refresh(&part.page.items);
                let page = part.page;
                // Every row asks for them.
                if favourites.with_untracked(|old| *old != page.favourites) {
                    favourites.set(page.favourites.clone());
                }
                now.set(Now {
                    ids: page.items.iter().map(|container| container.id).collect(),
                    lines: lines_of(&page),
                    groups: page.groups,
                    total: page.total,
                });
            }
        });
        Effect::new(move |_| {
            if let Some(Ok(page)) = hosts.get() {
                addresses.learn(&page.items);
                let now: Vec<Away> = page.items.iter().filter_map(Away::of).collect();
                if away.with_untracked(|away| *away != now) {
                    away.set(now);
                }
            }
        });
        // Another search or order begins at its top; a group that is closed or opened leaves the rest where it is.
        Effect::new(move |before: Option<Shown>| {
            let shown = Shown {
                closed: Vec::new(),
                ..place.lines()
            };
            if before.is_some_and(|before| before != shown) {
                offset.set(0);
                chosen.new_list();
            }
            shown
        });
        let reading = Self {
            part,
            hosts,
            lines,
            offset,
            chosen,
            favourites,
            away,
            now,
            load,
            pointer,
            turn,
            toasts: Toasts::get(),
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

    /// The containers of the page in their order.
    pub fn shown_ids(&self) -> Vec<ContainerId> {
        self.now.with(|now| now.ids.clone())
    }

    /// The first containers of the page.
    pub fn shown_lines(&self, most: usize) -> Vec<Line> {
        self.now.with(|now| {
            now.ids
                .iter()
                .take(most)
                .filter_map(|id| self.lines.find(*id))
                .collect()
        })
    }

    /// Makes a container a favourite at once, and takes it back if that fails.
    pub fn favour(self, id: ContainerId, is: bool) {
        let set = move |is: bool| {
            let _ = self.favourites.try_update(|all| {
                all.retain(|other| *other != id);
                if is {
                    all.push(id);
                }
            });
        };
        set(is);
        leptos::task::spawn_local(async move {
            if let Err(error) = api::favour(id, is).await {
                set(!is);
                self.toasts.bad(error.0.message);
            }
        });
    }

    /// Why the host of this container does not answer; nothing while it does.
    pub fn away(&self, host: HostId) -> Option<Away> {
        self.away
            .with(|away| away.iter().find(|away| away.id == host).cloned())
    }

    /// Tries to reach a host now.
    pub fn retry(self, host: HostId, name: String, busy: RwSignal<bool>) {
        busy.set(true);
        leptos::task::spawn_local(async move {
            match hosts::api::retry(host).await {
                Ok(_) => self.toasts.say("refresh-cw", format!("Trying to reach {name}")),
                Err(error) => self.toasts.bad(error.0.message),
            }
            let _ = busy.try_set(false);
        });
    }

    /// The part that is shown; nothing while it is read for the first time.
    pub fn with_part<T>(&self, take: impl FnOnce(&Part) -> T) -> Option<T> {
        self.part
            .with(|part| part.as_ref().and_then(|part| part.as_ref().ok()).map(take))
    }
}

/// How many lines the list has.
pub fn lines_of(page: &ContainerPage) -> u32 {
    if page.groups.is_empty() {
        page.total as u32
    } else {
        page.groups.iter().map(lines_in).sum()
    }
}

/// How many lines of a group there are.
pub fn lines_in(group: &ContainerGroup) -> u32 {
    if group.closed { 0 } else { group.count }
}

/// The code of a search that cannot be read.
pub const WRONG: &str = "invalid_selector";

async fn read(shown: Shown, offset: u32) -> Result<Part, AppError> {
    // The field says where the mistake is; the server need not be asked.
    if let Err(error) = Selector::parse_search(&shown.query) {
        return Err(AppError(error.problem("query")));
    }
    let page = api::list(shown, offset, ROWS).await?;
    Ok(Part { offset, page })
}

/// While the server is away the list stays as it was seen last; what asked for it again asks once more when it is back.
fn or_as_last_seen(
    last: StoredValue<Option<(Shown, Part)>>,
    shown: Shown,
    offset: u32,
    answer: Result<Part, AppError>,
) -> Result<Part, AppError> {
    match answer {
        Err(error) if error.is_offline() => {
            let kept = last.try_get_value().flatten();
            let kept = kept.filter(|(of, part)| *of == shown && part.offset == offset);
            kept.map(|(_, part)| part).ok_or(error)
        }
        other => other,
    }
}

/// Reads again soon, but not while the pointer moves over the rows.
fn when_rested(pointer: StoredValue<Option<i64>>, turn: RwSignal<u32>) -> impl Fn() + Clone + 'static {
    paced(GATHER, PAUSE, move || wait(pointer, turn))
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
