//! When something planned happens to a container next.

use super::lines::Line;
use crate::components::{
    Icon,
    time::{Ago, At},
};
use leptos::prelude::*;

/// "in 12 h" and "Fri 02:00", the run that works on it now, or nothing planned.
pub fn next_run(line: &Line) -> AnyView {
    if let Some(run) = line.run().filter(|_| line.is_busy()) {
        return view! {
            <div class="when">
                <a class="r busy" href=format!("/runs/{run}")>"Running now"</a>
            </div>
        }
        .into_any();
    }
    let Some(next) = line.container.with(|container| container.next_run.clone()) else {
        return view! { <div class="when"><span class="faint">"No schedule"</span></div> }.into_any();
    };
    let title = format!("{} by {}", super::words::label(&next.action), next.schedule_name);
    view! {
        <a class="when" href=format!("/schedules/{}", next.schedule_id) title=title>
            <span class="r">
                <Icon name="calendar-clock" class="i i-sm only-s" />
                <Ago at=next.at />
            </span>
            <span class="a"><At at=next.at /></span>
        </a>
    }
    .into_any()
}
