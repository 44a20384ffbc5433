//! Server functions about the person who looks at the page.

use crate::error::AppError;
use domain::auth::Role;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Who looks at the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Myself {
    pub name: String,
    pub role: Role,
    /// This server's release.
    pub release: String,
}

#[server(endpoint = "auth/me", input = server_fn::codec::GetUrl)]
pub async fn me() -> Result<Myself, AppError> {
    let (_, actor) = crate::context::signed_in()?;
    Ok(Myself {
        name: actor.name,
        role: actor.role,
        release: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
