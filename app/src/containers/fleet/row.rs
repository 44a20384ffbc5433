//! One container in the list.

use super::reading::Reading;
use crate::{
    components::{
        Icon, Status,
        menu::{MenuItem, RowMenu},
        time::Clock,
    },
    containers::{lines::Line, next::next_run, ports::port_links, words},
};
use domain::containers::{Container, ContainerState};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

#[component]
pub fn Row(reading: Reading, container: Container) -> impl IntoView {
    let id = container.id;
    let line = reading.lines.line(&container);
    let container = line.container.clone();
    let name = {
        let container = container.clone();
        Signal::derive(move || container.with(|c| c.name.clone()))
    };
    let selected = Memo::new(move |_| reading.selected.with(|ids| ids.contains(&id)));
    let stale = container.clone();
    let (title, host, state, ports, plan, acts) = (
        line.clone(),
        container.clone(),
        line.clone(),
        container.clone(),
        line.clone(),
        line.clone(),
    );
    view! {
        <tr
            class="line"
            role="row"
            data-id=id.to_string()
            data-stale=move || stale.with(|c| c.stale).then_some("")
            aria-selected=move || selected.get().then_some("true")
        >
            <td class="c-sel" role="cell" data-m="sel">
                <input
                    type="checkbox"
                    class="check"
                    aria-label=move || format!("Select {}", name.get())
                    prop:checked=move || selected.get()
                    on:change=move |_| reading.toggle(id)
                />
            </td>
            <td role="cell" data-m="title">{move || title_cell(&title)}</td>
            <td role="cell" data-m="hide">
                {move || host.with(|c| view! { <span class="tag clip">{c.host.name.clone()}</span> })}
            </td>
            <td role="cell" data-m="a">{state_cell(state)}</td>
            <td role="cell" data-m="hide">{move || ports.with(|c| port_links(c, false))}</td>
            <td role="cell" data-m="b">{move || next_run(&plan)}</td>
            <td role="cell" data-m="menu">{actions(acts, name)}</td>
        </tr>
    }
}

/// Name, then stack and image; or why the last thing did not work.
fn title_cell(line: &Line) -> AnyView {
    let (name, image, stack, host) = line.container.with(|c| {
        (
            c.name.clone(),
            c.image.clone(),
            c.stack.clone(),
            c.host.name.clone(),
        )
    });
    let second = match line.failure() {
        Some(message) => {
            let dismiss = line.clone();
            view! {
                <span class="s why" role="alert" title=message.clone()>
                    <button
                        class="dismiss"
                        type="button"
                        aria-label="Dismiss"
                        on:click=move |_| dismiss.forget_failure()
                    >
                        <Icon name="x" class="i i-sm" />
                    </button>
                    {message.clone()}
                </span>
            }
            .into_any()
        }
        None => view! {
            <span class="s" title=image.clone()>
                <span class="only-s">{host}" · "</span>
                {stack.map(|stack| view! { <span class="stk">{stack}</span> " · " })}
                {words::short_image(&image).to_owned()}
            </span>
        }
        .into_any(),
    };
    view! {
        <div class="name">
            <span class="t"><a href=format!("/containers/{}", line.id)>{name}</a></span>
            {second}
        </div>
    }
    .into_any()
}

fn state_cell(line: Line) -> AnyView {
    let clock = Clock::get();
    let now = line.clone();
    let below = move || {
        line.container.with(|c| {
            if c.stale {
                return "as last seen".to_owned();
            }
            match c.health {
                Some(domain::containers::Health::Starting) => "health check pending".to_owned(),
                _ => words::since(c, clock.now()),
            }
        })
    };
    view! {
        <div class="sc">
            <Status state=Signal::derive(move || now.state()) />
            <span class="sm faint">{below}</span>
        </div>
    }
    .into_any()
}

/// The likeliest action, scheduling, and the menu with the rest.
fn actions(line: Line, name: Signal<String>) -> AnyView {
    let first = {
        let line = line.clone();
        Signal::derive(move || {
            line.container
                .with(|c| words::verbs(c.state).first().copied().unwrap_or("restart"))
        })
    };
    let busy = {
        let line = line.clone();
        Signal::derive(move || line.is_busy() || line.container.with(|c| c.stale))
    };
    let plan = {
        let container = line.container.clone();
        Signal::derive(move || container.with(|c| words::plan_href(std::slice::from_ref(c))))
    };
    let act = line.clone();
    let menu = line.clone();
    let label = Signal::derive(move || format!("{}, {}", words::label(first.get()), name.get()));
    view! {
        <div class="acts">
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                data-act="first"
                aria-label=move || label.get()
                data-tip=move || words::label(first.get())
                disabled=move || busy.get()
                on:click=move |_| act.act(first.get_untracked())
            >
                <Icon name=Signal::derive(move || words::icon_of(first.get())) />
            </button>
            <a
                class="icon-btn icon-btn-sm"
                href=move || plan.get()
                data-act="plan"
                aria-label=move || format!("Schedule, {}", name.get())
                data-tip="Schedule"
            >
                <Icon name="calendar-clock" />
            </a>
            <RowMenu id=format!("menu-{}", line.id) label=name>
                {menu_items(menu.clone())}
            </RowMenu>
        </div>
    }
    .into_any()
}

/// The actions that make sense now. Those that would take Chrontainer itself away are refused by the server with the reason.
pub fn menu_items(line: Line) -> AnyView {
    let (state, href) = line
        .container
        .with_untracked(|c| (c.state, words::plan_href(std::slice::from_ref(c))));
    let navigate = StoredValue::new_local(use_navigate());
    let open = format!("/containers/{}", line.id);
    let go = move |href: String| {
        Callback::new(move |()| navigate.with_value(|navigate| navigate(&href, Default::default())))
    };
    let items = words::verbs(state)
        .iter()
        .map(|verb| {
            let line = line.clone();
            let run = Callback::new(move |()| line.act(verb));
            view! { <MenuItem icon=words::icon_of(verb) text=words::label(verb) run /> }
        })
        .collect_view();
    let any = !matches!(state, ContainerState::Removing);
    view! {
        {items}
        {any.then(|| view! { <hr /> })}
        <MenuItem icon="calendar-clock" text="Schedule" run=go(href) />
        <MenuItem icon="box" text="Open" run=go(open) />
    }
    .into_any()
}
