//! One container in the list.

use super::{
    load,
    place::Place,
    reading::{Away, Reading},
};
use crate::auth::lacks;
use crate::{
    components::{
        Icon, Status,
        menu::{MenuItem, RowMenu},
        time::{Ago, Clock},
    },
    containers::{lines::Line, marks::Marking, next::next_run, ports::port_links, words},
};
use domain::auth::Permission;
use domain::{
    containers::{Container, ContainerState},
    selectors::quote,
    views::Column,
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

/// How many tags a row shows.
const TAGS: usize = 3;

/// A column's class and its heading.
pub fn column(column: Column) -> (&'static str, &'static str) {
    match column {
        Column::Host => ("c-host", "Host"),
        Column::Stack => ("c-stack", "Stack"),
        Column::Image => ("c-image", "Image"),
        Column::State => ("c-state", "State"),
        Column::Cpu => ("c-m", "CPU"),
        Column::Memory => ("c-m", "Memory"),
        Column::Ports => ("c-p", "Ports"),
        Column::Tags => ("c-tags", "Tags"),
        Column::Next => ("c-n", "Next run"),
    }
}

#[component]
pub fn Row(place: Place, reading: Reading, container: Container) -> impl IntoView {
    let id = container.id;
    let line = reading.lines.line(&container);
    let container = line.container.clone();
    let name = {
        let container = container.clone();
        Signal::derive(move || container.with(|c| c.name.clone()))
    };
    let chosen = reading.chosen;
    let selected = Memo::new(move |_| chosen.has(id));
    let stale = container.clone();
    let (title, cells, acts) = (line.clone(), line.clone(), line);
    let cell = move |column| cell(place, reading, column, &cells);
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
                    on:click=move |event| chosen.toggle(id, event.shift_key(), &untrack(|| reading.shown_ids()))
                />
            </td>
            <td role="cell" data-m="title">{move || title_cell(place, reading, &title)}</td>
            <For each=move || place.columns.get() key=|column| *column children=cell />
            <td role="cell" data-m="menu">{actions(reading, acts, name)}</td>
        </tr>
    }
}

fn cell(place: Place, reading: Reading, which: Column, line: &Line) -> AnyView {
    let container = line.container.clone();
    let (class, _) = column(which);
    match which {
        Column::Host => view! {
            <td class=class role="cell" data-m="hide">
                {move || container.with(|c| narrow(place, "host", &c.host.name))}
            </td>
        }
        .into_any(),
        Column::Stack => view! {
            <td class=class role="cell" data-m="hide">
                {move || container.with(|c| match &c.stack {
                    Some(stack) => {
                        let service = c.service.clone().filter(|service| *service != c.name);
                        view! { {narrow(place, "stack", stack)} {service.map(|service| view! { <span class="sm faint clip">{service}</span> })} }
                            .into_any()
                    }
                    None => view! { <span class="faint">"None"</span> }.into_any(),
                })}
            </td>
        }
        .into_any(),
        Column::Image => view! {
            <td class=class role="cell" data-m="hide">
                {
                    let digests = line.digests.clone();
                    let asked = line.clone();
                    move || container.with(|c| {
                        let title = words::image_title(c, &digests.get());
                        let asked = asked.clone();
                        view! {
                            <span class="clip img" title=title on:pointerenter=move |_| asked.ask_image()>
                                {words::short_image(&c.image).to_owned()}
                            </span>
                        }
                    })
                }
            </td>
        }
        .into_any(),
        Column::State => view! { <td class=class role="cell" data-m="a">{state_cell(line.clone())}</td> }.into_any(),
        Column::Cpu => view! { <td class=class role="cell" data-m="c">{load::cpu(reading.load, line)}</td> }.into_any(),
        Column::Memory => {
            view! { <td class=class role="cell" data-m="d">{load::memory(reading.load, line)}</td> }.into_any()
        }
        Column::Ports => view! {
            <td class=class role="cell" data-m="hide">{move || container.with(|c| port_links(c, false))}</td>
        }
        .into_any(),
        Column::Tags => view! {
            <td class=class role="cell" data-m="hide">
                <div class="row tagset">{move || container.with(|c| tags(place, &c.tags, TAGS))}</div>
            </td>
        }
        .into_any(),
        Column::Next => {
            let line = line.clone();
            view! { <td class=class role="cell" data-m="b">{move || next_run(&line)}</td> }.into_any()
        }
    }
}

/// A value that narrows the list to it.
fn narrow(place: Place, key: &'static str, value: &str) -> AnyView {
    let term = format!("{key}:{}", quote(value));
    view! {
        <button class="tag clip" type="button" aria-label=format!("Show only {value}") on:click=move |_| place.toggle(&term)>
            {value.to_owned()}
        </button>
    }
    .into_any()
}

fn tags(place: Place, all: &[String], most: usize) -> AnyView {
    let more = all.len().saturating_sub(most);
    view! {
        {all.iter().take(most).map(|tag| narrow(place, "tag", tag)).collect_view()}
        {(more > 0).then(|| view! { <span class="tag" title=all.join(", ")>{format!("+{more}")}</span> })}
    }
    .into_any()
}

/// Name, then stack and image; or why the last thing did not work.
fn title_cell(place: Place, reading: Reading, line: &Line) -> AnyView {
    let (name, image, title, stack, (host, away), note, tags) = line.container.with(|c| {
        (
            c.name.clone(),
            words::short_image(&c.image).to_owned(),
            words::image_title(c, &line.digests.get()),
            c.stack.clone(),
            (c.host.name.clone(), c.stale.then_some(c.host.id)),
            c.note.clone(),
            c.tags.clone(),
        )
    });
    let id = line.id;
    // The column of tags shows them, if it is there.
    let inline = Memo::new(move |_| !place.columns.with(|columns| columns.contains(&Column::Tags)));
    let asked = line.clone();
    let second = match (line.failure(), away.and_then(|host| reading.away(host))) {
        (Some(message), _) => {
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
        (None, Some(away)) => away_text(&away),
        (None, None) => view! {
            <span class="s" title=title on:pointerenter=move |_| asked.ask_image()>
                <span class="only-s">{host}" · "</span>
                {stack.map(|stack| view! { <span class="stk">{stack}</span> " · " })}
                {image}
            </span>
        }
        .into_any(),
    };
    view! {
        <div class="name">
            <span class="t">
                <a href=format!("/containers/{id}")>{name}</a>
                <Show when=move || reading.favourites.with(|all| all.contains(&id))>
                    <span class="mark fav" title="Favourite"><Icon name="star" class="i i-sm" /><span class="vh">"Favourite"</span></span>
                </Show>
                {note.map(|note| view! {
                    <span class="mark" title=note.clone()><Icon name="message-square" class="i i-sm" /><span class="vh">{format!("Note: {note}")}</span></span>
                })}
                <Show when=move || inline.get()>
                    {tags.iter().take(2).map(|tag| view! { <span class="tag own">{tag.clone()}</span> }).collect_view()}
                </Show>
            </span>
            {second}
        </div>
    }
    .into_any()
}

/// "Last seen 3 min ago: There is no socket at …"
fn away_text(away: &Away) -> AnyView {
    let what = words::first_sentence(&away.why).to_owned();
    view! {
        <span class="s away" title=away.why.clone()>
            {match away.seen {
                Some(at) => view! { "Last seen " <Ago at /> ": " }.into_any(),
                None => "Not seen yet: ".into_any(),
            }}
            {what}
        </span>
    }
    .into_any()
}

fn state_cell(line: Line) -> AnyView {
    let clock = Clock::get();
    let now = line.clone();
    let check = line.container.clone();
    // What its health check said last.
    let said = move || {
        check.with(|c| {
            c.health_output
                .as_deref()
                .map(str::trim)
                .filter(|said| !said.is_empty())
                .map(str::to_owned)
        })
    };
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
        <div class="sc" title=said>
            <Status state=Signal::derive(move || now.state()) />
            <span class="sm faint">{below}</span>
        </div>
    }
    .into_any()
}

/// The likeliest action, scheduling, and the menu with the rest.
fn actions(reading: Reading, line: Line, name: Signal<String>) -> AnyView {
    let first = {
        let line = line.clone();
        Signal::derive(move || {
            line.container
                .with(|c| words::verbs(c.state).first().copied().unwrap_or("restart"))
        })
    };
    let stale = {
        let container = line.container.clone();
        Memo::new(move |_| container.with(|c| c.stale))
    };
    let retrying = RwSignal::new(false);
    let busy = {
        let line = line.clone();
        Signal::derive(move || {
            if stale.get() {
                retrying.get()
            } else {
                line.is_busy()
            }
        })
    };
    let plan = {
        let container = line.container.clone();
        Signal::derive(move || container.with(|c| words::plan_href(std::slice::from_ref(c))))
    };
    let act = line.clone();
    let menu = line.clone();
    let needs = lacks(Permission::ContainersOperate);
    // Whoever may look at a host may ask for it again.
    let lacks = move || if stale.get() { None } else { needs.get() };
    let word = move || {
        if stale.get() {
            "Retry"
        } else {
            words::label(first.get())
        }
    };
    let label = Signal::derive(move || format!("{}, {}", word(), name.get()));
    let icon = move || {
        if stale.get() {
            "refresh-cw"
        } else {
            words::icon_of(first.get())
        }
    };
    // What does not answer is asked for again; what does is worked on.
    let go = move |_| {
        if stale.get_untracked() {
            let host = act.container.with_untracked(|c| c.host.clone());
            reading.retry(host.id, host.name, retrying);
        } else {
            act.act(first.get_untracked());
        }
    };
    view! {
        <div class="acts">
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                data-act="first"
                aria-label=move || label.get()
                data-tip=move || lacks().unwrap_or_else(word)
                disabled=move || busy.get() || lacks().is_some()
                on:click=go
            >
                <Icon name=Signal::derive(icon) />
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
                {menu_items(reading, menu.clone())}
            </RowMenu>
        </div>
    }
    .into_any()
}

/// The actions that make sense now. Those that would take Chrontainer itself away are refused by the server with the reason.
fn menu_items(reading: Reading, line: Line) -> AnyView {
    let (state, href) = line
        .container
        .with_untracked(|c| (c.state, words::plan_href(std::slice::from_ref(c))));
    let navigate = StoredValue::new_local(use_navigate());
    let open = format!("/containers/{}", line.id);
    let go = move |href: String| {
        Callback::new(move |()| navigate.with_value(|navigate| navigate(&href, Default::default())))
    };
    let lacks = lacks(Permission::ContainersOperate);
    let items = words::verbs(state)
        .iter()
        .map(|verb| {
            let line = line.clone();
            let run = Callback::new(move |()| line.act(verb));
            view! { <MenuItem icon=words::icon_of(verb) text=words::label(verb) lacks run /> }
        })
        .collect_view();
    let any = !matches!(state, ContainerState::Removing);
    let id = line.id;
    let liked = reading.favourites.with_untracked(|all| all.contains(&id));
    let favour = Callback::new(move |()| reading.favour(id, !liked));
    let marking = Marking::get();
    let edit = Callback::new(move |()| line.container.with_untracked(|c| marking.edit(c)));
    view! {
        {items}
        {any.then(|| view! { <hr /> })}
        <MenuItem icon="calendar-clock" text="Schedule" run=go(href) />
        <MenuItem icon="tag" text="Tags and note" run=edit />
        <MenuItem icon="star" text=if liked { "No longer a favourite" } else { "Make a favourite" } run=favour />
        <MenuItem icon="box" text="Open" run=go(open) />
    }
    .into_any()
}
