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
    // A day long: it fills as the time comes nearer.
    let done = move || (100.0 - (at - clock.now()) as f64 / 864_000.0).clamp(0.0, 100.0);
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
