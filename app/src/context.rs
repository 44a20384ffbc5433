//! What the server puts into the context of a page or a server function.

use crate::error::AppError;
use control::{
    Control,
    auth::{Client, NewSession},
};
use domain::{
    auth::Actor,
    errors::{ErrorClass, Problem},
};
use leptos::prelude::*;
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};

/// Makes the session cookie's header; the server knows whether it speaks TLS, and so how the cookie is called.
/// Nothing clears it.
#[derive(Clone)]
pub struct SessionCookie(pub Arc<dyn Fn(Option<(&str, Duration)>) -> http::HeaderValue + Send + Sync>);

impl SessionCookie {
    /// Sets (token, how long it may last) or clears the cookie on the answer that is being made.
    pub fn put(token: Option<(&str, Duration)>) {
        if let (Some(cookie), Some(response)) = (
            use_context::<SessionCookie>(),
            use_context::<leptos_axum::ResponseOptions>(),
        ) {
            response.append_header(http::header::SET_COOKIE, (cookie.0)(token));
        }
    }
}

/// Makes the header of the cookie that holds a sign-in at a provider to this browser.
#[derive(Clone)]
pub struct FlowCookie(pub Arc<dyn Fn(&str, Duration) -> http::HeaderValue + Send + Sync>);

impl FlowCookie {
    /// Sets the cookie on the answer that is being made.
    pub fn put(token: &str, lasts: Duration) {
        if let (Some(cookie), Some(response)) = (
            use_context::<FlowCookie>(),
            use_context::<leptos_axum::ResponseOptions>(),
        ) {
            response.append_header(http::header::SET_COOKIE, (cookie.0)(token, lasts));
        }
    }
}

/// The address under which this browser knows the server, such as `https://chrontainer.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub String);

/// The token of the request's cookie, whether it opens a session or only the second step of a sign-in.
#[derive(Clone)]
pub struct CookieToken(pub Option<secrecy::SecretString>);

/// What pages may know of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    pub release: &'static str,
    /// Which build of the interface this server sends. The page says it back in `x-chrontainer-build` with every
    /// server function; another one is answered with 409 `client_outdated`.
    pub build: Arc<str>,
    /// This request came without TLS, and not from this machine: whoever is on the way can read what is typed.
    pub unprotected: bool,
}

/// The address under which this browser knows the server.
pub fn origin() -> Result<String, AppError> {
    use_context::<Origin>()
        .map(|Origin(origin)| origin)
        .ok_or_else(|| {
            AppError::answer(Problem::new(
                ErrorClass::BadRequest,
                "host_unknown",
                "The browser did not say which address it is at. Set CHRONTAINER_PUBLIC_URL.",
            ))
        })
}

/// Where the request comes from.
pub fn client() -> Client {
    use_context::<Client>().unwrap_or_default()
}

/// Puts the cookie of a new session on the answer, and ends the session that the browser came with: what it knew
/// before the sign-in is worth nothing afterwards.
pub async fn begin_session(control: &Control, session: &NewSession) -> Result<(), AppError> {
    if let Some(old) = use_context::<Actor>() {
        control::auth::sign_out(control, &old).await?;
    }
    put_session(session);
    Ok(())
}

/// Puts the cookie of the step between password and code on the answer; it opens nothing else.
pub async fn begin_step(control: &Control, token: &secrecy::SecretString) -> Result<(), AppError> {
    if let Some(old) = use_context::<Actor>() {
        control::auth::sign_out(control, &old).await?;
    }
    SessionCookie::put(Some((token.expose_secret(), control::auth::STEP_LASTS)));
    Ok(())
}

/// What the request's cookie holds; empty without one.
pub fn cookie_token() -> String {
    use_context::<CookieToken>()
        .and_then(|token| token.0)
        .map(|token| token.expose_secret().to_owned())
        .unwrap_or_default()
}

/// Puts the cookie of a session on the answer that took the old one's place.
pub fn put_session(session: &NewSession) {
    SessionCookie::put(Some((session.token.expose_secret(), session.max_age)));
}

/// The control plane.
pub fn control() -> Result<Control, AppError> {
    use_context::<Control>().ok_or_else(|| {
        AppError::answer(Problem::new(
            ErrorClass::Internal,
            "internal",
            "Something went wrong inside Chrontainer. The server's log has the details. Try again.",
        ))
    })
}

/// The control plane and the person who is signed in.
pub fn signed_in() -> Result<(Control, Actor), AppError> {
    let control = control()?;
    let actor = use_context::<Actor>().ok_or_else(|| {
        AppError::answer(Problem::new(
            ErrorClass::Unauthenticated,
            "not_signed_in",
            "You are not signed in, or your session has ended. Sign in again.",
        ))
    })?;
    Ok((control, actor))
}
