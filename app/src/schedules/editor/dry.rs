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
    dry_run::{DryCondition, DryHold, DryOutcome, DryRun, DryStep, DryTarget},
    schedules::Order,
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
            let answer = api::try_draft(draft, editing.id()).await;
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
    let held = dry.held.into_iter().map(hold).collect_view();
    let usual = dry
        .usual_ms
        .map(|ms| format!(" Its last runs took {}.", duration(ms)));
    let steps = dry.steps.into_iter().map(step).collect_view();
    view! {
        <p class="muted">"Nothing was touched. This is what would happen now. "{takes}{usual}</p>
        {missing}
        {held}
        <ol class="dry">{steps}</ol>
    }
    .into_any()
}

/// What would keep the schedule from starting it.
fn hold(hold: DryHold) -> AnyView {
    view! { <div class="note" data-s="warn">{icon("triangle-alert")}<div>{hold.message}" Run now goes past this."</div></div> }
        .into_any()
}

/// In which order a step takes its targets: nothing for one target.
fn order(step: &DryStep) -> Option<String> {
    if step.total < 2 {
        return None;
    }
    Some(match step.order {
        Order::Parallel if step.total <= step.max_parallel => ", all at once".to_owned(),
        Order::Parallel => format!(", {} at once", step.max_parallel),
        Order::Serial => ", one by one in this order".to_owned(),
        Order::Dependency => {
            let turns = step.targets.iter().map(|target| target.turn).max().unwrap_or(1);
            match turns {
                1 => ", by what needs what: all in one turn".to_owned(),
                n => format!(", by what needs what: in {n} turns"),
            }
        }
    })
}

fn step(step: DryStep) -> AnyView {
    let order = order(&step);
    let has_turns = step.order == Order::Dependency;
    let not_begun = step
        .not_begun
        .clone()
        .map(|why| view! { <span class="muted sm">{why}</span> });
    let acting = step
        .targets
        .iter()
        .filter(|target| target.outcome == DryOutcome::Act)
        .count();
    let about = match (&step.problem, step.total) {
        (Some(why), _) => why.clone(),
        (None, 0) => "Needs no container".to_owned(),
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
    let targets = step
        .targets
        .into_iter()
        .take(SHOWN)
        .map(|one| target(one, has_turns))
        .collect_view();
    view! {
        <li>
            <div class="dry-step">
                <b class="strong">{step.name}</b>
                <span class="muted sm" data-s=step.problem.is_some().then_some("bad")>{about}{order}{takes}</span>
                {not_begun}
            </div>
            <ul class="dry-targets">{targets}{more}</ul>
        </li>
    }
    .into_any()
}

/// One condition and its answer.
fn condition(condition: DryCondition) -> AnyView {
    let (state, says) = match condition.holds {
        Some(true) => (State::new("success", "Holds"), condition.condition),
        Some(false) => (State::new("skipped", "Does not hold"), condition.condition),
        None => (State::new("queued", "Known when it runs"), condition.condition),
    };
    view! { <li><span class="clip">"It "{says}</span><Status state /></li> }.into_any()
}

fn target(target: DryTarget, has_turns: bool) -> AnyView {
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
    let turn = has_turns.then(|| view! { <span class="faint num">{format!("{}. ", target.turn)}</span> });
    let label = format!("Conditions of {}", target.container);
    let conditions = (!target.conditions.is_empty()).then(|| {
        let all = target.conditions.into_iter().map(condition).collect_view();
        view! { <ul class="dry-conditions sm" aria-label=label>{all}</ul> }
    });
    view! {
        <li>
            <span class="clip">{turn}{target.container}<span class="faint">{format!(" on {}{now}", target.host.name)}</span></span>
            <Status state />
            {why}
            {conditions}
        </li>
    }
    .into_any()
}
