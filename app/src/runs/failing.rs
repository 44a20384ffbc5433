//! The schedules that fail most, beside the stream.

use super::{
    api,
    figures::{percent, runs},
    filter::{Filter, Of},
};
use crate::{
    codec::resource,
    components::{FailureNote, debounce::paced, kept, time::Ago},
    live::Live,
};
use domain::{
    events::Event,
    runs::RunState,
    statistics::{FailingSchedule, Statistics},
};
use leptos::prelude::*;
use std::time::Duration;

/// Counting is not free; failures that come one after the other are counted together.
const SOON: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(30);
/// How many are shown.
const MOST: usize = 5;

/// There only while the stream is about everything, and something fails.
#[component]
pub fn Failing(filter: Filter) -> impl IntoView {
    let live = Live::get();
    let changes = RwSignal::new(0_u32);
    let changed = paced(SOON, PAUSE, move || {
        let _ = changes.try_update(|changes| *changes += 1);
    });
    live.listen(move |event| {
        let failed = |state| matches!(state, RunState::Failed | RunState::Partial | RunState::Unknown);
        if let Event::RunChanged { run } = event
            && run.schedule.is_some()
            && failed(run.status)
        {
            changed();
        }
    });
    // The stream does not wait for it: it is asked for when the page is there.
    let there = RwSignal::new(false);
    Effect::new(move |_| there.set(true));
    let found = resource(
        move || (there.get(), live.gaps(), changes.get()),
        |(there, ..)| async move {
            if there {
                api::failing().await.map(Some)
            } else {
                Ok(None)
            }
        },
    );
    view! {
        <Transition>
            {kept(
                found,
                |statistics| statistics,
                move |statistics: Option<Statistics>| match statistics {
                    Some(statistics) if !statistics.failing.is_empty() => {
                        let whole = move || filter.of.get() == Of::default();
                        view! { <Show when=whole>{card(statistics.clone())}</Show> }.into_any()
                    }
                    _ => ().into_any(),
                },
                |error| view! { <FailureNote message=error.0.message /> }.into_any(),
            )}
        </Transition>
    }
}

fn card(statistics: Statistics) -> impl IntoView {
    let line = |schedule: FailingSchedule| {
        let href = format!("/activity?schedule={}&show=failed", schedule.id);
        view! {
            <li>
                <a href=href>
                    <span class="clip">{schedule.name}</span>
                    <span class="end bad-text">{runs(schedule.failures)}</span>
                </a>
                <span class="faint sm">{percent(schedule.failure_rate)}" of its runs, last "<Ago at=schedule.last_failure /></span>
            </li>
        }
    };
    view! {
        <section class="card failing" aria-labelledby="failing">
            <div class="card-h"><h2 id="failing">"Most failing"</h2></div>
            <div class="card-b">
                <ul class="recent">{statistics.failing.into_iter().take(MOST).map(line).collect_view()}</ul>
                <p class="faint sm">{format!("The last {} days", statistics.days)}</p>
            </div>
        </section>
    }
}
