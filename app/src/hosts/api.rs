//! Server functions about hosts.

use crate::error::AppError;
use domain::{
    hosts::{Host, HostDraft},
    ids::HostId,
    pages::Page,
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

#[server(endpoint = "hosts/list", client = crate::client::Browser, input = GetUrl)]
pub async fn list(cursor: Option<String>) -> Result<Page<Host>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::pages::ListQuery {
        limit: Some(domain::pages::PAGE_MAX),
        cursor,
    };
    Ok(control::hosts::list(&control, &actor, query).await?)
}

#[server(endpoint = "hosts/create", client = crate::client::Browser, input = Json)]
pub async fn create(host: HostDraft) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::create(&control, &actor, host).await?)
}

/// Tries to reach a host now instead of at the end of the pause between attempts.
#[server(endpoint = "hosts/retry", client = crate::client::Browser)]
pub async fn retry(id: HostId) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::retry(&control, &actor, id).await?)
}
