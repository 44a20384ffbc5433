//! The check before every handler: who calls, may they, and how long it may take.

use super::{RouteKind, pages};
use crate::{
    error::ApiError,
    extract::not_signed_in,
    security::{Peer, same_site},
    session::Credential,
    state::AppState,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    auth::{Actor, Needs, Permission},
    errors::{ErrorClass, Problem},
};
use http::{Uri, header};
use std::time::Duration;

/// How long an answer may take to begin.
const LIMIT: Duration = Duration::from_secs(30);
/// With `?wait=…`, whose own limit is 5 minutes.
const LIMIT_WAIT: Duration = Duration::from_secs(330);

/// What one route asks for.
#[derive(Clone)]
pub struct Rule {
    pub kind: RouteKind,
    pub permission: Permission,
    pub state: AppState,
}

pub async fn guard(State(rule): State<Rule>, request: Request, next: Next) -> Response {
    if rule.kind == RouteKind::Asset {
        return next.run(request).await;
    }
    let standing = match rule.state.rates.count(&request) {
        Ok(standing) => standing.filter(|_| rule.kind == RouteKind::Api),
        Err(problem) => return refuse(rule.kind, &request, problem.into()),
    };
    let mut response = admitted(rule, request, next).await;
    if let Some(standing) = standing {
        standing.put(response.headers_mut());
    }
    response
}

async fn admitted(rule: Rule, mut request: Request, next: Next) -> Response {
    match admit(&rule, &mut request).await {
        Ok(None) => {}
        Ok(Some(elsewhere)) => return elsewhere,
        Err(problem) => return refuse(rule.kind, &request, problem.into()),
    }
    let waits = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("wait=")));
    let limit = match rule.kind {
        RouteKind::Stream => return next.run(request).await,
        _ if waits => LIMIT_WAIT,
        _ => LIMIT,
    };
    let (kind, accept) = (rule.kind, request.headers().get(header::ACCEPT).cloned());
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let mut again = Request::default();
            if let Some(accept) = accept {
                again.headers_mut().insert(header::ACCEPT, accept);
            }
            refuse(kind, &again, too_slow().into())
        }
    }
}

/// Finds out who calls and whether they may. Puts [`Actor`] and [`Credential`] into the request.
async fn admit(rule: &Rule, request: &mut Request) -> Result<Option<Response>, Problem> {
    let state = &rule.state;
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    let public = state.settings.public_url.as_ref();
    if rule.kind == RouteKind::Stream && same_site::is_foreign_stream(request.headers(), &peer, public) {
        return Err(same_site::cross_site());
    }
    let open = rule.permission.needs() == Needs::Nothing;
    let mut credential = Credential::of(request.headers(), &peer);
    let by_program = matches!(rule.kind, RouteKind::Api | RouteKind::Stream) && !open;
    if credential.is_none() && by_program {
        // Where a name and a password are not taken, they are a proxy's before us.
        let basic = Credential::basic(request.headers());
        if basic.is_some() && basic_is_on(state).await? {
            credential = basic;
        }
    }
    let actor = match &credential {
        Some(credential) => match credential.check(&state.control, &peer.client).await {
            Ok(actor) => actor,
            // Sign-in itself and health need nobody, so they say themselves what is wrong with the database.
            Err(_) if open => None,
            Err(error) => return Err(error.into_problem()),
        },
        None => None,
    };
    if rule.kind == RouteKind::Page {
        let needed = state.setup_needed().await.map_err(control::Error::into_problem)?;
        if let Some(path) = pages::elsewhere(request.uri().path(), needed, actor.is_some()) {
            return Ok(Some(Redirect::to(path).into_response()));
        }
    }
    match (&actor, &credential) {
        (Some(actor), _) if rule.permission != Permission::Public => actor.require(rule.permission)?,
        (None, Some(Credential::Key(_))) if !open => {
            return Err(Problem::new(
                ErrorClass::Unauthenticated,
                "key_invalid",
                "This API key is not valid: it is mistyped, revoked or expired, or its owner has left. Make a new one.",
            ));
        }
        (None, Some(Credential::Basic(..))) if !open => {
            return Err(Problem::new(
                ErrorClass::Unauthenticated,
                "wrong_credentials",
                "The name or the password that came with the request is wrong. Check both, or send an API key with \
                 `Authorization: Bearer`.",
            ));
        }
        (None, _) if !open => return Err(not_signed_in()),
        _ => {}
    }
    if let (Some(actor), Some(credential)) = (actor, credential) {
        request.extensions_mut().insert::<Actor>(actor);
        request.extensions_mut().insert(credential);
    }
    Ok(None)
}

async fn basic_is_on(state: &AppState) -> Result<bool, Problem> {
    control::auth::basic_is_on(&state.control)
        .await
        .map_err(control::Error::into_problem)
}

/// A refusal as the kind of route shows it.
pub fn refuse(kind: RouteKind, request: &Request, error: ApiError) -> Response {
    let unauthenticated = error.problem.class == ErrorClass::Unauthenticated;
    match kind {
        RouteKind::Page if unauthenticated => {
            Redirect::to(&sign_in_and_return(request.uri())).into_response()
        }
        RouteKind::Page => pages::error_page(&error),
        // A form that was sent without JavaScript.
        RouteKind::ServerFunction if wants_page(request) && unauthenticated => {
            Redirect::to("/sign-in").into_response()
        }
        RouteKind::ServerFunction if wants_page(request) => pages::error_page(&error),
        RouteKind::ServerFunction => error.into_server_function_response(),
        RouteKind::Api | RouteKind::Stream | RouteKind::Asset => error.into_response(),
    }
}

pub fn wants_page(request: &Request) -> bool {
    request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

pub fn sign_in_and_return(uri: &Uri) -> String {
    match uri.path_and_query().map(|path| path.as_str()) {
        None | Some("/") => "/sign-in".to_owned(),
        Some(path) => {
            let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/sign-in?next={path}")
        }
    }
}

fn too_slow() -> Problem {
    Problem::new(
        ErrorClass::Unavailable,
        "timeout",
        "The answer took too long, and the request was ended. The server or an engine may be busy: try again.",
    )
}
