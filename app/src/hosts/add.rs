//! Adding a host.

use super::api;
use crate::components::{
    FailureNote,
    dialog::{self, Dialog},
    icon,
    toast::Toasts,
};
use domain::hosts::{Host, HostDraft};
use leptos::{html, prelude::*, task::spawn_local};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Tcp,
}

const FORM: &str = "add-host-form";

#[component]
pub fn AddHost(node: NodeRef<html::Dialog>, added: Callback<Host>) -> impl IntoView {
    let toasts = Toasts::get();
    let kind = RwSignal::new(Kind::Local);
    let name = RwSignal::new(String::new());
    let socket = RwSignal::new("/var/run/docker.sock".to_owned());
    let address = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // (field, message)
    let fault = RwSignal::new(None::<(Option<String>, String)>);
    let about = move |field: &'static str| {
        Signal::derive(move || {
            fault.with(|fault| {
                fault
                    .as_ref()
                    .filter(|(of, _)| of.as_deref() == Some(field))
                    .map(|(_, message)| message.clone())
            })
        })
    };
    let (bad_name, bad_url) = (about("name"), about("url"));
    let general = move || {
        fault.with(|fault| {
            fault
                .as_ref()
                .filter(|(of, _)| of.is_none())
                .map(|(_, message)| message.clone())
        })
    };
    let url = move || match kind.get() {
        Kind::Local => with_scheme("unix", &socket.get()),
        Kind::Tcp => with_scheme("tcp", &address.get()),
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        fault.set(None);
        let host = HostDraft::new(name.get_untracked(), untrack(url));
        spawn_local(async move {
            let answer = api::create(host).await;
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(host) => {
                    toasts.say("server", format!("Added {}", host.name));
                    added.run(host);
                    name.set(String::new());
                    address.set(String::new());
                    dialog::close(node);
                }
                Err(error) => {
                    let field = match error.0.code.as_str() {
                        "name_taken" | "name_invalid" => Some("name".to_owned()),
                        "host_exists" => Some("url".to_owned()),
                        _ => error.detail("field").map(str::to_owned),
                    };
                    fault.set(Some((field, error.0.message)));
                }
            }
        });
    };
    let choice = move |value: Kind, sign: &'static str, title: &'static str, text: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="transport"
                    checked=kind.get_untracked() == value
                    prop:checked=move || kind.get() == value
                    on:change=move |_| kind.set(value)
                />
                {icon(sign)}
                {title}
                <small>{text}</small>
            </label>
        }
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            <button class="btn btn-primary" type="submit" form=FORM aria-busy=move || busy.get().to_string() disabled=move || busy.get()>
                "Add host"
            </button>
        }
    };
    let line = |id: &'static str, message: Signal<Option<String>>| {
        view! {
            <div id=id aria-live="polite">
                {move || message.get().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
            </div>
        }
    };
    view! {
        <Dialog node id="add-host" title="Add host" foot>
            <form id=FORM class="stack" novalidate on:submit=submit>
                {move || general().map(|message| view! { <FailureNote message=message /> })}
                <fieldset class="transports">
                    <legend class="vh">"Transport"</legend>
                    {choice(Kind::Local, "plug", "Socket", "An engine on this machine")}
                    {choice(Kind::Tcp, "network", "TCP", "An engine on the network")}
                </fieldset>
                <div class="hostrow">
                    <div class="field">
                        <label for="host-name">"Name"</label>
                        <input
                            class="input"
                            id="host-name"
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck="false"
                            placeholder="nas"
                            autofocus
                            aria-invalid=move || bad_name.get().map(|_| "true")
                            aria-describedby="host-name-fault"
                            prop:value=move || name.get()
                            on:input=move |event| name.set(event_target_value(&event))
                        />
                        {line("host-name-fault", bad_name)}
                    </div>
                    <div class="field">
                        <label for="host-url">{move || if kind.get() == Kind::Local { "Path of the socket" } else { "Address and port" }}</label>
                        <input
                            class="input mono"
                            id="host-url"
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck="false"
                            placeholder=move || if kind.get() == Kind::Local { "/var/run/docker.sock" } else { "10.0.4.22:2375" }
                            aria-invalid=move || bad_url.get().map(|_| "true")
                            aria-describedby="host-url-fault"
                            prop:value=move || if kind.get() == Kind::Local { socket.get() } else { address.get() }
                            on:input=move |event| {
                                let value = event_target_value(&event);
                                if kind.get_untracked() == Kind::Local { socket.set(value) } else { address.set(value) }
                            }
                        />
                        {line("host-url-fault", bad_url)}
                    </div>
                </div>
                <Show when=move || kind.get() == Kind::Tcp>
                    <div class="note" data-s="warn">
                        {icon("triangle-alert")}
                        <div>
                            <b>"Plain TCP has no password and no encryption."</b>
                            " Anyone who can reach that port owns the host. Use it only on a network where everybody may."
                        </div>
                    </div>
                </Show>
                <p class="hint">"It need not answer now. Until it does, it is shown as offline with the reason."</p>
            </form>
        </Dialog>
    }
}

/// The url of what was typed; one that has a scheme already is left as it is.
fn with_scheme(scheme: &str, text: &str) -> String {
    let text = text.trim();
    if text.contains("://") {
        text.to_owned()
    } else {
        format!("{scheme}://{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_added_once() {
        assert_eq!(
            with_scheme("unix", " /run/docker.sock "),
            "unix:///run/docker.sock"
        );
        assert_eq!(with_scheme("tcp", "nas:2375"), "tcp://nas:2375");
        assert_eq!(with_scheme("unix", "tcp://nas:2375"), "tcp://nas:2375");
    }
}
