//! Server functions about hosts.

use crate::error::AppError;
use domain::{
    hosts::{ContextImport, Host, HostDraft, HostPatch, HostStats, HostUse, ImportedContext},
    ids::HostId,
    pages::Page,
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json, StreamingText, TextStream};

#[server(endpoint = "hosts/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list(cursor: Option<String>) -> Result<Page<Host>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = control::pages::ListQuery {
        limit: Some(domain::pages::PAGE_MAX),
        cursor,
    };
    Ok(control::hosts::list(&control, &actor, query).await?)
}

#[server(endpoint = "hosts/get", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn get(id: HostId) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::get(&control, &actor, id).await?)
}

/// The engine, the connection's history, how quick it is.
#[server(endpoint = "hosts/stats", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn stats(id: HostId) -> Result<HostStats, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::stats(&control, &actor, id).await?)
}

/// What the containers of these hosts use together, of those that answer; measured while somebody asks.
#[server(endpoint = "hosts/in-use", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn in_use(ids: Vec<HostId>) -> Result<Vec<(HostId, HostUse)>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::in_use(&control, &actor, &ids).await?)
}

#[server(endpoint = "hosts/create", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create(host: HostDraft) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::create(&control, &actor, host).await?)
}

#[server(endpoint = "hosts/update", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn update(id: HostId, patch: HostPatch) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::change(&control, &actor, id, patch).await?)
}

#[server(endpoint = "hosts/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete(id: HostId, force: bool) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::delete(&control, &actor, id, force).await?)
}

/// Tries to reach a host now instead of at the end of the pause between attempts.
#[server(endpoint = "hosts/retry", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn retry(id: HostId) -> Result<Host, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::retry(&control, &actor, id).await?)
}

/// Goes the whole way to an engine: one line of JSON per step, as it is done. With an id, what is left out is as it is
/// stored.
#[server(endpoint = "hosts/test", client = crate::client::Browser, input = Json, output = StreamingText)]
pub async fn test(id: Option<HostId>, host: HostPatch) -> Result<TextStream<AppError>, AppError> {
    use futures::StreamExt;
    let (control, actor) = crate::context::signed_in()?;
    let steps = control::hosts::test(&control, &actor, id, host).await?;
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        // Packed, the steps would come all at once.
        response.insert_header(
            http::header::CONTENT_ENCODING,
            http::HeaderValue::from_static("identity"),
        );
    }
    Ok(TextStream::new(steps.map(|step| {
        // A step always is JSON.
        Ok(serde_json::to_string(&step).unwrap_or_default() + "\n")
    })))
}

/// Adds hosts out of docker contexts, or says which there are.
#[server(endpoint = "hosts/import-contexts", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn import_contexts(import: ContextImport) -> Result<Vec<ImportedContext>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::hosts::import_contexts(&control, &actor, import).await?)
}
