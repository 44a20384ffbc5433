//! The log of a run: read in parts, following while it grows.

use crate::{
    components::{State, Status, icon, time::Clock},
    error::AppError,
    runs::api,
};
use domain::{
    ids::RunId,
    runs::{LogLine, Run},
};
use leptos::{html, prelude::*, task::spawn_local};

/// Lines read at once.
const PART: u32 = 500;
/// How near the end counts as being there, in pixels.
const NEAR: i32 = 24;

/// One part of the log: where it begins, and its lines.
#[derive(Clone, Debug, Default)]
struct Part {
    cursor: Option<String>,
    lines: Vec<LogLine>,
}

#[derive(Clone, Copy)]
pub struct Log {
    id: RunId,
    parts: RwSignal<Vec<Part>>,
    /// Whether it was read at all.
    read: RwSignal<bool>,
    fault: RwSignal<Option<String>>,
    reading: StoredValue<bool>,
    again: StoredValue<bool>,
}

impl Log {
    pub fn new(id: RunId) -> Self {
        let log = Self {
            id,
            parts: RwSignal::new(vec![Part::default()]),
            read: RwSignal::new(false),
            fault: RwSignal::new(None),
            reading: StoredValue::new(false),
            again: StoredValue::new(false),
        };
        Effect::new(move |_| log.refresh());
        log
    }

    /// Reads the last part again, and those after it.
    pub fn refresh(self) {
        if self.reading.try_get_value() != Some(false) {
            let _ = self.again.try_set_value(true);
            return;
        }
        self.reading.set_value(true);
        spawn_local(async move {
            let outcome = self.tail().await;
            // Gone from the page meanwhile.
            if self.reading.try_set_value(false).is_some() {
                return;
            }
            let _ = self.read.try_set(true);
            let _ = self.fault.try_set(outcome.err().map(|error| error.0.message));
            if self.again.try_get_value() == Some(true) {
                self.again.set_value(false);
                self.refresh();
            }
        });
    }

    async fn tail(self) -> Result<(), AppError> {
        let Some(mut cursor) = self
            .parts
            .try_with_untracked(|parts| parts.last().and_then(|part| part.cursor.clone()))
        else {
            return Ok(());
        };
        loop {
            let page = api::log(self.id, PART, cursor.clone()).await?;
            let lines = page.items;
            let changed = self.parts.try_maybe_update(|parts| {
                let Some(last) = parts.last_mut() else {
                    return (false, ());
                };
                let changed = last.lines.len() != lines.len();
                last.lines = lines;
                if let Some(next) = page.next.clone() {
                    parts.push(Part {
                        cursor: Some(next),
                        lines: Vec::new(),
                    });
                }
                (changed || page.next.is_some(), ())
            });
            match page.next {
                Some(next) if changed.is_some() => cursor = Some(next),
                _ => return Ok(()),
            }
        }
    }

    fn count(self) -> usize {
        self.parts
            .with(|parts| parts.iter().map(|part| part.lines.len()).sum())
    }
}

#[component]
pub fn LogCard(log: Log, run: RwSignal<Run>) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let follow = RwSignal::new(true);
    let search = RwSignal::new(String::new());
    let problems = RwSignal::new(false);
    let seen = RwSignal::new(0_usize);
    let open = Memo::new(move |_| run.with(|run| !run.summary.status.is_final()));
    let count = Memo::new(move |_| log.count());
    let bad = Memo::new(move |_| {
        log.parts.with(|parts| {
            parts
                .iter()
                .flat_map(|part| &part.lines)
                .filter(|line| is_problem(line))
                .count()
        })
    });
    let to_end = move || {
        if let Some(node) = node.get_untracked() {
            node.set_scroll_top(node.scroll_height());
        }
    };
    Effect::new(move |_| {
        let count = count.get();
        if follow.get() {
            seen.set(count);
            request_animation_frame(to_end);
        }
    });
    let scrolled = move |_| {
        if let Some(node) = node.get_untracked() {
            let at_end = node.scroll_height() - node.scroll_top() - node.client_height() < NEAR;
            // Scrolling up stops following; coming back to the end goes on.
            if at_end != follow.get_untracked() {
                follow.set(at_end);
            }
        }
    };
    let new = move || count.get().saturating_sub(seen.get());
    let lines = move || {
        let wanted = search.with(|search| search.trim().to_lowercase());
        let problems = problems.get();
        log.parts.with(|parts| {
            parts
                .iter()
                .flat_map(|part| part.lines.iter())
                .filter(|line| !problems || is_problem(line))
                .filter(|line| wanted.is_empty() || line.text.to_lowercase().contains(&wanted))
                .map(|line| show(line, &wanted))
                .collect_view()
        })
    };
    let empty = move || match (log.read.get(), count.get()) {
        (true, 0) => Some(if open.get_untracked() {
            "Nothing yet."
        } else {
            "It wrote no log."
        }),
        _ => None,
    };
    view! {
        <section class="card" aria-labelledby="log">
            <div class="card-h">
                <h2 id="log">"Log"</h2>
                <Show when=move || open.get()><Status state=State::new("working", "Live") /></Show>
                <div class="end">
                    <label class="row sm muted">
                        <input
                            type="checkbox"
                            role="switch"
                            class="switch"
                            checked
                            prop:checked=move || follow.get()
                            on:change=move |event| follow.set(event_target_checked(&event))
                        />
                        "Follow"
                    </label>
                </div>
            </div>
            <div class="logbar">
                <div class="search">
                    {icon("search")}
                    <input
                        class="input"
                        type="search"
                        aria-label="Search log"
                        placeholder="Search log"
                        data-search=""
                        prop:value=move || search.get()
                        on:input=move |event| search.set(event_target_value(&event))
                    />
                </div>
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || problems.get().to_string()
                    on:click=move |_| problems.update(|on| *on = !*on)
                >
                    "Problems "
                    <span class="n">{move || bad.get()}</span>
                </button>
            </div>
            {move || log.fault.get().map(|message| view! { <div class="log-note"><span class="field-err">{icon("circle-alert")}<span>{message}</span></span></div> })}
            <div class="log-box">
                <div class="log" role="log" aria-label="Run log" aria-live="off" tabindex="0" node_ref=node on:scroll=scrolled>
                    {lines}
                    {move || empty().map(|text| view! { <p class="log-empty">{text}</p> })}
                </div>
                <Show when=move || !follow.get() && new() != 0>
                    <button class="btn btn-sm log-new" type="button" on:click=move |_| follow.set(true)>
                        {move || format!("{} new {}", new(), if new() == 1 { "line" } else { "lines" })}
                    </button>
                </Show>
            </div>
        </section>
    }
}

/// What commands write is theirs, and no problem of the run.
fn is_problem(line: &LogLine) -> bool {
    matches!(line.level.as_str(), "warn" | "error")
}

fn show(line: &LogLine, wanted: &str) -> AnyView {
    let clock = Clock::get();
    let at = line.at.timestamp_millis();
    let level = match line.level.as_str() {
        "error" => Some("err"),
        "warn" => Some("warn"),
        "stderr" => Some("warn"),
        "stdout" => None,
        _ if line.target.is_none() => Some("meta"),
        _ => None,
    };
    let source = line.target.clone().unwrap_or_else(|| "run".to_owned());
    view! {
        <div data-lvl=level>
            <time datetime=line.at.to_rfc3339()>{move || clock.wall(at).time_seconds()}</time>
            <span class="src" title=source.clone()>{source.clone()}</span>
            <span class="msg">{highlight(&line.text, wanted)}</span>
        </div>
    }
    .into_any()
}

/// The text with what was searched for marked; `wanted` is in small letters.
fn highlight(text: &str, wanted: &str) -> AnyView {
    let low = text.to_lowercase();
    // Only where small letters are as long as the text's own is a place in one a place in the other.
    let at = (!wanted.is_empty() && low.len() == text.len())
        .then(|| low.find(wanted))
        .flatten();
    match at {
        Some(at) if text.is_char_boundary(at) && text.is_char_boundary(at + wanted.len()) => {
            let (before, rest) = text.split_at(at);
            let (hit, after) = rest.split_at(wanted.len());
            view! { {before.to_owned()}<mark>{hit.to_owned()}</mark>{after.to_owned()} }.into_any()
        }
        _ => text.to_owned().into_any(),
    }
}
