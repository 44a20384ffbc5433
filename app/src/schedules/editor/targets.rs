//! What the target picks now, asked while one types.

use super::{state::Editing, steps::StepForm};
use crate::{
    codec::resource,
    components::{
        State, Status,
        debounce::{gathered, settled},
        icon,
    },
    error::AppError,
    live::Live,
    schedules::{
        api::{self, Matched, MatchedContainer},
        words::count,
    },
};
use domain::{
    actions::WorksOn,
    containers::{ContainerState, Health},
    events::Event,
};
use leptos::prelude::*;
use std::time::Duration;

/// How many are named; all are counted.
const NAMED: usize = 200;

/// The containers that the target of the form picks.
#[derive(Clone, Copy)]
pub struct Matches {
    /// The last answer stays while the next is on its way.
    shown: RwSignal<Option<Result<Matched, AppError>>>,
}

impl Matches {
    pub fn new(editing: Editing) -> Self {
        let target = move || {
            let current = editing.current();
            editing.form.with(|form| {
                let step = form.step(current)?;
                let target = step.target.trim();
                (step.works_on() != WorksOn::Nothing && !target.is_empty()).then(|| target.to_owned())
            })
        };
        let asked = settled(target, Duration::from_millis(250));
        let live = Live::get();
        let changes = RwSignal::new(0_u32);
        let changed = gathered(Duration::from_millis(800), move || {
            let _ = changes.try_update(|changes| *changes += 1);
        });
        live.listen(move |event| {
            if matches!(
                event,
                Event::ContainerChanged { .. }
                    | Event::ContainerRemoved { .. }
                    | Event::FleetChanged { .. }
                    | Event::HostChanged { .. }
                    | Event::HostRemoved { .. }
            ) {
                changed();
            }
        });
        let answer = resource(
            move || (asked.get(), live.gaps(), changes.get()),
            |(asked, ..)| async move {
                match asked {
                    Some(selector) => Some(api::matches(selector, NAMED).await),
                    None => None,
                }
            },
        );
        let shown = RwSignal::new(None);
        Effect::new(move |_| {
            if let Some(answer) = answer.get() {
                shown.set(answer);
            }
        });
        Self { shown }
    }

    /// What is wrong with the target's text.
    pub fn problem(self) -> Option<AppError> {
        self.shown
            .with(|shown| shown.as_ref().and_then(|shown| shown.as_ref().err().cloned()))
    }

    /// How many, when it is known.
    pub fn count(self) -> Option<(u64, u64)> {
        self.shown.with(|shown| match shown {
            Some(Ok(matched)) => Some((matched.total, matched.hosts)),
            _ => None,
        })
    }

    /// One line under the field.
    pub fn sentence(self, hosts: bool) -> AnyView {
        match self.count() {
            None => ().into_any(),
            Some((_, number)) if hosts => view! {
                <span class="hint strong-hint">
                    {match number {
                        0 => "No container of any host fits now; hosts that are named are taken all the same.".to_owned(),
                        number => format!("{} now", count(number, "host")),
                    }}
                </span>
            }
            .into_any(),
            Some((0, _)) => view! {
                <span class="field-warn">{icon("triangle-alert")}<span>"No container fits now. A run would find nothing to do, until one does."</span></span>
            }
            .into_any(),
            Some((total, hosts)) => view! { <span class="hint strong-hint">{words(total, hosts)}" now"</span> }.into_any(),
        }
    }
}

/// "14 containers on 3 hosts"
pub fn words(total: u64, hosts: u64) -> String {
    format!("{} on {}", count(total, "container"), count(hosts, "host"))
}

fn look(container: &MatchedContainer) -> State {
    match (container.state, container.health) {
        _ if container.stale => State::new("offline", "host does not answer"),
        (ContainerState::Running, Some(Health::Unhealthy)) => State::new("unhealthy", "unhealthy"),
        (ContainerState::Running, Some(Health::Healthy)) => State::new("healthy", "healthy"),
        (ContainerState::Running, _) => State::new("running", "running"),
        (ContainerState::Paused, _) => State::new("paused", "paused"),
        (ContainerState::Restarting | ContainerState::Removing, _) => {
            State::new("working", container.state.as_str())
        }
        (state, _) => State::new("exited", state.as_str()),
    }
}

/// The card beside the form: which containers, by host.
#[component]
pub fn TargetsCard(editing: Editing, matches: Matches) -> impl IntoView {
    let all = RwSignal::new(false);
    let current = move |is: &dyn Fn(&StepForm) -> bool| {
        let key = editing.current();
        editing.form.with(|form| form.step(key).is_some_and(is))
    };
    let several = move || editing.form.with(|form| form.steps.len() > 1);
    let body = move |matched: Matched| {
        let mut hosts: Vec<(String, Vec<MatchedContainer>)> = Vec::new();
        for container in matched.items {
            match hosts.iter_mut().find(|(host, _)| *host == container.host) {
                Some((_, list)) => list.push(container),
                None => hosts.push((container.host.clone(), vec![container])),
            }
        }
        let named: u64 = hosts.iter().map(|(_, list)| list.len() as u64).sum();
        let rest = matched.total.saturating_sub(named);
        let long = named > 8;
        let host = move |(host, list): (String, Vec<MatchedContainer>)| {
            let offline = list.iter().all(|container| container.stale);
            let state = if offline {
                State::new("offline", "offline")
            } else {
                State::new("running", "online")
            };
            let number = list.len();
            let shown = if all.get() { number } else { 8 };
            let more = number.saturating_sub(shown);
            let chips = list
                .into_iter()
                .take(shown)
                .map(|container| {
                    view! { <span class="tag tag-st">{look(&container).plain()}<span class="clip">{container.name}</span></span> }
                })
                .collect_view();
            view! {
                <li>
                    <span class="row">{state.plain()}<b class="clip">{host}</b><span class="end num">{number}</span></span>
                    {offline.then(|| view! { <span class="sm bad-text">"Does not answer now."</span> })}
                    <span class="row row-wrap tags">
                        {chips}
                        {(more > 0).then(|| view! { <span class="tag">{format!("+{more}")}</span> })}
                    </span>
                </li>
            }
        };
        view! {
            <ul class="tg">{hosts.into_iter().map(host).collect_view()}</ul>
            {(rest > 0).then(|| view! { <p class="hint">{format!("and {rest} more")}</p> })}
            {long.then(|| view! {
                <button class="btn btn-sm btn-ghost" type="button" on:click=move |_| all.update(|all| *all = !*all)>
                    {move || if all.get() { "Show fewer" } else { "Show all" }}
                </button>
            })}
        }
        .into_any()
    };
    let title = move || match matches.count() {
        Some((0, _)) => "No container fits".to_owned(),
        Some((total, hosts)) => words(total, hosts),
        None => "Containers".to_owned(),
    };
    let content = move || {
        match matches.shown.get() {
        Some(Ok(matched)) if matched.total > 0 => {
            let itself = matched.items.iter().any(|container| container.protected);
            let refused = itself && current(&|step| step.rough().action.refused_on_itself());
            view! {
                {body(matched)}
                {refused.then(|| view! {
                    <div class="note" data-s="warn">
                        {icon("triangle-alert")}
                        <div>"Chrontainer itself is among them. It is left out, since nobody would be there to start it again."</div>
                    </div>
                })}
            }
            .into_any()
        }
        Some(Ok(_)) => view! {
            <p class="muted sm">"Nothing on the hosts fits this target now. It is looked for again at every run, so a container that is made later is found."</p>
        }
        .into_any(),
        Some(Err(_)) => view! { <p class="muted sm">"The target cannot be read yet."</p> }.into_any(),
        None => view! { <p class="muted sm">"Say which containers, and they appear here."</p> }.into_any(),
    }
    };
    view! {
        <Show when=move || current(&|step| step.works_on() != WorksOn::Nothing)>
            <section class="card" aria-label="Containers that fit">
                <div class="card-h">
                    <h2>{title}</h2>
                    {move || several().then(|| {
                        let key = editing.current();
                        let at = editing.form.with(|form| form.steps.iter().position(|step| Some(step.key) == key));
                        at.map(|at| view! { <span class="muted sm">{format!("Step {}", at + 1)}</span> })
                    })}
                    <Show when=move || matches.count().is_some_and(|(total, _)| total == 0)>
                        <div class="end"><Status state=State::new("warning", "Empty") /></div>
                    </Show>
                </div>
                <div class="card-b">{content}</div>
            </section>
        </Show>
    }
}
