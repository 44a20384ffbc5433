//! Where passkeys work.

use domain::passkeys::Place;
use leptos::prelude::*;

/// Why passkeys do not work on this page. The server knows by which address it is meant to be reached, the browser by which it
/// was reached.
pub fn refusal_at(place: Place) -> Signal<Option<String>> {
    let refusal = RwSignal::new(place.refusal.clone());
    Effect::new(move |_| {
        if place.refusal.is_some() {
            return;
        }
        let here = window().location().origin().unwrap_or_default();
        let origin = place.origin.clone();
        if here != origin {
            // Not before the page is hydrated: it must first be what the server sent.
            when_hydrated(move || {
                let text = format!("Passkeys work at {origin} only. Open Chrontainer there.");
                let _ = refusal.try_set(Some(text));
            });
        }
    });
    refusal.into()
}

/// Calls this in the browser, once the page has been what the server sent.
pub(super) fn when_hydrated(then: impl FnOnce() + 'static) {
    #[cfg(not(feature = "ssr"))]
    crate::hydration::when_done(then);
    #[cfg(feature = "ssr")]
    let _ = then;
}
