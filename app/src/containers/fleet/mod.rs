//! The fleet: every container on every host, in one list.

mod bulk;
mod empty;
mod host_strip;
mod keys;
mod place;
mod reading;
mod row;
mod search;
mod table;

use crate::{
    components::{Failure, skeleton},
    error::AppError,
};
use host_strip::HostStrip;
use leptos::prelude::*;
use leptos_meta::Title;
use place::Place;
use reading::Reading;

/// How many there are, on how many hosts.
fn subtitle(reading: Reading) -> impl IntoView {
    let text = move || {
        Suspend::new(async move {
            let total = reading
                .part
                .await
                .map(|part| part.page.counts.total)
                .unwrap_or_default();
            let hosts = reading.hosts.await.map(|page| page.total).unwrap_or_default();
            let plural = |count: u64, word: &str| {
                if count == 1 {
                    format!("1 {word}")
                } else {
                    format!("{count} {word}s")
                }
            };
            format!("{} on {}", plural(total, "container"), plural(hosts, "host"))
        })
    };
    view! { <span class="sub"><Transition>{text}</Transition></span> }
}

/// The page.
#[component]
pub fn Fleet() -> impl IntoView {
    let place = Place::from_url();
    let reading = Reading::provide(place);
    let failed = Memo::new(move |_| reading.error());
    view! {
        <Title text="Fleet" />
        <div class="page-head">
            <h1>"Fleet"</h1>
            {subtitle(reading)}
            <div class="end">
                <a class="btn btn-primary" href="/schedules/new">
                    {crate::components::icon("plus")}
                    "New schedule"
                </a>
            </div>
        </div>
        <HostStrip reading />
        <search::SearchBar place reading />
        <Transition fallback=|| skeleton::lines(8)>
            {move || {
                // Read here, so that the list waits for it.
                let ready = reading.part.with(Option::is_some);
                match failed.get() {
                    Some(error) if ready => broken(error, reading),
                    _ => view! { <table::Table place reading /> }.into_any(),
                }
            }}
        </Transition>
        <bulk::BulkBar reading />
    }
}

/// The list cannot be read. A search that cannot be understood is said below its field.
fn broken(error: AppError, reading: Reading) -> AnyView {
    if error.0.code == "invalid_selector" || error.detail("field") == Some("query") {
        return ().into_any();
    }
    view! { <Failure error retry=move |()| reading.again() /> }.into_any()
}
