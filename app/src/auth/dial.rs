//! The dial behind the sign-in card: the day as a clock's face, the hand at now.

use crate::components::time::Clock;
use leptos::prelude::*;

/// Sixty marks, a longer one every five, three arcs for runs, and the hand of the hour in the viewer's zone.
#[component]
pub fn Dial() -> impl IntoView {
    let clock = Clock::get();
    let marks: String = (0..60)
        .map(|minute| {
            let (from, class) = if minute % 5 == 0 {
                (284, " class=\"maj\"")
            } else {
                (292, "")
            };
            format!(
                "<path d=\"M0 -{from}V-300\" transform=\"rotate({})\"{class}/>",
                minute * 6
            )
        })
        .collect();
    let face = format!(
        "<circle r=\"300\"/>{marks}\
         <path class=\"run\" d=\"M-226 -150A271 271 0 0 1 -150 -226\"/>\
         <path class=\"run\" d=\"M226 150A271 271 0 0 1 150 226\"/>\
         <path class=\"run\" d=\"M-266 52A271 271 0 0 1 -271 8\"/>"
    );
    let angle = move || {
        let now = clock.wall(clock.now());
        format!(
            "rotate({:.1})",
            f64::from(now.hour % 12) * 30.0 + f64::from(now.minute) * 0.5
        )
    };
    view! {
        <svg class="dial" viewBox="-310 -310 620 620" aria-hidden="true">
            <g inner_html=face></g>
            <path class="now" d="M0 -308V-262" transform=angle></path>
        </svg>
    }
}
