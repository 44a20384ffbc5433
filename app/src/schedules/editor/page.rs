//! The page around the form: head, sections, the side with the consequence, the bar with Save.

use super::{
    calls::WebhookDialog,
    conflict::Conflict,
    dry::{Dry, DryRunDialog},
    fields::fault_line,
    figures::Figures,
    guards::GuardsCard,
    history::History,
    leave,
    preview::{NextRuns, Preview},
    recent::Recent,
    save,
    state::Editing,
    steps::Chain,
    targets::{Matches, TargetsCard},
    trigger::Triggers,
    zone::ZoneField,
};
use crate::{
    auth::lacks,
    components::{FailureNote, icon, time::At, toast::Toasts},
    live::Live,
    schedules::api,
};
use domain::{auth::Permission, events::Event, schedules::MAX_NAME};
use leptos::{ev, html, prelude::*, task::spawn_local};

#[component]
pub fn Page(editing: Editing) -> impl IntoView {
    let preview = Preview::new(editing);
    let matches = Matches::new(editing);
    let save = save::action(editing);
    let dry = Dry::new(editing);
    leave::keys(save);
    follow(editing);
    let origin = editing
        .schedule
        .with_untracked(|schedule| schedule.as_ref().and_then(|schedule| schedule.origin.clone()));
    let fixed = origin.is_some();
    view! {
        <form
            class="editor"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                save.run(());
            }
        >
            {origin.map(|origin| from_labels(&origin, editing.id()))}
            <fieldset class="bare" disabled=fixed><Head editing /></fieldset>
            {move || editing.refusal.get().map(|message| view! { <FailureNote message=message /> })}
            <Meanwhile editing />
            <Overdue editing />
            <div class="cols">
                <fieldset class="bare" disabled=fixed><div class="stack">
                    <section class="card sec" aria-labelledby="sec-when">
                        <div class="card-h">
                            <span class="num-i">{icon("clock")}</span>
                            <h2 id="sec-when">"When"</h2>
                            <ZoneField editing preview />
                        </div>
                        <div class="card-b stack"><Triggers editing preview /></div>
                    </section>
                    <section class="card sec" aria-labelledby="sec-do">
                        <div class="card-h">
                            <span class="num-i">{icon("list-tree")}</span>
                            <h2 id="sec-do">"Do"</h2>
                        </div>
                        <div class="card-b stack"><Chain editing matches /></div>
                    </section>
                    <GuardsCard editing />
                </div></fieldset>
                <aside class="rail" aria-label="What will happen">
                    <NextRuns editing preview matches />
                    <TargetsCard editing matches />
                    {editing.id().map(|id| view! { <Figures id /><Recent id /><History id /> })}
                </aside>
            </div>
            {(!fixed).then(|| view! { <SaveBar editing dry /> })}
        </form>
        <Conflict editing save />
        <DryRunDialog dry />
        <WebhookDialog editing />
        <leave::Leave editing />
    }
}

/// Where a schedule comes from that is changed by labels only.
fn from_labels(origin: &domain::labels::Origin, id: Option<domain::ids::ScheduleId>) -> AnyView {
    view! {
        <div class="note" role="note">
            {icon("tag")}
            <div>
                "This schedule comes from the labels "<code>{format!("{}.*", origin.label)}</code>" of "
                <a class="link" href=format!("/containers/{}", origin.container_id)>{origin.place.clone()}</a>
                ", and is changed there. "
                {id.map(|id| view! { <a class="link" href=format!("/schedules/new?from={id}")>"Clone it"</a>" to have one that is written here." })}
            </div>
        </div>
    }
    .into_any()
}

/// The name, as the page's heading and as a field at once.
#[component]
fn Head(editing: Editing) -> impl IntoView {
    let fault = editing.fault("name");
    let enabled = move || editing.form.with(|form| form.enabled);
    let new = editing.is_new();
    // A suggested name is there to be written over.
    let field = NodeRef::<html::Input>::new();
    let select = move || {
        let suggested = new
            && editing
                .form
                .with_untracked(|form| editing.saved.with_untracked(|saved| form.name == saved.name));
        if let Some(field) = field.get_untracked().filter(|_| suggested) {
            field.select();
        }
    };
    Effect::new(move |_| {
        let has_focus =
            |field: &web_sys::HtmlInputElement| document().active_element().is_some_and(|it| it == ***field);
        if field.get().as_ref().is_some_and(has_focus) {
            select();
        }
    });
    view! {
        <div class="page-head">
            <h1 class="vh keep">{move || if new { "New schedule".to_owned() } else { editing.saved.with(|form| form.name.clone()) }}</h1>
            <div class="field title-field">
                <label for="name">"Name"</label>
                <input
                    class="input"
                    id="name"
                    name="name"
                    maxlength=(MAX_NAME * 2).to_string()
                    autocomplete="off"
                    placeholder="Nightly restart"
                    autofocus=new
                    node_ref=field
                    on:focus=move |_| select()
                    aria-invalid=move || fault.get().map(|_| "true")
                    aria-describedby="name-fault"
                    value=editing.form.with_untracked(|form| form.name.clone())
                    prop:value=move || editing.form.with(|form| form.name.clone())
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        editing.change("name", |form| form.name = value);
                    }
                />
                {fault_line("name-fault", fault)}
            </div>
            <label class="row active-switch">
                <input
                    type="checkbox"
                    role="switch"
                    class="switch"
                    checked=editing.form.with_untracked(|form| form.enabled)
                    prop:checked=enabled
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        editing.change("enabled", |form| form.enabled = on);
                    }
                />
                <span class="sm muted">{move || if enabled() { "Active" } else { "Paused" }}</span>
            </label>
            {editing.id().map(|id| view! {
                <div class="end">
                    <a class="btn btn-ghost" href=format!("/activity?schedule={id}")>{icon("history")}"History"</a>
                </div>
            })}
        </div>
    }
}

#[component]
fn SaveBar(editing: Editing, dry: Dry) -> impl IntoView {
    let new = editing.is_new();
    let lacks = lacks(Permission::SchedulesManage);
    let discard = move |_: ev::MouseEvent| {
        editing.form.set(editing.saved.get_untracked());
        editing.faults.set(Vec::new());
        editing.refusal.set(None);
    };
    let state = move || match (editing.saving.get(), editing.dirty()) {
        (true, _) => "Saving",
        (false, true) if new => "Not saved yet",
        (false, true) => "Unsaved changes",
        (false, false) if new => "",
        (false, false) => "Saved",
    };
    view! {
        <div class="savebar">
            <span class="sm muted" role="status">{state}</span>
            <div class="end">
                {move || lacks.get().map(|lacks| view! { <span class="hint">{lacks}</span> })}
                {if new {
                    view! { <a class="btn btn-ghost hide-s" href="/schedules">"Cancel"</a> }.into_any()
                } else {
                    view! {
                        <button class="btn btn-ghost hide-s" type="button" disabled=move || !editing.dirty() on:click=discard>
                            "Discard"
                        </button>
                    }
                    .into_any()
                }}
                <button
                    class="btn"
                    type="button"
                    aria-keyshortcuts="Meta+Enter Control+Enter"
                    disabled=move || dry.asking.get()
                    on:click=move |_| dry.run()
                >
                    {icon("flask-conical")}
                    "Dry run"
                </button>
                <button
                    class="btn btn-primary"
                    type="submit"
                    aria-keyshortcuts="Meta+S Control+S"
                    aria-busy=move || editing.saving.get().to_string()
                    title=move || lacks.get()
                    disabled=move || editing.saving.get() || (!new && !editing.dirty()) || lacks.get().is_some()
                >
                    {if new { "Create schedule" } else { "Save schedule" }}
                    <kbd class="hide-s" aria-hidden="true">"⌘S"</kbd>
                </button>
            </div>
        </div>
    }
}

/// The success that was expected did not come.
#[component]
fn Overdue(editing: Editing) -> impl IntoView {
    let since = Memo::new(move |_| {
        editing.schedule.with(|schedule| {
            schedule
                .as_ref()
                .and_then(crate::schedules::words::no_success_since)
        })
    });
    view! {
        {move || since.get().map(|at| view! {
            <div class="note" data-s="bad" role="status">
                {icon("triangle-alert")}
                <div><b>"Overdue:"</b>" no success since "<At at />". The next one takes this away."</div>
            </div>
        })}
    }
}

/// Somebody else saved while this form was open and changed: said before Save is pressed.
#[component]
fn Meanwhile(editing: Editing) -> impl IntoView {
    let stale = move || {
        editing.theirs.with(|theirs| {
            theirs
                .as_ref()
                .map(|theirs| theirs.edited_by.clone().unwrap_or_else(|| "Somebody".to_owned()))
        })
    };
    let load = move |_| {
        if let Some(theirs) = editing.theirs.get_untracked() {
            editing.theirs.set(None);
            editing.load(theirs);
        }
    };
    view! {
        {move || stale().map(|who| view! {
            <div class="note" data-s="warn" role="status">
                {icon("triangle-alert")}
                <div>
                    <b>{who}" saved this schedule meanwhile."</b>
                    " Your changes are not lost: Save asks which to keep. "
                    <button class="link" type="button" on:click=load>"Load theirs"</button>
                </div>
            </div>
        })}
    }
}

/// Follows the schedule while it is open: an untouched form shows what others save.
fn follow(editing: Editing) {
    let Some(id) = editing.id() else { return };
    let toasts = Toasts::get();
    let navigate = leptos_router::hooks::use_navigate();
    Live::get().listen(move |event| match event {
        Event::ScheduleChanged { id: changed } if *changed == id => {
            spawn_local(async move {
                let Ok(schedule) = api::get(id).await else { return };
                let Some(known) = editing.schedule.try_get_untracked().flatten() else {
                    return;
                };
                if schedule.version == known.version {
                    editing.schedule.set(Some(schedule));
                } else if editing.saving.get_untracked() {
                    // Our own change; its answer is on the way.
                } else if untrack(|| editing.dirty()) {
                    editing.theirs.set(Some(schedule));
                } else {
                    editing.load(schedule);
                }
            });
        }
        Event::ScheduleDeleted { id: deleted } if *deleted == id => {
            editing.done.set(true);
            toasts.say(
                "trash-2",
                "This schedule has been deleted. Its history stays in Activity.",
            );
            navigate("/schedules", Default::default());
        }
        _ => {}
    });
}
