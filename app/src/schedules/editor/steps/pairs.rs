//! Names with values: variables of a command, headers of a request.

use super::{one::One, reading::Pair, typed::StepForm};
use crate::{
    components::icon,
    schedules::editor::inputs::{Bound, said},
};
use leptos::prelude::*;

/// What the pairs are called.
#[derive(Clone, Copy)]
pub struct Called {
    all: &'static str,
    one: &'static str,
    add: &'static str,
    like: (&'static str, &'static str),
}

pub const VARIABLES: Called = Called {
    all: "Variables",
    one: "Variable",
    add: "Add a variable",
    like: ("NAME", "value"),
};

pub const HEADERS: Called = Called {
    all: "Headers",
    one: "Header",
    add: "Add a header",
    like: ("Content-Type", "application/json"),
};

type Look = fn(&StepForm) -> &Vec<Pair>;
type Own = fn(&mut StepForm) -> &mut Vec<Pair>;

/// A row for each pair, and a button for one more.
pub fn pairs(one: One, field: &'static str, called: Called, get: Look, own: Own) -> AnyView {
    let count = Memo::new(move |_| one.step.with(|step| get(step).len()));
    let fault = one.fault(field);
    let add = move |_| {
        one.change(field, |step| own(step).push(Pair::default()));
        super::focus_soon(one.id(&format!(
            "{}-{}",
            called.one,
            count.get_untracked().saturating_sub(1)
        )));
    };
    let part = move |index: usize, part: fn(&Pair) -> &String| {
        move || {
            one.step
                .with(|step| get(step).get(index).map(|pair| part(pair).clone()))
                .unwrap_or_default()
        }
    };
    let change = move |index: usize, change: &dyn Fn(&mut Pair)| {
        one.change(field, |step| {
            if let Some(pair) = own(step).get_mut(index) {
                change(pair);
            }
        });
    };
    let row = move |index: usize| {
        let (name, value) = (part(index, |pair| &pair.name), part(index, |pair| &pair.value));
        let bad = move || fault.get().map(|_| "true");
        view! {
            <li class="pair">
                <input
                    class="input mono"
                    id=one.id(&format!("{}-{index}", called.one))
                    aria-label=format!("{} {}, name", called.one, index + 1)
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder=called.like.0
                    aria-invalid=bad
                    prop:value=name
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        change(index, &|pair| pair.name.clone_from(&text));
                    }
                />
                <textarea
                    class="input mono grows"
                    rows="1"
                    aria-label=format!("{} {}, value", called.one, index + 1)
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder=called.like.1
                    aria-invalid=bad
                    prop:value=value
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        change(index, &|pair| pair.value.clone_from(&text));
                    }
                ></textarea>
                <button
                    class="icon-btn icon-btn-sm"
                    type="button"
                    aria-label=format!("Remove {} {}", called.one.to_lowercase(), index + 1)
                    on:click=move |_| {
                        one.change(field, |step| {
                            let pairs = own(step);
                            if index < pairs.len() {
                                pairs.remove(index);
                            }
                        });
                    }
                >
                    {icon("x")}
                </button>
            </li>
        }
    };
    let bound = Bound {
        value: Signal::stored(String::new()),
        set: Callback::new(|_| {}),
        fault,
    };
    view! {
        <div class="field" role="group" aria-label=called.all>
            <Show when=move || { count.get() > 0 }>
                <span class="lbl" aria-hidden="true">{called.all}</span>
                <ul class="pairs"><For each=move || 0..count.get() key=|index| *index children=row /></ul>
            </Show>
            {said(bound)}
            <div><button class="btn btn-sm btn-ghost" type="button" on:click=add>{icon("plus")}{called.add}</button></div>
        </div>
    }
    .into_any()
}
