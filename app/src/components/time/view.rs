//! `<time>` elements.

use super::{Clock, exact, relative, short};
use chrono::{DateTime, SecondsFormat, Utc};
use leptos::prelude::*;

fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The text a time shows, and its exact form for the title.
fn time(at: DateTime<Utc>, text: impl Fn(Clock, i64) -> String + Send + Sync + 'static) -> AnyView {
    let clock = Clock::get();
    let millis = at.timestamp_millis();
    view! {
        <time
            datetime=machine(at)
            title=move || format!("{} {}", exact(millis, |at| clock.wall(at)), clock.zone())
        >
            {move || text(clock, millis)}
        </time>
    }
    .into_any()
}

/// "in 12 h 28 min", "3 min ago".
#[component]
pub fn Ago(at: DateTime<Utc>) -> impl IntoView {
    time(at, |clock, at| relative(at, clock.now(), |at| clock.wall(at)))
}

/// "03:00", "Fri 03:00", "23 Jan 03:00".
#[component]
pub fn At(at: DateTime<Utc>, #[prop(optional)] seconds: bool) -> impl IntoView {
    time(at, move |clock, at| {
        if seconds {
            clock.wall(at).time_seconds()
        } else {
            short(at, clock.now(), |at| clock.wall(at))
        }
    })
}

/// Two lines: how far away, and when.
#[component]
pub fn When(at: DateTime<Utc>) -> impl IntoView {
    view! {
        <span class="r"><Ago at /></span>
        <span class="a"><At at /></span>
    }
}
