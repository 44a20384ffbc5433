//! The conditions: what must hold for a container to be touched.

use super::{
    rules::Rules,
    typed::{About, ConditionForm},
};
use crate::{
    components::icon,
    schedules::editor::inputs::{Bound, said},
};
use leptos::prelude::*;

const NAMES: [&str; 7] = [
    "it is running",
    "it is stopped",
    "it is healthy",
    "it is unhealthy",
    "it has been up for",
    "it has the label",
    "it fits",
];

#[component]
pub fn Conditions(rules: Rules) -> impl IntoView {
    let count = Memo::new(move |_| rules.editing.form.with(|form| form.guards.conditions.len()));
    let add = move |_| {
        rules.change("conditions", |form| {
            form.conditions.push(ConditionForm::default())
        })
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <ul class="pairs"><For each=move || 0..count.get() key=|index| *index children=move |index| row(rules, index) /></ul>
        </Show>
        <div><button class="btn btn-sm btn-ghost" type="button" on:click=add>{icon("plus")}"Add a condition"</button></div>
    }
}

fn row(rules: Rules, index: usize) -> AnyView {
    let condition = Memo::new(move |_| {
        rules
            .editing
            .form
            .with(|form| form.guards.conditions.get(index).cloned())
            .unwrap_or_default()
    });
    let about = Memo::new(move |_| condition.with(|condition| condition.about));
    let field = format!("conditions.{index}");
    let healed = field.clone();
    let change = StoredValue::new(move |change: &dyn Fn(&mut ConditionForm)| {
        rules.change(&healed, |form| {
            if let Some(condition) = form.conditions.get_mut(index) {
                change(condition);
            }
        });
    });
    let bound = Bound {
        value: Signal::derive(move || condition.with(|condition| condition.text.clone())),
        set: Callback::new(move |text: String| {
            change.with_value(|change| change(&|condition| condition.text.clone_from(&text)));
        }),
        fault: rules.fault(field),
    };
    let option = move |(at, name): (usize, &'static str)| {
        let is = move || About::ALL.get(at).is_some_and(|kind| *kind == about.get());
        view! { <option value=at.to_string() selected=untrack(is) prop:selected=is>{name}</option> }
    };
    let fault_id = format!("condition-{index}-fault");
    let described = fault_id.clone();
    let text = move || {
        let described = described.clone();
        about.get().like().map(|like| {
            view! {
                <input
                    class="input mono"
                    aria-label=format!("Condition {}, what exactly", index + 1)
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder=like
                    aria-invalid=move || bound.fault.get().map(|_| "true")
                    aria-describedby=described
                    prop:value=move || bound.value.get()
                    on:input=move |event| bound.set.run(event_target_value(&event))
                />
            }
        })
    };
    view! {
        <li class="pair condition">
            <select
                class="select"
                aria-label=format!("Condition {}", index + 1)
                on:change=move |event| {
                    let kind = event_target_value(&event).parse::<usize>().ok().and_then(|at| About::ALL.get(at).copied());
                    if let Some(kind) = kind {
                        change.with_value(|change| change(&|condition| condition.about = kind));
                    }
                }
            >
                {NAMES.into_iter().enumerate().map(option).collect_view()}
            </select>
            {text}
            <button
                class="icon-btn icon-btn-sm"
                type="button"
                aria-label=format!("Remove condition {}", index + 1)
                on:click=move |_| {
                    rules.change("conditions", |form| {
                        if index < form.conditions.len() {
                            form.conditions.remove(index);
                        }
                    });
                }
            >
                {icon("x")}
            </button>
            <div class="pair-said" id=fault_id>{said(bound)}</div>
        </li>
    }
    .into_any()
}
