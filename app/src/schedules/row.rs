//! One line of the list.

use super::{acts::Rows, files, words};
use crate::auth::{lacks, lacks_on};
use crate::components::{
    State, Status, icon,
    menu::{MenuItem, RowMenu},
    run_state,
    time::{Ago, At, duration},
    toast::Toasts,
};
use crate::shares::Shared;
use domain::auth::Permission;
use domain::{ids::ScheduleId, schedules::Schedule, shares::ShareKind};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

/// The row of a schedule; it follows the list's signal.
pub fn row(id: ScheduleId, rows: Rows) -> AnyView {
    let Some(first) = rows
        .items
        .with_untracked(|items| items.iter().find(|item| item.id == id).cloned())
    else {
        return ().into_any();
    };
    // What was shown last stays while the row is on its way out.
    let schedule = Memo::new(move |old: Option<&Schedule>| {
        rows.items
            .with(|items| items.iter().find(|item| item.id == id).cloned())
            .or_else(|| old.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let name = Memo::new(move |_| schedule.with(|s| s.name.clone()));
    let enabled = Memo::new(move |_| schedule.with(|s| s.enabled));
    let lacks = lacks_on(Permission::SchedulesOperate, id);
    let selected = Memo::new(move |_| rows.chosen.with(|chosen| chosen.contains(&id)));
    let archived = Memo::new(move |_| schedule.with(|s| s.archived));
    view! {
        <tr
            role="row"
            data-stale=move || (!enabled.get()).then_some("")
            aria-selected=move || selected.get().then_some("true")
        >
            <td role="cell" class="c-sel" data-m="sel">
                <input
                    type="checkbox"
                    class="check"
                    aria-label=move || format!("Select {}", name.get())
                    prop:checked=move || selected.get()
                    on:change=move |event| rows.choose(id, event_target_checked(&event))
                />
            </td>
            <td role="cell" class="c-sw" data-m="menu2">
                <input
                    type="checkbox"
                    role="switch"
                    class="switch"
                    aria-label=move || format!("{}, active", name.get())
                    disabled=move || archived.get() || lacks.get().is_some()
                    title=move || lacks.get()
                    checked=enabled.get_untracked()
                    prop:checked=move || enabled.get()
                    on:change=move |event| rows.enable(id, event_target_checked(&event))
                />
            </td>
            <td role="cell" data-m="title">{name_cell(id, schedule, rows)}</td>
            <td role="cell" data-m="hide">{move || schedule.with(does)}</td>
            <td role="cell" data-m="hide">{move || schedule.with(targets)}</td>
            <td role="cell" data-m="a">{move || schedule.with(last)}</td>
            <td role="cell" data-m="b">{move || schedule.with(next)}</td>
            <td role="cell" data-m="menu"><Actions id schedule rows /></td>
        </tr>
    }
    .into_any()
}

fn name_cell(id: ScheduleId, schedule: Memo<Schedule>, rows: Rows) -> AnyView {
    let fault = move || {
        rows.faults
            .with(|faults| faults.get(&id).cloned())
            .map(|message| {
                view! { <span class="row-fault" role="alert">{icon("circle-alert")}{message}</span> }
            })
    };
    view! {
        <div class="name">
            <span class="t"><a href=format!("/schedules/{id}")>{move || schedule.with(|s| s.name.clone())}</a></span>
            <span class="s eng" title=move || schedule.with(|s| format!("{}, {}", s.sentence, s.timezone))>
                {move || schedule.with(|s| s.sentence.clone())}
                " "
                <span class="z">{move || schedule.with(|s| s.timezone.clone())}</span>
            </span>
            {move || schedule.with(from_labels)}
            {move || schedule.with(overdue)}
            {fault}
        </div>
    }
    .into_any()
}

/// Labels make it, and not a person.
fn from_labels(schedule: &Schedule) -> Option<AnyView> {
    let origin = schedule.origin.clone()?;
    let title = format!(
        "It is changed by the labels {}.* of {}.",
        origin.label, origin.place
    );
    Some(
        view! {
            <span class="s">
                <a class="tag" href=format!("/containers/{}", origin.container_id) title=title>
                    {icon("tag")}
                    "Labels of "
                    {origin.place}
                </a>
            </span>
        }
        .into_any(),
    )
}

/// The success that was expected did not come.
fn overdue(schedule: &Schedule) -> Option<AnyView> {
    let since = words::no_success_since(schedule)?;
    Some(
        view! {
            <span class="s overdue">
                <Status state=State::new("warning", "Overdue") />
                ": no success since "
                <At at=since />
            </span>
        }
        .into_any(),
    )
}

fn does(schedule: &Schedule) -> AnyView {
    let steps = &schedule.steps;
    let all = words::steps_words(steps);
    let icons = steps
        .iter()
        .take(4)
        .enumerate()
        .map(|(index, step)| {
            view! {
                {(index > 0).then(|| view! { <span class="arr"></span> })}
                {icon(words::action_icon(step.action.verb()))}
            }
        })
        .collect_view();
    let text = match steps.as_slice() {
        [one] => one.title(),
        many => words::count(many.len() as u64, "step"),
    };
    let spelt = (steps.len() > 1).then(|| format!(": {all}"));
    view! {
        <div class="name">
            <span class="row icons">{icons}</span>
            <span class="s" title=all>{text}<span class="vh">{spelt}</span></span>
        </div>
    }
    .into_any()
}

fn targets(schedule: &Schedule) -> AnyView {
    let target = schedule
        .steps
        .first()
        .map(|step| step.target.clone())
        .unwrap_or_default();
    let terms = words::terms(&target);
    let more = terms.len().saturating_sub(2);
    let tags = terms
        .into_iter()
        .take(2)
        .map(|term| {
            let key = match (term.exclude, term.key.as_str()) {
                (true, key) => format!("not {key}"),
                (false, key) => key.to_owned(),
            };
            let value = if key.is_empty() && term.value == "*" {
                "every container".to_owned()
            } else {
                term.value
            };
            view! { <span class="tag"><span class="k">{key}</span><span class="clip">{value}</span></span> }
        })
        .collect_view();
    view! {
        <div class="row row-wrap tags" title=target>
            {tags}
            {(more > 0).then(|| view! { <span class="tag">{format!("+{more}")}</span> })}
        </div>
    }
    .into_any()
}

fn last(schedule: &Schedule) -> AnyView {
    let Some(run) = schedule.last_run.clone() else {
        return view! { <span class="faint">"Never ran"</span> }.into_any();
    };
    let took = run.duration_ms.map(|ms| format!("{}, ", duration(ms)));
    view! {
        <div class="name">
            <span class="t">
                <a class="plainlink" href=format!("/runs/{}", run.id)><Status state=run_state(run.status) /></a>
            </span>
            <span class="s">{took}<At at=run.at /></span>
        </div>
    }
    .into_any()
}

fn next(schedule: &Schedule) -> AnyView {
    let skipping = schedule
        .skipping
        .map(|at| view! { <span class="a skips">"skips "<At at /></span> });
    match schedule.next_at {
        _ if schedule.archived => view! { <span class="faint">"Archived"</span> }.into_any(),
        _ if !schedule.enabled => view! { <Status state=State::new("paused", "Paused") /> }.into_any(),
        _ if schedule.paused_until.is_some() => view! {
            <div class="when">
                <Status state=State::new("paused", "Paused") />
                <span class="a">"until "{schedule.paused_until.map(|at| view! { <At at /> })}</span>
            </div>
        }
        .into_any(),
        Some(at) => view! {
            <div class="when">
                <span class="r"><Ago at /></span>
                <span class="a"><At at /></span>
                {skipping}
            </div>
        }
        .into_any(),
        None if schedule.triggers.is_empty() => {
            view! { <span class="faint">"By hand only"</span> }.into_any()
        }
        None if schedule.triggers.iter().any(|trigger| !trigger.is_timed()) => {
            view! { <span class="faint">"When it is called"</span> }.into_any()
        }
        None => view! { <span class="faint">"No more runs"</span>{skipping} }.into_any(),
    }
}

#[component]
fn Actions(id: ScheduleId, schedule: Memo<Schedule>, rows: Rows) -> impl IntoView {
    let navigate = use_navigate();
    let open_run = {
        let navigate = navigate.clone();
        Callback::new(move |run| navigate(&format!("/runs/{run}"), Default::default()))
    };
    let edit = {
        let navigate = navigate.clone();
        Callback::new(move |()| navigate(&format!("/schedules/{id}"), Default::default()))
    };
    let clone = Callback::new(move |()| navigate(&format!("/schedules/new?from={id}"), Default::default()));
    let toasts = Toasts::get();
    let copy_file = move |json: bool| {
        Callback::new(move |()| {
            spawn_local(async move {
                match files::export(id.to_string(), json).await {
                    Ok(text) if files::copy(&text).await => {
                        toasts.say("copy", if json { "Copied as JSON" } else { "Copied as YAML" });
                    }
                    Ok(_) => toasts.bad("The browser does not let a page without TLS copy."),
                    Err(error) => toasts.bad(error.0.message),
                }
            });
        })
    };
    let name = Memo::new(move |_| schedule.with(|s| s.name.clone()));
    let lacks_manage = lacks(Permission::SchedulesManage);
    let lacks = lacks_on(Permission::SchedulesOperate, id);
    let skip = move || {
        let (skipping, coming) = schedule.with(|s| (s.skipping.is_some(), s.enabled && s.next_at.is_some()));
        if skipping {
            view! { <MenuItem icon="undo-2" text="Undo skip" lacks run=Callback::new(move |()| rows.unskip(id)) /> }
                .into_any()
        } else if coming {
            view! { <MenuItem icon="skip-forward" text="Skip next run" lacks run=Callback::new(move |()| rows.skip(id)) /> }.into_any()
        } else {
            ().into_any()
        }
    };
    let pause = move || {
        let (archived, on, paused) = schedule.with(|s| (s.archived, s.enabled, s.paused_until.is_some()));
        let ask = Callback::new(move |()| rows.pausing.ask(vec![id]));
        let end = Callback::new(move |()| rows.unpause(vec![id]));
        match (archived || !on, paused) {
            (true, _) => ().into_any(),
            (false, true) => view! { <MenuItem icon="play" text="End the pause" lacks run=end /> }.into_any(),
            (false, false) => view! { <MenuItem icon="clock" text="Pause until" lacks run=ask /> }.into_any(),
        }
    };
    // Labels write it, so nobody edits it here; what is left of it in the archive can go.
    let is_fixed = Memo::new(move |_| schedule.with(|s| s.origin.is_some()));
    let stays = Memo::new(move |_| is_fixed.get() && !schedule.with(|s| s.archived));
    let open_it = move || match is_fixed.get() {
        true => view! { <MenuItem icon="eye" text="View" run=edit /> },
        false => view! { <MenuItem icon="pencil" text="Edit" run=edit /> },
    };
    let share = Callback::new(move |()| {
        rows.sharing.set(Some(Shared {
            kind: ShareKind::Schedule,
            id: id.0,
            name: name.get_untracked(),
        }));
    });
    let delete = Callback::new(move |()| rows.deleting.set(Some((id, name.get_untracked()))));
    view! {
        <div class="acts">
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                aria-label=move || format!("Run now, {}", name.get())
                data-tip=move || lacks.get().unwrap_or("Run now")
                disabled=move || lacks.get().is_some()
                on:click=move |_| rows.run_now(id, open_run)
            >
                {icon("play")}
            </button>
            <RowMenu id=format!("menu-{id}") label=name>
                <MenuItem icon="play" text="Run now" lacks run=Callback::new(move |()| rows.run_now(id, open_run)) />
                {skip}
                {pause}
                {open_it}
                <MenuItem icon="layers" text="Clone" run=clone />
                <MenuItem icon="copy" text="Copy as YAML" run=copy_file(false) />
                <MenuItem icon="copy" text="Copy as JSON" run=copy_file(true) />
                <a
                    role="menuitem"
                    tabindex="-1"
                    href=format!("/api/v1/schedules/export?ids={id}")
                    download="schedule.yaml"
                    rel="external"
                >
                    {icon("download")}
                    "Export as YAML"
                </a>
                <MenuItem icon="boxes" text="Share with a team" run=share />
                <a role="menuitem" tabindex="-1" href=format!("/activity?schedule={id}")>{icon("history")}"History"</a>
                <Show when=move || !stays.get()>
                    <hr />
                    <MenuItem icon="trash-2" text="Delete" danger=true lacks=lacks_manage run=delete />
                </Show>
            </RowMenu>
        </div>
    }
}
