//! The dry run of the form as it stands: what it would find, do and leave alone, without saving or touching anything.

use super::{save, state::Editing};
use crate::{
    components::{
        State, Status,
        dialog::{self, Dialog},
        icon,
        time::duration,
    },
    schedules::{forecast::api, words::count},
};
use domain::{
    containers::ContainerState,
    dry_run::{DryOutcome, DryRun, DryStep, DryTarget},
};
use leptos::{ev, html, prelude::*, task::spawn_local};

/// Targets of a step that are shown; the rest is counted.
const SHOWN: usize = 50;

/// The dry run that is on its way or on show. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Dry {
    editing: Editing,
    node: NodeRef<html::Dialog>,
    answer: RwSignal<Option<DryRun>>,
    pub asking: RwSignal<bool>,
}

impl Dry {
    pub fn new(editing: Editing) -> Self {
        let dry = Self {
            editing,
            node: NodeRef::new(),
            answer: RwSignal::new(None),
            asking: RwSignal::new(false),
        };
        if !cfg!(feature = "ssr") {
            // ⌘Enter and Ctrl+Enter, from inside fields too.
            let handle = window_event_listener(ev::keydown, move |event| {
                if (event.meta_key() || event.ctrl_key()) && event.key() == "Enter" {
                    event.prevent_default();
                    dry.run();
                }
            });
            on_cleanup(move || handle.remove());
        }
        dry
    }

    /// Asks; what is wrong with the form is said beside its fields, as when saving.
    pub fn run(self) {
        if self.asking.get_untracked() {
            return;
        }
        let editing = self.editing;
        editing.refusal.set(None);
        let draft = match editing.form.with_untracked(|form| form.draft(None)) {
            Ok(draft) => draft,
            Err(faults) => return save::blame(editing, faults),
        };
        editing.faults.set(Vec::new());
        self.asking.set(true);
        spawn_local(async move {
            let answer = api::try_draft(draft).await;
            // Gone from the page meanwhile.
            if self.asking.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(answer) => {
                    self.answer.set(Some(answer));
                    dialog::open(self.node);
                }
                Err(error) => save::refuse(editing, &error),
            }
        });
    }
}

#[component]
pub fn DryRunDialog(dry: Dry) -> impl IntoView {
    let foot = move || {
        view! {
            <button class="btn btn-primary" type="button" autofocus on:click=move |_| dialog::close(dry.node)>"Close"</button>
        }
    };
    view! {
        <Dialog node=dry.node id="dry-run" title="Dry run" foot>
            {move || dry.answer.get().map(show)}
        </Dialog>
    }
}

fn show(dry: DryRun) -> AnyView {
    let takes = match (dry.estimated_ms, dry.unknown_durations) {
        (Some(0), _) => "It would change nothing.".to_owned(),
        (Some(ms), 0) => format!("It would take about {}.", duration(ms)),
        (Some(ms), n) => format!(
            "It would take about {}; of {} nothing is known yet.",
            duration(ms),
            count(n.into(), "container")
        ),
        (None, _) => "How long it takes is known after its first run.".to_owned(),
    };
    let missing = dry
        .missing_rights
        .into_iter()
        .map(|why| view! { <div class="note" data-s="bad">{icon("circle-alert")}<div>{why}</div></div> })
        .collect_view();
    let steps = dry.steps.into_iter().map(step).collect_view();
    view! {
        <p class="muted">"Nothing was touched. This is what would happen now. "{takes}</p>
        {missing}
        <ol class="dry">{steps}</ol>
    }
    .into_any()
}

fn step(step: DryStep) -> AnyView {
    let acting = step
        .targets
        .iter()
        .filter(|target| target.outcome == DryOutcome::Act)
        .count();
    let about = match (&step.problem, step.total) {
        (Some(why), _) => why.clone(),
        (None, 0) => "Needs no container.".to_owned(),
        (None, total) if acting as u32 == total => count(total.into(), "container"),
        (None, total) => format!("{acting} of {}", count(total.into(), "container")),
    };
    let takes = step
        .estimated_ms
        .filter(|ms| *ms > 0)
        .map(|ms| format!(", about {}", duration(ms)));
    let rest = (step.total as usize).saturating_sub(SHOWN);
    let more = (rest > 0).then(
        || view! { <li class="faint sm">{format!("and {} more", count(rest as u64, "container"))}</li> },
    );
    let targets = step.targets.into_iter().take(SHOWN).map(target).collect_view();
    view! {
        <li>
            <div class="dry-step">
                <b class="strong">{step.name}</b>
                <span class="muted sm" data-s=step.problem.is_some().then_some("bad")>{about}{takes}</span>
            </div>
            <ul class="dry-targets">{targets}{more}</ul>
        </li>
    }
    .into_any()
}

fn target(target: DryTarget) -> AnyView {
    let state = match target.outcome {
        DryOutcome::Act => State::new("planned", "Would be done"),
        DryOutcome::Already => State::new("success", "So already"),
        DryOutcome::Skip => State::new("skipped", "Left alone"),
        DryOutcome::Fail => State::new("failed", "Would fail"),
    };
    let now = match target.state {
        ContainerState::Unknown => String::new(),
        known => format!(", {}", known.as_str()),
    };
    let why = target
        .reason
        .map(|why| view! { <span class="muted sm why">{why}</span> });
    view! {
        <li>
            <span class="clip">{target.container}<span class="faint">{format!(" on {}{now}", target.host.name)}</span></span>
            <Status state />
            {why}
        </li>
    }
    .into_any()
}
