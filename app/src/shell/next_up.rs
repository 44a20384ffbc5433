//! The card at the foot of the navigation: what happens next, and how far away it is.

use super::{Overviews, api::NextUp};
use crate::components::time::{Ago, At, Clock};
use leptos::prelude::*;

#[component]
pub fn NextUpCard() -> impl IntoView {
    view! {
        <Transition>
            {move || Suspend::new(async move { Overviews::get().ready().await.next_up.map(card) })}
        </Transition>
    }
}

fn card(next: NextUp) -> AnyView {
    let clock = Clock::get();
    let at = next.at.timestamp_millis();
    // From the last time to the next one; a schedule that never ran counts from a day before.
    let since = next
        .since
        .map_or(at - 86_400_000, |since| since.timestamp_millis())
        .min(at - 1);
    let done = move || ((clock.now() - since) as f64 / (at - since) as f64 * 100.0).clamp(0.0, 100.0);
    view! {
        <a class="nextup" href=format!("/schedules/{}", next.id)>
            "Next up "
            <span class="in"><Ago at=next.at /></span>
            <b class="clip">{next.name}</b>
            <At at=next.at />
            <div class="bar" style=move || format!("--v:{:.1}", done()) aria-hidden="true"><i></i></div>
        </a>
    }
    .into_any()
}
