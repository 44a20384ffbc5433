//! Icons and glyphs: symbols of one sprite that stands at the end of the document.

use leptos::prelude::*;

/// The symbols, for the document.
#[cfg(feature = "ssr")]
pub const SPRITE: &str = include_str!("sprite.svg");

/// An icon of 16 px: `icon("boxes")`.
pub fn icon(name: &'static str) -> AnyView {
    view! { <svg class="i" aria-hidden="true" inner_html=format!("<use href=\"#i-{name}\"/>")></svg> }
        .into_any()
}

/// The same with a class of its own: `icon_as("chevron-right", "i i-sm")`.
pub fn icon_as(name: &'static str, class: &'static str) -> AnyView {
    view! { <svg class=class aria-hidden="true" inner_html=format!("<use href=\"#i-{name}\"/>")></svg> }
        .into_any()
}

/// An icon with a class of its own or a changing name.
#[component]
pub fn Icon(
    #[prop(into)] name: Signal<&'static str>,
    #[prop(default = "i")] class: &'static str,
) -> impl IntoView {
    view! { <svg class=class aria-hidden="true" inner_html=move || format!("<use href=\"#i-{}\"/>", name.get())></svg> }
}

/// A status glyph of 12 px.
pub fn glyph(name: &str) -> AnyView {
    view! {
        <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" inner_html=format!("<use href=\"#s-{name}\"/>")></svg>
    }
    .into_any()
}

/// The mark: a box in perspective whose inner edges are the hands of a clock.
#[component]
pub fn Logo() -> impl IntoView {
    const MARK: &str = concat!(
        r#"<path class="box" d="M14 2.2 24.2 8.1v11.8L14 25.8 3.8 19.9V8.1Z"/><path class="sec" d="M14 14v8"/>"#,
        r#"<path class="hand" d="M14 14 8.6 10.9M14 14l7.2-4.1"/><circle class="pin" cx="14" cy="14" r="1.7"/>"#,
    );
    view! { <svg class="logo" viewBox="0 0 28 28" aria-hidden="true" inner_html=MARK></svg> }
}
