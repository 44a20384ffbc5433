//! Settings: one's own account and keys, the people, the organisation. A row of links leads from one page to the other.

mod api;
mod identities;
mod keys;
mod new_key;
mod organisation;
mod organisations;
mod passkeys;
mod password;
mod preferences;
mod profile;
mod proof;
mod retention;
mod second_factor;
mod sessions;

pub use keys::Keys;
pub use organisation::{Organisation, open_org};
pub use organisations::Organisations;
pub use profile::Profile;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

const PAGES: [(&str, &str); 9] = [
    ("/settings", "Profile"),
    ("/settings/keys", "API keys"),
    ("/settings/secrets", "Secrets"),
    ("/settings/people", "People"),
    ("/settings/teams", "Teams"),
    ("/settings/organisation", "Organisation"),
    ("/settings/audit", "Audit log"),
    ("/settings/sign-in", "Sign-in"),
    ("/settings/organisations", "All organisations"),
];

#[component]
pub fn SettingsNav() -> impl IntoView {
    let path = use_location().pathname;
    let link = move |(href, name): (&'static str, &'static str)| {
        view! {
            <a href=href aria-current=move || path.with(|path| path.trim_end_matches('/') == href).then_some("page")>{name}</a>
        }
    };
    view! { <nav class="subnav" aria-label="Settings">{PAGES.map(link).collect_view()}</nav> }
}
