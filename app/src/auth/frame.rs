//! What sign-in and set-up share: the dial, the name, the card.

use super::dial::Dial;
use crate::{components::Logo, shell::ThemeToggle};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn Frame(#[prop(into)] title: &'static str, subtitle: &'static str, children: Children) -> impl IntoView {
    view! {
        <Title text=title />
        <main class="auth" id="main">
            <Dial />
            <ThemeToggle class="icon-btn theme-toggle corner" />
            <div class="box">
                <div class="top">
                    <Logo />
                    <div>
                        <h1>"Chrontainer"</h1>
                        <p>{subtitle}</p>
                    </div>
                </div>
                {children()}
            </div>
            <footer class="foot"><span>"v" {env!("CARGO_PKG_VERSION")}</span></footer>
        </main>
    }
}
