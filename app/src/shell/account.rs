//! Who is signed in, and signing out.

use super::theme::ThemeItem;
use crate::{
    auth::api::{SignOut, me},
    components::icon,
};
use leptos::{form::ActionForm, prelude::*};

/// The person's name, below a `Suspense` of its own.
#[component]
fn Name() -> impl IntoView {
    let me = Resource::new(|| (), |()| me());
    view! {
        <Suspense>
            {move || Suspend::new(async move { me.await.map(|me| me.name).unwrap_or_else(|_| "Account".to_owned()) })}
        </Suspense>
    }
}

#[component]
pub fn AccountButton() -> impl IntoView {
    view! {
        <button class="nav-link" type="button" title="Account" popovertarget="account-menu" aria-haspopup="menu">
            {icon("user")}
            <span><Name /></span>
        </button>
        <div class="menu" id="account-menu" popover="auto">
            <WhoAmI />
            <hr />
            <ThemeItem />
            <SignOutItem />
        </div>
    }
}

/// Name, role and release.
#[component]
pub fn WhoAmI() -> impl IntoView {
    let me = Resource::new(|| (), |()| me());
    let about = move || {
        Suspend::new(async move {
            me.await.ok().map(|me| {
                view! {
                    <b>{me.name}</b>
                    <span>{me.role.as_str()}", Chrontainer "{me.release}</span>
                }
            })
        })
    };
    view! { <div class="whoami"><Suspense>{about}</Suspense></div> }
}

/// A form, so that it works without JavaScript too.
#[component]
pub fn SignOutItem() -> impl IntoView {
    let sign_out = ServerAction::<SignOut>::new();
    Effect::new(move |_| {
        if sign_out.value().get().is_some() {
            // Everything that this page knows belongs to the session that ended.
            let _ = window().location().assign("/sign-in");
        }
    });
    view! {
        <ActionForm action=sign_out>
            <button type="submit">{icon("log-out")} "Sign out"</button>
        </ActionForm>
    }
}
