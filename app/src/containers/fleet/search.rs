//! The search field, in the language of selectors; a mistake is underlined where it is, and said.

use super::{
    place::{Place, terms},
    reading::Reading,
    suggest::Suggest,
    tools::Tools,
};
use crate::{components::icon, live::Live};
use domain::selectors::{Selector, SelectorError, quote};
use leptos::{html, prelude::*};
use std::time::Duration;

/// How long typing rests before the list follows.
const REST: Duration = Duration::from_millis(110);

#[component]
pub fn SearchBar(place: Place, reading: Reading) -> impl IntoView {
    let text = RwSignal::new(place.query_untracked());
    // The address may change without the field: a chip, the back button.
    Effect::new(move |_| {
        let query = place.query();
        if text.with_untracked(|text| text.trim() != query) {
            text.set(query);
        }
    });
    let wrong = Memo::new(move |_| text.with(|text| Selector::parse_search(text).err()));
    let turn = StoredValue::new(0_u32);
    let typed = move |value: String| {
        text.set(value);
        let mine = turn.with_value(|turn| turn.wrapping_add(1));
        turn.set_value(mine);
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) && wrong.with_untracked(Option::is_none) {
                    place.search(text.get_untracked().trim());
                }
            },
            REST,
        );
    };
    let scrolled = RwSignal::new(0);
    let field = NodeRef::<html::Input>::new();
    let put = typed;
    let suggest = Suggest::new(field, move |value: String| put(value));
    view! {
        <div class="toolbar">
            <div class="search" data-wrong=move || wrong.with(Option::is_some).then_some("")>
                {icon("search")}
                <div class="under" aria-hidden="true">
                    <div style=move || format!("translate:{}px", -scrolled.get())>
                        {move || wrong.get().map(|error| underline(&text.get(), &error))}
                    </div>
                </div>
                <input
                    class="input"
                    type="search"
                    data-search
                    node_ref=field
                    aria-autocomplete="list"
                    aria-controls="suggestions"
                    aria-activedescendant=move || suggest.active()
                    aria-label="Search containers"
                    aria-describedby="search-help"
                    aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                    placeholder="Search by name, or host:, stack:, tag:, state:"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    prop:value=move || text.get()
                    value=text.get_untracked()
                    on:input=move |event| {
                        typed(event_target_value(&event));
                        suggest.ask();
                    }
                    on:keydown=move |event| suggest.key(&event)
                    on:blur=move |_| suggest.close()
                    on:scroll=move |event| {
                        scrolled.set(event_target::<web_sys::Element>(&event).scroll_left());
                    }
                />
                <kbd aria-hidden="true">"/"</kbd>
                {suggest.list()}
            </div>
            <div class="row chips" role="group" aria-label="Filter">
                <Favourites place reading />
                <Transition>{move || chips(place, reading)}</Transition>
            </div>
            <Stale />
            <Tools place />
        </div>
        <p class="fhint" id="search-help" aria-live="polite" data-wrong=move || wrong.with(Option::is_some).then_some("")>
            {move || match wrong.get() {
                Some(error) => error.message.into_any(),
                None => {
                    view! {
                        "Narrow with "
                        <code>"state:running"</code>
                        ", "
                        <code>"health:unhealthy"</code>
                        ", "
                        <code>"stack:media"</code>
                        ", "
                        <code>"image:postgres*"</code>
                        ", "
                        <code>"tag:critical"</code>
                        ", "
                        <code>"port:8080"</code>
                        "; leave out with "
                        <code>"-name:web"</code>
                        "."
                    }
                        .into_any()
                }
            }}
        </p>
    }
}

/// The text again, invisible, with the wrong part underlined.
fn underline(text: &str, error: &SelectorError) -> AnyView {
    let cut = |at: usize| {
        (at..=text.len())
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(text.len())
    };
    let (start, end) = (cut(error.start.min(text.len())), cut(error.end.min(text.len())));
    let (before, wrong) = (&text[..start], &text[start..end.max(start)]);
    // At the end of the text there is nothing to underline: a blank stands for what is missing.
    let wrong = if wrong.is_empty() { "\u{a0}" } else { wrong };
    view! {
        {before.to_owned()}
        <u>{wrong.to_owned()}</u>
    }
    .into_any()
}

/// The states that there are, and the hosts when there are several.
fn chips(place: Place, reading: Reading) -> impl IntoView {
    Suspend::new(async move {
        let counts = reading
            .part
            .await
            .map(|part| part.page.counts)
            .unwrap_or_default();
        let hosts = reading.hosts.await.map(|page| page.items).unwrap_or_default();
        let states = [
            ("Running", "state:running", counts.running, false),
            ("Stopped", "state:exited,created,dead", counts.stopped, false),
            ("Paused", "state:paused", counts.paused, false),
            ("Unhealthy", "health:unhealthy", counts.unhealthy, true),
        ];
        let states = states
            .into_iter()
            .filter(|(_, _, count, _)| *count > 0)
            .map(|(name, term, count, bad)| chip(place, name.to_owned(), term.to_owned(), Some(count), bad))
            .collect_view();
        let several = hosts.len() > 1;
        let hosts = hosts
            .into_iter()
            .take(if several { 6 } else { 0 })
            .map(|host| {
                let offline = matches!(host.status, domain::hosts::HostStatus::Offline);
                let term = format!("host:{}", quote(&host.name));
                chip(place, host.name, term, Some(host.containers.into()), offline)
            })
            .collect_view();
        view! {
            {states}
            {several.then(|| view! { <span class="vsep" aria-hidden="true"></span> })}
            {hosts}
        }
    })
}

fn chip(place: Place, name: String, term: String, count: Option<u64>, bad: bool) -> AnyView {
    let held = {
        let term = term.clone();
        Memo::new(move |_| terms(&place.query()).contains(&term))
    };
    view! {
        <button
            class="chip"
            type="button"
            data-s=bad.then_some("bad")
            aria-pressed=move || held.get().to_string()
            on:click=move |_| place.toggle(&term)
        >
            {name}
            {count.map(|count| view! { <span class="n">{count}</span> })}
        </button>
    }
    .into_any()
}

/// Only what one has marked; offered to those who have.
#[component]
fn Favourites(place: Place, reading: Reading) -> impl IntoView {
    let only = Memo::new(move |_| place.get().favourites);
    let any = Memo::new(move |_| only.get() || reading.favourites.with(|all| !all.is_empty()));
    view! {
        <Show when=move || any.get()>
            <button
                class="chip"
                type="button"
                aria-pressed=move || only.get().to_string()
                on:click=move |_| place.only_favourites(!only.get_untracked())
            >
                {icon("star")}
                "Favourites"
            </button>
        </Show>
    }
}

/// Said while the page hears of no changes.
#[component]
fn Stale() -> impl IntoView {
    let live = Live::get();
    view! {
        <Show when=move || live.link() == crate::live::Link::Down>
            <span class="sm muted stale">"Shown as last seen"</span>
        </Show>
    }
}
