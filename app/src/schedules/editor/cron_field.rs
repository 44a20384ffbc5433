//! The cron expression: one field to type or paste, its five parts explained under it, and what is wrong where.

use super::{cron_words, fields::marked, trigger::One};
use crate::components::icon;
use domain::cron::{CronError, CronExpression};
use leptos::{html, prelude::*};

const EXAMPLES: [(&str, &str); 5] = [
    ("Every night, 03:00", "0 3 * * *"),
    ("Weekdays, 07:30", "30 7 * * 1-5"),
    ("Every 15 min", "*/15 * * * *"),
    ("First Sunday, 04:00", "0 4 * * 0#1"),
    ("Last day of month", "0 3 L * *"),
];

#[component]
pub fn CronField(one: One) -> impl IntoView {
    let key = one.key;
    let input = NodeRef::<html::Input>::new();
    let text = Memo::new(move |_| one.when.with(|when| when.cron.clone()));
    let parsed = Memo::new(move |_| text.with(|text| CronExpression::parse(text)));
    let cursor = RwSignal::new(None::<usize>);
    let look = move || {
        let at = input
            .get_untracked()
            .and_then(|input| input.selection_start().ok().flatten());
        // Positions are UTF-16 units; what is not ASCII is wrong in cron anyway.
        cursor.set(at.map(|at| at as usize));
    };
    let wrong = move |start: usize, end: usize| {
        parsed.with(|parsed| {
            parsed.as_ref().is_err_and(|error| {
                error.start < end.max(start + 1) && start < error.end.max(error.start + 1)
            })
        })
    };
    let cells = move || {
        let cells = text.with(|text| cron_words::cells(text));
        cells
            .into_iter()
            .map(|cell| {
                let (start, end) = (cell.start, cell.end);
                let here = move || cursor.get().is_some_and(|at| (start..=end).contains(&at)) && start < end;
                view! {
                    <button
                        type="button"
                        class="cell"
                        tabindex="-1"
                        class:on=here
                        data-s=move || wrong(start, end).then_some("bad")
                        on:click=move |_| select(input, start, end)
                    >
                        <b>{cell.words}</b>
                        <span>{cell.name}</span>
                    </button>
                }
            })
            .collect_view()
    };
    let said = move || {
        match parsed.get() {
        Ok(expression) if expression.never_fires() => {
            view! { <span class="field-err">{icon("circle-alert")}<span>"It never fires, since there is no such date."</span></span> }.into_any()
        }
        Ok(expression) => view! { <span class="english">{expression.describe()}</span> }.into_any(),
        Err(error) => problem(&text.get(), &error),
    }
    };
    let example = move |(name, expression): (&'static str, &'static str)| {
        view! {
            <button class="chip" type="button" on:click=move |_| one.change(|when| when.cron = expression.to_owned())>{name}</button>
        }
    };
    view! {
        <div class="cronbox">
            <div class="cron-field" data-s=move || parsed.with(Result::is_err).then_some("bad")>
                <input
                    class="cron-input"
                    id=format!("cron-{key}")
                    node_ref=input
                    aria-label="Cron expression"
                    aria-describedby=format!("cron-{key}-said")
                    aria-invalid=move || parsed.with(Result::is_err).then_some("true")
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="none"
                    value=text.get_untracked()
                    prop:value=move || text.get()
                    on:input=move |event| {
                        let value = event_target_value(&event);
                        one.change(|when| when.cron = value);
                        look();
                    }
                    on:keyup=move |_| look()
                    on:click=move |_| look()
                    on:focus=move |_| look()
                    on:blur=move |_| cursor.set(None)
                />
                <div class="cells" aria-hidden="true">{cells}</div>
            </div>
            <div class="cron-said" id=format!("cron-{key}-said") aria-live="polite">{said}</div>
            <div class="row row-wrap ex" role="group" aria-label="Examples">
                <span class="sm faint">"Start from"</span>
                {EXAMPLES.map(example)}
            </div>
            <p class="hint">
                "Minute, hour, day, month, weekday; a sixth field in front is seconds. Names such as "<code>"@daily"</code>" work too."
            </p>
        </div>
    }
}

fn problem(text: &str, error: &CronError) -> AnyView {
    let place = Some((error.start, error.end)).filter(|_| !text.trim().is_empty());
    view! {
        <span class="field-err">
            {icon("circle-alert")}
            <span>{marked(text, place)}{error.message.clone()}</span>
        </span>
    }
    .into_any()
}

/// Puts the cursor around one part of the text.
fn select(input: NodeRef<html::Input>, start: usize, end: usize) {
    if let Some(input) = input.get_untracked() {
        let _ = input.focus();
        let _ = input.set_selection_range(start as u32, end as u32);
    }
}
