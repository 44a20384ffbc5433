//! What a row of the list can do: at once on the page, then on the server, and back again if that fails.

use super::{api, bulk::PauseAsked};
use crate::{
    components::{time::Clock, toast::Toasts},
    error::AppError,
    shares::Shared,
};
use domain::{
    ids::{RunId, ScheduleId},
    schedules::Schedule,
};
use leptos::{prelude::*, task::spawn_local};
use std::collections::{HashMap, HashSet};

/// The rows of the list and what is done to them.
#[derive(Clone, Copy)]
pub struct Rows {
    pub items: RwSignal<Vec<Schedule>>,
    /// Why the last thing that was asked of a row did not work.
    pub faults: RwSignal<HashMap<ScheduleId, String>>,
    pub deleting: RwSignal<Option<(ScheduleId, String)>>,
    /// Those that are selected.
    pub chosen: RwSignal<HashSet<ScheduleId>>,
    /// For whom it is asked until when they pause.
    pub pausing: PauseAsked,
    /// What is shown is the archive: what is done, instead of what goes on.
    pub archive: Signal<bool>,
    pub sharing: RwSignal<Option<Shared>>,
    /// Those whose switch was turned and not answered yet.
    turning: StoredValue<HashSet<ScheduleId>>,
    toasts: Toasts,
    clock: Clock,
}

impl Rows {
    pub fn new(items: Vec<Schedule>, archive: Signal<bool>) -> Self {
        Self {
            items: RwSignal::new(items),
            faults: RwSignal::new(HashMap::new()),
            deleting: RwSignal::new(None),
            chosen: RwSignal::new(HashSet::new()),
            pausing: PauseAsked::new(),
            archive,
            sharing: RwSignal::new(None),
            turning: StoredValue::new(HashSet::new()),
            toasts: Toasts::get(),
            clock: Clock::get(),
        }
    }

    /// Puts in what the server said; a schedule that is not in the list is added at its end.
    pub fn put(self, schedule: Schedule) {
        let _ = self
            .items
            .try_update(|items| match items.iter_mut().find(|old| old.id == schedule.id) {
                Some(old) => *old = schedule,
                None => items.push(schedule),
            });
    }

    /// Puts in what was read because something changed. What is older than the row is not wanted: a switch that was just
    /// turned would jump back for a moment.
    pub fn refresh(self, schedule: Schedule) {
        // Nothing is here any more when the page was left meanwhile.
        if self.turning.try_with_value(|ids| ids.contains(&schedule.id)) != Some(false) {
            return;
        }
        if self
            .find(schedule.id)
            .is_none_or(|old| schedule.version >= old.version)
        {
            // It went into the archive, or came out of it.
            if schedule.archived == self.archive.get_untracked() {
                self.put(schedule);
            } else {
                self.remove(schedule.id);
            }
        }
    }

    pub fn remove(self, id: ScheduleId) {
        let _ = self
            .items
            .try_update(|items| items.retain(|schedule| schedule.id != id));
        if self.chosen.try_with_untracked(|chosen| chosen.contains(&id)) == Some(true) {
            self.chosen.update(|chosen| {
                chosen.remove(&id);
            });
        }
    }

    fn failed(self, id: ScheduleId, error: &AppError) {
        let message = error.0.message.clone();
        let _ = self.faults.try_update(|faults| faults.insert(id, message));
    }

    fn clear(self, id: ScheduleId) {
        if self.faults.with_untracked(|faults| faults.contains_key(&id)) {
            self.faults.update(|faults| {
                faults.remove(&id);
            });
        }
    }

    fn find(self, id: ScheduleId) -> Option<Schedule> {
        self.items
            .with_untracked(|items| items.iter().find(|schedule| schedule.id == id).cloned())
    }

    /// What it is called, while it is in the list.
    pub fn name(self, id: ScheduleId) -> Option<String> {
        self.find(id).map(|schedule| schedule.name)
    }

    /// Selects it, or not any more.
    pub fn choose(self, id: ScheduleId, on: bool) {
        self.chosen.update(|chosen| {
            if on {
                chosen.insert(id);
            } else {
                chosen.remove(&id);
            }
        });
    }

    /// Takes what was answered about several, which are not selected any more.
    fn answered(self, schedules: Vec<Schedule>) -> u64 {
        let count = schedules.len() as u64;
        for schedule in schedules {
            self.clear(schedule.id);
            self.put(schedule);
        }
        let _ = self.chosen.try_set(HashSet::new());
        count
    }

    /// Pauses several or goes on with them, all or none, with Undo.
    pub fn switch_many(self, ids: Vec<ScheduleId>, enabled: bool) {
        // Undone are only those that it changes.
        let changes = |id: &ScheduleId| self.find(*id).is_some_and(|schedule| schedule.enabled != enabled);
        let changed: Vec<ScheduleId> = ids.iter().copied().filter(changes).collect();
        spawn_local(async move {
            match api::switch(ids, enabled).await {
                Ok(schedules) => {
                    let count = crate::schedules::words::count(self.answered(schedules), "schedule");
                    let (sign, what) = if enabled {
                        ("play", "Resumed")
                    } else {
                        ("circle-pause", "Paused")
                    };
                    if changed.is_empty() {
                        self.toasts.say(sign, format!("{what} {count}"));
                        return;
                    }
                    let undo = Callback::new(move |()| self.switch_many(changed.clone(), !enabled));
                    self.toasts.undo(sign, format!("{what} {count}"), undo);
                }
                Err(error) => self.toasts.bad(error.0.message),
            }
        });
    }

    /// Several were paused until a date.
    pub fn paused(self, schedules: Vec<Schedule>) {
        let until = schedules.first().and_then(|schedule| schedule.paused_until);
        let ids: Vec<ScheduleId> = schedules.iter().map(|schedule| schedule.id).collect();
        let what = match schedules.as_slice() {
            [one] => one.name.clone(),
            many => crate::schedules::words::count(many.len() as u64, "schedule"),
        };
        self.answered(schedules);
        let clock = self.clock;
        let when = until.map(|at| {
            let (at, now) = (at.timestamp_millis(), clock.exact_now());
            crate::components::time::short(at, now, |at| clock.wall(at))
        });
        let text = format!("Paused {what} until {}", when.unwrap_or_default());
        let undo = Callback::new(move |()| self.unpause(ids.clone()));
        self.toasts.undo("circle-pause", text, undo);
    }

    /// Ends pauses until a date.
    pub fn unpause(self, ids: Vec<ScheduleId>) {
        spawn_local(async move {
            match api::pause(ids, None).await {
                Ok(schedules) => {
                    self.answered(schedules);
                }
                Err(error) => self.toasts.bad(error.0.message),
            }
        });
    }

    /// Pauses or goes on, with Undo.
    pub fn enable(self, id: ScheduleId, enabled: bool) {
        self.switch(id, enabled, true);
    }

    fn switch(self, id: ScheduleId, enabled: bool, offer_undo: bool) {
        let Some(before) = self.find(id) else { return };
        self.clear(id);
        self.put(Schedule {
            enabled,
            next_at: before.next_at.filter(|_| enabled),
            ..before.clone()
        });
        self.turning.update_value(|ids| {
            ids.insert(id);
        });
        spawn_local(async move {
            let answer = api::set_enabled(id, enabled).await;
            self.turning.try_update_value(|ids| ids.remove(&id));
            match answer {
                Ok(schedule) => {
                    let text = format!("{} {}", if enabled { "Resumed" } else { "Paused" }, schedule.name);
                    self.put(schedule);
                    if offer_undo {
                        let undo = Callback::new(move |()| self.switch(id, !enabled, false));
                        self.toasts
                            .undo(if enabled { "play" } else { "circle-pause" }, text, undo);
                    }
                }
                Err(error) => {
                    self.put(before);
                    self.failed(id, &error);
                }
            }
        });
    }

    pub fn run_now(self, id: ScheduleId, started: Callback<RunId>) {
        self.clear(id);
        spawn_local(async move {
            match api::run_now(id).await {
                Ok(run) => started.run(run.id),
                Err(error) => self.failed(id, &error),
            }
        });
    }

    /// Leaves out the next time, with Undo.
    pub fn skip(self, id: ScheduleId) {
        self.clear(id);
        spawn_local(async move {
            match api::skip_next(id).await {
                Ok(schedule) => {
                    let clock = self.clock;
                    let when = schedule.skipping.map(|at| {
                        let (at, now) = (at.timestamp_millis(), clock.exact_now());
                        crate::components::time::short(at, now, |at| clock.wall(at))
                    });
                    let text = format!(
                        "{} skips {}",
                        schedule.name,
                        when.unwrap_or_else(|| "its next run".to_owned())
                    );
                    self.put(schedule);
                    self.toasts
                        .undo("skip-forward", text, Callback::new(move |()| self.unskip(id)));
                }
                Err(error) => self.failed(id, &error),
            }
        });
    }

    pub fn unskip(self, id: ScheduleId) {
        self.clear(id);
        spawn_local(async move {
            match api::unskip(id).await {
                Ok(schedule) => self.put(schedule),
                Err(error) => self.failed(id, &error),
            }
        });
    }

    /// Deletes; whoever asks has confirmed it.
    pub fn delete(self, id: ScheduleId, name: String) {
        let before = self.items.get_untracked();
        self.clear(id);
        self.remove(id);
        spawn_local(async move {
            match api::delete(id).await {
                Ok(()) => self.toasts.say(
                    "trash-2",
                    format!("Deleted {name}. Its history stays in Activity."),
                ),
                Err(error) => {
                    let _ = self.items.try_set(before);
                    self.failed(id, &error);
                }
            }
        });
    }
}
