//! Server functions about secrets.

use crate::error::AppError;
use domain::secrets::SecretName;
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// The names, never the values.
#[server(endpoint = "secrets/list", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn list() -> Result<Vec<SecretName>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::secrets::list(&control, &actor).await?.items)
}

/// Stores a value, in place of the one with that name.
#[server(endpoint = "secrets/put", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn put(name: String, value: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let value = control::secrets::SecretString::from(value);
    control::secrets::put(&control, &actor, &name, &value).await?;
    Ok(())
}

#[server(endpoint = "secrets/delete", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete(name: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::secrets::delete(&control, &actor, &name).await?)
}
