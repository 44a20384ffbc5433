//! Server functions of the frame: the counts beside the navigation, what is next, what is wrong.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use domain::ids::{RunId, ScheduleId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the frame shows of everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub containers: u64,
    pub schedules: u64,
    pub hosts: u64,
    /// Names of the hosts that do not answer.
    pub offline: Vec<String>,
    pub open_runs: u64,
    /// The one open run, if it is only one.
    pub open_run: Option<RunId>,
    /// When the latest run that needs a look ended.
    pub failed: u64,
    pub next_up: Option<NextUp>,
}

#[server(endpoint = "shell/overview", input = server_fn::codec::GetUrl)]
pub async fn overview() -> Result<Counts, AppError> {
    let (_control, _actor) = crate::context::signed_in()?;
    Ok(Counts::default())
}

/// Containers, schedules by name, for the palette.
#[server(endpoint = "shell/find", input = server_fn::codec::GetUrl)]
pub async fn find(text: String) -> Result<Found, AppError> {
    let (_control, _actor) = crate::context::signed_in()?;
    let _ = text;
    Ok(Found::default())
}

/// The next fire of any schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextUp {
    pub id: ScheduleId,
    pub name: String,
    pub at: DateTime<Utc>,
    /// When the last one was: the bar runs from there.
    pub since: Option<DateTime<Utc>>,
}

/// What the palette found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub containers: Vec<FoundContainer>,
    pub schedules: Vec<FoundSchedule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundContainer {
    pub name: String,
    pub about: String,
    pub href: String,
    /// Where a schedule for it is made.
    pub plan: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundSchedule {
    pub name: String,
    pub about: String,
    pub href: String,
}
