//! The page of one container: its state, facts, what is planned and what happened.

use super::{
    api,
    lines::{Line, Lines},
    marks::{Marking, MarksDialog},
    plans::Plans,
    ports::{Addresses, port_links},
    recent::Recent,
    words,
};
use crate::audit::history_of;
use crate::auth::lacks;
use crate::{
    codec::{Resource, resource},
    components::{
        Failure, FailureNote, Icon, Status, icon, skeleton,
        time::{Ago, At},
    },
    error::{AppError, set_page_status},
    hosts,
    live::Live,
    schedules::LabelsCard,
    shell::Heading,
};
use domain::auth::Permission;
use domain::containers::Container;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

#[component]
pub fn ContainerPage() -> impl IntoView {
    let params = use_params_map();
    let live = Live::get();
    let turn = RwSignal::new(0);
    let id = move || params.with(|params| params.get("id").unwrap_or_default());
    let container = resource(move || (id(), turn.get(), live.gaps()), |(id, _, _)| api::get(id));
    let lines = Lines::follow(|| {});
    live.listen(move |event| {
        use domain::events::Event as E;
        let mine = |other: domain::ids::ContainerId| {
            other.to_string() == params.with_untracked(|p| p.get("id").unwrap_or_default())
        };
        if matches!(event, E::ContainerRemoved { id, .. } if mine(*id))
            || matches!(event, E::FleetChanged { .. })
        {
            let _ = turn.try_update(|turn| *turn += 1);
        }
    });
    let addresses = Addresses::provide();
    let marking = Marking::provide();
    let hosts = resource(|| (), |()| hosts::api::list(None));
    Effect::new(move |_| {
        if let Some(Ok(page)) = hosts.get() {
            addresses.learn(&page.items);
        }
    });
    Heading::set(
        move || {
            container
                .with(|c| c.as_ref().and_then(|c| c.as_ref().ok()).map(|c| c.name.clone()))
                .unwrap_or_default()
        },
        || None,
    );
    Effect::new(move |_| {
        if let Some(Ok(container)) = container.get() {
            lines.refresh(std::slice::from_ref(&container));
        }
    });
    view! {
        <Transition fallback=|| skeleton::lines(6)>
            <Shown container lines turn />
        </Transition>
        <MarksDialog marking />
    }
}

type Found = Resource<Result<Container, AppError>>;

/// The page stays while its container is read again: only another container makes another page.
#[component]
fn Shown(container: Found, lines: Lines, turn: RwSignal<u32>) -> impl IntoView {
    let shown = Memo::new(move |_| {
        container.with(|c| c.as_ref().map(|c| c.as_ref().map(|c| c.id).map_err(Clone::clone)))
    });
    move || match shown.get() {
        None => ().into_any(),
        Some(Err(error)) => failed(error, turn),
        Some(Ok(_)) => {
            let found = container.get_untracked().and_then(Result::ok);
            found.map(|container| about(&lines.line(&container))).into_any()
        }
    }
}

fn failed(error: AppError, turn: RwSignal<u32>) -> AnyView {
    set_page_status(error.0.class);
    view! {
        <Title text="Container" />
        <Failure error retry=move |()| turn.update(|turn| *turn += 1) />
    }
    .into_any()
}

fn about(line: &Line) -> AnyView {
    let (head, why, facts, schedule) = (line.clone(), line.clone(), line.clone(), line.clone());
    let (checks, noted) = (line.clone(), line.clone());
    let plan_href = Signal::derive(move || {
        schedule
            .container
            .with(|c| words::plan_href(std::slice::from_ref(c)))
    });
    let container = line.container.clone();
    let id = container.with_untracked(|c| c.id);
    // No signal of this view: the document's title may be read once more after the view is gone.
    let name = {
        let container = container.clone();
        move || container.with(|c| c.name.clone())
    };
    view! {
        <Title text=name.clone() />
        <div class="page-head">
            <div class="hd">
                <div class="row">
                    <h1 class="keep">{name}</h1>
                    <Status state=Signal::derive(move || head.state()) />
                </div>
                <div class="row sm about">{move || subtitle(&container.get())}</div>
            </div>
            <div class="end">{buttons(line)}{history_of("container", id)}</div>
        </div>
        {move || {
            why.failure().map(|message| {
                let run = why.run();
                view! {
                    <FailureNote message=message />
                    {run.map(|run| view! { <a class="link sm" href=format!("/runs/{run}")>"Open the run"</a> })}
                }
            })
        }}
        <div class="cols">
            <div class="stack">
                {move || health_of(&checks.container.get())}
                {move || noted.container.with(|c| c.note.clone()).map(|note| view! {
                    <section class="card" aria-labelledby="note">
                        <div class="card-h"><h2 id="note">"Note"</h2></div>
                        <div class="card-b"><p class="note-text">{note}</p></div>
                    </section>
                })}
                <section class="card" aria-labelledby="facts">
                    <div class="card-h"><h2 id="facts">"Facts"</h2></div>
                    <div class="card-b">{move || facts_of(&facts.container.get())}</div>
                </section>
                <Recent id=line.id />
            </div>
            <aside class="rail" aria-label="Plans">
                <Plans id=line.id add=plan_href />
                <LabelsCard id=line.id />
            </aside>
        </div>
    }
    .into_any()
}

fn subtitle(container: &Container) -> AnyView {
    let marking = Marking::get();
    let edited = container.clone();
    let marked = !container.tags.is_empty() || container.note.is_some();
    view! {
        <code title=words::image_title(container, &[])>{container.image.clone()}</code>
        <a class="tag" href=format!("/?q={}", words::encode(&format!("host:{}", domain::selectors::quote(&container.host.name))))>
            <span class="k">"host"</span>
            {container.host.name.clone()}
        </a>
        {container.stack.clone().map(|stack| {
            let href = format!("/?q={}", words::encode(&format!("stack:{}", domain::selectors::quote(&stack))));
            view! { <a class="tag" href=href><span class="k">"stack"</span>{stack}</a> }
        })}
        {container.protected.then(|| view! { <span class="tag" data-s="brand">"Chrontainer runs here"</span> })}
        {container.stale.then(|| view! { <span class="tag" data-s="warn">"as last seen, the host does not answer"</span> })}
        {container.tags.iter().map(|tag| {
            let href = format!("/?q={}", words::encode(&format!("tag:{}", domain::selectors::quote(tag))));
            view! { <a class="tag" href=href>{icon("tag")}{tag.clone()}</a> }
        }).collect_view()}
        <button class="link sm" type="button" on:click=move |_| marking.edit(&edited)>{if marked { "Edit tags and note" } else { "Add tags or a note" }}</button>
    }
    .into_any()
}

fn buttons(line: &Line) -> AnyView {
    let (list, plan) = (line.clone(), line.clone());
    let lacks = lacks(Permission::ContainersOperate);
    let verbs = Memo::new({
        let line = line.clone();
        move |_| line.container.with(|c| words::verbs(c.state))
    });
    let all = move || {
        verbs
            .get()
            .iter()
            .map(|verb| {
                let (act, busy) = (list.clone(), list.clone());
                view! {
                    <button
                        class="btn"
                        type="button"
                        disabled=move || busy.is_busy() || busy.container.with(|c| c.stale) || lacks.get().is_some()
                        title=move || lacks.get()
                        on:click=move |_| act.act(verb)
                    >
                        <Icon name=words::icon_of(verb) />
                        {words::label(verb)}
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        {all}
        <a class="btn btn-primary" href=move || plan.container.with(|c| words::plan_href(std::slice::from_ref(c)))>
            {icon("calendar-clock")}
            "Schedule"
        </a>
    }
    .into_any()
}

/// The health check's word and what it said last; nothing without one.
fn health_of(container: &Container) -> AnyView {
    use crate::components::State;
    use domain::containers::Health;
    let Some(health) = container.health else {
        return ().into_any();
    };
    let (look, word) = match health {
        Health::Healthy => ("healthy", "Healthy"),
        Health::Unhealthy => ("unhealthy", "Unhealthy"),
        Health::Starting => ("running", "Not checked yet"),
    };
    let output = container
        .health_output
        .clone()
        .filter(|text| !text.trim().is_empty());
    view! {
        <section class="card" aria-labelledby="health">
            <div class="card-h"><h2 id="health">"Health"</h2><div class="end"><Status state=State::new(look, word) /></div></div>
            <div class="card-b">
                {match output {
                    Some(text) => view! { <pre class="said" tabindex="0" role="region" aria-label="What the last check said">{text}</pre> }.into_any(),
                    None => view! { <p class="muted sm">"The last check said nothing."</p> }.into_any(),
                }}
            </div>
        </section>
    }
    .into_any()
}

fn facts_of(container: &Container) -> AnyView {
    let time = |name: &'static str, at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| {
            view! {
                <dt>{name}</dt>
                <dd><At at /> ", " <span class="muted"><Ago at /></span></dd>
            }
        })
    };
    let running = matches!(
        container.state,
        domain::containers::ContainerState::Running | domain::containers::ContainerState::Paused
    );
    view! {
        <dl class="kv">
            <dt>"Image"</dt>
            <dd><code>{container.image.clone()}</code></dd>
            {(!container.image_id.is_empty()).then(|| view! { <dt>"Image id"</dt><dd><code class="sm">{container.image_id.clone()}</code></dd> })}
            <dt>"Host"</dt>
            <dd>{container.host.name.clone()}</dd>
            {container.stack.clone().map(|stack| view! { <dt>"Stack"</dt><dd>{stack}</dd> })}
            {container.service.clone().map(|service| view! { <dt>"Service"</dt><dd>{service}</dd> })}
            <dt>"Ports"</dt>
            <dd>{port_links(container, true)}</dd>
            {time("Started", container.started_at)}
            {time("Stopped", container.finished_at.filter(|_| !running))}
            {time("Created", container.created_at)}
            {container.exit_code.filter(|_| !running).map(|code| view! { <dt>"Exit code"</dt><dd>{code}</dd> })}
            <dt>"Engine id"</dt>
            <dd><code>{container.engine_id.chars().take(12).collect::<String>()}</code></dd>
        </dl>
    }
    .into_any()
}
