//! What is known of a host beside its facts: what is in use, what happens there, why it was lost, what it lacks.

use super::words;
use crate::components::time::{Ago, At};
use domain::hosts::{Connection, EngineFacts, HostEvent, HostStats, HostUse, Lack};
use leptos::prelude::*;

/// Processor and memory of what runs there, while this page is open.
pub fn in_use(stats: &HostStats) -> AnyView {
    let Some(used) = stats.in_use else {
        return ().into_any();
    };
    let engine = stats.engine.as_ref();
    let partly = used.measured < used.running && used.cpu_percent.is_some();
    view! {
        <section class="card" aria-labelledby="in-use">
            <div class="card-h"><h2 id="in-use">"In use"</h2></div>
            <div class="card-b">
                <dl class="kv">
                    <dt>"CPU"</dt>
                    <dd>{cpu(used, engine)}</dd>
                    <dt>"Memory"</dt>
                    <dd>{memory(used, engine)}</dd>
                </dl>
                {partly.then(|| view! {
                    <p class="faint sm">{format!("By {} of {} running containers so far.", used.measured, used.running)}</p>
                })}
            </div>
        </section>
    }
    .into_any()
}

fn cpu(used: HostUse, engine: Option<&EngineFacts>) -> String {
    let Some(percent) = used.cpu_percent else {
        return "Being measured".to_owned();
    };
    match engine.map_or(0, |engine| engine.cpus) {
        ..=0 => format!("{percent:.0} % of one CPU"),
        1 => format!("{percent:.0} % of 1 CPU"),
        cpus => format!("{:.0} % of {cpus} CPUs", percent / cpus as f32),
    }
}

fn memory(used: HostUse, engine: Option<&EngineFacts>) -> String {
    if engine.is_some_and(|engine| !engine.memory_measured) {
        return "Not measured".to_owned();
    }
    let Some(bytes) = used.memory_bytes else {
        return match used.measured {
            0 => "Being measured".to_owned(),
            _ => "Not measured".to_owned(),
        };
    };
    let bytes = words::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
    match engine.map_or(0, |engine| engine.memory_bytes) {
        ..=0 => bytes,
        all => format!("{bytes} of {}", words::bytes(all)),
    }
}

/// What its engine cannot do.
pub fn lacks(lacks: Vec<Lack>) -> AnyView {
    if lacks.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="card" aria-labelledby="lacks">
            <div class="card-h"><h2 id="lacks">"What it lacks"</h2></div>
            <div class="card-b">
                <ul class="items">{lacks.into_iter().map(|lack| view! { <li>{lack.message}</li> }).collect_view()}</ul>
            </div>
        </section>
    }
    .into_any()
}

/// Why it was lost.
pub fn errors(errors: Vec<Connection>) -> AnyView {
    if errors.is_empty() {
        return ().into_any();
    }
    let line = |line: Connection| {
        let what = line.message.unwrap_or_else(|| "It did not answer.".to_owned());
        view! { <li><span>{what}</span><small><At at=line.at />", "<Ago at=line.at /></small></li> }
    };
    view! {
        <section class="card" aria-labelledby="errors">
            <div class="card-h"><h2 id="errors">"Last errors"</h2></div>
            <div class="card-b"><ol class="conn two">{errors.into_iter().map(line).collect_view()}</ol></div>
        </section>
    }
    .into_any()
}

/// What its engine told lately.
pub fn events(events: Vec<HostEvent>) -> AnyView {
    let line = |event: HostEvent| {
        let detail = event.detail.map(|detail| format!(", {detail}"));
        view! {
            <li>
                <span>{words::happened(&event.action)}{detail}</span>
                <span class="mono">{event.container}</span>
                <small><At at=event.at />", "<Ago at=event.at /></small>
            </li>
        }
    };
    view! {
        <section class="card" aria-labelledby="events">
            <div class="card-h"><h2 id="events">"Events"</h2></div>
            <div class="card-b">
                {if events.is_empty() {
                    view! { <p class="muted">"Nothing has happened to its containers since this server is connected."</p> }.into_any()
                } else {
                    view! { <ol class="conn wide">{events.into_iter().map(line).collect_view()}</ol> }.into_any()
                }}
            </div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_never_zero() {
        let pi = EngineFacts {
            cpus: 4,
            memory_bytes: 8_000_000_000,
            memory_measured: false,
            ..EngineFacts::default()
        };
        let used = HostUse {
            running: 2,
            measured: 1,
            cpu_percent: Some(130.0),
            memory_bytes: Some(2_000_000_000),
        };
        assert_eq!(cpu(used, Some(&pi)), "32 % of 4 CPUs");
        assert_eq!(memory(used, Some(&pi)), "Not measured");
        let measures = EngineFacts {
            memory_measured: true,
            ..pi
        };
        assert_eq!(memory(used, Some(&measures)), "2.0 GB of 8.0 GB");
        assert_eq!(memory(HostUse::default(), Some(&measures)), "Being measured");
        assert_eq!(cpu(HostUse::default(), None), "Being measured");
    }
}
