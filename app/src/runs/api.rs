//! Server functions about runs.

use crate::error::AppError;
use domain::{
    ids::{ContainerId, RunId, ScheduleId},
    pages::Page,
    runs::{LogLine, Run, RunState, RunSummary},
    statistics::Statistics,
};
use leptos::prelude::*;
use server_fn::codec::GetUrl;

#[server(endpoint = "runs/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list(
    schedule: Option<ScheduleId>,
    container: Option<ContainerId>,
    state: Option<RunState>,
    limit: u32,
    cursor: Option<String>,
) -> Result<Page<RunSummary>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let page = control::pages::ListQuery {
        limit: Some(limit),
        cursor,
    };
    let query = control::runs::RunQuery {
        schedule,
        container,
        state,
        page,
    };
    Ok(control::runs::list(&control, &actor, query).await?)
}

#[server(endpoint = "runs/get", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn get(id: RunId) -> Result<Run, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::runs::get(&control, &actor, id).await?)
}

/// A part of the log, oldest line first.
#[server(endpoint = "runs/log", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn log(id: RunId, limit: u32, cursor: Option<String>) -> Result<Page<LogLine>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::pages::ListQuery {
        limit: Some(limit),
        cursor,
    };
    Ok(control::runs::log(&control, &actor, id, query).await?)
}

/// Tries again what failed.
#[server(endpoint = "runs/retry", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn retry(id: RunId) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::runs::retry(&control, &actor, id).await?)
}

/// Does it again from its beginning.
#[server(endpoint = "runs/rerun", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn rerun(id: RunId) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::runs::rerun(&control, &actor, id).await?)
}

#[server(endpoint = "runs/cancel", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn cancel(id: RunId) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::runs::cancel(&control, &actor, id).await?)
}

/// The schedules that failed most lately.
#[server(endpoint = "runs/statistics", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn failing() -> Result<Statistics, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::statistics::statistics(&control, &actor, None).await?)
}
