//! One step as a card: a line that says what it does, and behind it everything that can be changed.

use super::{drag::Moving, more::More, one::One, picker::Action, target::TargetField};
use crate::{
    components::{
        Icon, icon,
        menu::{MenuItem, RowMenu},
    },
    schedules::{editor::targets::Matches, words::action_icon},
};
use domain::schedules::{MAX_STEPS, OnFailure, When};
use leptos::{ev, prelude::*};
use std::collections::BTreeSet;

/// What the cards of a chain share.
#[derive(Clone, Copy)]
pub struct Cards {
    pub matches: Matches,
    pub moving: Moving,
    /// The keys of those that are open.
    pub open: RwSignal<BTreeSet<u32>>,
    /// There is one step alone: it is the whole card.
    pub single: Memo<bool>,
    pub duplicate: Callback<u32>,
    pub remove: Callback<u32>,
}

#[component]
pub fn Card(one: One, cards: Cards) -> impl IntoView {
    let key = one.key;
    let Cards {
        matches,
        moving,
        open,
        single,
        ..
    } = cards;
    let index = Memo::new(move |old: Option<&usize>| one.index().or(old.copied()).unwrap_or_default());
    let opened = Memo::new(move |_| single.get() || open.with(|open| open.contains(&key)));
    let wrong = Memo::new(move |_| one.editing.fault_at(&format!("steps.{}", index.get())).is_some());
    Effect::new(move |_| {
        if wrong.get() {
            open.update(|open| {
                open.insert(key);
            });
        }
    });
    let title = Memo::new(move |_| one.step.with(super::typed::StepForm::title));
    let label = move || format!("Step {}, {}", index.get() + 1, title.get());
    let last = move || index.get() + 1 == one.editing.form.with(|form| form.steps.len());
    let drop = move || {
        moving.dragged.get()?;
        match moving.onto.get()? {
            onto if onto == index.get() => Some("before"),
            onto if onto == index.get() + 1 && last() => Some("after"),
            _ => None,
        }
    };
    let body = one.id("body");
    view! {
        <li
            class="step-card"
            data-open=move || opened.get().then_some("")
            data-when=move || match one.step.with(|step| step.when) {
                When::Success => None,
                When::Failure => Some("failure"),
                When::Always => Some("always"),
            }
            data-drag=move || (moving.dragged.get() == Some(key)).then_some("")
            data-drop=drop
        >
            <Show when=move || !single.get()>{head(one, cards, index, opened, title)}</Show>
            <Show when=move || opened.get()>
                <div class="step-body stack" id=body.clone() role="group" aria-label=label on:focusin=move |_| one.editing.look_at(key)>
                    <Action one />
                    <TargetField one matches />
                    <More one />
                </div>
            </Show>
        </li>
    }
}

fn head(one: One, cards: Cards, index: Memo<usize>, opened: Memo<bool>, title: Memo<String>) -> AnyView {
    let key = one.key;
    let Cards { moving, open, .. } = cards;
    let toggle = move || {
        open.update(|open| {
            if !open.remove(&key) {
                open.insert(key);
            }
        });
        if opened.get_untracked() {
            one.editing.look_at(key);
        }
    };
    let keys = move |event: ev::KeyboardEvent| {
        let down = match event.key().as_str() {
            "ArrowDown" => true,
            "ArrowUp" => false,
            _ => return,
        };
        event.prevent_default();
        moving.step(one, down);
    };
    let grab = move |event: ev::PointerEvent| {
        if event.button() == 0 {
            moving.begin(one);
        }
    };
    let is_first = move || index.get() == 0;
    let is_last = move || index.get() + 1 == one.editing.form.with(|form| form.steps.len());
    let full = move || one.editing.form.with(|form| form.steps.len() >= MAX_STEPS);
    let name = Signal::derive(move || format!("step {}, {}", index.get() + 1, title.get()));
    let tags = move || {
        let (when, on_failure) = one.step.with(|step| (step.when, step.on_failure));
        let when = match when {
            When::Success => ().into_any(),
            When::Failure => {
                view! { <span class="tag" data-s="warn">{icon("git-branch")}"After a failure"</span> }
                    .into_any()
            }
            When::Always => view! { <span class="tag">"Always"</span> }.into_any(),
        };
        view! {
            {when}
            {(on_failure == OnFailure::Continue).then(|| view! { <span class="tag">"Failure ignored"</span> })}
        }
    };
    view! {
        <div class="step-head">
            <button
                class="grip"
                type="button"
                id=one.id("grip")
                aria-label=move || format!("Move {}, with the arrow keys", name.get())
                on:pointerdown=grab
                on:keydown=keys
            >
                {icon("grip-vertical")}
            </button>
            <span class="ico">
                <Icon name=Signal::derive(move || action_icon(one.step.with(|step| step.action.verb))) />
            </span>
            <button
                class="step-title"
                type="button"
                id=one.id("title")
                aria-expanded=move || opened.get().to_string()
                aria-controls=one.id("body")
                on:click=move |_| toggle()
            >
                <span class="strong"><span class="faint num">{move || index.get() + 1}</span>" "{move || title.get()}</span>
                <span class="d">{move || one.step.with(super::typed::StepForm::about)}</span>
            </button>
            <span class="row step-tags">{tags}</span>
            <span class="row step-acts">
                <button
                    class="icon-btn icon-btn-sm hide-s"
                    type="button"
                    aria-label=move || format!("Move {} up", name.get())
                    data-tip="Up"
                    disabled=is_first
                    on:click=move |_| moving.step(one, false)
                >
                    {icon("arrow-up")}
                </button>
                <button
                    class="icon-btn icon-btn-sm hide-s turned"
                    type="button"
                    aria-label=move || format!("Move {} down", name.get())
                    disabled=is_last
                    on:click=move |_| moving.step(one, true)
                >
                    {icon("arrow-up")}
                </button>
                <RowMenu id=one.id("menu") label=name>
                    <MenuItem icon="pencil" text=if opened.get_untracked() { "Close" } else { "Edit" } run=Callback::new(move |()| toggle()) />
                    <MenuItem icon="arrow-up" text="Move up" run=Callback::new(move |()| moving.step(one, false)) />
                    <MenuItem icon="chevron-down" text="Move down" run=Callback::new(move |()| moving.step(one, true)) />
                    <MenuItem
                        icon="copy"
                        text="Duplicate"
                        lacks=Signal::derive(move || full().then_some("50 are the most"))
                        run=Callback::new(move |()| cards.duplicate.run(key))
                    />
                    <MenuItem icon="trash-2" text="Remove" danger=true run=Callback::new(move |()| cards.remove.run(key)) />
                </RowMenu>
            </span>
        </div>
    }
    .into_any()
}
