//! Server functions about containers.

use crate::error::AppError;
use domain::{
    containers::{Container, ContainerPage, ContainerSort, NextRun},
    ids::ContainerId,
    pages::Page,
    runs::RunSummary,
};
use leptos::prelude::*;
use server_fn::codec::GetUrl;

/// The part of the fleet that a page shows; from memory, never waiting for an engine.
#[server(endpoint = "containers/list", client = crate::client::Browser, input = GetUrl)]
pub async fn list(
    query: String,
    sort: ContainerSort,
    descending: bool,
    offset: u32,
    limit: u32,
) -> Result<ContainerPage, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::containers::ContainerQuery {
        query,
        host: None,
        sort,
        descending,
        offset,
        limit,
    };
    Ok(control::containers::list(&control, &actor, query).await?)
}

/// One container, by our id or the engine's.
#[server(endpoint = "containers/get", client = crate::client::Browser, input = GetUrl)]
pub async fn get(id: String) -> Result<Container, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::get(&control, &actor, &id).await?)
}

/// What is planned for it: the next time of every schedule that touches it.
#[server(endpoint = "containers/plans", client = crate::client::Browser, input = GetUrl)]
pub async fn plans(id: String) -> Result<Vec<NextRun>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::containers::plans(&control, &actor, &id).await?)
}

/// The latest runs that worked on it.
#[server(endpoint = "containers/runs", client = crate::client::Browser, input = GetUrl)]
pub async fn runs(id: ContainerId) -> Result<Page<RunSummary>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::runs::RunQuery {
        container: Some(id),
        page: control::pages::ListQuery {
            limit: Some(10),
            cursor: None,
        },
        ..Default::default()
    };
    Ok(control::runs::list(&control, &actor, query).await?)
}

/// Does something to one container: a run, recorded before anything happens. The same key twice is one run.
#[server(endpoint = "containers/act", client = crate::client::Browser)]
pub async fn act(id: String, verb: String, key: String) -> Result<RunSummary, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let action = domain::actions::Action::from_verb(&verb).ok_or_else(|| {
        domain::errors::Problem::invalid("unknown_action", "verb", format!("\"{verb}\" is no action."))
    })?;
    Ok(control::containers::act(&control, &actor, &id, action, Some(&key)).await?)
}
