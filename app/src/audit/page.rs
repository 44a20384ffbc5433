//! The page of the audit log: filters in the address, so that a view can be sent to somebody.

use super::{
    api,
    line::{line, nothing},
};
use crate::{
    components::{Failure, debounce::settled, icon, skeleton, toast::Toasts},
    settings::SettingsNav,
};
use domain::{audit::AuditLine, pages::Page};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::query_signal_with_options};
use std::time::Duration;

/// How long typing rests before it searches.
const QUIET: Duration = Duration::from_millis(250);

/// What the select offers, by the first word of the actions.
const KINDS: [(&str, &str); 10] = [
    ("", "Everything"),
    ("session", "Sign-ins"),
    ("user", "Accounts"),
    ("member", "Members"),
    ("invitation", "Invitations"),
    ("api_key", "API keys"),
    ("schedule", "Schedules"),
    ("run", "Runs"),
    ("host", "Hosts"),
    ("secret", "Secrets"),
];

#[component]
pub fn Audit() -> impl IntoView {
    let replace = || NavigateOptions {
        replace: true,
        scroll: false,
        ..Default::default()
    };
    let (actor, set_actor) = query_signal_with_options::<String>("actor", replace());
    let (kind, set_kind) = query_signal_with_options::<String>("kind", replace());
    let (outcome, set_outcome) = query_signal_with_options::<String>("outcome", replace());
    let (object, set_object) = query_signal_with_options::<String>("object", replace());
    let text = RwSignal::new(actor.get_untracked().unwrap_or_default());
    let asked = settled(move || text.get(), QUIET);
    Effect::new(move |before: Option<String>| {
        let asked = asked.get();
        if before.is_some_and(|before| before != asked) {
            set_actor.set(Some(asked.clone()).filter(|asked| !asked.is_empty()));
        }
        asked
    });
    let again = RwSignal::new(0_u32);
    let filter = move || {
        (
            asked.get(),
            kind.get().unwrap_or_default(),
            outcome.get().unwrap_or_default(),
            object.get().unwrap_or_default(),
        )
    };
    let page = crate::codec::resource(
        move || (filter(), again.get()),
        |((actor, kind, outcome, object), _)| api::list(actor, kind, outcome, object, None),
    );
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let export = move |format: &'static str| {
        move || {
            let (actor, kind, outcome, object) = filter();
            let (object_kind, object_id) = object.split_once(':').unwrap_or_default();
            let pairs = [
                ("actor", actor.as_str()),
                ("action", kind.as_str()),
                ("outcome", outcome.as_str()),
                ("object_kind", object_kind),
                ("object_id", object_id),
            ];
            let rest: String = pairs
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("&{name}={}", encoded(value)))
                .collect();
            format!("/api/v1/audit/export?format={format}{rest}")
        }
    };
    view! {
        <Title text="Audit log" />
        <SettingsNav />
        <div class="page-head">
            <h1>"Audit log"</h1>
            <span class="sub">"Who did what, and from where"</span>
            <div class="end">
                <a class="btn" href=export("csv") rel="external" download="audit.csv">{icon("download")}"CSV"</a>
                <a class="btn" href=export("jsonl") rel="external" download="audit.jsonl">{icon("download")}"JSON lines"</a>
            </div>
        </div>
        <div class="toolbar">
            <div class="search">
                {icon("search")}
                <input
                    class="input"
                    type="search"
                    aria-label="Search people"
                    placeholder="Who"
                    data-search=""
                    value=text.get_untracked()
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                />
            </div>
            <select
                class="select fit"
                aria-label="About"
                prop:value=move || kind.get().unwrap_or_default()
                on:change=move |event| set_kind.set(Some(event_target_value(&event)).filter(|kind| !kind.is_empty()))
            >
                {KINDS
                    .into_iter()
                    .map(|(value, name)| {
                        view! { <option value=value selected={kind.get_untracked().unwrap_or_default() == value}>{name}</option> }
                    })
                    .collect_view()}
            </select>
            <label class="opt">
                <input
                    class="check"
                    type="checkbox"
                    prop:checked=move || outcome.get().as_deref() == Some("refused")
                    on:change=move |event| set_outcome.set(event_target_checked(&event).then(|| "refused".to_owned()))
                />
                <span>"Refused only"</span>
            </label>
            <Show when=move || object.get().is_some()>
                <button class="chip" type="button" on:click=move |_| set_object.set(None)>
                    "One thing only"
                    {icon("x")}
                </button>
            </Show>
        </div>
        <Transition fallback=|| skeleton::lines(8)>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => view! { <Lines page filter=Signal::derive(filter) /> }.into_any(),
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
}

type Filter = (String, String, String, String);

#[component]
fn Lines(page: Page<AuditLine>, filter: Signal<Filter>) -> impl IntoView {
    let Page { items, next, .. } = page;
    if items.is_empty() {
        return view! { <div class="card">{nothing()}</div> }.into_any();
    }
    let items = RwSignal::new(items);
    let next = RwSignal::new(next);
    let toasts = Toasts::get();
    let more = move |_| {
        let (actor, kind, outcome, object) = filter.get_untracked();
        spawn_local(async move {
            match api::list(actor, kind, outcome, object, next.get_untracked()).await {
                Ok(page) => {
                    let _ = items.try_update(|items| items.extend(page.items));
                    let _ = next.try_set(page.next);
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    view! {
        <div class="card">
            <ul class="lines audit">
                <For each=move || items.get() key=|item| item.id children=line />
            </ul>
            <Show when=move || next.with(Option::is_some)>
                <div class="card-f"><button class="btn btn-sm" type="button" on:click=more>"Show more"</button></div>
            </Show>
        </div>
    }
    .into_any()
}

/// Percent-encodes whatever is not plainly part of a query's value.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
