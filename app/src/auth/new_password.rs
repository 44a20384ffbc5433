//! A field for a new password that says how far it goes.

use super::password::PasswordField;
use leptos::prelude::*;

/// As `control::auth::PASSWORD_MIN`; the server decides.
const SHORTEST: u32 = 8;
const SHORTEST_LENGTH: usize = SHORTEST as usize;

/// How far a password goes, in four steps by its length alone: length is what counts.
fn strength(password: &str) -> (usize, String) {
    let length = password.chars().count();
    let steps = match length {
        0 => 0,
        1..SHORTEST_LENGTH => 1,
        SHORTEST_LENGTH..14 => 2,
        14..18 => 3,
        _ => 4,
    };
    let words = match steps {
        0 => format!("{SHORTEST} characters or more. A short sentence is easy to keep in mind."),
        1 => format!("{length} of {SHORTEST} characters."),
        2 => format!("Fine. {length} characters, more is better."),
        _ => format!("Good. {length} characters."),
    };
    (steps, words)
}

#[component]
pub fn NewPassword(
    id: &'static str,
    label: &'static str,
    #[prop(default = "password")] name: &'static str,
    value: RwSignal<String>,
    #[prop(into)] invalid: Signal<bool>,
) -> impl IntoView {
    let steps = move || value.with(|password| strength(password).0);
    view! {
        <PasswordField
            id
            label
            name
            autocomplete="new-password"
            described_by="strength"
            minlength=SHORTEST
            value
            invalid
        >
            <div class="meter4" aria-hidden="true">
                {(1..=4).map(|step| view! { <i class:on={move || steps() >= step}></i> }).collect_view()}
            </div>
            <span class="hint" id="strength">{move || value.with(|password| strength(password).1)}</span>
        </PasswordField>
    }
}
