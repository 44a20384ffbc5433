//! All steps of a schedule, in order.

use super::{
    card::{Card, Cards},
    drag::Moving,
    focus_soon,
    one::One,
    typed::StepForm,
};
use crate::{
    components::{icon, toast::Toasts},
    schedules::editor::{
        form::Form,
        inputs::{Bound, Said, said},
        state::Editing,
        targets::Matches,
    },
};
use domain::{
    actions::Action,
    schedules::{MAX_STEPS, When},
};
use leptos::{prelude::*, task::spawn_local};
use std::collections::BTreeSet;

#[component]
pub fn Chain(editing: Editing, matches: Matches) -> impl IntoView {
    let toasts = Toasts::get();
    let moving = Moving::new(editing);
    let open = RwSignal::new(BTreeSet::new());
    let keys = move || {
        editing
            .form
            .with(|form| form.steps.iter().map(|step| step.key).collect::<Vec<_>>())
    };
    let single = Memo::new(move |_| editing.form.with(|form| form.steps.len() <= 1));
    let full = move || editing.form.with(|form| form.steps.len() >= MAX_STEPS);
    // One more, of which nothing but its place in the chain is known yet.
    let insert = move |at: usize, step: StepForm| {
        let key = step.key;
        editing.form.update(|form| form.steps.insert(at, step));
        editing.heal("steps");
        open.set(BTreeSet::from([key]));
        editing.look_at(key);
        moving.said.set(format!("Step {} added", at + 1));
        focus_soon(format!("step-{key}-action"));
    };
    let add = move |when: When| {
        let (at, step) = editing.form.with_untracked(|form| {
            let target = form.steps.iter().rev().map(|step| &step.target);
            let target = target.into_iter().find(|target| !target.trim().is_empty());
            let target = target.cloned().unwrap_or_default();
            let mut step = StepForm::new(form.next_step(), &Action::Start, target);
            step.when = when;
            (form.steps.len(), step)
        });
        insert(at, step);
    };
    let duplicate = Callback::new(move |key: u32| {
        let found = editing.form.with_untracked(|form: &Form| {
            let at = form.steps.iter().position(|step| step.key == key)?;
            let step = StepForm {
                key: form.next_step(),
                ..form.steps[at].clone()
            };
            Some((at + 1, step))
        });
        if let Some((at, step)) = found {
            insert(at, step);
        }
    });
    let remove = Callback::new(move |key: u32| {
        let found = editing.form.with_untracked(|form| {
            let at = form.steps.iter().position(|step| step.key == key)?;
            Some((at, form.steps[at].clone()))
        });
        let Some((at, step)) = found else { return };
        editing.form.update(|form| {
            form.steps.remove(at);
        });
        editing.heal("steps");
        moving
            .said
            .set(format!("Step {}, {}, removed", at + 1, step.title()));
        let neighbour = editing.form.with_untracked(|form| {
            form.steps
                .get(at)
                .or(form.steps.last())
                .map(|step| (step.key, form.steps.len()))
        });
        if let Some((key, count)) = neighbour {
            focus_soon(format!(
                "step-{key}-{}",
                if count > 1 { "title" } else { "action" }
            ));
        }
        let text = format!("Removed step {}, {}", at + 1, step.title());
        let back = move || {
            // The form may be closed by now, or this step be back by other ways.
            let _ = editing.form.try_update(|form| {
                if form.steps.iter().all(|other| other.key != step.key) {
                    form.steps.insert(at.min(form.steps.len()), step.clone());
                }
            });
        };
        // Belongs to nobody: the menu that is closing would take it along.
        spawn_local(async move { toasts.undo("trash-2", text, Callback::new(move |()| back())) });
    });
    let cards = Cards {
        matches,
        moving,
        open,
        single,
        duplicate,
        remove,
    };
    let general = Bound {
        value: Signal::stored(String::new()),
        set: Callback::new(|_| {}),
        fault: Signal::derive(move || {
            let fault = editing.fault_at("steps").filter(|fault| fault.field == "steps")?;
            Some(Said {
                message: fault.message,
                text: None,
                place: None,
            })
        }),
    };
    view! {
        <ol
            class="chain"
            aria-label="Steps"
            data-single=move || single.get().then_some("")
            data-dragging=move || moving.dragged.get().is_some().then_some("")
        >
            <For each=keys key=|key| *key children=move |key| view! { <Card one=One::new(editing, key) cards /> } />
        </ol>
        {said(general)}
        <p class="vh" role="status">{move || moving.said.get()}</p>
        <div class="row row-wrap">
            <button class="btn btn-sm" type="button" disabled=full on:click=move |_| add(When::Success)>{icon("plus")}"Add a step"</button>
            <button class="btn btn-sm btn-ghost" type="button" disabled=full on:click=move |_| add(When::Failure)>
                {icon("git-branch")}
                "Add a step for failures"
            </button>
        </div>
    }
}
