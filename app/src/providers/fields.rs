//! The fields of the dialog.

use super::state::{Form, Line};
use crate::{components::icon, people::words::role_name};
use domain::{auth::Role, people::Org, providers::SignUp};
use leptos::prelude::*;

/// What is wrong with a field, below it.
fn fault_line(id: String, message: Signal<Option<String>>) -> AnyView {
    view! {
        <div id=id aria-live="polite">
            {move || message.try_get().flatten().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
        </div>
    }
    .into_any()
}

/// One line of text.
pub fn text(
    id: &'static str,
    label: &'static str,
    hint: impl Fn() -> &'static str + Copy + Send + Sync + 'static,
    value: RwSignal<String>,
    fault: Signal<Option<String>>,
) -> AnyView {
    let about = format!("{id}-fault");
    let secret = id == "provider-secret";
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                class="input"
                id=id
                type=if secret { "password" } else { "text" }
                autocomplete=if secret { "new-password" } else { "off" }
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=move || fault.try_get().flatten().map(|_| "true")
                aria-describedby=about.clone()
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {move || Some(hint()).filter(|hint| !hint.is_empty()).map(|hint| view! { <span class="hint">{hint}</span> })}
            {fault_line(about, fault)}
        </div>
    }
    .into_any()
}

/// A switch with a line about it.
pub fn switch(label: &'static str, about: &'static str, value: RwSignal<bool>) -> AnyView {
    view! {
        <label class="opt">
            <input
                type="checkbox"
                role="switch"
                class="switch"
                prop:checked=move || value.get()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <span><b>{label}</b><small>{about}</small></span>
        </label>
    }
    .into_any()
}

/// What becomes of somebody without an account.
pub fn sign_up(form: Form) -> AnyView {
    let choice = move |value: SignUp, label: &'static str, about: &'static str| {
        view! {
            <label class="opt">
                <input
                    class="check"
                    type="radio"
                    name="sign-up"
                    prop:checked=move || form.sign_up.get() == value
                    on:change=move |_| form.sign_up.set(value)
                />
                <span><b>{label}</b><small>{about}</small></span>
            </label>
        }
    };
    view! {
        <fieldset class="roles">
            <legend class="lbl">"Somebody without an account"</legend>
            {choice(SignUp::InviteOnly, "Needs an invitation", "Its link offers this way to join")}
            {choice(SignUp::AutoCreate, "Gets an account", "With the roles below; whoever has none stays outside")}
        </fieldset>
    }
    .into_any()
}

/// Which value gives which role.
pub fn roles(form: Form, orgs: Vec<Org>) -> AnyView {
    let several = orgs.len() > 1;
    let line = move |line: Line| {
        let options = orgs
            .iter()
            .map(|org| view! { <option value=org.id.to_string()>{org.name.clone()}</option> })
            .collect_view();
        let known = orgs.iter().any(|org| org.id == line.org.get_untracked());
        view! {
            <li>
                <input
                    class="input"
                    aria-label="Value"
                    placeholder="ops"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    prop:value=move || line.value.get()
                    on:input=move |event| line.value.set(event_target_value(&event))
                />
                <select
                    class="select"
                    aria-label="Role"
                    prop:value=move || line.role.get().as_str()
                    on:change=move |event| {
                        if let Ok(role) = event_target_value(&event).parse() {
                            line.role.set(role);
                        }
                    }
                >
                    {Role::ALL.map(|role| view! { <option value=role.as_str() selected={role == line.role.get_untracked()}>{role_name(role)}</option> })}
                </select>
                {(several || !known)
                    .then(|| {
                        view! {
                            <select
                                class="select"
                                aria-label="Organisation"
                                prop:value=move || line.org.get().to_string()
                                on:change=move |event| {
                                    if let Ok(org) = event_target_value(&event).parse() {
                                        line.org.set(org);
                                    }
                                }
                            >
                                {(!known).then(|| view! { <option value=line.org.get_untracked().to_string() selected>"Another organisation"</option> })}
                                {options}
                            </select>
                        }
                    })}
                <button
                    class="icon-btn icon-btn-sm"
                    type="button"
                    aria-label="Remove this role"
                    on:click=move |_| form.lines.update(|lines| lines.retain(|other| other.id != line.id))
                >
                    {icon("x")}
                </button>
            </li>
        }
    };
    view! {
        <fieldset class="roles maps" aria-describedby="provider-roles-fault">
            <legend class="lbl">"Roles"</legend>
            <ul>
                <For each=move || form.lines.get() key=|line| line.id children=line />
            </ul>
            <div class="row">
                <button class="btn btn-sm" type="button" on:click=move |_| form.add_line()>{icon("plus")}"Add role"</button>
                <span class="hint">"* is everybody whom the provider lets in. Roles are looked at anew at each sign-in."</span>
            </div>
            {fault_line("provider-roles-fault".to_owned(), form.fault_of("mappings"))}
        </fieldset>
    }
    .into_any()
}
