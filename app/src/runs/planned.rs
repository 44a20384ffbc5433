//! What comes: the next time of every schedule, the furthest on top.

use super::filter::{Filter, Results};
use crate::{
    codec::Resource,
    components::{
        State, Status, icon,
        time::{Ago, At, Clock},
        toast::Toasts,
    },
    error::AppError,
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

/// What is known of schedules.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    pub schedules: Vec<Schedule>,
    /// Those that touch the container of the filter; nothing without one.
    pub touching: Option<Vec<ScheduleId>>,
}

/// The schedules, read again when one changes.
pub type Schedules = Resource<Result<Known, AppError>>;

#[derive(Clone, Debug, PartialEq)]
struct Planned {
    id: ScheduleId,
    name: String,
    about: String,
    at: DateTime<Utc>,
}

/// What comes, soonest first.
fn coming(known: &Known) -> Vec<Planned> {
    let touches = |schedule: &&Schedule| {
        known
            .touching
            .as_ref()
            .is_none_or(|ids| ids.contains(&schedule.id))
    };
    let mut coming: Vec<Planned> = known
        .schedules
        .iter()
        .filter(|schedule| schedule.enabled)
        .filter(touches)
        .filter_map(|schedule| {
            let step = schedule.steps.first()?;
            let (does, whom) = (
                lower_first(&steps_words(&schedule.steps)),
                target_words(&step.target),
            );
            Some(Planned {
                id: schedule.id,
                name: schedule.name.clone(),
                about: format!("will {does} {whom}"),
                at: schedule.next_at?,
            })
        })
        .collect();
    coming.sort_by_key(|planned| planned.at);
    coming
}

/// The lines above now.
#[component]
pub fn PlannedLines(schedules: Schedules, filter: Filter) -> impl IntoView {
    let plan = Plan {
        filter,
        all: RwSignal::new(false),
        toasts: Toasts::get(),
    };
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match schedules.await {
                    Ok(known) => plan.lines(coming(&known)),
                    Err(error) => view! {
                        <li class="dayl"><span class="field-err">"What comes cannot be shown. "{error.0.message}</span></li>
                    }
                    .into_any(),
                }
            })}
        </Transition>
    }
}

#[derive(Clone, Copy)]
struct Plan {
    filter: Filter,
    all: RwSignal<bool>,
    toasts: Toasts,
}

impl Plan {
    /// What is to be shown now, the furthest first, and how many are left out.
    fn shown(self, coming: &[Planned]) -> (Vec<Planned>, usize) {
        let alone = self.filter.results.get() == Results::Planned;
        if !self.filter.results.get().shows_planned() {
            return (Vec::new(), 0);
        }
        let of = self.filter.of.get().schedule;
        let until = Clock::get().now() + AHEAD;
        let fits = |planned: &&Planned| of.is_none_or(|of| planned.id == of);
        // One schedule alone, or only what is planned: however far away.
        let near = |planned: &&Planned| of.is_some() || alone || planned.at.timestamp_millis() <= until;
        let mut fitting: Vec<Planned> = coming.iter().filter(fits).filter(near).cloned().collect();
        let left = if alone || self.all.get() {
            0
        } else {
            fitting.len().saturating_sub(FEW)
        };
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

    fn lines(self, coming: Vec<Planned>) -> AnyView {
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
                let (lines, left) = self.shown(&coming);
                let none = (lines.is_empty() && self.filter.results.get() == Results::Planned)
                    .then(|| view! { <li class="dayl">"Nothing is planned."</li> });
                let more = (left > 0).then(|| view! {
                    <li class="dayl">
                        <button class="link" type="button" on:click=move |_| self.all.set(true)>
                            {format!("Show {left} more planned within 24 h")}
                        </button>
                    </li>
                });
                view! {
                    {none}
                    {more}
                    {lines.into_iter().map(line).collect_view()}
                }
            }}
        }
        .into_any()
    }
}
