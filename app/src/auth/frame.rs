//! What sign-in and set-up share: the dial, the name, the card, and the word of warning where nothing is encrypted.

use super::dial::Dial;
use crate::{
    components::{Logo, icon},
    shell::ThemeToggle,
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn Frame(#[prop(into)] title: &'static str, subtitle: &'static str, children: Children) -> impl IntoView {
    let unprotected = RwSignal::new(known_as_unprotected());
    // The server may not know of a proxy before it; the browser does know how it is connected.
    Effect::new(move |_| unprotected.set(!window().is_secure_context()));
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
            <footer class="foot">
                <Show when=move || unprotected.get()>
                    <div class="note" data-s="warn">
                        {icon("triangle-alert")}
                        <div>
                            <b>"This connection is not protected."</b>
                            " Whoever is on this network can read what you type. Use https where you can."
                        </div>
                    </div>
                </Show>
                <span>"v" {env!("CARGO_PKG_VERSION")}</span>
            </footer>
        </main>
    }
}

/// What the server's page says of the connection.
fn known_as_unprotected() -> bool {
    #[cfg(feature = "ssr")]
    return use_context::<crate::context::ServerInfo>().is_some_and(|info| info.unprotected);
    #[cfg(not(feature = "ssr"))]
    return document()
        .document_element()
        .is_some_and(|root| root.has_attribute("data-unprotected"));
}
