//! What can be done with a host, from its card and from its page.

use super::{api, form::Form};
use crate::{
    auth::api::me,
    components::{dialog, menu::MenuItem, toast::Toasts},
    shares::Shared,
};
use domain::{
    auth::Permission,
    hosts::{Host, HostPatch},
    ids::HostId,
    shares::ShareKind,
};
use leptos::{html, prelude::*, task::spawn_local};

/// Why a button is disabled.
pub const NEEDS_ADMIN: &str = "Needs role admin";

/// What the buttons of a page share.
#[derive(Clone, Copy)]
pub struct Acts {
    pub hosts: RwSignal<Vec<Host>>,
    pub form: Form,
    pub dialog: NodeRef<html::Dialog>,
    pub deleting: RwSignal<Option<Host>>,
    pub sharing: RwSignal<Option<Shared>>,
    /// Whether this person may change hosts; yes until it is known, since the server decides anyway.
    pub manages: RwSignal<bool>,
    toasts: Toasts,
}

impl Acts {
    pub fn new(hosts: RwSignal<Vec<Host>>) -> Self {
        let manages = RwSignal::new(true);
        let me = crate::codec::resource(|| (), |()| me());
        Effect::new(move |_| {
            if let Some(Ok(me)) = me.get() {
                manages.set(me.role.may(Permission::HostsManage));
            }
        });
        Self {
            hosts,
            form: Form::new(),
            dialog: NodeRef::new(),
            deleting: RwSignal::new(None),
            sharing: RwSignal::new(None),
            manages,
            toasts: Toasts::get(),
        }
    }

    /// Puts in what the server said.
    pub fn put(self, host: Host) {
        let _ = self
            .hosts
            .try_update(|hosts| match hosts.iter_mut().find(|old| old.id == host.id) {
                Some(old) => *old = host,
                None => hosts.push(host),
            });
    }

    /// Puts in what the server answered to a change, unless an event was quicker: that knows more of the connection.
    pub fn answered(self, host: Host) {
        if self
            .find(host.id)
            .is_none_or(|known| known.version < host.version)
        {
            self.put(host);
        }
    }

    fn find(self, id: HostId) -> Option<Host> {
        self.hosts
            .with_untracked(|hosts| hosts.iter().find(|host| host.id == id).cloned())
    }

    pub fn add(self) {
        self.form.begin(None);
        dialog::open(self.dialog);
    }

    pub fn edit(self, id: HostId) {
        if let Some(host) = self.find(id) {
            self.form.begin(Some(host));
            dialog::open(self.dialog);
        }
    }

    /// Opens the dialog of teams.
    pub fn share(self, id: HostId) {
        self.sharing.set(self.find(id).map(|host| Shared {
            kind: ShareKind::Host,
            id: host.id.0,
            name: host.name,
        }));
    }

    pub fn ask_delete(self, id: HostId) {
        self.deleting.set(self.find(id));
    }

    /// Changes one thing at once, and back again when the server refuses.
    pub fn change(self, id: HostId, patch: HostPatch, said: &'static str) {
        let Some(before) = self.find(id) else { return };
        self.put(Host {
            maintenance: patch.maintenance.unwrap_or(before.maintenance),
            label_schedules: patch.label_schedules.unwrap_or(before.label_schedules),
            enabled: patch.enabled.unwrap_or(before.enabled),
            ..before.clone()
        });
        spawn_local(async move {
            match api::update(id, patch).await {
                Ok(host) => {
                    self.toasts.say("server", format!("{}: {said}", host.name));
                    self.answered(host);
                }
                Err(error) => {
                    self.put(before);
                    self.toasts.bad(error.0.message);
                }
            }
        });
    }

    pub fn maintenance(self, id: HostId, on: bool) {
        let patch = HostPatch {
            maintenance: Some(on),
            ..HostPatch::default()
        };
        let said = if on {
            "maintenance has begun"
        } else {
            "maintenance has ended"
        };
        self.change(id, patch, said);
    }

    /// Whether the labels of its containers make schedules.
    pub fn labels(self, id: HostId, on: bool) {
        let patch = HostPatch {
            label_schedules: Some(on),
            ..HostPatch::default()
        };
        let said = if on {
            "labels make schedules, which act for you"
        } else {
            "labels make no schedules any more"
        };
        self.change(id, patch, said);
    }

    pub fn enable(self, id: HostId, on: bool) {
        let patch = HostPatch {
            enabled: Some(on),
            ..HostPatch::default()
        };
        self.change(
            id,
            patch,
            if on {
                "connected again"
            } else {
                "not connected any more"
            },
        );
    }

    /// Pins the host key that a person has compared.
    pub fn pin(self, id: HostId, fingerprint: String) {
        let patch = HostPatch {
            accept_fingerprint: Some(fingerprint),
            ..HostPatch::default()
        };
        self.change(id, patch, "the host key is pinned");
    }

    /// The lines of a host's menu.
    pub fn menu(self, host: Memo<Host>, id: HostId) -> AnyView {
        let lacks = Signal::derive(move || (!self.manages.get()).then_some(NEEDS_ADMIN));
        let enabled = host.with_untracked(|host| host.enabled);
        view! {
            <MenuItem icon="pencil" text="Edit" lacks run=Callback::new(move |()| self.edit(id)) />
            <MenuItem
                icon=if enabled { "pause" } else { "play" }
                text=if enabled { "Stop connecting" } else { "Connect" }
                lacks
                run=Callback::new(move |()| self.enable(id, !enabled))
            />
            <MenuItem icon="boxes" text="Share with a team" run=Callback::new(move |()| self.share(id)) />
            <hr />
            <MenuItem icon="trash-2" text="Delete" danger=true lacks run=Callback::new(move |()| self.ask_delete(id)) />
        }
        .into_any()
    }
}
