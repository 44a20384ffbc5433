//! The facts of a run: who, when, how long, how far.

use crate::{
    components::{
        icon,
        time::{At, Clock, duration, span},
    },
    runs::words::{late, started_by, tally, took},
};
use domain::runs::{Run, RunTrigger};
use leptos::prelude::*;
use std::time::Duration;

/// Later than this is worth a word, in milliseconds.
const LATE: i64 = 5_000;

#[component]
pub fn Meta(run: RwSignal<Run>) -> impl IntoView {
    let clock = Clock::get();
    let summary = Memo::new(move |_| run.with(|run| run.summary.clone()));
    let open = Memo::new(move |_| summary.with(|run| !run.status.is_final()));
    // Seconds count up while it runs.
    let now = RwSignal::new(clock.exact_now());
    if !cfg!(feature = "ssr") {
        Effect::new(move |_| {
            if open.get() {
                let tick = move || {
                    let _ = now.try_set(clock.exact_now());
                };
                if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
                    on_cleanup(move || handle.clear());
                }
            }
        });
    }
    let fact = |name: &'static str, value: AnyView| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    let who = move || {
        summary.with(|run| {
            let sign = match run.trigger {
                RunTrigger::Schedule
                | RunTrigger::Chain { .. }
                | RunTrigger::Outcome { .. }
                | RunTrigger::Attempt { .. } => "calendar-clock",
                RunTrigger::Webhook => "plug",
                RunTrigger::Event { .. } => "box",
                _ => "user",
            };
            let name = match &run.schedule {
                Some(schedule) if run.trigger == RunTrigger::Schedule => {
                    view! { <a class="link" href=format!("/schedules/{}", schedule.id)>{schedule.name.clone()}</a> }.into_any()
                }
                _ => match &run.trigger {
                    RunTrigger::Retry { of, .. }
                    | RunTrigger::Again { of, .. }
                    | RunTrigger::Attempt { of, .. }
                    | RunTrigger::Chain { of, .. }
                    | RunTrigger::Outcome { of, .. } => {
                        view! { <a class="link" href=format!("/runs/{of}")>{started_by(&run.trigger)}</a> }.into_any()
                    }
                    _ => started_by(&run.trigger).into_any(),
                },
            };
            view! { <span class="row">{icon(sign)}{name}</span> }
        })
    };
    let planned = move || {
        summary.with(|run| {
            run.scheduled_for.map(|at| {
                let late = late(run).map(|late| {
                    let words = if late < LATE { "on time".to_owned() } else { format!("{} late", duration(late)) };
                    view! { " "<span class="faint" title=format!("{late} ms after the planned time")>{words}</span> }
                });
                view! { <At at />{late} }
            })
        })
    };
    let began = move || {
        summary.with(|run| match run.started_at {
            Some(at) => view! { <At at seconds=true /> }.into_any(),
            None if run.status.is_final() => view! { <span class="faint">"Never"</span> }.into_any(),
            None => view! { <span class="faint">"Waiting for a worker"</span> }.into_any(),
        })
    };
    let lasted = move || {
        summary.with(|run| {
            took(run, now.get()).map_or_else(
                || "–".to_owned(),
                |took| {
                    if run.status.is_final() {
                        duration(took)
                    } else {
                        span(took)
                    }
                },
            )
        })
    };
    let counts = Memo::new(move |_| run.with(tally));
    let bar = move || {
        let counts = counts.get();
        (counts.total() > 0).then(|| {
            let part = |count: u32, colour: &'static str| {
                (count > 0).then(|| view! { <i style=format!("--v:{count};--c:{colour}")></i> })
            };
            view! {
                <div class="split" role="img" aria-label=format!("{} of {}", counts.words(), counts.total())>
                    {part(counts.done, "var(--ok-solid)")}
                    {part(counts.failed, "var(--bad-solid)")}
                    {part(counts.unknown, "var(--warn-solid)")}
                    {part(counts.working, "var(--busy-solid)")}
                    {part(counts.waiting, "repeating-linear-gradient(-45deg,var(--idle-solid) 0 2px,var(--idle-bg) 2px 6px)")}
                    {part(counts.left_out, "var(--idle-solid)")}
                </div>
            }
        })
    };
    view! {
        <section class="card" aria-label="Facts">
            <dl class="meta">
                {fact("Started by", who.into_any())}
                {move || planned().map(|planned| fact("Planned for", planned.into_any()))}
                {fact("Queued", (move || summary.with(|run| view! { <At at=run.queued_at seconds=true /> })).into_any())}
                {fact("Started", began.into_any())}
                {move || summary.with(|run| run.finished_at.map(|at| fact("Ended", view! { <At at seconds=true /> }.into_any())))}
                <div>
                    <dt>{move || if open.get() { "Elapsed" } else { "Took" }}</dt>
                    <dd class="num">{lasted}</dd>
                </div>
                {fact("Containers", (move || counts.get().words()).into_any())}
            </dl>
            {bar}
        </section>
    }
}
