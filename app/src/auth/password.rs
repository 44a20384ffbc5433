//! A field for a password, which can be shown.

use crate::components::Icon;
use leptos::prelude::*;

#[component]
pub fn PasswordField(
    id: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    #[prop(default = "password")] name: &'static str,
    #[prop(optional)] described_by: Option<&'static str>,
    #[prop(optional)] minlength: Option<u32>,
    #[prop(into)] value: RwSignal<String>,
    #[prop(into)] invalid: Signal<bool>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let sign = Signal::derive(move || if shown.get() { "eye-off" } else { "eye" });
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="pw">
                <input
                    class="input"
                    id=id
                    name=name
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    aria-describedby=described_by
                    aria-invalid=move || invalid.get().then_some("true")
                    minlength=minlength
                    required
                    bind:value=value
                />
                <button
                    type="button"
                    class="icon-btn icon-btn-sm"
                    aria-label=format!("Show {}", label.to_lowercase())
                    aria-pressed=move || shown.get().to_string()
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    <Icon name=sign />
                </button>
            </div>
            {children.map(|children| children())}
        </div>
    }
}
