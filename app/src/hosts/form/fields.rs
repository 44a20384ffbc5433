//! The fields of the dialog.

use super::state::{Form, SignIn};
use crate::components::icon;
use domain::hosts::Transport;
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

/// What is wrong with a field, below it.
fn fault_line(id: String, message: Signal<Option<String>>) -> AnyView {
    view! {
        <div id=id aria-live="polite">
            {move || message.get().map(|message| view! { <span class="field-err">{icon("circle-alert")}<span>{message}</span></span> })}
        </div>
    }
    .into_any()
}

/// One line of text.
pub struct Line {
    pub id: &'static str,
    pub label: &'static str,
    pub placeholder: &'static str,
    pub hint: &'static str,
    pub mono: bool,
    pub secret: bool,
}

impl Line {
    pub fn view(self, value: RwSignal<String>, fault: Signal<Option<String>>) -> AnyView {
        let about = format!("{}-fault", self.id);
        view! {
            <div class="field">
                <label for=self.id>{self.label}</label>
                <input
                    class="input"
                    class:mono=self.mono
                    id=self.id
                    type=if self.secret { "password" } else { "text" }
                    autocomplete=if self.secret { "new-password" } else { "off" }
                    autocapitalize="none"
                    spellcheck="false"
                    autofocus=self.id == "host-name"
                    placeholder=self.placeholder
                    aria-invalid=move || fault.get().map(|_| "true")
                    aria-describedby=about.clone()
                    prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))
                />
                {(!self.hint.is_empty()).then(|| view! { <span class="hint">{self.hint}</span> })}
                {fault_line(about, fault)}
            </div>
        }
        .into_any()
    }
}

/// A PEM text: pasted, or from a file.
fn pem(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    stored: Signal<bool>,
    fault: Signal<Option<String>>,
) -> AnyView {
    let hint = Signal::derive(move || {
        if stored.get() {
            "Stored sealed. Leave this empty to keep it."
        } else {
            "-----BEGIN …"
        }
    });
    // A key is small; whatever else was chosen is refused by its first bytes.
    upload(id, label, value, hint, 64 * 1024, fault)
}

/// A text that is pasted or read from a file, up to so many bytes.
fn upload(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    hint: Signal<&'static str>,
    most: i32,
    fault: Signal<Option<String>>,
) -> AnyView {
    let about = format!("{id}-fault");
    let file = format!("{id}-file");
    let chosen = move |event: ev::Event| {
        let input = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(file) = input
            .as_ref()
            .and_then(|input| input.files())
            .and_then(|files| files.get(0))
        else {
            return;
        };
        let text = file.slice_with_i32_and_i32(0, most).map(|part| part.text());
        spawn_local(async move {
            if let Ok(text) = text
                && let Ok(text) = wasm_bindgen_futures::JsFuture::from(text).await
                && let Some(text) = text.as_string()
            {
                let _ = value.try_set(text);
            }
            if let Some(input) = input {
                input.set_value("");
            }
        });
    };
    view! {
        <div class="field pem">
            <div class="row">
                <label for=id>{label}</label>
                <label class="btn btn-sm" for=file.clone()>
                    {icon("key-round")}
                    "Choose file"
                    <span class="vh">" for "{label}</span>
                </label>
                <input class="vh" type="file" id=file aria-label=format!("File of {label}") tabindex="0" on:change=chosen />
            </div>
            <textarea
                class="input mono"
                id=id
                rows="2"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                placeholder=move || hint.get()
                aria-invalid=move || fault.get().map(|_| "true")
                aria-describedby=about.clone()
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            {fault_line(about, fault)}
        </div>
    }
    .into_any()
}

/// The radio buttons of the ways to reach a host.
pub fn transports(form: Form) -> AnyView {
    let choice = move |value: Transport, sign: &'static str, title: &'static str, text: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="transport"
                    prop:checked=move || form.kind.get() == value
                    on:change=move |_| {
                        form.kind.set(value);
                        form.steps.set(Vec::new());
                        form.fault.set(None);
                    }
                />
                {icon(sign)}
                {title}
                <small>{text}</small>
            </label>
        }
    };
    view! {
        <fieldset class="transports">
            <legend class="vh">"Transport"</legend>
            {choice(Transport::Unix, "plug", "Socket", "On this machine")}
            {choice(Transport::Ssh, "terminal", "SSH", "No open Docker port")}
            {choice(Transport::Tls, "lock", "TCP + TLS", "Client certificate")}
            {choice(Transport::Tcp, "network", "TCP", "Not encrypted")}
        </fieldset>
    }
    .into_any()
}

/// Name and address.
pub fn place(form: Form) -> AnyView {
    let name = Line {
        id: "host-name",
        label: "Name",
        placeholder: "nas",
        hint: "",
        mono: false,
        secret: false,
    };
    let address = move || {
        let line = |label, placeholder, hint| Line {
            id: "host-url",
            label,
            placeholder,
            hint,
            mono: true,
            secret: false,
        };
        let (line, value) = match form.kind.get() {
            Transport::Unix => (
                line("Path of the socket", "/var/run/docker.sock", ""),
                form.socket,
            ),
            Transport::Tcp => (line("Address and port", "10.0.4.22:2375", ""), form.tcp),
            Transport::Tls => (line("Address and port", "vps.example.net:2376", ""), form.tcp),
            Transport::Ssh => (line("User and address", "docker@10.0.4.22:22", ""), form.ssh),
        };
        line.view(value, form.about("url"))
    };
    view! { <div class="hostrow">{name.view(form.name, form.about("name"))}{address}</div> }.into_any()
}

/// What the chosen way needs besides.
pub fn credentials(form: Form) -> AnyView {
    let stored = move |what: fn(&domain::hosts::Host) -> bool| {
        Signal::derive(move || form.editing.with(|host| host.as_ref().is_some_and(what)))
    };
    view! {
        {move || match form.kind.get() {
            Transport::Unix => ().into_any(),
            Transport::Tcp => view! {
                <div class="note" data-s="warn">
                    {icon("triangle-alert")}
                    <div>
                        <b>"Plain TCP has no password and no encryption."</b>
                        " Anyone who can reach that port owns the host. Use it only on a network where everybody may."
                    </div>
                </div>
            }.into_any(),
            Transport::Tls => view! {
                <div class="stack">
                    {pem("host-ca", "Certificate of the CA (ca.pem)", form.ca, stored(|h| h.tls.as_ref().is_some_and(|t| t.has_ca)), form.about("tls.ca"))}
                    {pem("host-cert", "Client certificate (cert.pem)", form.cert, stored(|h| h.tls.as_ref().is_some_and(|t| t.has_cert)), form.about("tls.cert"))}
                    {pem("host-key", "Client key (key.pem)", form.key, stored(|h| h.tls.as_ref().is_some_and(|t| t.has_key)), form.about("tls.key"))}
                    <p class="hint">"Only this CA is trusted for this host. The key is stored sealed and never shown again."</p>
                </div>
            }.into_any(),
            Transport::Ssh => view! {
                {ssh(form, stored(|h| h.ssh.as_ref().is_some_and(|s| s.has_private_key)), stored(|h| h.ssh.as_ref().is_some_and(|s| s.has_password)))}
                {known_hosts(form, stored(|h| h.ssh.as_ref().is_some_and(|s| s.fingerprint.is_some())))}
            }.into_any(),
        }}
    }
    .into_any()
}

fn ssh(form: Form, has_key: Signal<bool>, has_password: Signal<bool>) -> AnyView {
    let choice = move |value: SignIn, title: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="sign-in"
                    prop:checked=move || form.sign_in.get() == value
                    on:change=move |_| form.sign_in.set(value)
                />
                {title}
            </label>
        }
    };
    let secret = |id, label, placeholder| Line {
        id,
        label,
        placeholder,
        hint: "",
        mono: false,
        secret: true,
    };
    view! {
        <div class="stack">
            <fieldset class="seg seg-fill">
                <legend class="vh">"Sign in with"</legend>
                {choice(SignIn::Key, "Private key")}
                {choice(SignIn::Password, "Password")}
                {choice(SignIn::Agent, "Agent")}
            </fieldset>
            {move || match form.sign_in.get() {
                SignIn::Key => view! {
                    {pem("host-private-key", "Private key", form.private_key, has_key, form.about("ssh.private_key"))}
                    {secret("host-passphrase", "Passphrase of the key", "None").view(form.passphrase, form.about("ssh.passphrase"))}
                }.into_any(),
                SignIn::Password => {
                    let placeholder = if has_password.get() { "Stored, leave empty to keep it" } else { "" };
                    secret("host-password", "Password", placeholder).view(form.password, form.about("ssh.password"))
                }
                SignIn::Agent => view! {
                    <p class="hint">"The agent of this server's own process is asked (SSH_AUTH_SOCK), so nothing is stored."</p>
                }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// The keys that another machine knows already: who has them need not compare a fingerprint.
fn known_hosts(form: Form, pinned: Signal<bool>) -> AnyView {
    let hint = Signal::derive(move || {
        if pinned.get() {
            "A host key is pinned. Leave this empty to keep it."
        } else {
            "Without it, the host shows its key and you compare it."
        }
    });
    // One byte more than the server takes, so that what is larger is refused and not cut.
    upload(
        "host-known-hosts",
        "known_hosts (optional)",
        form.known_hosts,
        hint,
        512 * 1024 + 1,
        form.about("ssh.known_hosts"),
    )
}

/// What most people leave as it is.
pub fn more(form: Form) -> AnyView {
    let opened = RwSignal::new(false);
    // What is wrong in there is to be seen.
    Effect::new(move |_| {
        let inside = ["tags", "note", "address", "ssh.docker_path"];
        let wrong = form.fault.with(|fault| {
            let field = fault.as_ref().and_then(|(field, _)| field.clone());
            field.is_some_and(|field| inside.contains(&field.as_str()))
        });
        if wrong {
            opened.set(true);
        }
    });
    let line = |id, label, placeholder, hint, mono| Line {
        id,
        label,
        placeholder,
        hint,
        mono,
        secret: false,
    };
    view! {
        <details class="more" prop:open=move || opened.get() on:toggle=move |event| opened.set(is_open(&event))>
            <summary>"Tags, note and links"</summary>
            // What is closed is not there: browsers hold the transitions of hidden fields for ever.
            <Show when=move || opened.get()><div class="stack">
                <div class="hostrow even">
                    {line("host-tags", "Tags", "home, pi", "", false).view(form.tags, form.about("tags"))}
                    {line("host-address", "Address for port links", "nas.lan", "", true).view(form.address, form.about("address"))}
                </div>
                <div class="field">
                    <label for="host-note">"Note"</label>
                    <textarea
                        class="input"
                        id="host-note"
                        rows="2"
                        aria-describedby="host-note-fault"
                        prop:value=move || form.note.get()
                        on:input=move |event| form.note.set(event_target_value(&event))
                    ></textarea>
                    {fault_line("host-note-fault".to_owned(), form.about("note"))}
                </div>
                {move || (form.kind.get() == Transport::Ssh).then(|| {
                    line("host-docker", "Path of the docker program", "Found by itself", "For a NAS that forbids forwarding to its socket.", true)
                        .view(form.docker_path, form.about("ssh.docker_path"))
                })}
            </div></Show>
        </details>
    }
    .into_any()
}

fn is_open(event: &ev::Event) -> bool {
    let details = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    details.is_some_and(|details| details.has_attribute("open"))
}
