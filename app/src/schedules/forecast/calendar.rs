//! A week in cells of six hours, a month in cells of a day: how many runs on which host.

use super::{Range, words};
use crate::components::time::Clock;
use domain::forecast::{Forecast, ForecastLane};
use leptos::prelude::*;
use std::collections::HashSet;

pub fn calendar(forecast: &Forecast, range: Range) -> AnyView {
    let clock = Clock::get();
    let today = clock.wall(forecast.now.timestamp_millis());
    // The cells of each day on the viewer's wall.
    let mut days: Vec<Vec<usize>> = Vec::new();
    let walls: Vec<_> = forecast
        .cells
        .iter()
        .map(|at| clock.wall(at.timestamp_millis()))
        .collect();
    for (cell, wall) in walls.iter().enumerate() {
        match days.last_mut() {
            Some(day) if walls[day[0]].same_day(wall) => day.push(cell),
            _ => days.push(vec![cell]),
        }
    }
    let is_month = range == Range::Month;
    let heads = days
        .iter()
        .map(|day| {
            let wall = &walls[day[0]];
            let is_today = wall.same_day(&today);
            let text = if is_month {
                wall.day.to_string()
            } else {
                format!("{} {}", wall.weekday(), wall.day)
            };
            view! { <span class="dh" aria-current=is_today.then_some("date") title=wall.date()>{text}</span> }
        })
        .collect_view();
    let rows = forecast
        .lanes
        .iter()
        .map(|lane| row(forecast, lane, &days, clock))
        .collect_view();
    let label = format!(
        "{} by host and {}. The table names them one by one.",
        words::summary(forecast, range.span()),
        if is_month { "day" } else { "quarter of a day" }
    );
    view! {
        <div class="cal" class:cal-month=is_month role="img" aria-label=label style=format!("--days:{}", days.len())>
            <span></span>
            {heads}
            {rows}
        </div>
    }
    .into_any()
}

fn row(forecast: &Forecast, lane: &ForecastLane, days: &[Vec<usize>], clock: Clock) -> AnyView {
    let cell_of = |at: chrono::DateTime<chrono::Utc>| forecast.cells.iter().rposition(|start| *start <= at);
    let marked = forecast
        .marks
        .iter()
        .filter(|mark| mark.conflict && words::is_on(lane, &mark.hosts))
        .map(|mark| mark.at);
    let told = forecast
        .conflicts
        .iter()
        .filter(|conflict| {
            conflict.host.as_ref().map(|host| host.id) == lane.host.as_ref().map(|host| host.id)
        })
        .map(|conflict| conflict.at);
    let conflicts: HashSet<usize> = marked.chain(told).filter_map(cell_of).collect();
    let name = lane
        .host
        .as_ref()
        .map_or_else(|| "No container".to_owned(), |host| host.name.clone());
    let cells = days
        .iter()
        .map(|day| {
            let cells = day
                .iter()
                .map(|cell| one(forecast, lane, *cell, conflicts.contains(cell), clock))
                .collect_view();
            view! { <div class="cal-day" style=format!("--cells:{}", day.len())>{cells}</div> }
        })
        .collect_view();
    view! { <div class="fc-host"><span class="clip">{name}</span></div>{cells} }.into_any()
}

fn one(forecast: &Forecast, lane: &ForecastLane, cell: usize, conflict: bool, clock: Clock) -> AnyView {
    let from = forecast.cells[cell];
    let to = forecast.cells.get(cell + 1).copied().unwrap_or(forecast.to);
    let blackout = forecast.blackouts.iter().find(|blackout| {
        let host = lane.host.as_ref();
        (blackout.everywhere || host.is_some_and(|host| blackout.hosts.contains(&host.id)))
            && blackout
                .periods
                .iter()
                .any(|period| period.from < to && from < period.to)
    });
    let past = forecast
        .past
        .iter()
        .filter(|run| (from..to).contains(&run.at) && words::is_on(lane, &run.hosts))
        .count();
    let count = |of: &[u32]| of.get(cell).copied().unwrap_or_default();
    let (runs, dense) = (count(&lane.runs), count(&lane.dense));
    let at = clock.wall(forecast.cells[cell].timestamp_millis());
    let mut title = format!("{} {} from {}: {runs} runs", at.weekday(), at.date(), at.time());
    if dense > 0 {
        title += &format!(" and {dense} frequent ones");
    }
    if past > 0 {
        title += &format!(", {past} ran already");
    }
    if let Some(blackout) = blackout {
        title += &format!(", in the blackout {}", blackout.name);
    }
    view! {
        <span
            class="cal-cell"
            class:frequent={dense > 0}
            class:hatched=blackout.is_some()
            data-n=runs
            data-s=conflict.then_some("conflict")
            style=format!("--n:{runs}")
            title=title
        >
            {(runs > 0).then(|| runs.to_string())}
        </span>
    }
    .into_any()
}
