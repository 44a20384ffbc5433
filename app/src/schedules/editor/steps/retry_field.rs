//! The fields for trying again, of a step and of the whole schedule.

use crate::schedules::editor::inputs::{Bound, Field, Flag, Pick, check};
use leptos::prelude::*;

/// Where the fields read and write.
#[derive(Clone, Copy)]
pub struct RetryBound {
    pub on: Flag,
    pub attempts: Bound,
    pub backoff: Pick,
    pub initial: Bound,
    pub max: Bound,
    pub jitter: Bound,
    pub after: Pick,
    /// Only for a schedule's: a step's is always of its targets.
    pub of: Option<Pick>,
}

/// `id` begins the ids of the fields.
pub fn retry_field(id: &str, label: &'static str, hint: &'static str, bound: RetryBound) -> AnyView {
    let id = StoredValue::new(id.to_owned());
    let field = move |name: &str, label| Field::new(id.with_value(|id| format!("{id}-{name}")), label);
    let grows = Memo::new(move |_| bound.backoff.index.get() == 1);
    view! {
        {check(label, hint, bound.on)}
        <Show when=move || bound.on.on.get()>
            <div class="grid-4 indent">
                {field("attempts", "Attempts in all").like("3").line(bound.attempts)}
                {field("backoff", "Pauses").select(&["Always the same", "Twice as long each time"], bound.backoff)}
                {field("initial", "First pause").like("10s").line(bound.initial)}
                <Show when=move || grows.get()>{field("max", "Longest pause").like("5m").line(bound.max)}</Show>
                {field("jitter", "Longer by up to").like("Nothing").line(bound.jitter)}
                {field("after", "After").select(&["Any failure", "Failures, not time limits", "Time limits only"], bound.after)}
                {bound.of.map(|of| field("of", "What is done again").select(&["Targets that failed", "The whole run"], of))}
            </div>
        </Show>
    }
    .into_any()
}
