//! How the schedule became what it is: who changed it, when, and what.

use crate::{
    codec::resource,
    components::{FailureNote, debounce::gathered, icon, kept, skeleton, time::Ago},
    live::Live,
    schedules::api,
};
use domain::{
    events::Event,
    history::{FieldChange, ScheduleChange},
    ids::ScheduleId,
    pages::PAGE_MAX,
};
use leptos::prelude::*;
use serde_json::Value;
use std::time::Duration;

/// How many are shown at first, and how many more at a time.
const FIRST: u32 = 4;
const MORE: u32 = 20;

#[component]
pub fn History(id: ScheduleId) -> impl IntoView {
    let live = Live::get();
    let changes = RwSignal::new(0_u32);
    let changed = gathered(Duration::from_millis(300), move || {
        let _ = changes.try_update(|changes| *changes += 1);
    });
    live.listen(move |event| {
        if matches!(event, Event::ScheduleChanged { id: changed } if *changed == id) {
            changed();
        }
    });
    let wanted = RwSignal::new(FIRST);
    // The form does not wait for its past: it is asked for when the form is there.
    let there = RwSignal::new(false);
    Effect::new(move |_| there.set(true));
    let found = resource(
        move || (there.get(), live.gaps(), changes.get(), wanted.get()),
        move |(there, _, _, wanted)| async move {
            if there {
                api::history(id, wanted).await.map(Some)
            } else {
                Ok(None)
            }
        },
    );
    // What is open stays open when there is more to show.
    let shown = RwSignal::new(Vec::<ScheduleChange>::new());
    let more = RwSignal::new(false);
    let list = move || {
        view! {
            <ul class="recent changes">
                <For each=move || shown.get() key=|change| change.id children=line />
            </ul>
            <Show when=move || shown.with(Vec::is_empty)><p class="muted sm">"Nothing is known of its past."</p></Show>
            <Show when=move || more.get()>
                <button
                    class="btn btn-sm"
                    type="button"
                    on:click=move |_| wanted.update(|wanted| *wanted = (*wanted + MORE).min(PAGE_MAX))
                >
                    {icon("history")}
                    "Show older"
                </button>
            </Show>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby="changes">
            <div class="card-h"><h2 id="changes">"Changes"</h2></div>
            <div class="card-b stack">
                <Transition fallback=|| skeleton::lines(2)>
                    {kept(
                        found,
                        move |page| match page {
                            Some(page) => {
                                more.set(page.next.is_some() && wanted.get_untracked() < PAGE_MAX);
                                shown.set(page.items);
                                true
                            }
                            None => false,
                        },
                        move |known| if known { list() } else { skeleton::lines(2).into_any() },
                        |error| view! { <FailureNote message=error.0.message /> }.into_any(),
                    )}
                </Transition>
            </div>
        </section>
    }
}

fn line(change: ScheduleChange) -> AnyView {
    let said = view! {
        <b>{change.by.clone()}</b>
        " "
        {words(&change)}
        {(change.via == "api_key").then_some(" by API key")}
        ", "
        <Ago at=change.at />
    };
    if change.changes.is_empty() {
        return view! { <li><p class="sm">{said}</p></li> }.into_any();
    }
    view! {
        <li>
            <details class="sm">
                <summary>{said}</summary>
                <table class="diff">
                    <thead><tr><th scope="col">"What"</th><th scope="col">"Before"</th><th scope="col">"After"</th></tr></thead>
                    <tbody>{change.changes.into_iter().map(field).collect_view()}</tbody>
                </table>
            </details>
        </li>
    }
    .into_any()
}

fn field(change: FieldChange) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{called(&change.field)}</th>
            <td>{value(change.before.as_ref())}</td>
            <td>{value(change.after.as_ref())}</td>
        </tr>
    }
}

/// "olga changed it"
fn words(change: &ScheduleChange) -> &'static str {
    match change.action.as_str() {
        "create" => "made it",
        "update" if change.changes.is_empty() => "saved it unchanged",
        "enable" => "switched it on",
        "disable" => "switched it off",
        "pause" => "paused it",
        "resume" => "ended its pause",
        "renew_webhook" => "gave it a new webhook",
        _ => "changed it",
    }
}

/// A field in words where it has any.
fn called(field: &str) -> String {
    match field {
        "name" => "Name".to_owned(),
        "enabled" => "Active".to_owned(),
        "timezone" => "Time zone".to_owned(),
        "paused_until" => "Paused until".to_owned(),
        other => other.to_owned(),
    }
}

/// A value as short as it can be written.
fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::Bool(yes)) => if *yes { "Yes" } else { "No" }.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_read_as_short_as_they_can() {
        assert_eq!(value(None), "–");
        assert_eq!(value(Some(&json!(true))), "Yes");
        assert_eq!(value(Some(&json!("name:web"))), "name:web");
        assert_eq!(value(Some(&json!({"attempts": 3}))), "{\"attempts\":3}");
        assert_eq!(called("steps[0].target"), "steps[0].target");
    }
}
