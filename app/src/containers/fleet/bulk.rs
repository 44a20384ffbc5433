//! The bar over the page while containers are selected.

use super::reading::Reading;
use crate::{
    components::{Icon, icon},
    containers::{lines::Line, words},
};
use leptos::prelude::*;

/// From how many on a button says how many it is for.
const MANY: usize = 10;

#[component]
pub fn BulkBar(reading: Reading) -> impl IntoView {
    let count = Memo::new(move |_| reading.selected.with(|ids| ids.len()));
    let clear = move |_| reading.selected.update(std::collections::BTreeSet::clear);
    let plan = move || {
        let chosen: Vec<_> = reading.chosen().iter().map(|line| line.container.get()).collect();
        words::plan_href(&chosen)
    };
    let button = move |verb: &'static str| {
        let text = move || {
            let count = count.get();
            if count > MANY {
                format!("{} {count}", words::label(verb))
            } else {
                words::label(verb).to_owned()
            }
        };
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| all(reading, verb)>
                <Icon name=words::icon_of(verb) />
                <span>{text}</span>
            </button>
        }
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <div class="bulk" role="toolbar" aria-label="Actions for selected containers">
                <span class="cnt" role="status">{move || count.get()}" selected"</span>
                <span class="sep"></span>
                {button("start")}
                {button("stop")}
                {button("restart")}
                <a class="btn btn-primary" href=plan>
                    {icon("calendar-clock")}
                    <span>"Schedule"</span>
                    <kbd aria-hidden="true">"S"</kbd>
                </a>
                <span class="sep"></span>
                <button class="icon-btn" type="button" aria-label="Clear selection" on:click=clear>
                    {icon("x")}
                </button>
            </div>
        </Show>
    }
}

/// Does it to those that are selected and where it makes sense; each is a run of its own.
pub fn all(reading: Reading, verb: &'static str) {
    for line in reading.chosen() {
        if makes_sense(&line, verb) {
            line.act(verb);
        }
    }
}

fn makes_sense(line: &Line, verb: &str) -> bool {
    line.container
        .with_untracked(|c| !c.stale && words::verbs(c.state).contains(&verb))
}
