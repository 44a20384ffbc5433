//! The fleet: every container on every host, in one list.

mod bulk;
mod chosen;
mod drawing;
mod empty;
mod host_strip;
mod keys;
mod load;
mod place;
mod reading;
mod row;
mod search;
mod suggest;
mod table;
mod tools;
mod views;

use crate::{
    components::{Empty, Failure, skeleton},
    containers::marks::{Marking, MarksDialog},
};
use host_strip::HostStrip;
use leptos::prelude::*;
use leptos_meta::Title;
use place::Place;
use reading::{Reading, WRONG};

/// How many there are, on how many hosts.
fn subtitle(reading: Reading) -> impl IntoView {
    let text = move || {
        Suspend::new(async move {
            let total = reading.part.await.ok()?.page.counts.total;
            let hosts = reading.hosts.await.map(|page| page.total).unwrap_or_default();
            let plural = |count: u64, word: &str| {
                if count == 1 {
                    format!("1 {word}")
                } else {
                    format!("{count} {word}s")
                }
            };
            Some(format!(
                "{} on {}",
                plural(total, "container"),
                plural(hosts, "host")
            ))
        })
    };
    view! { <span class="sub"><Transition>{text}</Transition></span> }
}

/// The page.
#[component]
pub fn Fleet() -> impl IntoView {
    let place = Place::from_url();
    let reading = Reading::provide(place);
    let bulk = bulk::Bulk::provide(place, reading);
    let marking = Marking::provide();
    view! {
        <Title text="Fleet" />
        <div class="page-head">
            <h1>"Fleet"</h1>
            {subtitle(reading)}
            <div class="end">
                <views::Views place />
                <a class="btn btn-primary" href="/schedules/new">
                    {crate::components::icon("plus")}
                    "New schedule"
                </a>
            </div>
        </div>
        <HostStrip reading />
        <search::SearchBar place reading />
        <Transition fallback=|| skeleton::lines(8)>
            <List place reading bulk />
        </Transition>
        <bulk::BulkBar bulk />
        <MarksDialog marking />
    }
}

/// The list, or why there is none.
#[component]
fn List(place: Place, reading: Reading, bulk: bulk::Bulk) -> impl IntoView {
    let failed = Memo::new(move |_| reading.error());
    move || match failed.get() {
        Some(error) if error.0.code == WRONG => not_understood(place),
        Some(error) => view! { <Failure error retry=move |()| reading.again() /> }.into_any(),
        None => view! { <table::Table place reading bulk /> }.into_any(),
    }
}

/// An address with a search that means nothing; while one types, the list stays as it was.
fn not_understood(place: Place) -> AnyView {
    view! {
        <div class="card">
            <Empty icon="search" title="This search cannot be understood">
                <p>"The line below the field says why. Correct it there, or begin anew."</p>
                <div class="row">
                    <button class="btn btn-primary" type="button" on:click=move |_| place.search("")>"Clear the search"</button>
                </div>
            </Empty>
        </div>
    }
    .into_any()
}
