//! Taking up an invitation: with a new account, or with the one that is signed in.

use super::{
    api::{AuthState, Join, JoinAs, invited as ask, state},
    frame::Frame,
    new_password::NewPassword,
    sign_in::{Refusal, refusal},
    ways::{buttons, encoded},
};
use crate::{components::icon, error::AppError};
use domain::people::Welcome;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_query_map;

#[component]
pub fn Invite() -> impl IntoView {
    let query = use_query_map();
    let token = Memo::new(move |_| query.with(|query| query.get("token").unwrap_or_default()));
    let found = crate::codec::resource(move || token.get(), ask);
    let asked = crate::codec::resource(|| (), |()| state());
    view! {
        <Frame title="Invitation" subtitle="Schedules for your containers">
            <Suspense fallback=|| view! { <div class="card form" aria-busy="true"><span class="skel"></span></div> }>
                {move || Suspend::new(async move {
                    match found.await {
                        Ok((welcome, Some(name))) => view! { <AsSomebody welcome name token /> }.into_any(),
                        Ok((welcome, None)) => view! { <AsNew welcome token state=asked.await.ok() /> }.into_any(),
                        Err(error) => refused(&error),
                    }
                })}
            </Suspense>
        </Frame>
    }
}

/// The link leads nowhere.
pub(super) fn refused(error: &AppError) -> AnyView {
    view! {
        <div class="card form">
            <h2>"This link does not work"</h2>
            <p class="muted sm">{error.0.message.clone()}</p>
            <a class="btn" href="/sign-in">"Go to sign-in"</a>
        </div>
    }
    .into_any()
}

fn invited(welcome: &Welcome) -> AnyView {
    let by = welcome
        .invited_by
        .clone()
        .map(|name| format!("{name} invites you. "));
    view! {
        <div class="stack tight">
            <h2>{format!("Join {}", welcome.org_name)}</h2>
            <p class="muted sm">{by}{format!("You will be {}.", words(welcome.role))}</p>
        </div>
    }
    .into_any()
}

/// What somebody of a role does.
fn words(role: domain::auth::Role) -> &'static str {
    use domain::auth::Role;
    match role {
        Role::Viewer => "a viewer, who sees every container and changes nothing",
        Role::Operator => "an operator, who starts, stops and schedules containers",
        Role::Admin => "an admin, who also adds hosts and manages people",
        Role::Owner => "an owner, who may do everything",
    }
}

#[component]
fn AsNew(welcome: Welcome, token: Memo<String>, state: Option<AuthState>) -> impl IntoView {
    let action = ServerAction::<Join>::new();
    let password = RwSignal::new(String::new());
    let error = refusal(action);
    let about = move |field: &'static str| {
        Signal::derive(move || {
            error.with(|error| {
                error
                    .as_ref()
                    .is_some_and(|error| error.detail("field") == Some(field))
            })
        })
    };
    let (bad_name, bad_password) = (about("name"), about("password"));
    view! {
        <ActionForm action=action attr:class="card form" attr:aria-label="Join">
            {invited(&welcome)}
            {state
                .filter(|state| !state.ways.is_empty())
                .map(|state| {
                    let buttons = buttons(state.ways, format!("invite={}", encoded(&token.get_untracked())));
                    view! { {buttons}<div class="or">"or with a password"</div> }
                })}
            <Refusal error />
            <input type="hidden" name="token" value=move || token.get() />
            <div class="field">
                <label for="name">"Username"</label>
                <input
                    class="input"
                    id="name"
                    name="name"
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=move || bad_name.get().then_some("true")
                    required
                    autofocus
                />
            </div>
            <NewPassword id="password" label="Password" value=password invalid=bad_password />
            <button
                class="btn btn-primary"
                type="submit"
                aria-busy=move || action.pending().get().to_string()
                disabled=move || action.pending().get()
            >
                "Create account and join"
            </button>
            <p class="muted sm">
                "You have an account here? "<a class="link" href="/sign-in">"Sign in"</a>
                " first, then open the link again."
            </p>
        </ActionForm>
    }
}

#[component]
fn AsSomebody(welcome: Welcome, name: String, token: Memo<String>) -> impl IntoView {
    let action = ServerAction::<JoinAs>::new();
    let error = refusal(action);
    Effect::new(move |_| {
        // Everything that this page knows belongs to the other organisation.
        if let Some(Ok(())) = action.value().get() {
            let _ = window().location().assign("/");
        }
    });
    view! {
        <ActionForm action=action attr:class="card form" attr:aria-label="Join">
            {invited(&welcome)}
            <Refusal error />
            <input type="hidden" name="token" value=move || token.get() />
            <div class="note" data-s="brand">{icon("user")}<div>"You are signed in as "<b>{name}</b>"."</div></div>
            <button
                class="btn btn-primary"
                type="submit"
                aria-busy=move || action.pending().get().to_string()
                disabled=move || action.pending().get()
            >
                "Join with this account"
            </button>
        </ActionForm>
    }
}
