//! What is typed into the dialog of a provider, and what is sent of it.

use crate::error::AppError;
use domain::{
    auth::Role,
    ids::{OrgId, ProviderId},
    providers::{
        PRESETS, Preset, ProbeReport, Provider, ProviderDraft, ProviderKind, RoleMapping, SignUp, slug_of,
    },
};
use leptos::prelude::*;

type Text = RwSignal<String>;

/// One line of the roles.
#[derive(Clone, Copy)]
pub struct Line {
    pub id: u32,
    pub value: Text,
    pub org: RwSignal<OrgId>,
    pub role: RwSignal<Role>,
}

/// The dialog's fields; one for the page.
#[derive(Clone, Copy)]
pub struct Form {
    /// Which preset was begun with; what it needs to know is said.
    pub preset: RwSignal<Option<usize>>,
    pub kind: RwSignal<ProviderKind>,
    pub name: Text,
    pub slug: Text,
    pub issuer: Text,
    pub api_url: Text,
    pub client_id: Text,
    pub secret: Text,
    pub scopes: Text,
    pub domains: Text,
    pub role_claim: Text,
    pub sign_up: RwSignal<SignUp>,
    pub link_by_email: RwSignal<bool>,
    pub enabled: RwSignal<bool>,
    pub lines: RwSignal<Vec<Line>>,
    next: RwSignal<u32>,
    /// The provider that is edited; none when one is added.
    pub editing: RwSignal<Option<Provider>>,
    pub busy: RwSignal<bool>,
    /// (field, message)
    pub fault: RwSignal<Option<(Option<String>, String)>>,
    pub report: RwSignal<Option<ProbeReport>>,
    pub testing: RwSignal<bool>,
    /// The organisation that a new line begins with.
    home: RwSignal<OrgId>,
    /// What the lines belong to: the page. What made them, a button of a list that is read again, goes before them.
    owner: StoredValue<Option<Owner>>,
}

impl Form {
    pub fn new() -> Self {
        let text = || RwSignal::new(String::new());
        Self {
            preset: RwSignal::new(None),
            kind: RwSignal::new(ProviderKind::Oidc),
            name: text(),
            slug: text(),
            issuer: text(),
            api_url: text(),
            client_id: text(),
            secret: text(),
            scopes: text(),
            domains: text(),
            role_claim: text(),
            sign_up: RwSignal::new(SignUp::InviteOnly),
            link_by_email: RwSignal::new(false),
            enabled: RwSignal::new(true),
            lines: RwSignal::new(Vec::new()),
            next: RwSignal::new(0),
            editing: RwSignal::new(None),
            busy: RwSignal::new(false),
            fault: RwSignal::new(None),
            report: RwSignal::new(None),
            testing: RwSignal::new(false),
            home: RwSignal::new(OrgId::HOME),
            owner: StoredValue::new(Owner::current()),
        }
    }

    /// Begins anew: with nothing, or with what a provider is now. Its secret is never shown.
    pub fn begin(self, provider: Option<Provider>, home: OrgId) {
        self.home.set(home);
        self.secret.set(String::new());
        self.fault.set(None);
        self.report.set(None);
        self.busy.set(false);
        self.testing.set(false);
        self.lines.set(Vec::new());
        self.preset.set(None);
        let of = provider.clone().map(draft_of).unwrap_or_default();
        for mapping in &of.mappings {
            self.line(mapping);
        }
        self.fill(of);
        self.editing.set(provider);
    }

    fn fill(self, draft: ProviderDraft) {
        self.kind.set(draft.kind);
        self.name.set(draft.name);
        self.slug.set(draft.slug.unwrap_or_default());
        self.issuer.set(draft.issuer);
        self.api_url.set(draft.api_url.unwrap_or_default());
        self.client_id.set(draft.client_id);
        self.scopes.set(draft.scopes.join(" "));
        self.domains.set(draft.domains.join(", "));
        self.role_claim.set(draft.role_claim.unwrap_or_default());
        self.sign_up.set(draft.sign_up);
        self.link_by_email.set(draft.link_by_email);
        self.enabled.set(draft.enabled);
    }

    /// Fills in what a well-known provider needs.
    pub fn choose(self, at: usize) {
        let Some(preset) = PRESETS.get(at) else { return };
        let own = preset.issuer.is_empty();
        self.preset.set(Some(at));
        self.kind.set(preset.kind);
        self.name.set(if own {
            String::new()
        } else {
            preset.name.to_owned()
        });
        self.issuer.set(preset.issuer.to_owned());
        self.scopes.set(preset.scopes.join(" "));
        self.role_claim
            .set(preset.role_claim.unwrap_or_default().to_owned());
        self.api_url.set(String::new());
        self.report.set(None);
        self.fault.set(None);
    }

    pub fn hint(self) -> Option<&'static Preset> {
        self.preset.get().and_then(|at| PRESETS.get(at))
    }

    pub fn add_line(self) {
        self.line(&RoleMapping {
            value: String::new(),
            org_id: self.home.get_untracked(),
            role: Role::Viewer,
        });
    }

    fn line(self, mapping: &RoleMapping) {
        let id = self.next.get_untracked();
        self.next.set(id + 1);
        let make = || Line {
            id,
            value: RwSignal::new(mapping.value.clone()),
            org: RwSignal::new(mapping.org_id),
            role: RwSignal::new(mapping.role),
        };
        let line = match self.owner.get_value() {
            Some(owner) => owner.with(make),
            None => make(),
        };
        self.lines.update(|lines| lines.push(line));
    }

    /// The part of the callback's address, as it is or will be.
    pub fn address(self, origin: &str) -> String {
        let slug = match self.slug.get() {
            slug if slug.trim().is_empty() => slug_of(&self.name.get()),
            slug => slug.trim().to_owned(),
        };
        format!("{origin}/auth/{slug}/callback")
    }

    pub fn draft(self) -> ProviderDraft {
        let given = |text: Text| Some(text.get_untracked()).filter(|text| !text.trim().is_empty());
        let list = |text: Text| given(text).into_iter().collect();
        ProviderDraft {
            kind: self.kind.get_untracked(),
            name: self.name.get_untracked(),
            slug: given(self.slug),
            issuer: self.issuer.get_untracked(),
            api_url: given(self.api_url),
            client_id: self.client_id.get_untracked(),
            client_secret: given(self.secret),
            scopes: list(self.scopes),
            domains: list(self.domains),
            sign_up: self.sign_up.get_untracked(),
            link_by_email: self.link_by_email.get_untracked(),
            role_claim: given(self.role_claim),
            mappings: self.lines.with_untracked(|lines| {
                lines
                    .iter()
                    .map(|line| RoleMapping {
                        value: line.value.get_untracked(),
                        org_id: line.org.get_untracked(),
                        role: line.role.get_untracked(),
                    })
                    .collect()
            }),
            enabled: self.enabled.get_untracked(),
            version: self
                .editing
                .with_untracked(|provider| provider.as_ref().map(|provider| provider.version)),
        }
    }

    pub fn id(self) -> Option<ProviderId> {
        self.editing
            .with_untracked(|provider| provider.as_ref().map(|provider| provider.id))
    }

    pub fn refused(self, error: AppError) {
        let field = error.detail("field").map(str::to_owned);
        self.fault.set(Some((field, error.0.message)));
    }

    /// What is wrong with a field. That of a line is told with the lines.
    pub fn fault_of(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.fault.with(|fault| {
                let (of, message) = fault.as_ref()?;
                let fits = of
                    .as_deref()
                    .is_some_and(|of| of.split('[').next() == Some(field));
                fits.then(|| message.clone())
            })
        })
    }
}

/// A provider as the form would send it.
pub fn draft_of(provider: Provider) -> ProviderDraft {
    ProviderDraft {
        kind: provider.kind,
        name: provider.name,
        slug: Some(provider.slug),
        issuer: provider.issuer,
        api_url: provider.api_url,
        client_id: provider.client_id,
        client_secret: None,
        scopes: provider.scopes,
        domains: provider.domains,
        sign_up: provider.sign_up,
        link_by_email: provider.link_by_email,
        role_claim: provider.role_claim,
        mappings: provider.mappings,
        enabled: provider.enabled,
        version: Some(provider.version),
    }
}
