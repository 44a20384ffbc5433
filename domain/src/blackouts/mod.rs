//! Blackouts: windows in which nothing that is scheduled may run.
//!
//! They hold back what runs by itself: at fire times, and by webhooks, engine events and outcomes. What a person starts by
//! hand runs all the same.

#[cfg(feature = "zones")]
mod closing;

#[cfg(feature = "zones")]
pub use closing::{Closing, ClosingError};

use crate::{
    durations::HumanDuration,
    ids::{BlackoutId, HostId, ScheduleId},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a blackout is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum BlackoutOn {
    /// Everything of the organisation.
    #[default]
    Organisation,
    /// The containers of one host.
    Host { id: HostId },
    /// The containers with this tag.
    Tag { tag: String },
    /// One schedule.
    Schedule { id: ScheduleId },
}

/// When it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum BlackoutWindow {
    /// On days of the week, from a time of the day on; every day when `days` is empty.
    Weekly {
        #[serde(default)]
        days: Vec<Day>,
        /// `22:00`, as the clock in the blackout's zone shows it.
        start: String,
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "8h"))]
        duration: HumanDuration,
    },
    /// From each fire time of a cron expression on.
    Cron {
        expression: String,
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "8h"))]
        duration: HumanDuration,
    },
    /// One time only.
    Dated { from: DateTime<Utc>, to: DateTime<Utc> },
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// As cron names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

/// What becomes of a run whose time falls into a blackout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlackoutPolicy {
    /// It does not run. Of a host or tag: those containers are left alone.
    #[default]
    Skip,
    /// It waits for the end. Of a host or tag: the whole run waits when it would touch such a container.
    Postpone,
}

/// What is sent to create or replace a blackout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BlackoutDraft {
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub on: BlackoutOn,
    /// An IANA time zone: `Europe/Berlin`, `UTC`.
    #[serde(default = "utc")]
    pub timezone: String,
    pub window: BlackoutWindow,
    #[serde(default)]
    pub policy: BlackoutPolicy,
    /// The version that was edited; a stale one is refused (409 `stale_version`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

fn yes() -> bool {
    true
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A blackout as lists and the API show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blackout {
    pub id: BlackoutId,
    pub version: i32,
    pub name: String,
    pub enabled: bool,
    pub on: BlackoutOn,
    /// What it is on, in words: "Everything", "Host nas", "Tag prod", "Schedule Nightly".
    pub on_name: String,
    pub timezone: String,
    pub window: BlackoutWindow,
    pub policy: BlackoutPolicy,
    /// In plain English: "On Saturday and Sunday at 22:00, for 8 hours".
    pub sentence: String,
    /// When it ends, if it is on now.
    pub active_until: Option<DateTime<Utc>>,
    /// When it is on next.
    pub next: Option<Period>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A span of time, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Period {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}
