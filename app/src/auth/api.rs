//! Server functions about the person who looks at the page: set-up, sign-in, sign-out.

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

#[server(endpoint = "auth/me", client = crate::client::Browser, input = server_fn::codec::GetUrl)]
pub async fn me() -> Result<Myself, AppError> {
    let (_, actor) = crate::context::signed_in()?;
    Ok(Myself {
        name: actor.name,
        role: actor.role,
        release: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// What the sign-in page must know of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthState {
    /// There is no account yet.
    pub setup_needed: bool,
}

#[server(endpoint = "auth/state", client = crate::client::Browser, input = server_fn::codec::GetUrl)]
pub async fn state() -> Result<AuthState, AppError> {
    let control = crate::context::control()?;
    Ok(AuthState {
        setup_needed: control::auth::setup_needed(&control).await?,
    })
}

/// Makes the owner's account with the token of the set-up link, signs in and goes to the first page.
#[server(endpoint = "auth/set-up", client = crate::client::Browser)]
pub async fn set_up(token: String, name: String, password: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let session = control::auth::complete_setup(&control, &token, &name, password.into(), &client).await?;
    crate::context::begin_session(&control, &session).await?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Signs in and goes to `next`, a path of this server, or to the first page.
#[server(endpoint = "auth/sign-in", client = crate::client::Browser)]
pub async fn sign_in(name: String, password: String, next: Option<String>) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let session = control::auth::sign_in(&control, &name, password.into(), &client).await?;
    crate::context::begin_session(&control, &session).await?;
    leptos_axum::redirect(own_path(next.as_deref()));
    Ok(())
}

/// Ends the session and goes to the sign-in page.
#[server(endpoint = "auth/sign-out", client = crate::client::Browser)]
pub async fn sign_out() -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    control::auth::sign_out(&control, &actor).await?;
    crate::context::SessionCookie::put(None);
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A path on this server, so that a link to the sign-in page cannot lead elsewhere afterwards. Browsers read `//` and
/// `/\` as another host, and drop tabs and line ends before they look.
#[cfg(feature = "ssr")]
fn own_path(next: Option<&str>) -> &str {
    next.filter(|path| {
        let elsewhere = path.starts_with("//") || path.starts_with("/\\");
        path.starts_with('/') && !elsewhere && path.chars().all(|c| c.is_ascii_graphic())
    })
    .unwrap_or("/")
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_this_server_only() {
        for (next, path) in [
            (None, "/"),
            (Some("/schedules?q=name%3Aweb"), "/schedules?q=name%3Aweb"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("/\t/evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("javascript:alert(1)"), "/"),
        ] {
            assert_eq!(own_path(next), path, "{next:?}");
        }
    }
}
