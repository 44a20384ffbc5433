//! The forecast: what will run in a stretch of time.
//!
//! Schedules are read and understood once and kept until they change ([`plans`]); what they find is kept for seconds, what
//! they usually take for minutes. Counting and marking them is pure computing ([`build`]).

mod build;
mod conflicts;
mod plans;
#[cfg(test)]
mod tests;

pub(crate) use plans::ForecastCache;

use super::{service::clock, validate};
use crate::{Control, blackouts, error::Result};
use build::Asked;
use chrono::{DateTime, TimeDelta};
use domain::{
    Timestamp,
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    forecast::{CellWidth, Forecast},
    ids::{HostId, ScheduleId},
    next_times::Zone,
};

/// The longest stretch.
const LONGEST: TimeDelta = TimeDelta::days(62);
/// How far ahead a stretch may begin.
const FURTHEST: TimeDelta = TimeDelta::days(5 * 366);
const MARKS: u32 = 500;
const MOST_MARKS: u32 = 5000;

/// What is to be forecast.
#[derive(Clone, Debug, Default)]
pub struct ForecastQuery {
    /// Now when absent.
    pub from: Option<Timestamp>,
    /// 24 hours after `from` when absent.
    pub to: Option<Timestamp>,
    /// Words that the schedule's name contains.
    pub query: String,
    /// Only what touches this host.
    pub host: Option<HostId>,
    /// Whose clock cuts the cells; UTC when absent.
    pub timezone: Option<String>,
    /// `15m`, `30m`, `1h`, `6h` or `1d`; what suits the stretch when absent.
    pub cell: Option<String>,
    /// How many marks; 500 when absent, at most 5,000.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// Looks ahead, and back to what ran where the stretch begins before now.
///
/// # Errors
/// 403; 400 `cursor_invalid`; 422 `unknown_timezone`, `window_invalid`, `window_too_long`, `unknown_cell`.
pub async fn forecast(control: &Control, actor: &Actor, query: ForecastQuery) -> Result<Forecast> {
    actor.require(Permission::SchedulesRead)?;
    let mut conn = control.db().conn().await?;
    let now = clock(&mut conn).await?;
    let asked = asked(&query, now)?;
    let plans = plans::load(control, &mut conn, actor.org_id, &query.query, asked.host).await?;
    let ahead = plans::ahead(&mut conn, actor.org_id, asked.begin()).await?;
    let closed = blackouts::Blackouts::load(&mut conn, vec![actor.org_id.0]).await?;
    let closed = blackouts::Ahead::new(control, actor.org_id, closed, asked.from, asked.to);
    let hosts = control.fleet().host_names(actor.org_id);
    let (mut past, past_cut) = if asked.from < now && asked.after.is_none() && actor.may(Permission::RunsRead)
    {
        let stretch = (asked.from, asked.to.min(now));
        plans::past(&mut conn, actor.org_id, &query.query, stretch, &plans, &hosts).await?
    } else {
        (Vec::new(), false)
    };
    past.retain(|run| {
        asked
            .host
            .is_none_or(|host| run.hosts.iter().any(|other| other.id == host))
    });
    let marks = build::marks(&asked, &plans, &ahead);
    let durations = plans::durations(control, &mut conn, &plans, &marks).await?;
    drop(conn);
    let built = tokio::task::spawn_blocking(move || {
        let read = build::Read {
            plans,
            ahead,
            marks,
            durations,
            hosts,
            closed,
        };
        let mut forecast = build::forecast(&asked, read);
        build::add_lanes(&mut forecast, &past);
        Forecast {
            past,
            past_cut,
            ..forecast
        }
    });
    built
        .await
        .map_err(|error| crate::Error::Internal(format!("a forecast was not computed: {error}")))
}

fn asked(query: &ForecastQuery, now: Timestamp) -> Result<Asked, Problem> {
    let zone: Zone = validate::zone(query.timezone.as_deref().unwrap_or("UTC"))?;
    let from = query.from.unwrap_or(now);
    let to = query
        .to
        .or_else(|| from.checked_add_signed(TimeDelta::hours(24)))
        .unwrap_or(from);
    if to <= from {
        let message = "The stretch ends before it begins. Give a `to` that lies after `from`.";
        return Err(Problem::invalid("window_invalid", "to", message));
    }
    if to - from > LONGEST {
        let message = "A forecast spans 62 days at most. Ask for a shorter stretch.";
        return Err(Problem::invalid("window_too_long", "to", message));
    }
    if from > now + FURTHEST || from < now - LONGEST {
        let message =
            "A forecast begins between two months ago and five years from now. Ask for another stretch.";
        return Err(Problem::invalid("window_invalid", "from", message));
    }
    let width = match &query.cell {
        None => CellWidth::for_span((to - from).num_seconds()),
        Some(word) => CellWidth::from_word(word).ok_or_else(|| {
            let message = format!("There are no cells of {word}. Cells are {}.", CellWidth::WORDS);
            Problem::invalid("unknown_cell", "cell", message)
        })?,
    };
    Ok(Asked {
        from,
        to,
        now,
        zone,
        width,
        host: query.host,
        limit: query.limit.unwrap_or(MARKS).clamp(1, MOST_MARKS) as usize,
        after: query.cursor.as_deref().map(read_cursor).transpose()?,
    })
}

/// `1769088720000000.0190…`: the time in microseconds and the schedule of the last mark.
fn read_cursor(text: &str) -> Result<(Timestamp, ScheduleId), Problem> {
    let read = || {
        let (at, id) = text.split_once('.')?;
        Some((
            DateTime::from_timestamp_micros(at.parse().ok()?)?,
            id.parse().ok()?,
        ))
    };
    read().ok_or_else(|| {
        Problem::new(
            ErrorClass::BadRequest,
            "cursor_invalid",
            "The cursor is not one that a forecast gave out. Start again without it.",
        )
    })
}

fn write_cursor(at: Timestamp, id: ScheduleId) -> String {
    format!("{}.{id}", at.timestamp_micros())
}
