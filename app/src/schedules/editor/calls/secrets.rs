//! The secret address of a webhook, shown when it is made.

use crate::{
    components::{
        CopyField,
        dialog::{self, Dialog},
        toast::Toasts,
    },
    schedules::{api, editor::state::Editing},
};
use domain::triggers::WebhookSecrets;
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

/// Makes a new address; the old one no longer works.
pub fn renew(editing: Editing, toasts: Toasts) {
    let Some(id) = editing.id() else { return };
    spawn_local(async move {
        match api::renew_webhook(id).await {
            Ok(secrets) => {
                let _ = editing.secrets.try_set(Some(secrets));
            }
            Err(error) => toasts.bad(error.0.message),
        }
    });
}

/// Opens when there is something to show. Of a new schedule, the page goes on to the schedule afterwards.
#[component]
pub fn WebhookDialog(editing: Editing) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let was_new = editing.is_new();
    let navigate = use_navigate();
    Effect::new(move |_| {
        if editing.secrets.with(Option::is_some) {
            dialog::open(node);
        }
    });
    // However it is closed.
    let closed = move |_| {
        if editing.secrets.with_untracked(Option::is_none) {
            return;
        }
        editing.secrets.set(None);
        if let Some(id) = editing.id().filter(|_| was_new) {
            navigate(&format!("/schedules/{id}"), Default::default());
        }
    };
    let foot = move || {
        view! { <button class="btn btn-primary" type="button" on:click=move |_| dialog::close(node)>"Done"</button> }
    };
    let shown = move |of: fn(&WebhookSecrets) -> Option<String>| {
        Signal::derive(move || {
            editing
                .secrets
                .with(|secrets| secrets.as_ref().and_then(of).unwrap_or_default())
        })
    };
    let url = shown(|secrets| {
        secrets
            .path
            .as_ref()
            .map(|path| format!("{}{path}", crate::schedules::origin()))
    });
    let secret = shown(|secrets| secrets.signing_secret.clone());
    view! {
        <div on:close:capture=closed>
            <Dialog node id="webhook-secrets" title="Webhook" foot>
                <p>"Copy it now. It is shown this once, and only its hash is kept."</p>
                <Show when=move || url.with(|url| !url.is_empty())>
                    <CopyField id="webhook-url" label="Address" value=url />
                    <p class="muted sm">"Whoever knows the address can run this schedule: "<code>"curl -X POST …"</code></p>
                </Show>
                <Show when=move || secret.with(|secret| !secret.is_empty())>
                    <CopyField id="webhook-secret" label="Secret for signatures" value=secret />
                    <p class="muted sm">"Sign the body with HMAC-SHA-256 and send "<code>"X-Hub-Signature-256: sha256=…"</code></p>
                </Show>
            </Dialog>
        </div>
    }
}
