//! Server functions about blackouts.

use crate::error::AppError;
use domain::{
    blackouts::{Blackout, BlackoutDraft},
    ids::BlackoutId,
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

#[server(endpoint = "blackouts/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list() -> Result<Vec<Blackout>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::blackouts::list(&control, &actor).await?.items)
}

#[server(endpoint = "blackouts/create", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create(draft: BlackoutDraft) -> Result<Blackout, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::blackouts::create(&control, &actor, draft).await?)
}

#[server(endpoint = "blackouts/update", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn update(id: BlackoutId, draft: BlackoutDraft) -> Result<Blackout, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::blackouts::update(&control, &actor, id, draft).await?)
}

#[server(endpoint = "blackouts/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete(id: BlackoutId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::blackouts::delete(&control, &actor, id).await?)
}
