//! What most steps leave as it is: the name, in which order, when at all, and what its failure means.

use super::{
    one::One,
    retry::After,
    retry_field::{RetryBound, retry_field},
};
use crate::schedules::editor::{fields::is_open, inputs::Field};
use domain::{
    guards::Backoff,
    schedules::{OnFailure, Order, When},
};
use leptos::prelude::*;

const ORDERS: [Order; 3] = [Order::Parallel, Order::Serial, Order::Dependency];
const WHENS: [When; 3] = [When::Success, When::Failure, When::Always];
const ON_FAILURE: [OnFailure; 2] = [OnFailure::Stop, OnFailure::Continue];
const BACKOFFS: [Backoff; 2] = [Backoff::Fixed, Backoff::Exponential];
/// What of a step is in here.
const INSIDE: [&str; 7] = [
    "name",
    "order",
    "max_parallel",
    "when",
    "on_failure",
    "timeout",
    "retry",
];

#[component]
pub fn More(one: One) -> impl IntoView {
    let opened = RwSignal::new(false);
    // What is wrong in there is to be seen.
    let faults = INSIDE.map(|field| one.fault(field));
    Effect::new(move |_| {
        if faults.iter().any(|fault| fault.with(Option::is_some)) {
            opened.set(true);
        }
    });
    let summary = move || one.step.with(|step| step.unusual().join(", "));
    view! {
        <details class="more step-more" prop:open=move || opened.get() on:toggle=move |event| opened.set(is_open(&event))>
            <summary>
                "More"
                <span class="faint">{move || {
                    let summary = summary();
                    if summary.is_empty() { ": order, conditions, time limit, attempts".to_owned() } else { format!(": {summary}") }
                }}</span>
            </summary>
            <Show when=move || opened.get()>{fields(one)}</Show>
        </details>
    }
}

fn fields(one: One) -> AnyView {
    let has_target = Memo::new(move |_| one.step.with(|step| !step.whom().is_empty()));
    let serial = Memo::new(move |_| one.step.with(|step| step.order == Order::Serial));
    let order = one.choice("order", &ORDERS, |step| step.order, |step| &mut step.order);
    let when = one.choice("when", &WHENS, |step| step.when, |step| &mut step.when);
    let on_failure = one.choice(
        "on_failure",
        &ON_FAILURE,
        |step| step.on_failure,
        |step| &mut step.on_failure,
    );
    let retry = RetryBound {
        on: one.flag("retry", |step| step.retry.on, |step| &mut step.retry.on),
        attempts: one.text(
            "retry.attempts",
            |step| &step.retry.attempts,
            |step| &mut step.retry.attempts,
        ),
        backoff: one.choice(
            "retry.backoff",
            &BACKOFFS,
            |step| step.retry.backoff,
            |step| &mut step.retry.backoff,
        ),
        initial: one.text(
            "retry.initial",
            |step| &step.retry.initial,
            |step| &mut step.retry.initial,
        ),
        max: one.text("retry.max", |step| &step.retry.max, |step| &mut step.retry.max),
        jitter: one.text(
            "retry.jitter",
            |step| &step.retry.jitter,
            |step| &mut step.retry.jitter,
        ),
        after: one.choice(
            "retry.on",
            &After::ALL,
            |step| step.retry.after,
            |step| &mut step.retry.after,
        ),
        of: None,
    };
    view! {
        <div class="stack">
            <Show when=move || has_target.get()>
                <div class="grid-2">
                    {Field::new(one.id("order"), "Its targets")
                        .select(&["Several at once", "One by one", "What others need first"], order)}
                    <Show when=move || !serial.get()>
                        {Field::new(one.id("parallel"), "At once")
                            .like("8")
                            .line(one.text("max_parallel", |step| &step.max_parallel, |step| &mut step.max_parallel))}
                    </Show>
                </div>
            </Show>
            <div class="grid-2">
                {Field::new(one.id("when"), "It is done")
                    .hint("A failure is one of any step before it that does not go on.")
                    .select(&["If all went well before", "Only after a failure", "Always"], when)}
                {Field::new(one.id("on-failure"), "If it fails")
                    .hint("Steps for failures, and those that are always done, follow in any case.")
                    .select(&["The chain ends", "Go on as if it had not"], on_failure)}
            </div>
            <div class="grid-2">
                {Field::new(one.id("timeout"), "Time limit")
                    .like("None")
                    .hint("Of one attempt on one target, such as 30s. Then it is abandoned.")
                    .line(one.text("timeout", |step| &step.timeout, |step| &mut step.timeout))}
                {Field::new(one.id("name"), "Name of the step")
                    .like("What it does")
                    .line(one.text("name", |step| &step.name, |step| &mut step.name))}
            </div>
            {retry_field(&one.id("retry"), "Attempts of its own", "In place of the schedule's. Only what failed is tried again.", retry)}
        </div>
    }
    .into_any()
}
