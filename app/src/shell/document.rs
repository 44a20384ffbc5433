//! The HTML document around the app, made by the server alone.

use super::{App, cookie};
use crate::components::SPRITE;
use leptos::{config::LeptosOptions, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

/// The document. Theme and zone come from cookies, so that the first paint is already right.
/// Its type is erased here, as is that of every page: the compiler would carry the whole tree of elements as one type
/// through every caller.
pub fn shell(options: LeptosOptions) -> AnyView {
    let theme = cookie("theme").filter(|theme| matches!(theme.as_str(), "light" | "dark"));
    let zone = cookie("tz")
        .filter(|zone| jiff::tz::TimeZone::get(zone).is_ok())
        .unwrap_or_default();
    let now = jiff::Timestamp::now().as_millisecond();
    let info = use_context::<crate::context::ServerInfo>();
    let build = info.as_ref().map(|info| info.build.to_string());
    let unprotected = info.is_some_and(|info| info.unprotected).then_some("");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-zone=zone data-now=now.to_string() data-build=build data-unprotected=unprotected>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f4f6f7" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0b1012" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <link rel="manifest" href="/site.webmanifest" />
                <link rel="preload" href="/fonts/inter-latin.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous" />
                <HashedStylesheet options=options.clone() id="style" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
                // After the app, which hydrates from the body's first child on.
                <svg hidden aria-hidden="true" inner_html=SPRITE></svg>
            </body>
        </html>
    }
    .into_any()
}
