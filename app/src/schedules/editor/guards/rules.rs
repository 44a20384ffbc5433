//! The fields of each guard.

use super::{conditions::Conditions, typed::GuardsForm, words::Guard};
use crate::schedules::editor::{
    inputs::{Bound, Field, Flag, Pick, Said},
    state::Editing,
    steps::{After, RetryBound, retry_field},
};
use domain::guards::{Backoff, CatchUpPolicy, OnNoTargets, Overlap, RetryOf};
use leptos::prelude::*;

const OVERLAPS: [Overlap; 4] = [Overlap::Skip, Overlap::Queue, Overlap::Replace, Overlap::Allow];
const POLICIES: [CatchUpPolicy; 3] = [CatchUpPolicy::None, CatchUpPolicy::Latest, CatchUpPolicy::All];
const ON_NO_TARGETS: [OnNoTargets; 2] = [OnNoTargets::Fail, OnNoTargets::Skip];
const BACKOFFS: [Backoff; 2] = [Backoff::Fixed, Backoff::Exponential];
const RETRY_OF: [RetryOf; 2] = [RetryOf::Targets, RetryOf::Run];

/// The guards of the form.
#[derive(Clone, Copy)]
pub struct Rules {
    pub editing: Editing,
}

impl Rules {
    pub fn change(self, field: &str, change: impl FnOnce(&mut GuardsForm)) {
        self.editing.form.update(|form| change(&mut form.guards));
        self.editing.heal(field);
    }

    pub fn fault(self, field: String) -> Signal<Option<Said>> {
        Signal::derive(move || {
            let fault = self.editing.fault_at(&field)?;
            Some(Said {
                message: fault.message,
                text: None,
                place: fault.place,
            })
        })
    }

    fn text(
        self,
        field: &'static str,
        get: fn(&GuardsForm) -> &String,
        own: fn(&mut GuardsForm) -> &mut String,
    ) -> Bound {
        Bound {
            value: Signal::derive(move || self.editing.form.with(|form| get(&form.guards).clone())),
            set: Callback::new(move |text| self.change(field, |form| *own(form) = text)),
            fault: self.fault(field.to_owned()),
        }
    }

    fn choice<T>(
        self,
        field: &'static str,
        all: &'static [T],
        get: fn(&GuardsForm) -> T,
        own: fn(&mut GuardsForm) -> &mut T,
    ) -> Pick
    where
        T: Copy + PartialEq + Sync + 'static,
    {
        Pick {
            index: Signal::derive(move || {
                let value = self.editing.form.with(|form| get(&form.guards));
                all.iter().position(|one| *one == value).unwrap_or_default()
            }),
            set: Callback::new(move |index| {
                if let Some(value) = all.get::<usize>(index) {
                    self.change(field, |form| *own(form) = *value);
                }
            }),
        }
    }

    pub fn fields(self, guard: Guard) -> AnyView {
        match guard {
            Guard::Overlap => self.overlap(),
            Guard::CatchUp => self.catch_up(),
            Guard::Retry => self.retry(),
            Guard::Timeout => short("guard-timeout", "At most", "10m").line(self.text(
                "timeout",
                |form| &form.timeout,
                |form| &mut form.timeout,
            )),
            Guard::Jitter => short("guard-jitter", "Up to", "30s").line(self.text(
                "jitter",
                |form| &form.jitter,
                |form| &mut form.jitter,
            )),
            Guard::Conditions => view! { <Conditions rules=self /> }.into_any(),
            Guard::Expect => short("guard-expect", "At least every", "26h").line(self.text(
                "expect.within",
                |form| &form.expect,
                |form| &mut form.expect,
            )),
            Guard::NoTargets => Field::new("guard-no-targets".to_owned(), "Then").seg(
                &["The step fails", "It is skipped"],
                self.choice(
                    "on_no_targets",
                    &ON_NO_TARGETS,
                    |form| form.on_no_targets,
                    |form| &mut form.on_no_targets,
                ),
            ),
            Guard::Priority => short("guard-priority", "Number", "0").line(self.text(
                "priority",
                |form| &form.priority,
                |form| &mut form.priority,
            )),
            Guard::Limits => view! {
                <div class="grid-2">
                    {short("guard-per-host", "On each host", "No limit")
                        .line(self.text("max_parallel.per_host", |form| &form.per_host, |form| &mut form.per_host))}
                    {short("guard-total", "In all", "No limit").line(self.text("max_parallel.total", |form| &form.total, |form| &mut form.total))}
                </div>
            }
            .into_any(),
        }
    }

    fn overlap(self) -> AnyView {
        let queued = Memo::new(move |_| {
            self.editing
                .form
                .with(|form| form.guards.overlap == Overlap::Queue)
        });
        let pick = self.choice(
            "overlap",
            &OVERLAPS,
            |form| form.overlap,
            |form| &mut form.overlap,
        );
        view! {
            {Field::new("guard-overlap".to_owned(), "Then").seg(&["Skip", "Queue", "Replace", "Side by side"], pick)}
            <Show when=move || queued.get()>
                {short("guard-depth", "Waiting at most", "10")
                    .line(self.text("queue_depth", |form| &form.queue_depth, |form| &mut form.queue_depth))}
            </Show>
        }
        .into_any()
    }

    fn catch_up(self) -> AnyView {
        let policy = Memo::new(move |_| self.editing.form.with(|form| form.guards.policy));
        let pick = self.choice(
            "catch_up.policy",
            &POLICIES,
            |form| form.policy,
            |form| &mut form.policy,
        );
        view! {
            {Field::new("guard-catch-up".to_owned(), "Then").seg(&["Nothing", "The latest runs", "All run"], pick)}
            <Show when=move || policy.get() != CatchUpPolicy::None>
                <div class="grid-2">
                    <Show when=move || policy.get() == CatchUpPolicy::All>
                        {short("guard-most", "At most", "10").line(self.text("catch_up.max", |form| &form.most, |form| &mut form.most))}
                    </Show>
                    {short("guard-window", "Not older than", "Any age")
                        .line(self.text("catch_up.window", |form| &form.window, |form| &mut form.window))}
                </div>
            </Show>
        }
        .into_any()
    }

    fn retry(self) -> AnyView {
        let bound = RetryBound {
            on: Flag {
                on: Signal::derive(move || self.editing.form.with(|form| form.guards.retry.on)),
                set: Callback::new(move |on| self.change("retry", |form| form.retry.on = on)),
            },
            attempts: self.text(
                "retry.attempts",
                |form| &form.retry.attempts,
                |form| &mut form.retry.attempts,
            ),
            backoff: self.choice(
                "retry.backoff",
                &BACKOFFS,
                |form| form.retry.backoff,
                |form| &mut form.retry.backoff,
            ),
            initial: self.text(
                "retry.initial",
                |form| &form.retry.initial,
                |form| &mut form.retry.initial,
            ),
            max: self.text("retry.max", |form| &form.retry.max, |form| &mut form.retry.max),
            jitter: self.text(
                "retry.jitter",
                |form| &form.retry.jitter,
                |form| &mut form.retry.jitter,
            ),
            after: self.choice(
                "retry.on",
                &After::ALL,
                |form| form.retry.after,
                |form| &mut form.retry.after,
            ),
            of: Some(self.choice(
                "retry.of",
                &RETRY_OF,
                |form| form.retry.of,
                |form| &mut form.retry.of,
            )),
        };
        retry_field("guard-retry", "Try again", "", bound)
    }
}

fn short(id: &str, label: &'static str, like: &'static str) -> Field {
    Field::new(id.to_owned(), label).like(like).class("short")
}
