//! The counts of the frame, kept current by live events.

use super::api::{Counts, overview};
use crate::{error::AppError, live::Live};
use domain::events::Event;
use leptos::prelude::*;
use std::time::Duration;

/// How long to gather events before reading again: a restart alone makes half a dozen.
const GATHER: Duration = Duration::from_millis(600);

#[derive(Clone, Copy)]
pub struct Overviews(Resource<Result<Counts, AppError>>);

impl Overviews {
    pub fn provide() -> Self {
        let live = Live::get();
        let changes = RwSignal::new(0_u32);
        let resource = Resource::new(move || (live.gaps(), changes.get()), |_| overview());
        let waiting = StoredValue::new(false);
        live.listen(move |event| {
            // The health of single containers changes no count that is shown here.
            if matches!(event, Event::RunProgress { .. }) || waiting.get_value() {
                return;
            }
            waiting.set_value(true);
            set_timeout(
                move || {
                    if waiting.try_set_value(false).is_none() {
                        let _ = changes.try_update(|changes| *changes += 1);
                    }
                },
                GATHER,
            );
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
