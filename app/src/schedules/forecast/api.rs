//! Server functions of the forecast.

use crate::error::AppError;
use domain::{
    Timestamp,
    dry_run::DryRun,
    forecast::Forecast,
    ids::ScheduleId,
    schedules::{Schedule, ScheduleDraft},
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// How many runs one page names; the cells count all.
#[cfg(feature = "ssr")]
const MARKS: u32 = 200;

/// What will run in the next day, or from this midnight on in `days` days, as the clock in `timezone` shows them.
#[server(endpoint = "schedules/forecast", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn look_ahead(days: i64, query: String, timezone: String) -> Result<Forecast, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let days = days.clamp(1, 31);
    let (from, to, cell) = window(days, &timezone);
    let query = control::schedules::ForecastQuery {
        from: Some(from),
        to: Some(to),
        query,
        timezone: Some(timezone).filter(|zone| !zone.is_empty()),
        cell: Some(cell.to_owned()),
        limit: Some(MARKS),
        ..Default::default()
    };
    Ok(control::schedules::forecast(&control, &actor, query).await?)
}

/// A day begins with this hour; more of them with this midnight.
#[cfg(feature = "ssr")]
fn window(days: i64, timezone: &str) -> (Timestamp, Timestamp, &'static str) {
    use jiff::{ToSpan, tz::TimeZone};
    let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
    let now = jiff::Timestamp::now();
    let today = now.to_zoned(zone);
    let read = |at: jiff::Timestamp| Timestamp::from_timestamp(at.as_second(), 0).unwrap_or_default();
    let midnight = today.start_of_day().ok();
    match midnight.and_then(|start| {
        Some((
            start.timestamp(),
            start.checked_add(days.days()).ok()?.timestamp(),
        ))
    }) {
        Some((from, to)) if days > 1 => (read(from), read(to), if days > 7 { "1d" } else { "6h" }),
        _ => {
            let hour =
                Timestamp::from_timestamp(now.as_second().div_euclid(3600) * 3600, 0).unwrap_or_default();
            (hour, hour + chrono::TimeDelta::hours(24), "30m")
        }
    }
}

#[server(endpoint = "schedules/skip-at", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn skip_at(id: ScheduleId, at: Timestamp) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::skip_at(&control, &actor, id, at).await?)
}

#[server(endpoint = "schedules/move", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn move_fire(id: ScheduleId, at: Timestamp, to: Timestamp) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::move_fire(&control, &actor, id, at, to).await?)
}

/// Takes a skip or a move back.
#[server(endpoint = "schedules/undo-at", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn undo_at(id: ScheduleId, at: Timestamp) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::undo_at(&control, &actor, id, at).await?)
}

/// What a draft would do if it ran now; nothing is touched.
#[server(endpoint = "schedules/dry-run", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn try_draft(draft: ScheduleDraft, of: Option<ScheduleId>) -> Result<DryRun, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::dry_run_draft(&control, &actor, draft, of).await?)
}
