//! The HTML document around the app, made by the server alone.

use super::App;
use leptos::{config::LeptosOptions, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

/// The document. Theme and zone come from cookies, so that the first paint is already right.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <link rel="manifest" href="/site.webmanifest" />
                <HashedStylesheet options=options.clone() id="style" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
