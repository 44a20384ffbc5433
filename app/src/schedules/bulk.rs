//! What is done to several schedules at once: the bar over the list, and the question until when.

use super::{acts::Rows, api, editor::wall, words};
use crate::auth::lacks;
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    icon,
    time::Clock,
};
use chrono::{DateTime, Utc};
use domain::{auth::Permission, ids::ScheduleId};
use leptos::{html, prelude::*, task::spawn_local};

/// Which schedules are asked about, and the dialog that asks.
#[derive(Clone, Copy)]
pub struct PauseAsked {
    pub ids: RwSignal<Vec<ScheduleId>>,
    pub node: NodeRef<html::Dialog>,
}

impl PauseAsked {
    pub fn new() -> Self {
        Self {
            ids: RwSignal::new(Vec::new()),
            node: NodeRef::new(),
        }
    }

    pub fn ask(self, ids: Vec<ScheduleId>) {
        self.ids.set(ids);
        dialog::open(self.node);
    }
}

/// The bar over the page while schedules are selected.
#[component]
pub fn BulkBar(rows: Rows) -> impl IntoView {
    let count = Memo::new(move |_| rows.chosen.with(|chosen| chosen.len()));
    let lacks = lacks(Permission::SchedulesManage);
    let chosen = move || {
        let mut ids: Vec<ScheduleId> = rows
            .chosen
            .with_untracked(|chosen| chosen.iter().copied().collect());
        ids.sort_unstable();
        ids
    };
    let button = move |sign: &'static str, text: &'static str, run: Callback<()>| {
        view! {
            <button
                class="btn btn-ghost"
                type="button"
                disabled=move || lacks.get().is_some()
                title=move || lacks.get()
                on:click=move |_| run.run(())
            >
                {icon(sign)}
                <span>{text}</span>
            </button>
        }
    };
    let pause = Callback::new(move |()| rows.switch_many(chosen(), false));
    let resume = Callback::new(move |()| rows.switch_many(chosen(), true));
    let until = Callback::new(move |()| rows.pausing.ask(chosen()));
    view! {
        <Show when=move || { count.get() > 0 }>
            <div class="bulk" role="toolbar" aria-label="Actions for selected schedules">
                <span class="cnt" role="status">{move || format!("{} selected", count.get())}</span>
                <span class="sep"></span>
                {button("circle-pause", "Pause", pause)}
                {button("clock", "Pause until", until)}
                {button("play", "Resume", resume)}
                <span class="sep"></span>
                <button class="icon-btn" type="button" aria-label="Clear selection" on:click=move |_| rows.chosen.set(Default::default())>
                    {icon("x")}
                </button>
            </div>
        </Show>
    }
}

/// Until when schedules pause.
#[component]
pub fn PauseDialog(rows: Rows) -> impl IntoView {
    let clock = Clock::get();
    let asked = rows.pausing;
    let at = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let node = asked.node;
    // Another question begins without what was wrong with the one before.
    Effect::new(move |_| {
        asked.ids.track();
        fault.set(None);
    });
    let send = move || {
        let zone = untrack(move || clock.zone());
        let until: Option<DateTime<Utc>> =
            wall::instant_in(&zone, &at.get_untracked()).and_then(DateTime::from_timestamp_millis);
        let Some(until) = until else {
            fault.set(Some("Choose a date and a time.".to_owned()));
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let answer = api::pause(asked.ids.get_untracked(), Some(until)).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(schedules) => {
                    dialog::close(node);
                    rows.paused(schedules);
                }
                Err(error) => fault.set(Some(error.0.message)),
            }
        });
    };
    let title = Signal::derive(move || {
        asked.ids.with(|ids| match ids.as_slice() {
            [id] => rows
                .name(*id)
                .map_or_else(|| "Pause until".to_owned(), |name| format!("Pause {name} until")),
            many => format!("Pause {} until", words::count(many.len() as u64, "schedule")),
        })
    });
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form="pause-form" disabled=move || busy.get()>"Pause"</button>
        }
    };
    view! {
        <Dialog node id="pause-schedules" title foot>
            <form
                id="pause-form"
                class="stack"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <p class="muted">"Nothing runs before, and nothing that passes meanwhile is missed. Then they go on by themselves."</p>
                <div class="field">
                    <label for="pause-at">"Date and time"</label>
                    <input
                        class="input at-input"
                        type="datetime-local"
                        id="pause-at"
                        required
                        prop:value=move || at.get()
                        on:input=move |event| at.set(event_target_value(&event))
                    />
                    <span class="hint">"As a clock in "{move || clock.city()}" shows it."</span>
                </div>
                {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
            </form>
        </Dialog>
    }
}
