//! What is typed into the dialog of a host, and what is sent of it.

use crate::error::AppError;
use domain::hosts::{Change, Hidden, Host, HostDraft, HostPatch, SshDraft, TestStep, TlsDraft, Transport};
use leptos::prelude::*;

/// How to sign in over SSH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignIn {
    #[default]
    Key,
    Password,
    Agent,
}

type Text = RwSignal<String>;

/// The dialog's fields; one for the page.
#[derive(Clone, Copy)]
pub struct Form {
    pub kind: RwSignal<Transport>,
    pub name: Text,
    pub socket: Text,
    pub tcp: Text,
    pub ssh: Text,
    pub ca: Text,
    pub cert: Text,
    pub key: Text,
    pub sign_in: RwSignal<SignIn>,
    pub private_key: Text,
    pub passphrase: Text,
    pub password: Text,
    pub docker_path: Text,
    pub known_hosts: Text,
    pub tags: Text,
    pub note: Text,
    pub address: Text,
    /// The host key that a person has compared.
    pub accepted: RwSignal<Option<String>>,
    /// The host that is edited; none when one is added.
    pub editing: RwSignal<Option<Host>>,
    pub busy: RwSignal<bool>,
    /// (field, message)
    pub fault: RwSignal<Option<(Option<String>, String)>>,
    pub steps: RwSignal<Vec<TestStep>>,
    pub testing: RwSignal<bool>,
}

impl Form {
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Self {
            kind: RwSignal::new(Transport::Unix),
            name: text(),
            socket: RwSignal::new("/var/run/docker.sock".to_owned()),
            tcp: text(),
            ssh: text(),
            ca: text(),
            cert: text(),
            key: text(),
            sign_in: RwSignal::new(SignIn::Key),
            private_key: text(),
            passphrase: text(),
            password: text(),
            docker_path: text(),
            known_hosts: text(),
            tags: text(),
            note: text(),
            address: text(),
            accepted: RwSignal::new(None),
            editing: RwSignal::new(None),
            busy: RwSignal::new(false),
            fault: RwSignal::new(None),
            steps: RwSignal::new(Vec::new()),
            testing: RwSignal::new(false),
        }
    }

    /// Begins anew: with nothing, or with what a host is now. Secrets are never shown, so their fields are empty.
    pub fn begin(self, host: Option<Host>) {
        for secret in [
            self.ca,
            self.cert,
            self.key,
            self.private_key,
            self.passphrase,
            self.password,
            self.known_hosts,
        ] {
            secret.set(String::new());
        }
        self.accepted.set(None);
        self.fault.set(None);
        self.steps.set(Vec::new());
        self.busy.set(false);
        self.testing.set(false);
        let url = host.as_ref().map(|host| host.url.clone()).unwrap_or_default();
        let after = |scheme: &str| url.strip_prefix(scheme).unwrap_or_default().to_owned();
        self.socket.set(match after("unix://") {
            path if path.is_empty() => "/var/run/docker.sock".to_owned(),
            path => path,
        });
        self.tcp.set(after("tcp://"));
        self.ssh.set(after("ssh://"));
        let of = host.as_ref();
        self.kind.set(of.map(|host| host.transport).unwrap_or_default());
        self.name
            .set(of.map(|host| host.name.clone()).unwrap_or_default());
        self.tags
            .set(of.map(|host| host.tags.join(", ")).unwrap_or_default());
        self.note
            .set(of.map(|host| host.note.clone()).unwrap_or_default());
        self.address
            .set(of.and_then(|host| host.address.clone()).unwrap_or_default());
        let ssh = of.and_then(|host| host.ssh.clone()).unwrap_or_default();
        self.docker_path.set(ssh.docker_path.unwrap_or_default());
        self.sign_in
            .set(match (ssh.has_private_key, ssh.has_password, ssh.use_agent) {
                (false, true, _) => SignIn::Password,
                (false, false, true) => SignIn::Agent,
                _ => SignIn::Key,
            });
        self.editing.set(host);
    }

    pub fn url(self) -> String {
        match self.kind.get_untracked() {
            Transport::Unix => with_scheme("unix", &self.socket.get_untracked()),
            Transport::Tcp | Transport::Tls => with_scheme("tcp", &self.tcp.get_untracked()),
            Transport::Ssh => with_scheme("ssh", &self.ssh.get_untracked()),
        }
    }

    fn tls(self) -> Change<TlsDraft> {
        match self.kind.get_untracked() {
            Transport::Tls => Change::Set(TlsDraft {
                ca: typed(self.ca),
                cert: typed(self.cert),
                key: typed(self.key),
            }),
            Transport::Tcp => Change::Clear,
            Transport::Unix | Transport::Ssh => Change::Keep,
        }
    }

    fn ssh_draft(self) -> Change<SshDraft> {
        if self.kind.get_untracked() != Transport::Ssh {
            return Change::Keep;
        }
        let way = self.sign_in.get_untracked();
        let only = |wanted: SignIn, field: Text| {
            if way == wanted {
                typed(field)
            } else {
                Change::Clear
            }
        };
        let path = self.docker_path.get_untracked().trim().to_owned();
        let known = self.known_hosts.get_untracked();
        Change::Set(SshDraft {
            private_key: only(SignIn::Key, self.private_key),
            passphrase: only(SignIn::Key, self.passphrase),
            password: only(SignIn::Password, self.password),
            use_agent: Some(way == SignIn::Agent),
            docker_path: if path.is_empty() {
                Change::Clear
            } else {
                Change::Set(path)
            },
            known_hosts: (!known.trim().is_empty()).then_some(known),
        })
    }

    /// What is sent to add it.
    pub fn draft(self) -> HostDraft {
        HostDraft {
            tags: self.tag_list(),
            note: self.note.get_untracked(),
            address: Some(self.address.get_untracked()).filter(|address| !address.trim().is_empty()),
            tls: match self.tls() {
                Change::Clear => Change::Keep,
                other => other,
            },
            ssh: self.ssh_draft(),
            accept_fingerprint: self.accepted.get_untracked(),
            ..HostDraft::new(self.name.get_untracked(), self.url())
        }
    }

    /// What is sent to change it.
    pub fn patch(self) -> HostPatch {
        HostPatch {
            name: Some(self.name.get_untracked()),
            tags: Some(self.tag_list()),
            note: Some(self.note.get_untracked()),
            address: Change::Set(self.address.get_untracked()),
            version: self
                .editing
                .with_untracked(|host| host.as_ref().map(|host| host.version)),
            ..self.connection()
        }
    }

    /// What a test needs.
    pub fn connection(self) -> HostPatch {
        HostPatch {
            url: Some(self.url()),
            tls: self.tls(),
            ssh: self.ssh_draft(),
            accept_fingerprint: self
                .accepted
                .get_untracked()
                .filter(|_| self.kind.get_untracked() == Transport::Ssh),
            ..HostPatch::default()
        }
    }

    fn tag_list(self) -> Vec<String> {
        let text = self.tags.get_untracked();
        text.split([',', ' '])
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Puts a refusal to its field.
    pub fn refused(self, error: AppError) {
        let field = match error.0.code.as_str() {
            "name_taken" | "name_invalid" => Some("name".to_owned()),
            "host_exists" => Some("url".to_owned()),
            _ => error.detail("field").map(|field| match field {
                field if field.starts_with("tags") => "tags".to_owned(),
                field => field.to_owned(),
            }),
        };
        let known = |field: &String| FIELDS.contains(&field.as_str());
        self.fault.set(Some((field.filter(known), error.0.message)));
    }

    /// What is wrong with a field.
    pub fn about(self, field: &'static str) -> Signal<Option<String>> {
        let fault = self.fault;
        Signal::derive(move || {
            fault.with(|fault| {
                let (of, message) = fault.as_ref()?;
                (of.as_deref() == Some(field)).then(|| message.clone())
            })
        })
    }
}

/// The fields that can show what is wrong with them; the rest is said above.
const FIELDS: [&str; 13] = [
    "name",
    "url",
    "tags",
    "note",
    "address",
    "tls.ca",
    "tls.cert",
    "tls.key",
    "ssh.private_key",
    "ssh.passphrase",
    "ssh.password",
    "ssh.docker_path",
    "ssh.known_hosts",
];

/// An empty field leaves what is stored as it is.
fn typed(field: Text) -> Change<Hidden> {
    let text = field.get_untracked();
    if text.is_empty() {
        Change::Keep
    } else {
        Change::Set(Hidden::new(text))
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
