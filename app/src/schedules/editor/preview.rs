//! The next times, asked while one types, and the whole schedule in one sentence.

use super::{
    state::Editing,
    steps::{StepForm, rest_words},
    targets::Matches,
};
use crate::{
    codec::resource,
    components::{
        debounce::settled,
        time::{Ago, Clock},
    },
    error::AppError,
    schedules::{
        api,
        words::{count, lower_first},
    },
};
use domain::{
    actions::WorksOn,
    schedules::{Preview as Answer, PreviewTime, Trigger},
};
use leptos::prelude::*;
use std::time::Duration;

/// How many times are shown.
const TIMES: usize = 5;

/// The answer to what the form says now.
#[derive(Clone, Copy)]
pub struct Preview {
    /// The last answer stays while the next is on its way.
    pub answer: RwSignal<Option<Result<Answer, AppError>>>,
}

impl Preview {
    pub fn new(editing: Editing) -> Self {
        let asked = settled(
            move || {
                editing.form.with(|form| {
                    let zone = form.zone.trim().to_owned();
                    let triggers: Result<Vec<Trigger>, _> =
                        form.whens.iter().map(|when| when.trigger(&zone)).collect();
                    let triggers = triggers.map(|triggers| as_running(triggers, editing));
                    triggers
                        .ok()
                        .filter(|_| !zone.is_empty())
                        .map(|triggers| (triggers, zone))
                })
            },
            Duration::from_millis(150),
        );
        let resource = resource(
            move || asked.get(),
            |asked| async move {
                match asked {
                    Some((triggers, zone)) => Some(api::preview(triggers, zone, TIMES).await),
                    None => None,
                }
            },
        );
        let answer = RwSignal::new(None);
        Effect::new(move |_| {
            if let Some(new) = resource.get() {
                answer.set(new);
            }
        });
        Self { answer }
    }

    /// What is wrong with the zone.
    pub fn zone_fault(self) -> Option<String> {
        self.answer.with(|answer| match answer {
            Some(Err(error)) if error.detail("field") == Some("timezone") => Some(error.0.message.clone()),
            _ => None,
        })
    }
}

/// A lone interval that runs already goes on from its next time; others count from saving on, as the preview does.
fn as_running(mut triggers: Vec<Trigger>, editing: Editing) -> Vec<Trigger> {
    editing.schedule.with(|schedule| {
        let running = schedule.as_ref().filter(|schedule| schedule.triggers == triggers);
        if let (Some(schedule), [Trigger::Interval { anchor, .. }]) = (running, triggers.as_mut_slice()) {
            *anchor = anchor.or(schedule.next_at);
        }
    });
    triggers
}

/// Whether something beside times makes it run.
fn is_called(editing: Editing) -> bool {
    editing
        .form
        .with(|form| form.whens.iter().any(|when| when.kind.is_called()))
}

/// The card with the sentence and the next times.
#[component]
pub fn NextRuns(editing: Editing, preview: Preview, matches: Matches) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="in-words">
            <div class="card-h"><h2 id="in-words">"In plain words"</h2></div>
            <div class="card-b stack">
                <Sentence editing preview matches />
                {move || match preview.answer.get() {
                    Some(Ok(answer)) if answer.next.is_empty() && is_called(editing) => {
                        view! { <p class="muted sm">"It runs when that happens. There are no times to show."</p> }.into_any()
                    }
                    Some(Ok(answer)) if answer.next.is_empty() && editing.form.with(|form| form.whens.is_empty()) => {
                        view! { <p class="muted sm">"It has no times: it runs when it is asked to."</p> }.into_any()
                    }
                    Some(Ok(answer)) => times(answer),
                    Some(Err(error)) if error.detail("field") != Some("timezone") => {
                        view! { <p class="muted sm">{error.0.message}</p> }.into_any()
                    }
                    _ => view! { <p class="muted sm">"The next runs appear here once the times can be read."</p> }.into_any(),
                }}
            </div>
        </section>
    }
}

/// "Restart **web on local** **every day at 03:00**, Europe/Berlin."
#[component]
fn Sentence(editing: Editing, preview: Preview, matches: Matches) -> impl IntoView {
    let first = move |words: fn(&StepForm) -> String| {
        editing
            .form
            .with(|form| form.steps.first().map(words).unwrap_or_default())
    };
    let what = Memo::new(move |_| first(|step| step.title() + step.joint()));
    let who = Memo::new(move |_| first(StepForm::whom));
    let often = Memo::new(move |_| {
        preview.answer.with(|answer| match answer {
            Some(Ok(answer)) => lower_first(&answer.sentence),
            _ => String::new(),
        })
    });
    let rest = Memo::new(move |_| editing.form.with(|form| rest_words(&form.steps)));
    let is_first = move || {
        let current = editing.current();
        let first = editing
            .form
            .with(|form| form.steps.first().map(|step| (step.key, step.works_on())));
        first.is_some_and(|(key, works_on)| current == Some(key) && works_on == WorksOn::Containers)
    };
    let now = move || match matches.count().filter(|_| is_first()) {
        Some((total, _)) if total != 1 => Some(format!(", {} now", count(total, "container"))),
        _ => None,
    };
    view! {
        <p class="plain">
            {move || what.get()}
            <em>{move || who.get()}</em>
            {now}
            {move || Some(rest.get()).filter(|rest| !rest.is_empty())}
            ", "
            <em>{move || often.with(|often| if often.is_empty() { "…".to_owned() } else { often.clone() })}</em>
            ", "
            {move || editing.form.with(|form| form.zone.clone())}
            "."
        </p>
    }
}

/// `Mon 2026-11-23 03:00 CET` in its parts.
fn parts(time: &PreviewTime) -> Option<(String, String)> {
    let mut words = time.local.split_whitespace();
    let (weekday, date, clock) = (words.next()?, words.next()?, words.next()?);
    let date = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    Some((format!("{weekday} {}", date.format("%-d %b")), clock.to_owned()))
}

fn city(zone: &str) -> String {
    zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")
}

fn times(answer: Answer) -> AnyView {
    let clock = Clock::get();
    if answer.next.is_empty() {
        return view! { <p class="muted sm">"There is no time to come. It would not run."</p> }.into_any();
    }
    let zone = answer.timezone.clone();
    let same = {
        let zone = zone.clone();
        Memo::new(move |_| clock.zone() == zone)
    };
    let title = format!(
        "Next {}",
        count(answer.next.len() as u64, "run").replace("1 run", "run")
    );
    let row = move |time: PreviewTime| {
        let at = time.at;
        let (day, wall) = parts(&time).unwrap_or_else(|| (time.local.clone(), String::new()));
        let theirs = day.clone();
        let mine = move || {
            let wall = clock.wall(at.timestamp_millis());
            let day = format!("{} {}", wall.weekday(), wall.date());
            if day == theirs {
                wall.time()
            } else {
                format!("{} {}", wall.weekday(), wall.time())
            }
        };
        view! {
            <tr>
                <th scope="row">{day}</th>
                <td title=time.local>{wall}</td>
                {move || (!same.get()).then(|| { let mine = mine.clone(); view! { <td>{mine}</td> } })}
                <td class="from-now"><Ago at /></td>
            </tr>
        }
    };
    view! {
        <table class="nx">
            <caption class="vh">"Next runs in the schedule's zone and in yours"</caption>
            <thead>
                <tr>
                    <th scope="col">{title}</th>
                    <th scope="col" title=zone.clone()>{city(&zone)}</th>
                    {move || (!same.get()).then(|| view! { <th scope="col">"You, "{move || clock.city()}</th> })}
                    <th scope="col" class="from-now">"From now"</th>
                </tr>
            </thead>
            <tbody>{answer.next.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_time_comes_apart() {
        let time = PreviewTime {
            at: chrono::DateTime::UNIX_EPOCH,
            local: "Mon 2026-11-23 03:00 CET".into(),
        };
        assert_eq!(parts(&time), Some(("Mon 23 Nov".to_owned(), "03:00".to_owned())));
    }
}
