//! Subscribing to the coming runs in a calendar program.

use super::{api, copy};
use crate::components::{FailureNote, dialog::Dialog, icon, time::Ago, toast::Toasts};
use domain::calendar::CalendarFeed;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn CalendarDialog(node: NodeRef<html::Dialog>, opened: RwSignal<u32>) -> impl IntoView {
    let toasts = Toasts::get();
    let known = RwSignal::new(None::<CalendarFeed>);
    let link = RwSignal::new(None::<String>);
    let fault = RwSignal::new(None::<String>);
    let said = move |error: crate::error::AppError| {
        let _ = fault.try_set(Some(error.0.message));
    };
    let read = move || {
        spawn_local(async move {
            match api::calendar().await {
                Ok(feed) => {
                    let _ = known.try_set(feed);
                }
                Err(error) => said(error),
            }
        });
    };
    Effect::new(move |_| {
        if opened.get() > 0 {
            link.set(None);
            fault.set(None);
            read();
        }
    });
    let make = move |_| {
        fault.set(None);
        spawn_local(async move {
            match api::subscribe().await {
                Ok(path) => {
                    let origin = window().location().origin().unwrap_or_default();
                    let _ = link.try_set(Some(format!("{origin}{path}")));
                    read();
                }
                Err(error) => said(error),
            }
        });
    };
    let revoke = move |_| {
        fault.set(None);
        spawn_local(async move {
            match api::unsubscribe().await {
                Ok(()) => {
                    let _ = link.try_set(None);
                    let _ = known.try_set(None);
                    toasts.say("ban", "The calendar's link no longer works");
                }
                Err(error) => said(error),
            }
        });
    };
    let take = move |_| {
        let Some(text) = link.get_untracked() else { return };
        spawn_local(async move {
            if copy(&text).await {
                toasts.say("copy", "Copied the calendar's link");
            }
        });
    };
    let foot = move || {
        let exists = known.with(Option::is_some);
        view! {
            {exists.then(|| view! {
                <button class="btn btn-ghost" type="button" on:click=revoke>{icon("ban")}"Revoke the link"</button>
            })}
            <button class="btn btn-primary" type="button" on:click=make>
                {if exists { "Make a new link" } else { "Make a link" }}
            </button>
        }
    };
    let state = move || {
        match (link.get(), known.get()) {
        (Some(link), _) => view! {
            <div class="field">
                <label for="calendar-link">"Add this address to your calendar as a subscription"</label>
                <div class="row">
                    <input class="input mono" id="calendar-link" readonly value=link on:focus=|event| select(&event) />
                    <button class="icon-btn" type="button" aria-label="Copy the link" on:click=take>{icon("copy")}</button>
                </div>
                <p class="muted sm">"Whoever has it sees what will run. It is shown this once."</p>
            </div>
        }
        .into_any(),
        (None, Some(feed)) => view! {
            <p>
                "You made a link "<Ago at=feed.created_at />
                {match feed.last_read_at {
                    Some(at) => view! { ", last read "<Ago at /> }.into_any(),
                    None => ", not read yet".into_any(),
                }}
                ". A new link ends the old one."
            </p>
        }
        .into_any(),
        (None, None) => ().into_any(),
    }
    };
    view! {
        <Dialog node id="calendar-feed" title="Subscribe in a calendar" foot>
            <div class="stack">
                <p class="muted">"The runs of the coming 31 days, skipped and moved ones included, in the calendar of your phone or desk."</p>
                {state}
                {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
            </div>
        </Dialog>
    }
}

fn select(event: &leptos::ev::FocusEvent) {
    use wasm_bindgen::JsCast;
    if let Some(field) = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
    {
        field.select();
    }
}
