//! The bar over the page while containers are selected, and what becomes of the run that it starts.

use super::{place::Place, reading::Reading};
use crate::auth::lacks;
use crate::{
    components::{
        Icon, Status,
        dialog::{self, Dialog},
        icon,
        menu::{MenuItem, RowMenu},
        run_state,
        toast::Toasts,
    },
    containers::{
        api::{self, BulkChoice},
        lines::Line,
        words,
    },
    live::Live,
    runs,
};
use domain::{
    actions::Action,
    auth::Permission,
    containers::ContainerState,
    events::Event,
    ids::RunId,
    runs::{RunSummary, TargetState},
};
use leptos::{html, prelude::*, task::spawn_local};

/// From how many on a button says how many it is for.
const MANY: u64 = 10;
/// On the bar, and behind its three dots; the last two cannot be taken back.
const VERBS: &[&str] = &["start", "stop", "restart"];
const MORE: &[&str] = &["pause", "unpause", "kill", "remove"];
/// How many a question names.
const NAMED: usize = 12;

/// Bulk actions of the page; in its context.
#[derive(Clone, Copy)]
pub struct Bulk {
    place: Place,
    reading: Reading,
    /// The run that was started last, until it is put away.
    run: RwSignal<Option<RunSummary>>,
    /// How many of its targets did not succeed.
    failed: RwSignal<u32>,
    sending: RwSignal<bool>,
    /// What is asked about before it is done.
    asked: RwSignal<&'static str>,
    question: NodeRef<html::Dialog>,
    toasts: Toasts,
}

impl Bulk {
    pub fn provide(place: Place, reading: Reading) -> Self {
        let bulk = Self {
            place,
            reading,
            run: RwSignal::new(None),
            failed: RwSignal::new(0),
            sending: RwSignal::new(false),
            asked: RwSignal::new("remove"),
            question: NodeRef::new(),
            toasts: Toasts::get(),
        };
        Live::get().listen(move |event| bulk.hear(event));
        bulk
    }

    /// Where a schedule for what is selected begins.
    pub fn plan_href(self) -> String {
        let chosen = self.reading.chosen;
        if chosen.is_all() {
            return format!("/schedules/new?target={}", words::encode(&self.search()));
        }
        let all: Vec<_> = chosen.lines().iter().map(|line| line.container.get()).collect();
        words::plan_href(&all)
    }

    /// What "everything" means.
    fn search(self) -> String {
        let query = self.place.query();
        if query.is_empty() { "*".to_owned() } else { query }
    }

    /// Does it, or asks first where something would be lost.
    pub fn choose(self, verb: &'static str) {
        if is_loss(verb) {
            self.asked.set(verb);
            dialog::open(self.question);
        } else {
            self.start(verb);
        }
    }

    /// Does it to what is selected: to those where it makes sense, or to everything that the search finds.
    pub fn start(self, verb: &'static str) {
        if self.sending.get_untracked() {
            return;
        }
        let chosen = self.reading.chosen;
        let mut ids = chosen.ids_untracked();
        let lines: Vec<Line> = if ids.is_empty() {
            Vec::new()
        } else {
            let lines: Vec<Line> = untrack(|| chosen.lines());
            let (fit, unfit): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| makes_sense(line, verb));
            ids.retain(|id| !unfit.iter().any(|line| line.id == *id));
            if ids.is_empty() {
                self.toasts.bad(format!("None of these can {verb} now."));
                return;
            }
            fit
        };
        if let ([line], 1) = (lines.as_slice(), ids.len()) {
            line.act(verb);
            return;
        }
        for line in &lines {
            line.begin(verb);
        }
        self.sending.set(true);
        let choice = BulkChoice {
            ids,
            shown: self.place.get_untracked(),
        };
        spawn_local(async move {
            let answer = api::bulk(choice, verb.to_owned(), RunId::new().to_string()).await;
            let _ = self.sending.try_set(false);
            match answer {
                Ok(run) => {
                    for line in &lines {
                        line.belongs(verb, run.id);
                    }
                    let over = run.status.is_final();
                    let id = run.id;
                    self.watch(run);
                    if over {
                        self.look(id);
                    }
                }
                Err(error) => {
                    for line in &lines {
                        line.forget_failure();
                    }
                    self.toasts.bad(error.0.message);
                }
            }
        });
    }

    /// Does again what of the run did not succeed.
    fn retry(self, id: RunId) {
        self.sending.set(true);
        spawn_local(async move {
            let answer = runs::api::retry(id).await;
            let _ = self.sending.try_set(false);
            match answer {
                Ok(run) => self.watch(run),
                Err(error) => self.toasts.bad(error.0.message),
            }
        });
    }

    fn watch(self, run: RunSummary) {
        let _ = self.failed.try_set(0);
        let _ = self.run.try_set(Some(run));
    }

    fn hear(self, event: &Event) {
        let mine = |id: RunId| {
            self.run
                .with_untracked(|run| run.as_ref().is_some_and(|run| run.id == id))
        };
        match event {
            Event::RunChanged { run } if mine(run.id) => {
                let over = run.status.is_final();
                self.run.set(Some(run.clone()));
                if over {
                    self.look(run.id);
                }
            }
            Event::RunProgress { id, .. } if mine(*id) => self.look(*id),
            _ => {}
        }
    }

    /// Reads how far the run is, and tells the rows of those that are done.
    fn look(self, id: RunId) {
        spawn_local(async move {
            let Ok(run) = runs::api::get(id).await else { return };
            let targets = run.steps.iter().flat_map(|step| &step.targets);
            let mut failed = 0;
            for target in targets {
                failed += u32::from(target.status.is_final() && !went_well(target.status));
                let found = target.container_id.and_then(|id| self.reading.lines.find(id));
                let Some(line) = found else {
                    continue;
                };
                match target.status {
                    TargetState::Pending | TargetState::Running => {}
                    state if went_well(state) => line.ended(id, None),
                    _ => line.ended(id, Some(target.message.clone().unwrap_or_default())),
                }
            }
            let _ = self.run.try_update(|shown| {
                if let Some(shown) = shown
                    && shown.id == id
                {
                    *shown = run.summary;
                    let _ = self.failed.try_set(failed);
                }
            });
        });
    }
}

#[component]
pub fn BulkBar(bulk: Bulk) -> impl IntoView {
    let reading = bulk.reading;
    let chosen = reading.chosen;
    let count = Memo::new(move |_| chosen.count());
    let total = move || reading.now.with(|now| now.total);
    let plan = move || bulk.plan_href();
    let lacks = lacks(Permission::ContainersOperate);
    let button = move |verb: &'static str| {
        let text = move || {
            let count = count.get();
            if count > MANY {
                format!("{} {count}", words::label(verb))
            } else {
                words::label(verb).to_owned()
            }
        };
        view! {
            <button
                class="btn btn-ghost"
                type="button"
                disabled=move || bulk.sending.get() || lacks.get().is_some()
                title=move || lacks.get()
                on:click=move |_| bulk.choose(verb)
            >
                <Icon name=words::icon_of(verb) />
                <span>{text}</span>
            </button>
        }
    };
    // Offered as soon as something is selected: a phone has no box for all that are shown.
    let more = move || {
        let total = total();
        (!chosen.is_all() && count.get() < total).then(|| {
            view! {
                <button class="btn btn-ghost more" type="button" on:click=move |_| chosen.everything(total)>
                    {format!("Select all {total}")}
                </button>
            }
        })
    };
    view! {
        <Progress bulk />
        <Question bulk />
        <Show when=move || { count.get() > 0 }>
            <div class="bulk" role="toolbar" aria-label="Actions for selected containers">
                <span class="cnt" role="status">
                    {move || if chosen.is_all() { format!("All {} selected", count.get()) } else { format!("{} selected", count.get()) }}
                </span>
                {more}
                <span class="sep"></span>
                {VERBS.iter().map(|verb| button(verb)).collect_view()}
                <RowMenu id="bulk-more" label=Signal::derive(|| "selected containers".to_owned())>
                    {MORE.iter().filter(|verb| Action::from_verb(verb).is_some()).map(|verb| {
                        let verb = *verb;
                        let run = Callback::new(move |()| bulk.choose(verb));
                        view! { <MenuItem icon=words::icon_of(verb) text=words::label(verb) danger=is_loss(verb) lacks run /> }
                    }).collect_view()}
                </RowMenu>
                <a class="btn btn-primary" href=plan>
                    {icon("calendar-clock")}
                    <span>"Schedule"</span>
                    <kbd aria-hidden="true">"S"</kbd>
                </a>
                <span class="sep"></span>
                <button class="icon-btn" type="button" aria-label="Clear selection" on:click=move |_| chosen.clear()>
                    {icon("x")}
                </button>
            </div>
        </Show>
    }
}

fn is_loss(verb: &str) -> bool {
    matches!(verb, "kill" | "remove")
}

/// What would be lost, by name, before it is.
#[component]
fn Question(bulk: Bulk) -> impl IntoView {
    let chosen = bulk.reading.chosen;
    let label = move || words::label(bulk.asked.get());
    let title = Signal::derive(move || match chosen.count() {
        1 => format!("{} 1 container?", label()),
        count => format!("{} {count} containers?", label()),
    });
    let consequence = move || match bulk.asked.get() {
        "kill" => "They end at once, without a chance to finish what they do.",
        _ => "Running ones are not removed. What was written inside them is lost; volumes stay.",
    };
    let one = |line: &Line| {
        let text = line.container.with(|c| format!("{} on {}", c.name, c.host.name));
        view! { <li class="clip">{text}</li> }
    };
    let names = move || {
        if chosen.is_all() {
            let (first, count) = (bulk.reading.shown_lines(NAMED), chosen.count());
            return view! {
                <p>"Everything that this search finds when it begins: " <code>{bulk.search()}</code></p>
                <ul class="touched">{first.iter().map(one).collect_view()}</ul>
                <p class="hint">{format!("and {} more", count.saturating_sub(first.len() as u64))}</p>
            }
            .into_any();
        }
        let lines = chosen.lines();
        let rest = lines.len().saturating_sub(NAMED);
        view! {
            <ul class="touched">{lines.iter().take(NAMED).map(one).collect_view()}</ul>
            {(rest > 0).then(|| view! { <p class="hint">{format!("and {rest} more")}</p> })}
        }
        .into_any()
    };
    let close = move |_| dialog::close(bulk.question);
    let go = move |_| {
        dialog::close(bulk.question);
        bulk.start(bulk.asked.get_untracked());
    };
    let foot = move || {
        view! {
            <button class="btn" type="button" autofocus on:click=close>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=go>{label}</button>
        }
    };
    view! {
        <Dialog node=bulk.question id="bulk-question" title foot>
            <p>{consequence}</p>
            {names}
        </Dialog>
    }
}

/// How far the run is: over the list, since it goes on when one scrolls or selects something else.
#[component]
fn Progress(bulk: Bulk) -> impl IntoView {
    let put_away = move |_| bulk.run.set(None);
    let lacks = lacks(Permission::SchedulesRun);
    move || {
        bulk.run.get().map(|run| {
            let state = run_state(run.status);
            let id = run.id;
            let text = match (run.targets, bulk.failed.get()) {
                (0, _) => String::new(),
                (targets, 0) => format!("{} of {targets} done", run.succeeded),
                (targets, failed) => format!("{} of {targets} done, {failed} failed", run.succeeded),
            };
            let may_retry = run.status.is_final() && bulk.failed.get() > 0;
            view! {
                <div class="card bulk-run" role="status">
                    <Status state=state />
                    <span class="strong clip">{run.title.clone()}</span>
                    <span class="muted sm num">{text}</span>
                    {(!run.status.is_final() && run.targets > 0).then(|| view! {
                        <progress max=run.targets value=run.succeeded + bulk.failed.get() aria-label="Progress"></progress>
                    })}
                    {may_retry.then(|| view! {
                        <button
                            class="btn btn-sm"
                            type="button"
                            disabled=move || bulk.sending.get() || lacks.get().is_some()
                            title=move || lacks.get().unwrap_or("Only what did not succeed")
                            on:click=move |_| bulk.retry(id)
                        >
                            {icon("rotate-cw")}
                            "Retry failed"
                        </button>
                    })}
                    <a class="link sm" href=format!("/runs/{}", run.id)>"Open the run"</a>
                    <button class="icon-btn icon-btn-sm end" type="button" aria-label="Put away" on:click=put_away>
                        {icon("x")}
                    </button>
                </div>
            }
        })
    }
}

fn went_well(state: TargetState) -> bool {
    matches!(state, TargetState::Succeeded | TargetState::Skipped)
}

fn makes_sense(line: &Line, verb: &str) -> bool {
    line.container.with_untracked(|c| {
        !c.stale
            && match verb {
                "kill" => matches!(
                    c.state,
                    ContainerState::Running | ContainerState::Paused | ContainerState::Restarting
                ),
                "remove" => !matches!(c.state, ContainerState::Removing),
                verb => words::verbs(c.state).contains(&verb),
            }
    })
}
