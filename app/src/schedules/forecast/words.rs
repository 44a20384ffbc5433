//! What a coming run is called and said to be.

use crate::{
    components::{
        State, run_state,
        time::{Clock, duration, short},
    },
    runs::words::is_bad,
};
use domain::{
    containers::HostRef,
    forecast::{Conflict, Forecast, ForecastLane, ForecastMark, MarkState, PastRun},
    runs::RunState,
};

/// How a mark looks; empty for one that is simply planned.
pub fn look(mark: &ForecastMark) -> &'static str {
    match mark.state {
        MarkState::Skipped | MarkState::Postponed => "held",
        _ if mark.conflict => "conflict",
        MarkState::Planned | MarkState::Moved => "",
    }
}

pub fn state(mark: &ForecastMark) -> State {
    match mark.state {
        MarkState::Skipped => State::new("skipped", "Skipped"),
        MarkState::Postponed if mark.blackout.is_some() => State::new("queued", "Waits"),
        MarkState::Postponed => State::new("skipped", "Moved away"),
        _ if mark.blackout.is_some() => State::new("warning", "Blackout"),
        _ if mark.conflict => State::new("warning", "Conflict"),
        MarkState::Moved => State::new("planned", "Moved here"),
        MarkState::Planned => State::new("planned", "Planned"),
    }
}

/// "web on nas", "14 containers on 3 hosts", "3 hosts" where only they are worked on, "no container"
pub fn touches(mark: &ForecastMark) -> String {
    let hosts = match mark.hosts.as_slice() {
        [] => return "no container".to_owned(),
        [one] => one.name.clone(),
        many => format!("{} hosts", many.len()),
    };
    match (&mark.first_target, mark.targets) {
        (_, 0) => hosts,
        (Some(name), 1) => format!("{name} on {hosts}"),
        (_, count) => format!("{count} containers on {hosts}"),
    }
}

/// "Nightly, Fri 02:00, web on nas, about 2 min, skipped": all of a mark in one line.
pub fn title(mark: &ForecastMark, clock: Clock) -> String {
    let at = mark.starts().timestamp_millis();
    let mut parts = vec![
        mark.schedule.name.clone(),
        short(at, clock.now(), |at| clock.wall(at)),
        touches(mark),
    ];
    parts.extend(mark.expected_ms.map(|ms| format!("about {}", duration(ms))));
    parts.extend(
        mark.blackout
            .as_ref()
            .map(|name| format!("in the blackout {name}")),
    );
    if mark.state != MarkState::Planned || mark.conflict {
        parts.push(state(mark).word.to_lowercase());
    }
    parts.join(", ")
}

/// How a run that was looks.
pub fn look_of_past(run: &PastRun) -> &'static str {
    match run.status {
        RunState::Succeeded => "ok",
        state if is_bad(state) => "bad",
        RunState::Skipped | RunState::Cancelled => "held",
        _ => "",
    }
}

/// "Nightly, today 02:00, failed after 3 s": all of a run that was in one line.
pub fn title_of_past(run: &PastRun, clock: Clock) -> String {
    let at = short(run.at.timestamp_millis(), clock.now(), |at| clock.wall(at));
    let state = run_state(run.status).word.to_lowercase();
    let took = run
        .took_ms
        .map(|ms| format!(" after {}", duration(ms)))
        .unwrap_or_default();
    format!("{}, {at}, {state}{took}", run.schedule.name)
}

/// Whether something on `hosts` is drawn on a lane.
pub fn is_on(lane: &ForecastLane, hosts: &[HostRef]) -> bool {
    match &lane.host {
        Some(host) => hosts.iter().any(|other| other.id == host.id),
        None => hosts.is_empty(),
    }
}

/// "57 runs in the next 24 h and 288 frequent ones"
pub fn summary(forecast: &Forecast, span: &str) -> String {
    let runs = forecast.total - forecast.dense_total;
    let runs = match (runs, forecast.dense_total) {
        (0, 0) => return format!("No runs in {span}"),
        (1, _) => "1 run".to_owned(),
        (n, _) => format!("{n} runs"),
    };
    match forecast.dense_total {
        0 => format!("{runs} in {span}"),
        n => format!("{runs} in {span}, and {n} of frequent schedules"),
    }
}

/// "3 conflicts"
pub fn conflicts(all: &[Conflict]) -> String {
    match all.len() {
        1 => "1 conflict".to_owned(),
        n => format!("{n} conflicts"),
    }
}
