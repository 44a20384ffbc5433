//! The stream of runs, newest first, by day.

use super::{
    activity::{Part, begin, read},
    filter::{Filter, Fits, Of, Results},
    planned::{PlannedLines, Schedules},
    words::{happened, is_bad, started_by, took},
};
use crate::{
    components::{
        Empty, Status,
        debounce::gathered,
        icon, run_state,
        time::{Civil, Clock, duration, exact, span},
        toast::Toasts,
    },
    live::Live,
    schedules::words::{action_icon, count},
};
use domain::{
    events::Event,
    ids::RunId,
    runs::{RunState, RunSummary, RunTrigger},
};
use leptos::{html, prelude::*, task::spawn_local};
use std::time::Duration;

/// Events that come together are one reason to ask which runs are new.
const GATHER: Duration = Duration::from_millis(250);

/// A line of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Line {
    /// A day's heading, by the number of its date.
    Day(i64, String),
    Run(RunId),
}

#[component]
pub fn Feed(part: Part, filter: Filter, schedules: Schedules) -> impl IntoView {
    let clock = Clock::get();
    let runs = RwSignal::new(part.runs);
    let next = RwSignal::new(part.next);
    let loading = RwSignal::new(false);
    let newest = gathered(GATHER, move || {
        let (results, of) = (filter.results.get_untracked(), filter.of.get_untracked());
        spawn_local(async move {
            // What cannot be read now comes with the next event, or when the connection is back.
            if let Ok(part) = begin(results, of).await {
                let _ = runs.try_update(|runs| merge(runs, part.runs));
            }
        });
    });
    Live::get().listen(move |event| {
        if let Event::RunChanged { run } = event
            && put(runs, run, filter) == Fits::Perhaps
        {
            newest();
        }
    });
    let today = Memo::new(move |_| day(&clock.wall(clock.now())));
    let lines = Memo::new(move |_| {
        let today = today.get();
        let mut lines = Vec::new();
        let mut last = today;
        runs.with(|runs| {
            for run in runs {
                let wall = clock.wall(happened(run).timestamp_millis());
                let day = day(&wall);
                if day != last {
                    lines.push(Line::Day(day, heading(&wall, today - day)));
                    last = day;
                }
                lines.push(Line::Run(run.id));
            }
        });
        lines
    });
    let more = move || {
        if loading.get_untracked() || next.with_untracked(Vec::is_empty) {
            return;
        }
        loading.set(true);
        let lists = next
            .get_untracked()
            .into_iter()
            .map(|(state, cursor)| (state, Some(cursor)))
            .collect();
        let of = filter.of.get_untracked();
        spawn_local(async move {
            let answer = read(lists, of).await;
            if loading.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(part) => {
                    runs.update(|runs| merge(runs, part.runs));
                    next.set(part.next);
                }
                Err(error) => Toasts::get().bad(error.0.message),
            }
        });
    };
    let older = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(button) = older.get() {
            when_seen(&button, more);
        }
    });
    let nothing = Memo::new(move |_| runs.with(Vec::is_empty));
    view! {
        <section class="card feed-card" aria-label="Stream">
            <ol class="feed">
                <PlannedLines schedules filter />
                <li class="nowl" aria-label="Now">
                    <time>{move || clock.wall(clock.now()).time()}</time>
                    <i></i>
                </li>
                <For
                    each=move || lines.get()
                    key=Clone::clone
                    children=move |line| match line {
                        Line::Day(_, text) => view! { <li class="dayl">{text}</li> }.into_any(),
                        Line::Run(id) => entry(id, runs),
                    }
                />
            </ol>
            <Show when=move || nothing.get()><Nothing filter /></Show>
            <Show when=move || next.with(|next| !next.is_empty())>
                <div class="card-f">
                    <button class="btn btn-sm" type="button" node_ref=older aria-busy=move || loading.get().to_string() on:click=move |_| more()>
                        {icon("refresh-cw")}
                        "Show older"
                    </button>
                </div>
            </Show>
        </section>
    }
}

/// A number that grows by one each day.
fn day(wall: &Civil) -> i64 {
    chrono::NaiveDate::from_ymd_opt(wall.year, wall.month, wall.day)
        .map_or(0, |date| chrono::Datelike::num_days_from_ce(&date).into())
}

/// "Yesterday, Wed 21 Jan", "Wed 21 Jan 2026"
fn heading(wall: &Civil, days_ago: i64) -> String {
    let date = format!("{} {}", wall.weekday(), wall.date());
    match days_ago {
        1 => format!("Yesterday, {date}"),
        ago if ago < 180 => date,
        _ => format!("{date} {}", wall.year),
    }
}

/// Takes in those that are not there yet.
fn merge(runs: &mut Vec<RunSummary>, more: Vec<RunSummary>) {
    let new = more
        .into_iter()
        .filter(|run| !runs.iter().any(|old| old.id == run.id));
    let new: Vec<_> = new.collect();
    runs.extend(new);
    runs.sort_by_key(|run| std::cmp::Reverse((run.queued_at, run.id)));
}

/// Takes in what became of a run, or a new one. Says whether it is on the page now.
fn put(runs: RwSignal<Vec<RunSummary>>, run: &RunSummary, filter: Filter) -> Fits {
    let fits = filter.holds(run);
    let there = runs.try_update(|runs| {
        match runs.iter().position(|old| old.id == run.id) {
            // What was on the page stays, even when it no longer fits: rows do not vanish under the pointer.
            Some(at) => {
                runs[at] = run.clone();
                Fits::Yes
            }
            None => {
                if fits == Fits::Yes {
                    let at = runs.partition_point(|old| (old.queued_at, old.id) > (run.queued_at, run.id));
                    runs.insert(at, run.clone());
                }
                fits
            }
        }
    });
    there.unwrap_or(Fits::No)
}

fn entry(id: RunId, runs: RwSignal<Vec<RunSummary>>) -> AnyView {
    let Some(first) = runs.with_untracked(|runs| runs.iter().find(|run| run.id == id).cloned()) else {
        return ().into_any();
    };
    let run = Memo::new(move |old: Option<&RunSummary>| {
        runs.with(|runs| runs.iter().find(|run| run.id == id).cloned())
            .or_else(|| old.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let open = Memo::new(move |_| run.with(|run| !run.status.is_final()));
    let clock = Clock::get();
    let state = Signal::derive(move || run.with(|run| run_state(run.status)));
    let took_words = move || {
        run.with(|run| {
            let took = took(run, clock.now())?;
            Some(if run.status.is_final() {
                duration(took)
            } else {
                span(took)
            })
        })
    };
    let progress = move || {
        run.with(|run| {
            (open.get() && run.targets > 1).then(|| {
                let share = f64::from(run.succeeded) / f64::from(run.targets) * 100.0;
                view! {
                    <span
                        class="bar"
                        style=format!("--v:{share:.0};--c:var(--busy-solid)")
                        role="progressbar"
                        aria-label="Containers done"
                        aria-valuenow=format!("{share:.0}")
                        aria-valuemin="0"
                        aria-valuemax="100"
                    ><i></i></span>
                }
            })
        })
    };
    view! {
        <li class:live=move || open.get() data-k=move || run.with(|run| is_bad(run.status)).then_some("bad")>
            {move || run.with(|run| of_day(happened(run)))}
            <span class="nd">{move || run.with(|run| icon(node_icon(run)))}</span>
            <p>
                {move || run.with(sentence)}
                <small>{move || run.with(about)}</small>
                {progress}
            </p>
            <span class="e">
                <span class="num">{took_words}</span>
                <Status state />
                <a class="icon-btn icon-btn-sm" href=format!("/runs/{id}") aria-label=move || run.with(|run| format!("Open run, {}", run.title))>
                    {icon("chevron-right")}
                </a>
            </span>
        </li>
    }
    .into_any()
}

/// The time alone: the day is said above.
fn of_day(at: chrono::DateTime<chrono::Utc>) -> AnyView {
    let clock = Clock::get();
    let millis = at.timestamp_millis();
    view! {
        <time datetime=at.to_rfc3339() title=move || format!("{} {}", exact(millis, |at| clock.wall(at)), clock.zone())>
            {move || clock.wall(millis).time()}
        </time>
    }
    .into_any()
}

fn node_icon(run: &RunSummary) -> &'static str {
    match (run.status, &run.trigger) {
        (RunState::Skipped, _) => "skip-forward",
        (RunState::Missed, _) => "clock",
        (RunState::Cancelled, _) => "ban",
        (_, RunTrigger::Direct { .. }) => {
            let verb = run
                .title
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_lowercase();
            action_icon(&verb)
        }
        _ => "calendar-clock",
    }
}

fn sentence(run: &RunSummary) -> AnyView {
    let title = view! { <a href=format!("/runs/{}", run.id)><b>{run.title.clone()}</b></a> };
    let words = match &run.trigger {
        RunTrigger::Schedule => None,
        RunTrigger::Manual { by } => Some(format!(", run now by {by}")),
        RunTrigger::Direct { by } => Some(format!(", by {by}")),
        RunTrigger::Retry { by, .. } => Some(format!(", failed targets again by {by}")),
        RunTrigger::Again { by, .. } => Some(format!(", again by {by}")),
        RunTrigger::Chain { by, .. } => Some(format!(", a step of {by}")),
        RunTrigger::Webhook => Some(", called by its webhook".to_owned()),
        RunTrigger::Event { by } => Some(format!(", as {by}")),
        RunTrigger::Outcome { by, .. } => Some(format!(", after {by}")),
        RunTrigger::Attempt { by, .. } => Some(format!(", {by}")),
    };
    view! { {title}{words} }.into_any()
}

/// What there is to say below: the reason, else how many containers.
fn about(run: &RunSummary) -> String {
    if let Some(message) = run.message.clone().filter(|_| run.status != RunState::Succeeded) {
        return message;
    }
    let containers = match (run.succeeded, run.targets) {
        (_, 0) => "No container".to_owned(),
        (done, all) if done == all => count(all.into(), "container"),
        (done, all) => format!("{done} of {}", count(all.into(), "container")),
    };
    match &run.trigger {
        RunTrigger::Schedule => containers,
        _ => format!(
            "{containers}, {}",
            started_by(&run.trigger).replace(", run now", "")
        ),
    }
}

/// The stream is empty: for what reason.
#[component]
fn Nothing(filter: Filter) -> impl IntoView {
    let filtered = move || filter.results.get() != Results::Everything || filter.of.get() != Of::default();
    let clear = move |_| {
        filter.show(Results::Everything);
        filter.of_schedule(None);
        filter.every_container();
    };
    move || {
        if filter.results.get() == Results::Planned {
            ().into_any()
        } else if filtered() {
            view! {
                <Empty icon="search" title="Nothing fits">
                    <p>"No run has this result, or none of this schedule or container. Other runs are hidden by the filter."</p>
                    <div class="row"><button class="btn" type="button" on:click=clear>"Show everything"</button></div>
                </Empty>
            }
            .into_any()
        } else {
            view! {
                <Empty icon="activity" title="Nothing has run yet">
                    <p>"Every restart, stop and schedule leaves a run here, with its result and its log. Restart a container from Fleet to see one."</p>
                    <div class="row">
                        <a class="btn btn-primary" href="/schedules/new">{icon("plus")}"New schedule"</a>
                        <a class="btn" href="/">"Go to Fleet"</a>
                    </div>
                </Empty>
            }
            .into_any()
        }
    }
}

/// Calls `then` each time the element comes near the window; lasts as long as the caller's owner.
fn when_seen(element: &web_sys::Element, then: impl Fn() + Copy + 'static) {
    use wasm_bindgen::{JsCast, closure::Closure};
    let seen = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let near = entries.iter().any(|entry| {
            entry
                .dyn_into::<web_sys::IntersectionObserverEntry>()
                .is_ok_and(|entry| entry.is_intersecting())
        });
        if near {
            then();
        }
    });
    let Ok(observer) = web_sys::IntersectionObserver::new(seen.as_ref().unchecked_ref()) else {
        return;
    };
    observer.observe(element);
    let held = StoredValue::new_local((observer, seen));
    on_cleanup(move || {
        held.try_with_value(|(observer, _)| observer.disconnect());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_names() {
        let wall = Civil::utc(1_769_088_720_000); // Thu 22 Jan 2026
        assert_eq!(heading(&wall, 1), "Yesterday, Thu 22 Jan");
        assert_eq!(heading(&wall, 3), "Thu 22 Jan");
        assert_eq!(heading(&wall, 400), "Thu 22 Jan 2026");
        assert_eq!(day(&Civil::utc(1_769_088_720_000 + 86_400_000)) - day(&wall), 1);
    }
}
