//! The forecast on a phone: what comes, in order.

use super::{card::Choose, words};
use crate::components::{
    Status,
    time::{Ago, Civil, Clock, short},
};
use domain::{
    blackouts::BlackoutPolicy,
    forecast::{Forecast, MarkState},
};
use leptos::prelude::*;

/// What a phone shows before the table.
const FEW: usize = 12;

pub fn agenda(forecast: &Forecast, choose: Choose) -> AnyView {
    let clock = Clock::get();
    let mut day: Option<Civil> = Some(clock.wall(forecast.now.timestamp_millis()));
    let mut lines: Vec<AnyView> = Vec::new();
    let mut closed = periods(forecast).into_iter().peekable();
    for mark in forecast.marks.iter().take(FEW).cloned() {
        while let Some((_, line)) = closed.next_if(|(from, _)| *from <= mark.starts()) {
            lines.push(line);
        }
        let wall = clock.wall(mark.starts().timestamp_millis());
        if !day.is_some_and(|day| day.same_day(&wall)) {
            lines.push(
                view! { <li class="day">{format!("{} {}", wall.weekday(), wall.date())}</li> }.into_any(),
            );
            day = Some(wall);
        }
        let quiet = mark.state == MarkState::Planned && !mark.conflict;
        let aside = if quiet {
            view! { <span class="faint sm"><Ago at=mark.starts() /></span> }.into_any()
        } else {
            view! { <Status state=words::state(&mark) /> }.into_any()
        };
        let (name, touches) = (mark.schedule.name.clone(), words::touches(&mark));
        lines.push(
            view! {
                <li>
                    <time datetime=mark.at.to_rfc3339()>{wall.time()}</time>
                    <button class="linkish strong" type="button" on:click=move |_| choose.run(mark.clone())>{name}</button>
                    {aside}
                    <span class="sub">{touches}</span>
                </li>
            }
            .into_any(),
        );
    }
    let more = forecast.marks.len().saturating_sub(FEW);
    let rest =
        (more > 0).then(|| view! { <li class="day">{format!("{more} more: the table shows them")}</li> });
    let frequent = (forecast.dense_total > 0).then(|| {
        view! { <li class="day">{format!("{} runs of frequent schedules beside these", forecast.dense_total)}</li> }
    });
    view! {
        <ol class="agenda" aria-label="Coming runs">
            <li class="nowrow">{move || clock.wall(clock.now()).time()}" now"</li>
            {lines}
            {rest}
            {frequent}
        </ol>
    }
    .into_any()
}

/// The blackouts by when they begin, each as a hatched line.
fn periods(forecast: &Forecast) -> Vec<(chrono::DateTime<chrono::Utc>, AnyView)> {
    let clock = Clock::get();
    let mut all: Vec<_> = forecast
        .blackouts
        .iter()
        .flat_map(|blackout| {
            blackout
                .periods
                .iter()
                .map(move |period| (period.from, period.to, blackout))
        })
        .filter(|(_, to, _)| *to > forecast.now)
        .collect();
    all.sort_by_key(|(from, ..)| *from);
    all.into_iter()
        .take(FEW)
        .map(|(from, to, blackout)| {
            let at = clock.wall(from.timestamp_millis()).time();
            let until = format!(
                "until {}",
                short(to.timestamp_millis(), forecast.now.timestamp_millis(), |at| clock
                    .wall(at))
            );
            let what = match blackout.policy {
                BlackoutPolicy::Skip => "Runs are skipped",
                BlackoutPolicy::Postpone => "Runs wait for its end",
            };
            let line = view! {
                <li class="hatched">
                    <time datetime=from.to_rfc3339()>{at}</time>
                    <span class="strong">{blackout.name.clone()}</span>
                    <span class="faint sm">{until}</span>
                    <span class="sub">{what}</span>
                </li>
            };
            (from, line.into_any())
        })
        .collect()
}
