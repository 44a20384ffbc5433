//! The counts of the frame, kept current by live events.

use super::{
    api::{Counts, SEEN, overview},
    set_cookie,
};
use crate::{
    codec::{Resource, resource},
    components::{debounce::gathered, time::machine_now},
    error::AppError,
    live::Live,
};
use domain::events::Event;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::time::Duration;

/// How long to gather events before reading again: a restart alone makes half a dozen.
const GATHER: Duration = Duration::from_millis(600);

#[derive(Clone, Copy)]
pub struct Overviews(Resource<Result<Counts, AppError>>);

impl Overviews {
    pub fn provide() -> Self {
        let live = Live::get();
        let changes = RwSignal::new(0_u32);
        let resource = resource(move || (live.gaps(), changes.get()), |_| overview());
        let again = gathered(GATHER, move || {
            let _ = changes.try_update(|changes| *changes += 1);
        });
        let soon = again.clone();
        live.listen(move |event| {
            // What happens to single containers changes few counts here; whatever adds or removes them does.
            if !matches!(event, Event::RunProgress { .. }) {
                soon();
            }
        });
        let path = use_location().pathname;
        Effect::new(move |_| {
            if path.with(|path| path == "/activity") {
                set_cookie(SEEN, &machine_now().to_string());
                again();
            }
        });
        let this = Self(resource);
        provide_context(this);
        this
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// The counts, or zeros when they cannot be read; to be awaited below a `Suspense`.
    pub async fn ready(self) -> Counts {
        self.0.await.unwrap_or_default()
    }
}
