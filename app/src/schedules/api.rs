//! Server functions about schedules.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use domain::{
    containers::{ContainerState, Health},
    history::ScheduleChange,
    ids::{ContainerId, ScheduleId},
    labels::LabelFinding,
    pages::Page,
    runs::RunSummary,
    schedules::{self, Schedule, ScheduleDraft, Trigger},
    statistics::ScheduleStatistics,
    triggers::WebhookSecrets,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::{GetUrl, Json};

/// The containers that a target picks now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matched {
    pub total: u64,
    pub hosts: u64,
    /// The first of them, by host.
    pub items: Vec<MatchedContainer>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchedContainer {
    pub id: ContainerId,
    pub name: String,
    pub host: String,
    pub state: ContainerState,
    pub health: Option<Health>,
    /// The host does not answer now.
    pub stale: bool,
    /// Chrontainer itself runs in it.
    pub protected: bool,
}

#[server(endpoint = "schedules/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list(
    query: String,
    archived: bool,
    limit: u32,
    cursor: Option<String>,
) -> Result<Page<Schedule>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let page = control::pages::ListQuery {
        limit: Some(limit),
        cursor,
    };
    Ok(control::schedules::list(
        &control,
        &actor,
        control::schedules::ScheduleQuery {
            query,
            archived,
            page,
        },
    )
    .await?)
}

#[server(endpoint = "schedules/get", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn get(id: ScheduleId) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::get(&control, &actor, id).await?)
}

#[server(endpoint = "schedules/create", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create(draft: ScheduleDraft) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::create(&control, &actor, draft).await?)
}

#[server(endpoint = "schedules/update", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn update(id: ScheduleId, draft: ScheduleDraft) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::update(&control, &actor, id, draft).await?)
}

#[server(endpoint = "schedules/set-enabled", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn set_enabled(id: ScheduleId, enabled: bool) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::set_enabled(&control, &actor, id, enabled).await?)
}

/// Switches several on or off, all or none; switched on, a pause until a date ends too.
#[server(endpoint = "schedules/switch", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn switch(ids: Vec<ScheduleId>, enabled: bool) -> Result<Vec<Schedule>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::switch_many(&control, &actor, &ids, enabled).await?)
}

/// Pauses several until a time, all or none, or ends their pauses.
#[server(endpoint = "schedules/pause", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn pause(ids: Vec<ScheduleId>, until: Option<DateTime<Utc>>) -> Result<Vec<Schedule>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::pause_many(&control, &actor, &ids, until).await?)
}

#[server(endpoint = "schedules/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete(id: ScheduleId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    control::schedules::delete(&control, &actor, id).await?;
    Ok(())
}

#[server(endpoint = "schedules/run-now", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn run_now(id: ScheduleId) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::run_now(&control, &actor, id).await?)
}

/// What containers' labels ask for: of one container or of all, and only what is no schedule if that is wanted.
#[server(endpoint = "schedules/labels", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn labels(
    container: Option<ContainerId>,
    open: bool,
    limit: u32,
) -> Result<Page<LabelFinding>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::schedules::LabelQuery {
        container,
        open,
        page: control::pages::ListQuery {
            limit: Some(limit),
            cursor: None,
        },
    };
    Ok(control::schedules::label_findings(&control, &actor, query).await?)
}

/// A new secret address for a schedule's webhook.
#[server(endpoint = "schedules/renew-webhook", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn renew_webhook(id: ScheduleId) -> Result<WebhookSecrets, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::renew_webhook(&control, &actor, id).await?)
}

#[server(endpoint = "schedules/skip-next", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn skip_next(id: ScheduleId) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::skip_next(&control, &actor, id).await?)
}

#[server(endpoint = "schedules/unskip", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn unskip(id: ScheduleId) -> Result<Schedule, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::unskip(&control, &actor, id).await?)
}

/// The next fire times of triggers, and what clock changes do to them.
#[server(endpoint = "schedules/preview", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn preview(
    triggers: Vec<Trigger>,
    timezone: String,
    count: usize,
) -> Result<schedules::Preview, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::schedules::preview(&control, &actor, &triggers, &timezone, count.min(50)).await?)
}

/// What a target picks at this moment.
#[server(endpoint = "schedules/matches", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn matches(selector: String, limit: usize) -> Result<Matched, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let found = control::schedules::matches(&control, &actor, &selector, limit.min(500)).await?;
    let item = |container: domain::containers::Container| MatchedContainer {
        id: container.id,
        name: container.name,
        host: container.host.name,
        state: container.state,
        health: container.health,
        stale: container.stale,
        protected: container.protected,
    };
    Ok(Matched {
        total: found.total.into(),
        hosts: found.hosts.into(),
        items: found.items.into_iter().map(item).collect(),
    })
}

/// How its runs went lately.
#[server(endpoint = "schedules/statistics", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn statistics(id: ScheduleId) -> Result<ScheduleStatistics, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::statistics::of_schedule(&control, &actor, id, None).await?)
}

/// Who changed it, when, and what; the latest first.
#[server(endpoint = "schedules/history", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn history(id: ScheduleId, limit: u32) -> Result<Page<ScheduleChange>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::pages::ListQuery {
        limit: Some(limit),
        cursor: None,
    };
    Ok(control::schedules::history(&control, &actor, id, &query).await?)
}
