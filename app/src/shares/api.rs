//! Server functions about what is shared with teams.

use crate::error::AppError;
use domain::{
    ids::ShareId,
    people::Team,
    shares::{NewShare, Share, ShareKind},
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};
use uuid::Uuid;

/// With which teams something is shared, and the teams there are.
#[server(endpoint = "shares/of", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn shares_of(kind: ShareKind, object: Uuid) -> Result<(Vec<Share>, Vec<Team>), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let query = domain::shares::ShareQuery {
        kind: Some(kind),
        object_id: Some(object),
        team_id: None,
    };
    Ok((
        control::people::list_shares(&control, &actor, &query)
            .await?
            .items,
        control::people::list_teams(&control, &actor).await?.items,
    ))
}

#[server(endpoint = "shares/create", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn share_with(new: NewShare) -> Result<Share, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::share(&control, &actor, &new).await?)
}

#[server(endpoint = "shares/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn unshare(id: ShareId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::unshare(&control, &actor, id).await?)
}
