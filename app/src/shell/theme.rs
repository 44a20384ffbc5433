//! Light or dark. Without a choice the system decides; a choice is kept in a cookie, so that nothing flashes.

use super::set_cookie;
use crate::components::{icon, icon_as};
use leptos::prelude::*;

/// Takes a theme, or what the system says.
pub fn choose(theme: Option<&'static str>) {
    let Some(root) = document().document_element() else {
        return;
    };
    let _ = match theme {
        Some(theme) => root.set_attribute("data-theme", theme),
        None => root.remove_attribute("data-theme"),
    };
    set_cookie("theme", theme.unwrap_or("system"));
}

/// Switches to the other theme.
pub fn toggle() {
    let Some(root) = document().document_element() else {
        return;
    };
    let dark = match root.get_attribute("data-theme").as_deref() {
        Some("dark") => true,
        Some("light") => false,
        _ => window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten()
            .is_some_and(|media| media.matches()),
    };
    choose(Some(if dark { "light" } else { "dark" }));
}

#[component]
pub fn ThemeToggle(#[prop(default = "icon-btn theme-toggle")] class: &'static str) -> impl IntoView {
    view! {
        <button class=class type="button" aria-label="Switch theme" on:click=|_| toggle()>
            {icon_as("sun", "i sun")}
            {icon_as("moon", "i moon")}
        </button>
    }
}

/// The same inside a menu.
#[component]
pub fn ThemeItem() -> impl IntoView {
    view! {
        <button type="button" on:click=|_| toggle()>
            {icon("sun")}
            "Switch theme"
        </button>
    }
}
