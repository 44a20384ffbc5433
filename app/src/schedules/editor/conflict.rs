//! Somebody else saved the schedule while it was edited here.

use super::{
    form::Form,
    guards::{GuardsForm, summary},
    state::Editing,
};
use crate::{
    components::{
        dialog::{self, Dialog},
        icon,
        time::{Ago, At},
    },
    schedules::words::steps_words,
};
use domain::schedules::{Schedule, Step};
use leptos::{html, prelude::*};

const ID: &str = "schedule-conflict";

/// Opens the dialog.
pub fn ask() {
    use wasm_bindgen::JsCast;
    if let Some(dialog) = document().get_element_by_id(ID)
        && let Some(dialog) = dialog.dyn_ref::<web_sys::HtmlDialogElement>()
        && !dialog.open()
    {
        let _ = dialog.show_modal();
    }
}

/// One line for each thing in which the two differ: (what, theirs, mine).
fn differences(theirs: &Schedule, mine: &Form) -> Vec<(&'static str, String, String)> {
    let mut lines = Vec::new();
    let mut line = |what, theirs: String, mine: String| {
        if theirs != mine {
            lines.push((what, theirs, mine));
        }
    };
    let active = |on: bool| if on { "Active" } else { "Paused" }.to_owned();
    line("Name", theirs.name.clone(), mine.name.trim().to_owned());
    line("State", active(theirs.enabled), active(mine.enabled));
    line("Zone", theirs.timezone.clone(), mine.zone.trim().to_owned());
    let draft = mine.draft(None).ok();
    if let Some(draft) = &draft {
        if draft.triggers != theirs.triggers {
            lines.push(("When", theirs.sentence.clone(), triggers(&draft.triggers)));
        }
        if draft.steps != theirs.steps {
            lines.push(("Does", steps_words(&theirs.steps), steps_words(&draft.steps)));
            let (other, own) = (targets(&theirs.steps), targets(&draft.steps));
            if other != own {
                lines.push(("Containers", other, own));
            }
        }
        if draft.guards != theirs.guards {
            let none = |text: String| {
                if text.is_empty() {
                    "As usual".to_owned()
                } else {
                    text
                }
            };
            let (other, own) = (summary(&GuardsForm::of(&theirs.guards)), summary(&mine.guards));
            lines.push(("Guards", none(other), none(own)));
        }
    }
    lines
}

/// The targets of a chain, each once.
fn targets(steps: &[Step]) -> String {
    let mut targets: Vec<&str> = steps.iter().map(|step| step.target.trim()).collect();
    targets.retain(|target| !target.is_empty());
    targets.dedup();
    targets.join("; ")
}

fn triggers(triggers: &[domain::schedules::Trigger]) -> String {
    domain::triggers::sentence(triggers, |_| Some("another schedule".to_owned()))
}

#[component]
pub fn Conflict(editing: Editing, save: Callback<()>) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let load = move |_| {
        dialog::close(node);
        if let Some(theirs) = editing.theirs.get_untracked() {
            editing.theirs.set(None);
            editing.load(theirs);
        }
    };
    let over = move |_| {
        dialog::close(node);
        if let Some(theirs) = editing.theirs.get_untracked() {
            // From here on theirs is the version that is being changed.
            editing.theirs.set(None);
            editing.schedule.set(Some(theirs));
            save.run(());
        }
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Go on editing"</button>
            <button class="btn" type="button" on:click=load>"Load theirs"</button>
            <button class="btn btn-primary" type="button" on:click=over>"Save mine over it"</button>
        }
    };
    let body = move || {
        editing.theirs.get().map(|theirs| {
            let lines = editing.form.with(|form| differences(&theirs, form));
            let who = theirs.edited_by.clone().unwrap_or_else(|| "Somebody".to_owned());
            let line = |(what, theirs, mine): (&'static str, String, String)| {
                view! { <tr><th scope="row">{what}</th><td>{theirs}</td><td>{mine}</td></tr> }
            };
            view! {
                <div class="note" data-s="warn">
                    {icon("triangle-alert")}
                    <div><b>{who}" saved it "<Ago at=theirs.updated_at />"."</b>" "<At at=theirs.updated_at seconds=true />". You began with the version before."</div>
                </div>
                {if lines.is_empty() {
                    view! { <p class="muted">"Both say the same, so nothing is lost either way."</p> }.into_any()
                } else {
                    view! {
                        <table class="diff">
                            <thead><tr><th scope="col"><span class="vh">"What"</span></th><th scope="col">"Theirs"</th><th scope="col">"Yours"</th></tr></thead>
                            <tbody>{lines.into_iter().map(line).collect_view()}</tbody>
                        </table>
                    }
                    .into_any()
                }}
            }
        })
    };
    view! { <Dialog node id=ID title="Somebody else changed this schedule" foot>{body}</Dialog> }
}
