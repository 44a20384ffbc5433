//! Server functions of the settings.

use crate::error::AppError;
use domain::retention::{Retention, RetentionState};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// How long runs are kept.
#[server(endpoint = "retention/get", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn kept_for() -> Result<RetentionState, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::retention::get(&control, &actor).await?)
}

#[server(endpoint = "retention/set", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn set_retention(limits: Retention) -> Result<RetentionState, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::retention::set(&control, &actor, limits).await?)
}
