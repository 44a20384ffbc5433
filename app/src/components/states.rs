//! The states of a page that are not its content: empty, failed.

use super::icon;
use crate::{codec::Resource, error::AppError};
use leptos::prelude::*;

/// Nothing is here: what belongs here, why it is empty, and what to do.
#[component]
pub fn Empty(icon: &'static str, #[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            {super::icon(icon)}
            <h2>{title}</h2>
            {children()}
        </div>
    }
}

/// What a page shows instead of its content when it cannot be read.
#[component]
pub fn Failure(error: AppError, #[prop(into)] retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="card">
            <div class="empty" role="alert">
                {icon(if error.is_offline() { "wifi-off" } else { "circle-alert" })}
                <h2>{title(&error)}</h2>
                <p>{error.0.message.clone()}</p>
                <div class="row">
                    <button class="btn btn-primary" type="button" on:click=move |_| retry.run(())>
                        {icon("refresh-cw")}
                        "Try again"
                    </button>
                </div>
                <details class="faint sm">
                    <summary>"Details"</summary>
                    <code>{error.0.code.clone()}</code>
                </details>
            </div>
        </div>
    }
}

/// What is shown of `found`, to be put into a `Transition`. It stays while it is read again, with its open menus, its scrolling and the
/// focus in it: `take` puts each answer where `shown` looks, and only another key than before makes another view.
pub fn kept<T, K>(
    found: Resource<Result<T, AppError>>,
    take: impl Fn(T) -> K + Send + Sync + 'static,
    shown: impl Fn(K) -> AnyView + Send + Sync + 'static,
    failed: impl Fn(AppError) -> AnyView + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Clone + PartialEq + Send + Sync + 'static,
{
    let key = Memo::new(move |_| found.get().map(|answer| answer.map(&take)));
    move || match key.get() {
        None => ().into_any(),
        Some(Ok(key)) => shown(key),
        Some(Err(error)) => failed(error),
    }
}

/// One sentence beside the thing that failed.
#[component]
pub fn FailureNote(#[prop(into)] message: Signal<String>) -> impl IntoView {
    view! {
        <div class="note" data-s="bad" role="alert">
            {icon("circle-alert")}
            <div>{move || message.get()}</div>
        </div>
    }
}

fn title(error: &AppError) -> &'static str {
    use domain::errors::ErrorClass as C;
    match error.0.class {
        _ if error.is_offline() => "Chrontainer does not answer",
        C::NotFound => "It is not here",
        C::Forbidden => "You may not see this",
        C::Unauthenticated => "You are not signed in",
        C::Unavailable => "Something it needs does not answer",
        C::TooMany => "Too often",
        C::BadRequest | C::Conflict | C::Invalid => "That cannot be shown",
        C::Internal => "This page could not be made",
    }
}
