//! Server functions about the person who looks at the page: set-up, sign-in, sign-out.

use crate::error::AppError;
#[cfg(feature = "ssr")]
use control::auth::Entered;
use domain::{
    auth::Role,
    ids::{ScheduleId, UserId},
    passkeys::Place,
    people::{Org, Welcome},
    providers::SignInWay,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Who looks at the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Myself {
    pub id: Option<UserId>,
    pub name: String,
    pub role: Role,
    /// Looks after the server as well.
    pub server_admin: bool,
    /// May act on some containers at least, by the role or by a grant.
    pub operates: bool,
    /// The schedules that are shared with a team of theirs.
    #[serde(default)]
    pub schedules: Vec<ScheduleId>,
    /// The organisations they belong to; one of them is open.
    pub orgs: Vec<Org>,
    /// This server's release.
    pub release: String,
}

#[server(endpoint = "auth/me", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::GetUrl)]
pub async fn me() -> Result<Myself, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let orgs = control::people::list_orgs(&control, &actor).await?.items;
    let operates = actor.may(domain::auth::Permission::ContainersOperate);
    Ok(Myself {
        id: actor.user_id,
        name: actor.name,
        role: actor.role,
        server_admin: actor.server_admin,
        operates,
        schedules: actor.schedules,
        orgs,
        release: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// What the sign-in page must know of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthState {
    /// There is no account yet.
    pub setup_needed: bool,
    /// Providers to sign in with.
    pub ways: Vec<SignInWay>,
    /// Whether passwords are taken.
    pub passwords: bool,
    /// Where passkeys work, once anybody has one.
    pub passkeys: Option<Place>,
}

#[server(endpoint = "auth/state", client = crate::client::Browser, output = crate::codec::Answer, input = server_fn::codec::GetUrl)]
pub async fn state() -> Result<AuthState, AppError> {
    let control = crate::context::control()?;
    let any = control::auth::passkeys::any_passkey(&control).await?;
    let origin = crate::context::origin().ok().filter(|_| any);
    Ok(AuthState {
        setup_needed: control::auth::setup_needed(&control).await?,
        ways: control::providers::ways(&control).await?,
        passwords: control::providers::sign_in_policy(&control).await?.passwords,
        passkeys: origin.map(|origin| control::auth::passkeys::Party::place(&origin)),
    })
}

/// Makes the owner's account with the token of the set-up link, signs in and goes to the first page.
#[server(endpoint = "auth/set-up", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn set_up(token: String, name: String, password: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let session = control::auth::complete_setup(&control, &token, &name, password.into(), &client).await?;
    crate::context::begin_session(&control, &session).await?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Signs in and goes to `next`, a path of this server, or to the first page.
#[server(endpoint = "auth/sign-in", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn sign_in(name: String, password: String, next: Option<String>) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    match control::auth::enter(&control, &name, password.into(), &client).await? {
        Entered::Session(session) => {
            crate::context::begin_session(&control, &session).await?;
            leptos_axum::redirect(own_path(next.as_deref()));
        }
        Entered::Step(token) => {
            crate::context::begin_step(&control, &token).await?;
            let next = crate::auth::encoded(own_path(next.as_deref()));
            leptos_axum::redirect(&format!("/sign-in/code?next={next}"));
        }
    }
    Ok(())
}

/// Completes a sign-in with a code of the second factor, and goes to `next`.
#[server(endpoint = "auth/code", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn code(code: String, next: Option<String>) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let step = crate::context::cookie_token();
    let session = control::auth::sign_in_with_code(&control, &step, &code, &client).await?;
    crate::context::put_session(&session);
    leptos_axum::redirect(own_path(next.as_deref()));
    Ok(())
}

/// Ends the session and goes to the sign-in page.
#[server(endpoint = "auth/sign-out", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn sign_out() -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    control::auth::sign_out(&control, &actor).await?;
    crate::context::SessionCookie::put(None);
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// What the holder of an invitation's link is invited to, and as whom they are signed in already.
#[server(endpoint = "auth/welcome", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn invited(token: String) -> Result<(Welcome, Option<String>), AppError> {
    let control = crate::context::control()?;
    let welcome = control::people::welcome(&control, &token).await?;
    Ok((
        welcome,
        use_context::<domain::auth::Actor>().map(|actor| actor.name),
    ))
}

/// Makes an account by an invitation, signs in and goes to the first page.
#[server(endpoint = "auth/join", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn join(token: String, name: String, password: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    let session = control::people::accept_new(&control, &token, &name, password.into(), &client).await?;
    crate::context::begin_session(&control, &session).await?;
    leptos_axum::redirect("/");
    Ok(())
}

/// Takes an invitation up with the account that is signed in, and goes to the organisation's first page.
#[server(endpoint = "auth/join-as", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn join_as(token: String) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let client = crate::context::client();
    if let Some(session) = control::people::accept_as(&control, &actor, &token, &client).await? {
        crate::context::put_session(&session);
    }
    leptos_axum::redirect("/");
    Ok(())
}

/// Whose password a link sets.
#[server(endpoint = "auth/reset-for", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn reset_for(token: String) -> Result<String, AppError> {
    let control = crate::context::control()?;
    Ok(control::auth::reset_for(&control, &token).await?)
}

/// Sets a new password by a link, and goes to the sign-in page.
#[server(endpoint = "auth/reset", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn reset(token: String, password: String) -> Result<(), AppError> {
    let (control, client) = (crate::context::control()?, crate::context::client());
    control::auth::complete_reset(&control, &token, password.into(), &client).await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A path on this server, so that a link to the sign-in page cannot lead elsewhere afterwards. Browsers read `//` and
/// `/\` as another host, and drop tabs and line ends before they look.
#[cfg(feature = "ssr")]
pub fn own_path(next: Option<&str>) -> &str {
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
