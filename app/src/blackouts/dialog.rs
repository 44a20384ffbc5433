//! Adding and changing a blackout.

use super::{
    api,
    typed::{BlackoutForm, Kind, On},
};
use crate::{
    components::{
        FailureNote,
        dialog::{self, Dialog},
        toast::Toasts,
    },
    hosts,
    schedules::{
        self,
        inputs::{Bound, Field, Pick, Said},
        wall,
    },
};
use domain::{blackouts::BlackoutPolicy, ids::BlackoutId};
use leptos::{ev, html, prelude::*, task::spawn_local};

const FORM: &str = "blackout-form";
const ONS: [On; 4] = [On::Everything, On::Host, On::Tag, On::Schedule];
const KINDS: [Kind; 3] = [Kind::Weekly, Kind::Dated, Kind::Cron];
const POLICIES: [BlackoutPolicy; 2] = [BlackoutPolicy::Skip, BlackoutPolicy::Postpone];
const DAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];
/// How many schedules are offered.
const OFFERED: u32 = 200;

/// What is being made or changed.
#[derive(Clone, Copy)]
pub struct Editing {
    pub node: NodeRef<html::Dialog>,
    pub form: RwSignal<BlackoutForm>,
    /// The one that is changed; nothing for a new one.
    id: RwSignal<Option<BlackoutId>>,
    fault: RwSignal<Option<(String, String)>>,
    busy: RwSignal<bool>,
    hosts: RwSignal<Vec<(String, String)>>,
    schedules: RwSignal<Vec<(String, String)>>,
}

impl Editing {
    pub fn new() -> Self {
        Self {
            node: NodeRef::new(),
            form: RwSignal::new(BlackoutForm::fresh("UTC".to_owned())),
            id: RwSignal::new(None),
            fault: RwSignal::new(None),
            busy: RwSignal::new(false),
            hosts: RwSignal::new(Vec::new()),
            schedules: RwSignal::new(Vec::new()),
        }
    }

    /// Opens the dialog.
    pub fn begin(self, form: BlackoutForm, id: Option<BlackoutId>) {
        self.form.set(form);
        self.id.set(id);
        self.fault.set(None);
        dialog::open(self.node);
        spawn_local(async move {
            if let Ok(page) = hosts::api::list(None).await {
                let named = page
                    .items
                    .into_iter()
                    .map(|host| (host.id.to_string(), host.name));
                let _ = self.hosts.try_set(named.collect());
            }
            if let Ok(page) = schedules::api::list(String::new(), false, OFFERED, None).await {
                let named = page
                    .items
                    .into_iter()
                    .map(|schedule| (schedule.id.to_string(), schedule.name));
                let _ = self.schedules.try_set(named.collect());
            }
        });
    }

    fn change(self, field: &str, change: impl FnOnce(&mut BlackoutForm)) {
        self.form.update(change);
        let about =
            |fault: &Option<(String, String)>| fault.as_ref().is_some_and(|(of, _)| of.starts_with(field));
        if self.fault.with_untracked(about) {
            self.fault.set(None);
        }
    }

    fn said(self, field: &'static str) -> Signal<Option<Said>> {
        Signal::derive(move || {
            self.fault.with(|fault| {
                let (of, message) = fault.as_ref()?;
                of.starts_with(field).then(|| Said {
                    message: message.clone(),
                    text: None,
                    place: None,
                })
            })
        })
    }

    fn text(
        self,
        field: &'static str,
        get: fn(&BlackoutForm) -> &String,
        own: fn(&mut BlackoutForm) -> &mut String,
    ) -> Bound {
        Bound {
            value: Signal::derive(move || self.form.with(|form| get(form).clone())),
            set: Callback::new(move |text| self.change(field, |form| *own(form) = text)),
            fault: self.said(field),
        }
    }

    fn choice<T>(
        self,
        field: &'static str,
        all: &'static [T],
        get: fn(&BlackoutForm) -> T,
        own: fn(&mut BlackoutForm) -> &mut T,
    ) -> Pick
    where
        T: Copy + PartialEq + Sync + 'static,
    {
        Pick {
            index: Signal::derive(move || {
                let value = self.form.with(get);
                all.iter().position(|one| *one == value).unwrap_or_default()
            }),
            set: Callback::new(move |index| {
                if let Some(value) = all.get::<usize>(index) {
                    self.change(field, |form| *own(form) = *value);
                }
            }),
        }
    }
}

#[component]
pub fn BlackoutDialog(editing: Editing, saved: Callback<()>) -> impl IntoView {
    let toasts = Toasts::get();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if editing.busy.get_untracked() {
            return;
        }
        let draft = match editing.form.with_untracked(BlackoutForm::draft) {
            Ok(draft) => draft,
            Err(wrong) => return editing.fault.set(Some(wrong)),
        };
        editing.fault.set(None);
        editing.busy.set(true);
        let id = editing.id.get_untracked();
        spawn_local(async move {
            let answer = match id {
                Some(id) => api::update(id, draft).await,
                None => api::create(draft).await,
            };
            if editing.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(blackout) => {
                    dialog::close(editing.node);
                    toasts.say("moon-star", format!("Saved {}", blackout.name));
                    saved.run(());
                }
                Err(error) => {
                    let field = match error.0.code.as_str() {
                        "name_taken" => "name",
                        _ => error.detail("field").unwrap_or_default(),
                    };
                    editing
                        .fault
                        .set(Some((field.to_owned(), error.0.message.clone())));
                }
            }
        });
    };
    let known = ["name", "on", "timezone", "window"];
    let general = move || {
        editing.fault.with(|fault| {
            let (of, message) = fault.as_ref()?;
            let is_elsewhere = known.iter().any(|field| of.starts_with(field));
            (!is_elsewhere).then(|| message.clone())
        })
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(editing.node)>"Cancel"</button>
            <button
                class="btn btn-primary"
                type="submit"
                form=FORM
                aria-busy=move || editing.busy.get().to_string()
                disabled=move || editing.busy.get()
            >
                {move || if editing.id.get().is_some() { "Save" } else { "Add blackout" }}
            </button>
        }
    };
    let title = Signal::derive(move || match editing.id.get() {
        Some(_) => "Change blackout".to_owned(),
        None => "New blackout".to_owned(),
    });
    let field = |id: &str, label| Field::new(format!("blackout-{id}"), label);
    let on = editing.choice("on", &ONS, |form| form.on, |form| &mut form.on);
    let kind = editing.choice("window", &KINDS, |form| form.kind, |form| &mut form.kind);
    let policy = editing.choice("policy", &POLICIES, |form| form.policy, |form| &mut form.policy);
    view! {
        <Dialog node=editing.node id="blackout" title foot>
            <form id=FORM class="stack blackout-form" novalidate on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message /> })}
                {field("name", "Name").like("Evening quiet").line(editing.text("name", |form| &form.name, |form| &mut form.name))}
                {field("on", "On").seg(&["Everything", "Host", "Tag", "Schedule"], on)}
                <Whom editing />
                {field("kind", "When").seg(&["Days of the week", "One time", "Cron"], kind)}
                <Window editing />
                <Zone editing />
                {field("policy", "A run whose time falls into it")
                    .hint("What a person starts by hand runs all the same.")
                    .seg(&["Is skipped", "Waits for the end"], policy)}
            </form>
        </Dialog>
    }
}

/// The host, tag or schedule.
#[component]
fn Whom(editing: Editing) -> impl IntoView {
    let on = Memo::new(move |_| editing.form.with(|form| form.on));
    let known = move |label: &'static str, list: RwSignal<Vec<(String, String)>>, bound: Bound| {
        let chosen = move |id: &str| bound.value.with(|value| value == id);
        let option = move |(id, name): (String, String)| {
            let own = id.clone();
            view! { <option value=id prop:selected=move || chosen(&own)>{name}</option> }
        };
        view! {
            <div class="field">
                <label for="blackout-whom">{label}</label>
                <select
                    class="select"
                    id="blackout-whom"
                    aria-invalid=move || bound.fault.get().map(|_| "true")
                    aria-describedby="blackout-whom-fault"
                    on:change=move |event| bound.set.run(event_target_value(&event))
                >
                    <option value="" prop:selected=move || chosen("")>"Choose one"</option>
                    {move || list.get().into_iter().map(option).collect_view()}
                </select>
                <div id="blackout-whom-fault">{schedules::inputs::said(bound)}</div>
            </div>
        }
        .into_any()
    };
    view! {
        {move || match on.get() {
            On::Everything => ().into_any(),
            On::Host => known("Host", editing.hosts, editing.text("on", |form| &form.host, |form| &mut form.host)),
            On::Schedule => {
                known("Schedule", editing.schedules, editing.text("on", |form| &form.schedule, |form| &mut form.schedule))
            }
            On::Tag => Field::new("blackout-tag".to_owned(), "Tag")
                .like("media")
                .line(editing.text("on", |form| &form.tag, |form| &mut form.tag)),
        }}
    }
}

/// From when on, and how long.
#[component]
fn Window(editing: Editing) -> impl IntoView {
    let kind = Memo::new(move |_| editing.form.with(|form| form.kind));
    let duration = move || {
        Field::new("blackout-duration".to_owned(), "For")
            .like("8h")
            .hint("Such as 8h or 1h30m.")
            .line(editing.text(
                "window.duration",
                |form| &form.duration,
                |form| &mut form.duration,
            ))
    };
    let timed = move |id: &'static str, label: &'static str, type_: &'static str, bound: Bound| {
        let about = format!("{id}-fault");
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <input
                    class="input"
                    type=type_
                    id=id
                    aria-invalid=move || bound.fault.get().map(|_| "true")
                    aria-describedby=about.clone()
                    prop:value=move || bound.value.get()
                    on:input=move |event| bound.set.run(event_target_value(&event))
                />
                <div id=about>{schedules::inputs::said(bound)}</div>
            </div>
        }
        .into_any()
    };
    let day = move |(index, (short, long)): (usize, (&'static str, &'static str))| {
        let on = move || editing.form.with(|form| form.days[index]);
        view! {
            <button
                class="chip day"
                type="button"
                aria-label=long
                aria-pressed=move || on().to_string()
                on:click=move |_| editing.change("window.days", |form| form.days[index] = !form.days[index])
            >
                {short}
            </button>
        }
    };
    view! {
        {move || match kind.get() {
            Kind::Weekly => view! {
                <div class="field">
                    <div class="row row-wrap days" role="group" aria-label="Days of the week">
                        {DAYS.into_iter().enumerate().map(day).collect_view()}
                    </div>
                    <Show when=move || editing.form.with(|form| form.days.iter().all(|on| !on))>
                        <span class="hint">"No day chosen: every day."</span>
                    </Show>
                </div>
                <div class="grid-2">
                    {timed("blackout-start", "From", "time", editing.text("window.start", |form| &form.start, |form| &mut form.start))}
                    {duration()}
                </div>
            }
            .into_any(),
            Kind::Dated => view! {
                <div class="grid-2">
                    {timed("blackout-from", "From", "datetime-local", editing.text("window.from", |form| &form.from, |form| &mut form.from))}
                    {timed("blackout-to", "To", "datetime-local", editing.text("window.to", |form| &form.to, |form| &mut form.to))}
                </div>
            }
            .into_any(),
            Kind::Cron => view! {
                <div class="grid-2">
                    {Field::new("blackout-cron".to_owned(), "It begins at each")
                        .class("mono")
                        .like("0 20 * * 1-5")
                        .line(editing.text("window.expression", |form| &form.cron, |form| &mut form.cron))}
                    {duration()}
                </div>
            }
            .into_any(),
        }}
    }
}

#[component]
fn Zone(editing: Editing) -> impl IntoView {
    let zones = RwSignal::new(Vec::new());
    // Five hundred names are made when somebody is about to choose.
    let fill = move |_| {
        if zones.with_untracked(Vec::is_empty) {
            zones.set(wall::zones());
        }
    };
    view! {
        <div on:focusin=fill>
            {Field::new("blackout-zone".to_owned(), "Zone")
                .offer(zones.into())
                .line(editing.text("timezone", |form| &form.zone, |form| &mut form.zone))}
        </div>
    }
}
