//! The steps on one axis of time.

use crate::{
    components::{
        target_state,
        time::{Clock, duration},
    },
    schedules::words::{action_words, count},
};
use domain::runs::{Run, RunStep, TargetState};
use leptos::prelude::*;
use std::time::Duration;

#[component]
pub fn Steps(run: RwSignal<Run>) -> impl IntoView {
    let clock = Clock::get();
    let now = RwSignal::new(clock.exact_now());
    let open = Memo::new(move |_| run.with(|run| !run.summary.status.is_final()));
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
    // From the start to the end, or to now while it runs: a second at least, so that a bar has a length.
    let span = move || {
        let now = now.get();
        run.with(|run| {
            let from = run.summary.started_at.map(|at| at.timestamp_millis())?;
            let to = run.summary.finished_at.map_or(now, |at| at.timestamp_millis());
            Some((from, (to - from).max(1000)))
        })
    };
    let axis = move || {
        span().map(|(_, length)| {
            let marks = (0..=4).map(|quarter| {
                let text = if quarter == 0 {
                    "0 s".to_owned()
                } else {
                    format!("+{}", duration(length * quarter / 4))
                };
                view! { <b>{text}</b> }
            });
            view! { <div class="gaxis" aria-hidden="true"><span>{marks.collect_view()}</span></div> }
        })
    };
    let line = move |(index, step): (usize, RunStep)| {
        let bar = span().and_then(|(start, length)| {
            let from = step.started_at?.timestamp_millis();
            let to = step.finished_at.map_or(start + length, |at| at.timestamp_millis());
            let share = |millis: i64| (millis as f64 / length as f64 * 100.0).clamp(0.0, 100.0);
            let look = match step.status {
                TargetState::Failed | TargetState::TimedOut => Some("bad"),
                TargetState::Running => Some("busy"),
                TargetState::Unknown => Some("warn"),
                TargetState::Skipped | TargetState::Cancelled => Some("idle"),
                _ => None,
            };
            Some(view! { <i style=format!("--s:{:.2};--d:{:.2}", share(from - start), share(to - from)) data-s=look></i> })
        });
        let took = match (step.started_at, step.finished_at) {
            (Some(from), Some(to)) => duration((to - from).num_milliseconds()),
            (Some(from), None) if open.get() => {
                duration((now.get() - from.timestamp_millis()).max(0) / 1000 * 1000)
            }
            _ => String::new(),
        };
        let (title, target) = (format!("{} {}", index + 1, step.name), step.target.clone());
        let about = format!(
            "{}, {}",
            action_words(&step.action),
            count(step.targets.len() as u64, "container")
        );
        view! {
            <li>
                {target_state(step.status).plain()}
                <span class="name">
                    <span class="t"><span class="clip">{title}</span></span>
                    <span class="s" title=step.target.clone()>{about}" "<code>{target}</code></span>
                </span>
                <span class="track">{bar}</span>
                <span class="dur">{took}</span>
                {step.message.map(|message| view! { <span class="step-message">{message}</span> })}
            </li>
        }
    };
    view! {
        <section class="card steps" aria-labelledby="steps">
            <div class="card-h"><h2 id="steps">"Steps"</h2></div>
            {axis}
            <ol class="gantt">
                {move || run.with(|run| run.steps.clone()).into_iter().enumerate().map(line).collect_view()}
            </ol>
        </section>
    }
}
