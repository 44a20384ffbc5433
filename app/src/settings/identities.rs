//! The accounts at providers that sign in here as oneself.

use crate::{
    auth::{api::AuthState, own},
    components::{FailureNote, icon, time::Ago, toast::Toasts},
};
use domain::providers::{Identity, SignInWay};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;

#[component]
pub fn IdentitiesCard(identities: Vec<Identity>, state: AuthState, reload: Callback<()>) -> impl IntoView {
    let toasts = Toasts::get();
    let query = use_query_map();
    let fault = RwSignal::new(query.with_untracked(|query| {
        query
            .get_str("problem")
            .and_then(domain::providers::refusal)
            .map(str::to_owned)
    }));
    // Nothing is linked and nothing could be.
    if identities.is_empty() && state.ways.is_empty() && fault.with_untracked(Option::is_none) {
        return ().into_any();
    }
    let link = move |slug: String| {
        fault.set(None);
        spawn_local(async move {
            match own::link(slug).await {
                // The provider's page is elsewhere.
                Ok(url) => {
                    let _ = window().location().assign(&url);
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    let unlink = move |identity: Identity| {
        fault.set(None);
        spawn_local(async move {
            match own::unlink(identity.id).await {
                Ok(()) => {
                    toasts.say(
                        "shield-check",
                        format!("{} signs you in no more", identity.provider),
                    );
                    reload.run(());
                }
                Err(error) => {
                    let _ = fault.try_set(Some(error.0.message));
                }
            }
        });
    };
    let line = move |identity: Identity| {
        let label = format!("Unlink {}, {}", identity.provider, identity.label);
        let shown = identity.clone();
        view! {
            <li>
                <div class="name">
                    <span class="t"><span class="clip">{shown.provider}</span></span>
                    <span class="s">{shown.label}", linked "<Ago at=shown.created_at /></span>
                </div>
                <span class="end muted sm">"Used "<Ago at=shown.last_used_at /></span>
                <button class="btn btn-sm" type="button" aria-label=label on:click=move |_| unlink(identity.clone())>"Unlink"</button>
            </li>
        }
    };
    let button = move |way: SignInWay| {
        let slug = way.slug;
        view! {
            <button class="btn btn-sm" type="button" on:click=move |_| link(slug.clone())>{icon("plus")}{format!("Link {}", way.name)}</button>
        }
    };
    let empty = identities.is_empty();
    let some = !state.ways.is_empty();
    view! {
        <section class="card" aria-labelledby="identities">
            <div class="card-h"><h2 id="identities">"Linked accounts"</h2></div>
            {move || fault.get().map(|message| view! { <div class="card-b"><FailureNote message /></div> })}
            {empty
                .then(|| view! { <p class="card-b muted">"Link an account that you have elsewhere to sign in with it."</p> })}
            <ul class="lines">{identities.into_iter().map(line).collect_view()}</ul>
            {some.then(|| view! { <div class="card-f"><div class="row">{state.ways.into_iter().map(button).collect_view()}</div></div> })}
        </section>
    }
    .into_any()
}
