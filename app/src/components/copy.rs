//! A text to take away: a field that is selected by one click, and a button that copies it.

use super::{icon, toast::Toasts};
use leptos::{html, prelude::*};

#[component]
pub fn CopyField(
    #[prop(into)] id: String,
    label: &'static str,
    #[prop(into)] value: Signal<String>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let toasts = Toasts::get();
    let copy = move |_| {
        let Some(field) = field.get_untracked() else {
            return;
        };
        field.select();
        if copy_selection() {
            toasts.say("copy", "Copied");
        } else {
            toasts.bad(
                "This browser does not copy by itself. The text is selected: copy it with the keyboard.",
            );
        }
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="copyrow">
                <input
                    class="input mono"
                    id=id
                    readonly
                    autocomplete="off"
                    node_ref=field
                    prop:value=move || value.get()
                    on:focus=move |_| if let Some(field) = field.get_untracked() { field.select() }
                />
                <button class="btn" type="button" on:click=copy>{icon("copy")}"Copy"</button>
            </div>
        </div>
    }
}

/// The old way, since the new one is there under TLS only and Chrontainer is often reached without.
#[cfg(not(feature = "ssr"))]
fn copy_selection() -> bool {
    use wasm_bindgen::JsCast;
    document()
        .dyn_ref::<web_sys::HtmlDocument>()
        .is_some_and(|document| document.exec_command("copy").unwrap_or(false))
}

#[cfg(feature = "ssr")]
fn copy_selection() -> bool {
    false
}
