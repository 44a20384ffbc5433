//! What comes: the next time of every schedule, the furthest on top.

use super::filter::Filter;
use crate::{
    components::{
        State, Status, icon,
        time::{Ago, At, Clock},
        toast::Toasts,
    },
    schedules::{
        api,
        words::{lower_first, steps_words, target_words},
    },
};
use chrono::{DateTime, Utc};
use domain::{ids::ScheduleId, schedules::Schedule};
use leptos::{prelude::*, task::spawn_local};

/// How many are shown before "more" is asked for.
const FEW: usize = 4;
/// How far ahead one looks, in milliseconds.
const AHEAD: i64 = 24 * 3_600_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub id: ScheduleId,
    pub name: String,
    pub about: String,
    pub at: DateTime<Utc>,
}

/// What comes within a day, soonest first.
#[derive(Clone, Copy)]
pub struct Plan {
    coming: RwSignal<Vec<Planned>>,
    filter: Filter,
    all: RwSignal<bool>,
    toasts: Toasts,
}

impl Plan {
    pub fn new(filter: Filter) -> Self {
        Self {
            coming: RwSignal::new(Vec::new()),
            filter,
            all: RwSignal::new(false),
            toasts: Toasts::get(),
        }
    }

    pub fn set(self, schedules: &[Schedule]) {
        let mut coming: Vec<Planned> = schedules
            .iter()
            .filter(|schedule| schedule.enabled)
            .filter_map(|schedule| {
                let step = schedule.steps.first()?;
                Some(Planned {
                    id: schedule.id,
                    name: schedule.name.clone(),
                    about: format!(
                        "will {} {}",
                        lower_first(&steps_words(&schedule.steps)),
                        target_words(&step.target)
                    ),
                    at: schedule.next_at?,
                })
            })
            .collect();
        coming.sort_by_key(|planned| planned.at);
        if self.coming.with_untracked(|old| *old != coming) {
            self.coming.set(coming);
        }
    }

    /// What is to be shown now, the furthest first, and how many are left out.
    fn shown(self) -> (Vec<Planned>, usize) {
        if !self.filter.results.get().shows_planned() {
            return (Vec::new(), 0);
        }
        let of = self.filter.schedule.get();
        let until = Clock::get().now() + AHEAD;
        let alone = self.filter.results.get() == super::filter::Results::Planned;
        let all = self.all.get() || alone;
        let mut fitting: Vec<Planned> = self.coming.with(|coming| {
            let fits = |planned: &&Planned| of.is_none_or(|of| planned.id == of);
            // One schedule alone, or only what is planned: however far away.
            let near = |planned: &&Planned| of.is_some() || alone || planned.at.timestamp_millis() <= until;
            coming.iter().filter(fits).filter(near).cloned().collect()
        });
        let left = if all { 0 } else { fitting.len().saturating_sub(FEW) };
        fitting.truncate(fitting.len() - left);
        fitting.reverse();
        (fitting, left)
    }

    /// Leaves out the next time of a schedule, with Undo.
    fn skip(self, id: ScheduleId) {
        spawn_local(async move {
            match api::skip_next(id).await {
                Ok(schedule) => {
                    self.toasts.undo(
                        "skip-forward",
                        format!("{} skips its next run", schedule.name),
                        Callback::new(move |()| self.unskip(id)),
                    );
                }
                Err(error) => self.toasts.bad(error.0.message),
            }
        });
    }

    fn unskip(self, id: ScheduleId) {
        spawn_local(async move {
            if let Err(error) = api::unskip(id).await {
                self.toasts.bad(error.0.message);
            }
        });
    }

    /// The lines above now.
    pub fn lines(self) -> AnyView {
        let line = move |planned: Planned| {
            let Planned { id, name, about, at } = planned;
            let skip = format!("Skip this run, {name}");
            view! {
                <li class="fut">
                    <At at />
                    <span class="nd">{icon("calendar-clock")}</span>
                    <p>
                        <a href=format!("/schedules/{id}")><b>{name}</b></a>
                        " "
                        {about}
                        <small><Ago at /></small>
                    </p>
                    <span class="e">
                        <Status state=State::new("planned", "Planned") />
                        <button class="icon-btn icon-btn-sm" type="button" aria-label=skip data-tip="Skip this run" on:click=move |_| self.skip(id)>
                            {icon("skip-forward")}
                        </button>
                    </span>
                </li>
            }
        };
        view! {
            {move || {
                let (lines, left) = self.shown();
                let more = (left > 0).then(|| view! {
                    <li class="dayl">
                        <button class="link" type="button" on:click=move |_| self.all.set(true)>
                            {format!("Show {left} more planned within 24 h")}
                        </button>
                    </li>
                });
                view! {
                    {more}
                    {lines.into_iter().map(line).collect_view()}
                }
            }}
        }
        .into_any()
    }

    /// Whether there is a line above now.
    pub fn any(self) -> bool {
        !self.shown().0.is_empty()
    }
}
