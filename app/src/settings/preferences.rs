//! What this browser is set to: light or dark, and keys of one letter.

use crate::shell::{keys, theme};
use leptos::prelude::*;

const THEMES: [(&str, Option<&str>); 3] = [
    ("As the system", None),
    ("Light", Some("light")),
    ("Dark", Some("dark")),
];

#[component]
pub fn PreferencesCard() -> impl IntoView {
    let chosen = crate::shell::cookie("theme");
    let one = |(name, theme): (&'static str, Option<&'static str>)| {
        let checked = match theme {
            Some(theme) => chosen.as_deref() == Some(theme),
            None => !matches!(chosen.as_deref(), Some("light" | "dark")),
        };
        view! {
            <label>
                <input class="vh" type="radio" name="theme" checked=checked on:change=move |_| theme::choose(theme) />
                {name}
            </label>
        }
    };
    view! {
        <section class="card" aria-labelledby="preferences">
            <div class="card-h"><h2 id="preferences">"Preferences"</h2></div>
            <div class="card-b stack">
                <div class="field">
                    <span class="label" id="theme-label">"Theme"</span>
                    <fieldset class="seg" aria-labelledby="theme-label">{THEMES.map(one).collect_view()}</fieldset>
                </div>
                <label class="row">
                    <input
                        type="checkbox"
                        role="switch"
                        class="switch"
                        checked=keys::are_single_keys_on()
                        on:change=move |event| keys::turn_single_keys(event_target_checked(&event))
                    />
                    <span>"Keys of one letter"</span>
                </label>
                <p class="hint">"Kept in this browser alone. j, k, x, r, s and others act on lists: turn them off if they are pressed by accident, by speech input for example."</p>
            </div>
        </section>
    }
}
