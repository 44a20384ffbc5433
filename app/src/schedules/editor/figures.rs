//! How the schedule has been: what its runs come to in the last days.

use crate::{
    codec::resource,
    components::{FailureNote, debounce::paced, kept, skeleton, spark, time::At},
    live::Live,
    runs::figures::{percent, runs, took},
    schedules::api,
};
use domain::{events::Event, ids::ScheduleId, runs::RunState, statistics::ScheduleStatistics};
use leptos::prelude::*;
use std::time::Duration;

/// Counting is not free; runs that end one after the other are counted together.
const SOON: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(30);
/// What is told beside success and failure.
const OTHERS: [(RunState, &str); 3] = [
    (RunState::Skipped, "skipped"),
    (RunState::Missed, "missed"),
    (RunState::Cancelled, "cancelled"),
];

#[component]
pub fn Figures(id: ScheduleId) -> impl IntoView {
    let live = Live::get();
    let changes = RwSignal::new(0_u32);
    let changed = paced(SOON, PAUSE, move || {
        let _ = changes.try_update(|changes| *changes += 1);
    });
    live.listen(move |event| {
        if let Event::RunChanged { run } = event
            && run.status.is_final()
            && run.schedule.as_ref().is_some_and(|schedule| schedule.id == id)
        {
            changed();
        }
    });
    // The form does not wait for figures: they are asked for when it is there.
    let there = RwSignal::new(false);
    Effect::new(move |_| there.set(true));
    let found = resource(
        move || (there.get(), live.gaps(), changes.get()),
        move |(there, ..)| async move {
            if there {
                api::statistics(id).await.map(Some)
            } else {
                Ok(None)
            }
        },
    );
    view! {
        <section class="card" aria-labelledby="figures">
            <div class="card-h"><h2 id="figures">"How it goes"</h2></div>
            <div class="card-b">
                <Transition fallback=|| skeleton::lines(3)>
                    {kept(
                        found,
                        |statistics| statistics,
                        move |statistics: Option<ScheduleStatistics>| match statistics {
                            Some(statistics) => shown(id, &statistics),
                            None => skeleton::lines(3).into_any(),
                        },
                        |error| view! { <FailureNote message=error.0.message /> }.into_any(),
                    )}
                </Transition>
            </div>
        </section>
    }
}

fn shown(id: ScheduleId, statistics: &ScheduleStatistics) -> AnyView {
    let days = statistics.days;
    if statistics.runs == 0 {
        return view! { <p class="muted sm">{format!("No runs in the last {days} days.")}</p> }.into_any();
    }
    let ended = statistics.succeeded + statistics.failed;
    let rate = statistics.success_rate.map(|rate| {
        view! {
            <dt>"Succeeded"</dt>
            <dd><b>{percent(rate)}</b>" "<span class="faint">{format!("{} of {}", statistics.succeeded, runs(ended))}</span></dd>
        }
    });
    let failed = if statistics.failed == 0 {
        "None".into_any()
    } else {
        let href = format!("/activity?schedule={id}&show=failed");
        view! { <a class="link" href=href>{runs(statistics.failed)}</a> }.into_any()
    };
    let others: Vec<String> = OTHERS
        .iter()
        .filter_map(|(state, word)| {
            let counted = statistics
                .outcomes
                .iter()
                .find(|outcome| outcome.status == *state)?;
            Some(format!("{} {word}", counted.runs))
        })
        .collect();
    let others = (!others.is_empty()).then(|| view! { <dt>"Beside"</dt><dd>{others.join(", ")}</dd> });
    view! {
        <dl class="kv">
            {rate}
            <dt>"Failed"</dt>
            <dd>{failed}</dd>
            {others}
            {durations(statistics)}
            {lateness(statistics)}
        </dl>
        {past(statistics)}
    }
    .into_any()
}

/// How much of the past it is.
fn past(statistics: &ScheduleStatistics) -> AnyView {
    let counted = runs(statistics.runs);
    if statistics.cut_short {
        let since = statistics.since;
        return view! {
            <p class="faint sm">{counted}" since "<At at=since />". Older ones were deleted."</p>
        }
        .into_any();
    }
    let days = statistics.days;
    view! { <p class="faint sm">{format!("{counted}, the last {days} days")}</p> }.into_any()
}

/// Half of the runs, and day by day as a line.
fn durations(statistics: &ScheduleStatistics) -> Option<AnyView> {
    let half = statistics.duration.p50_ms?;
    let by_day: Vec<f32> = statistics
        .trend
        .iter()
        .filter_map(|day| Some(day.duration.p50_ms? as f32))
        .collect();
    let (first, last) = (by_day.as_slice().first(), by_day.as_slice().last());
    let said = first.zip(last).map_or_else(String::new, |(first, last)| {
        let (first, last) = (took((*first).into()), took((*last).into()));
        format!("Duration by day: from {first} to {last}")
    });
    let most = statistics
        .duration
        .p95_ms
        .map(|most| format!("95 of 100 within {}", took(most)));
    let row = view! {
        <dt>"Duration"</dt>
        <dd>
            <div class="lat">{spark(&by_day, said)}<span class="num strong">{took(half)}</span></div>
            <span class="faint">{most}</span>
        </dd>
    };
    Some(row.into_any())
}

fn lateness(statistics: &ScheduleStatistics) -> Option<AnyView> {
    let half = statistics.lateness.p50_ms?;
    let most = statistics
        .lateness
        .p99_ms
        .map(|most| format!("99 of 100 within {}", took(most)));
    let row = view! {
        <dt>"Lateness"</dt>
        <dd><div><span class="num strong">{took(half)}</span></div><span class="faint">{most}</span></dd>
    };
    Some(row.into_any())
}
