//! Who is signed in, and signing out.

use super::theme::ThemeItem;
use crate::{
    auth::{Me, api::SignOut},
    components::{icon, toast::Toasts},
    settings::open_org,
};
use leptos::{form::ActionForm, prelude::*};

/// The person's name, below a `Suspense` of its own.
#[component]
fn Name() -> impl IntoView {
    let me = Me::get();
    view! {
        <Suspense>
            {move || Suspend::new(async move { me.ready().await.map(|me| me.name).unwrap_or_else(|_| "Account".to_owned()) })}
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
            <OrgItems />
            <a href="/settings">{icon("settings")}"Settings"</a>
            <ThemeItem />
            <SignOutItem />
        </div>
    }
}

/// Name, role and release.
#[component]
pub fn WhoAmI() -> impl IntoView {
    let me = Me::get();
    let about = move || {
        Suspend::new(async move {
            me.ready().await.ok().map(|me| {
                let org = me
                    .orgs
                    .iter()
                    .find(|org| org.current)
                    .map(|org| format!(" in {}", org.name));
                view! {
                    <b>{me.name}</b>
                    <span>{me.role.as_str()}{org}", Chrontainer "{me.release}</span>
                }
            })
        })
    };
    view! { <div class="whoami"><Suspense>{about}</Suspense></div> }
}

/// The other organisations that one may go to.
#[component]
pub fn OrgItems() -> impl IntoView {
    let me = Me::get();
    let toasts = Toasts::get();
    let items = move || {
        Suspend::new(async move {
            let orgs = me.ready().await.map(|me| me.orgs).unwrap_or_default();
            orgs.into_iter()
                .filter(|org| !org.current)
                .map(|org| {
                    view! {
                        <button type="button" on:click=move |_| leptos::task::spawn_local(open_org(org.id, toasts))>
                            {icon("boxes")}
                            <span class="clip">{format!("Go to {}", org.name)}</span>
                        </button>
                    }
                })
                .collect_view()
        })
    };
    view! { <Suspense>{items}</Suspense> }
}

/// A form, so that it works without JavaScript too.
#[component]
pub fn SignOutItem() -> impl IntoView {
    let sign_out = ServerAction::<SignOut>::new();
    Effect::new(move |_| {
        if sign_out.pending().get() {
            crate::auth::signing_out();
        }
    });
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
