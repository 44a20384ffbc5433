//! The page of the audit log: filters in the address, so that a view can be sent to somebody.

use super::{
    api,
    line::{line, nothing},
};
use crate::{
    components::{Failure, debounce::settled, icon, skeleton, time::Clock, toast::Toasts},
    error::AppError,
    schedules::wall::instant_in,
    settings::SettingsNav,
};
use chrono::{NaiveDate, SecondsFormat};
use domain::{Timestamp, audit::AuditLine, pages::Page};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::query_signal_with_options};
use std::time::Duration;

/// How long typing rests before it searches.
const QUIET: Duration = Duration::from_millis(250);

/// What the select offers, by the first word of the actions.
const KINDS: [(&str, &str); 20] = [
    ("", "Everything"),
    ("session", "Sign-ins"),
    ("user", "Accounts"),
    ("passkey", "Passkeys"),
    ("member", "Members"),
    ("invitation", "Invitations"),
    ("team", "Teams"),
    ("grant", "Grants"),
    ("api_key", "API keys"),
    ("org", "Organisation"),
    ("provider", "Providers"),
    ("schedule", "Schedules"),
    ("blackout", "Blackouts"),
    ("run", "Runs"),
    ("container", "Containers"),
    ("host", "Hosts"),
    ("view", "Views"),
    ("secret", "Secrets"),
    ("retention", "Retention"),
    ("audit", "This log"),
];

/// What is asked for, as the address has it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Filter {
    actor: String,
    kind: String,
    outcome: String,
    /// `kind:id`
    object: String,
    /// Days: `2026-11-30`.
    from: String,
    to: String,
    /// In which they are days.
    zone: String,
}

impl Filter {
    /// The first instant of the day `from`, and the first after the day `to`.
    fn stretch(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let midnight = |day: NaiveDate| {
            let millis = instant_in(&self.zone, &format!("{day}T00:00"))?;
            Timestamp::from_timestamp_millis(millis)
        };
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        (
            day(&self.from).and_then(midnight),
            day(&self.to).and_then(|day| day.succ_opt()).and_then(midnight),
        )
    }

    async fn read(self, cursor: Option<String>) -> Result<Page<AuditLine>, AppError> {
        let (from, to) = self.stretch();
        api::list(self.actor, self.kind, self.outcome, self.object, from, to, cursor).await
    }

    /// The address of its export.
    fn export(&self, format: &str) -> String {
        let (object_kind, object_id) = self.object.split_once(':').unwrap_or_default();
        let (from, to) = self.stretch();
        let time = |at: Option<Timestamp>| {
            at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                .unwrap_or_default()
        };
        let (from, to) = (time(from), time(to));
        let pairs = [
            ("actor", self.actor.as_str()),
            ("action", self.kind.as_str()),
            ("outcome", self.outcome.as_str()),
            ("object_kind", object_kind),
            ("object_id", object_id),
            ("from", from.as_str()),
            ("to", to.as_str()),
        ];
        let rest: String = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("&{name}={}", encoded(value)))
            .collect();
        format!("/api/v1/audit/export?format={format}{rest}")
    }
}

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
    let (from, set_from) = query_signal_with_options::<String>("from", replace());
    let (to, set_to) = query_signal_with_options::<String>("to", replace());
    let clock = Clock::get();
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
    let filter = Memo::new(move |_| {
        let (from, to) = (from.get().unwrap_or_default(), to.get().unwrap_or_default());
        Filter {
            actor: asked.get(),
            kind: kind.get().unwrap_or_default(),
            outcome: outcome.get().unwrap_or_default(),
            object: object.get().unwrap_or_default(),
            // Without days their zone does not matter, and nothing is read anew when it becomes known.
            zone: if from.is_empty() && to.is_empty() {
                String::new()
            } else {
                clock.zone()
            },
            from,
            to,
        }
    });
    let page = crate::codec::resource(
        move || (filter.get(), again.get()),
        |(filter, _)| filter.read(None),
    );
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let export = move |format: &'static str| move || filter.with(|filter| filter.export(format));
    let day = move |id: &'static str,
                    name: &'static str,
                    value: Memo<Option<String>>,
                    set: SignalSetter<Option<String>>| {
        view! {
            <label class="opt" for=id>
                <span>{name}</span>
                <input
                    class="input fit"
                    type="date"
                    id=id
                    value=value.get_untracked()
                    prop:value=move || value.get().unwrap_or_default()
                    on:change=move |event| set.set(Some(event_target_value(&event)).filter(|day| !day.is_empty()))
                />
            </label>
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
            {day("audit-from", "From", from, set_from)}
            {day("audit-to", "To", to, set_to)}
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
                    Ok(page) => view! { <Lines page filter=filter.into() /> }.into_any(),
                    Err(error) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
}

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
        let filter = filter.get_untracked();
        spawn_local(async move {
            match filter.read(next.get_untracked()).await {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_person_who_looks() {
        let filter = Filter {
            object: "host:7".to_owned(),
            from: "2026-11-01".to_owned(),
            to: "2026-11-30".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            ..Filter::default()
        };
        assert_eq!(
            filter.export("csv"),
            "/api/v1/audit/export?format=csv&object_kind=host&object_id=7&from=2026-10-31T23%3A00%3A00Z&to=2026-11-30T23%3A00%3A00Z"
        );
        assert_eq!(Filter::default().stretch(), (None, None));
    }
}
