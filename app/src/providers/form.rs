//! Adding a provider, and editing one.

use super::{
    api,
    fields::{roles, sign_up, switch, text},
    state::Form,
    test::ProviderTest,
};
use crate::components::{
    CopyField, FailureNote,
    dialog::{self, Dialog},
    toast::Toasts,
};
use domain::{
    people::Org,
    providers::{PRESETS, ProviderKind},
};
use leptos::{html, prelude::*, task::spawn_local};

const FORM: &str = "provider-form";

#[component]
pub fn ProviderDialog(
    node: NodeRef<html::Dialog>,
    form: Form,
    origin: Signal<String>,
    orgs: Signal<Vec<Org>>,
    saved: Callback<()>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let edits = move || form.editing.with(Option::is_some);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if form.busy.get_untracked() {
            return;
        }
        form.busy.set(true);
        form.fault.set(None);
        spawn_local(async move {
            let answer = match form.id() {
                Some(id) => api::update(id, form.draft()).await,
                None => api::create(form.draft()).await,
            };
            if form.busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(provider) => {
                    toasts.say("shield-check", format!("Saved {}", provider.name));
                    dialog::close(node);
                    saved.run(());
                }
                Err(error) => form.refused(error),
            }
        });
    };
    let general = move || {
        form.fault.with(|fault| {
            fault
                .as_ref()
                .filter(|(of, _)| of.is_none())
                .map(|(_, message)| message.clone())
        })
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button
                class="btn btn-primary"
                type="submit"
                form=FORM
                aria-busy=move || form.busy.get().to_string()
                disabled=move || form.busy.get()
            >
                {move || if edits() { "Save" } else { "Add provider" }}
            </button>
        }
    };
    let title = Signal::derive(move || {
        form.editing.with(|provider| match provider {
            Some(provider) => format!("Edit {}", provider.name),
            None => "Add provider".to_owned(),
        })
    });
    let preset = move |event: leptos::ev::Event| {
        if let Ok(at) = event_target_value(&event).parse() {
            form.choose(at);
        }
    };
    let presets = move || {
        view! {
            <div class="field">
                <label for="provider-preset">"Kind"</label>
                <select class="select" id="provider-preset" on:change=preset>
                    <option value="" selected=move || form.preset.get().is_none() disabled>"Choose one"</option>
                    {PRESETS
                        .iter()
                        .enumerate()
                        .map(|(at, preset)| view! { <option value=at.to_string() selected=move || form.preset.get() == Some(at)>{preset.name}</option> })
                        .collect_view()}
                </select>
                {move || form.hint().map(|preset| view! { <span class="hint">{preset.hint}</span> })}
            </div>
        }
    };
    let github = move || form.kind.get() == ProviderKind::Github;
    let plain = |hint: &'static str| move || hint;
    let secret_hint = move || {
        let stored = form
            .editing
            .with(|provider| provider.as_ref().is_some_and(|provider| provider.has_secret));
        if stored {
            "Stored sealed. Leave this empty to keep it."
        } else {
            "Stored sealed, and never shown again."
        }
    };
    let callback = Signal::derive(move || form.address(&origin.get()));
    let claim_hint = "Whose values give roles: groups, or realm_access.roles";
    view! {
        <Dialog node id="provider-dialog" title foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message /> })}
                {move || (!edits()).then(presets)}
                <div class="grid-2">
                    {text("provider-name", "Name", plain("The button says: Continue with …"), form.name, form.fault_of("name"))}
                    {text("provider-slug", "Part of the address", plain("Empty: made from the name"), form.slug, form.fault_of("slug"))}
                </div>
                {text("provider-issuer", "Issuer", plain("Exactly as the provider calls itself"), form.issuer, form.fault_of("issuer"))}
                <Show when=github fallback=|| ()>
                    {text("provider-api", "Address of the API", plain("Empty: found from the issuer"), form.api_url, form.fault_of("api_url"))}
                </Show>
                <div class="grid-2">
                    {text("provider-client", "Client id", plain(""), form.client_id, form.fault_of("client_id"))}
                    {text("provider-secret", "Client secret", secret_hint, form.secret, form.fault_of("client_secret"))}
                </div>
                <CopyField id="provider-callback" label="Callback address, to be entered at the provider" value=callback />
                {sign_up(form)}
                <div class="grid-2">
                    <Show when=move || !github() fallback=|| ()>
                        {text("provider-claim", "Claim", plain(claim_hint), form.role_claim, form.fault_of("role_claim"))}
                    </Show>
                    {text(
                        "provider-domains",
                        "E-mail domains",
                        plain("Only verified addresses of these. Empty: all"),
                        form.domains,
                        form.fault_of("domains"),
                    )}
                </div>
                {move || roles(form, orgs.get())}
                {switch(
                    "Find accounts by e-mail",
                    "A verified address signs in to the account that has it, without a link made before. Only for providers that you trust with that.",
                    form.link_by_email,
                )}
                {switch("Switched on", "It has a button on the sign-in page.", form.enabled)}
                <details class="more">
                    <summary>"Scopes"</summary>
                    {text("provider-scopes", "Scopes", plain("Separated by blanks. Empty: what the kind needs"), form.scopes, form.fault_of("scopes"))}
                </details>
                <ProviderTest form />
            </form>
        </Dialog>
    }
}
