//! Importing: paste or choose a file, look at what it changes, apply it.

use super::{api, pasted};
use crate::{
    auth::lacks,
    components::{
        CopyField, FailureNote, State, Status,
        dialog::{self, Dialog},
        icon,
        toast::Toasts,
    },
};
use domain::{
    auth::Permission,
    transfer::{ApplyReport, Change, ChangeKind, Sign},
    triggers::WebhookSecrets,
};
use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

/// The largest file that is read, in bytes: what the server takes.
const LARGEST: f64 = 4.0 * 1024.0 * 1024.0;

const EXAMPLE: &str = "format: chrontainer/v1\nschedules:\n  - name: nightly\n    timezone: Europe/Berlin\n    triggers:\n      - type: cron\n        \
                       expression: 0 3 * * *\n    steps:\n      - action: {type: restart}\n        target: name:web";

#[component]
pub fn ImportDialog(node: NodeRef<html::Dialog>) -> impl IntoView {
    let toasts = Toasts::get();
    let text = RwSignal::new(String::new());
    let prune = RwSignal::new(false);
    let report = RwSignal::new(None::<ApplyReport>);
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    // Of what was applied: secrets that are shown this once.
    let made = RwSignal::new(Vec::<(String, WebhookSecrets)>::new());
    // What was shown holds for what was asked only.
    let changed = move || {
        report.set(None);
        fault.set(None);
    };
    let paste = move |_| {
        spawn_local(async move {
            match pasted().await {
                Some(found) if !found.trim().is_empty() => {
                    let _ = text.try_set(found);
                    changed();
                }
                _ => {
                    let _ = fault.try_set(Some(
                        "The clipboard cannot be read, or is empty. Paste into the field.".to_owned(),
                    ));
                }
            }
        });
    };
    let send = move |dry_run: bool| {
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::apply(text.get_untracked(), prune.get_untracked(), dry_run).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(done) if !dry_run => {
                    text.set(String::new());
                    report.set(None);
                    toasts.say("check", summary(&done));
                    let secrets: Vec<_> = done
                        .changes
                        .into_iter()
                        .filter_map(|change| Some((change.name, change.webhook?)))
                        .collect();
                    if secrets.is_empty() {
                        dialog::close(node);
                    } else {
                        made.set(secrets);
                    }
                }
                Ok(found) => report.set(Some(found)),
                Err(error) => {
                    report.set(None);
                    fault.set(Some(error.0.message));
                }
            }
        });
    };
    let ready = move || {
        report.with(|report| {
            report.as_ref().is_some_and(|report| {
                report.invalid == 0 && report.created + report.updated + report.deleted > 0
            })
        })
    };
    let done = move |_| {
        dialog::close(node);
        made.set(Vec::new());
    };
    let upload = move |event: leptos::ev::Event| {
        let Some(input) = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        let Some(file) = input.files().and_then(|files| files.get(0)) else {
            return;
        };
        // The same file again is a choice too.
        input.set_value("");
        if file.size() > LARGEST {
            fault.set(Some(format!(
                "{} is too large for a file of schedules.",
                file.name()
            )));
            return;
        }
        let name = file.name();
        let read = wasm_bindgen_futures::JsFuture::from(file.text());
        spawn_local(async move {
            match read.await.ok().and_then(|read| read.as_string()) {
                Some(found) => {
                    let _ = text.try_set(found);
                    changed();
                }
                None => {
                    let _ = fault.try_set(Some(format!("{name} could not be read. Choose another file.")));
                }
            }
        });
    };
    let lacks = lacks(Permission::SchedulesManage);
    let foot = move || {
        if made.with(|made| !made.is_empty()) {
            return view! { <button class="btn btn-primary" type="button" on:click=done>"Done"</button> }
                .into_any();
        }
        view! {
            {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button
                class="btn"
                type="button"
                disabled=move || busy.get() || text.with(|text| text.trim().is_empty())
                on:click=move |_| send(true)
            >
                "Show changes"
            </button>
            <button class="btn btn-primary" type="button" title=move || lacks.get() disabled=move || busy.get() || !ready() || lacks.get().is_some() on:click=move |_| send(false)>
                "Apply"
            </button>
        }
        .into_any()
    };
    view! {
        <Dialog node id="import-schedules" title="Import schedules" foot>
            {move || made.with(|made| (!made.is_empty()).then(|| secrets_of(made)))}
            <div class="stack" hidden=move || made.with(|made| !made.is_empty())>
                <div class="field">
                    <label for="import-text">"YAML or JSON of the format chrontainer/v1"</label>
                    <textarea
                        class="input mono import-text"
                        id="import-text"
                        rows="9"
                        spellcheck="false"
                        placeholder=EXAMPLE
                        prop:value=move || text.get()
                        on:input=move |event| {
                            text.set(event_target_value(&event));
                            changed();
                        }
                    ></textarea>
                </div>
                <div class="row row-wrap">
                    <span class="upload">
                        <input class="vh" type="file" id="import-file" accept=".yaml,.yml,.json" on:change=upload />
                        <label class="btn btn-sm" for="import-file">{icon("archive")}"Choose a file"</label>
                    </span>
                    <button class="btn btn-sm" type="button" on:click=paste>{icon("copy")}"Paste from the clipboard"</button>
                    <label class="row sm">
                        <input
                            type="checkbox"
                            class="check"
                            prop:checked=move || prune.get()
                            on:change=move |event| {
                                prune.set(event_target_checked(&event));
                                changed();
                            }
                        />
                        "Delete schedules that it does not name"
                    </label>
                </div>
                {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
                {move || report.get().map(|report| shown(&report))}
            </div>
        </Dialog>
    }
}

/// What was made for the webhooks of new schedules.
fn secrets_of(made: &[(String, WebhookSecrets)]) -> AnyView {
    let one = |(name, secrets): &(String, WebhookSecrets)| {
        let address = secrets
            .path
            .as_ref()
            .map(|path| format!("{}{path}", crate::schedules::origin()));
        let field = |id: String, label: &'static str, value: Option<String>| {
            value.map(|value| view! { <CopyField id label value=Signal::stored(value) /> })
        };
        // Names may hold anything; ids are the place in the list.
        let at = made
            .iter()
            .position(|(other, _)| other == name)
            .unwrap_or_default();
        view! {
            <li class="stack">
                <b class="strong clip">{name.clone()}</b>
                {field(format!("made-address-{at}"), "Address", address)}
                {field(format!("made-secret-{at}"), "Secret for signatures", secrets.signing_secret.clone())}
            </li>
        }
    };
    view! {
        <p>"Applied. These are the webhooks that were made. Copy them now: they are shown this once, and only their hashes are kept."</p>
        <ul class="changes">{made.iter().map(one).collect_view()}</ul>
    }
    .into_any()
}

/// "2 new, 1 changed, 4 as they are"
fn summary(report: &ApplyReport) -> String {
    let parts = [
        (report.created, "new"),
        (report.updated, "changed"),
        (report.deleted, "deleted"),
        (report.unchanged, "as they are"),
        (report.invalid, "that cannot be taken"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() {
        "The file holds no schedules".to_owned()
    } else {
        parts.join(", ")
    }
}

fn shown(report: &ApplyReport) -> AnyView {
    let changes = report
        .changes
        .iter()
        .filter(|change| change.kind != ChangeKind::Unchanged)
        .map(one)
        .collect_view();
    view! {
        <p role="status" class="strong">{summary(report)}"."</p>
        <ul class="changes">{changes}</ul>
    }
    .into_any()
}

fn one(change: &Change) -> AnyView {
    let state = match change.kind {
        ChangeKind::Create => State::new("planned", "New"),
        ChangeKind::Update => State::new("updating", "Changed"),
        ChangeKind::Delete => State::new("exited", "Deleted"),
        ChangeKind::Unchanged => State::new("success", "As it is"),
        ChangeKind::Invalid => State::new("failed", "Cannot be taken"),
    };
    let problem = change.problem.clone().map(|problem| {
        view! { <p class="sm row-fault">{problem}" "<code>{change.field.clone()}</code></p> }
    });
    let lines = change
        .lines
        .iter()
        .map(|line| {
            let (sign, name) = match line.sign {
                Sign::Same => (" ", "same"),
                Sign::Removed => ("-", "removed"),
                Sign::Added => ("+", "added"),
            };
            view! { <span data-d=name>{format!("{sign} {}\n", line.text)}</span> }
        })
        .collect_view();
    let diff = (!change.lines.is_empty())
        .then(|| view! { <pre class="diff mono" tabindex="0" aria-label="Changes">{lines}</pre> });
    view! {
        <li>
            <div class="row spread"><b class="strong clip">{change.name.clone()}</b><Status state /></div>
            {problem}
            {diff}
        </li>
    }
    .into_any()
}
