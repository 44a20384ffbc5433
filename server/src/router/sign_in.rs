//! `/auth/{slug}/start` and `/auth/{slug}/callback`: the way out to a provider and back.
//!
//! Both answer a browser, and always with a redirect. What went wrong is on the sign-in page, by a code that it has words for.

use super::{RouteKind, Routes};
use crate::{
    extract::Path,
    security::Peer,
    session::{self, flow_cookie, flow_token},
    state::AppState,
};
use axum::{
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use control::{
    auth::{Entered, STEP_LASTS},
    providers::{self, Begin, Callback, FLOW_LASTS, Finished, Purpose, Refused},
};
use domain::auth::{Actor, Permission};
use http::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;

pub fn routes(routes: Routes) -> Routes {
    routes
        .add(
            RouteKind::Page,
            Method::GET,
            "/auth/{slug}/start",
            Permission::Public,
            start,
        )
        .add(
            RouteKind::Page,
            Method::GET,
            "/auth/{slug}/callback",
            Permission::Public,
            callback,
        )
}

#[derive(Deserialize)]
struct Start {
    next: Option<String>,
    /// The token of an invitation that is taken up with it.
    invite: Option<String>,
    /// It was sent here from another address of this server, once.
    here: Option<String>,
}

async fn start(State(state): State<AppState>, Path(slug): Path<String>, request: Request) -> Response {
    let Ok(Query(asked)) = Query::<Start>::try_from_uri(request.uri()) else {
        return back_to_sign_in("state_invalid");
    };
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    // The cookie must belong to the address that the provider sends people back to.
    if let Some(public) = &state.settings.public_url
        && asked.here.is_none()
        && !peer
            .host
            .as_deref()
            .is_some_and(|host| is_at(public.origin(), host))
    {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(asked.next.iter().map(|next| ("next", next)))
            .extend_pairs(asked.invite.iter().map(|token| ("invite", token)))
            .append_pair("here", "1")
            .finish();
        let slug: String = url::form_urlencoded::byte_serialize(slug.as_bytes()).collect();
        return Redirect::to(&format!("{}/auth/{slug}/start?{query}", public.origin())).into_response();
    }
    let Some(origin) = state.origin(&peer) else {
        return back_to_sign_in("internal");
    };
    let begun = providers::begin(
        &state.control,
        Begin {
            slug: &slug,
            redirect_uri: format!("{origin}/auth/{slug}/callback"),
            next: app::auth::own_path(asked.next.as_deref()).to_owned(),
            purpose: match asked.invite {
                Some(token) => Purpose::Join(token.into()),
                None => Purpose::SignIn,
            },
            client: &peer.client,
        },
    )
    .await;
    match begun {
        Ok(begun) => {
            let mut response = Redirect::to(begun.url.as_str()).into_response();
            let cookie = flow_cookie(Some((begun.browser.expose_secret(), FLOW_LASTS)), peer.encrypted);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => back_to_sign_in(&error.into_problem().code),
    }
}

fn is_at(origin: &str, host: &str) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[derive(Default, Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn callback(State(state): State<AppState>, Path(slug): Path<String>, request: Request) -> Response {
    // Such as a code that is there twice.
    let answer = Query::<Answer>::try_from_uri(request.uri())
        .map_or_else(|_| Answer::default(), |Query(answer)| answer);
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    let actor = request.extensions().get::<Actor>().cloned();
    let browser = flow_token(request.headers(), &peer).unwrap_or_default();
    let callback = Callback {
        state: answer.state,
        code: answer.code.map(SecretString::from),
        error: answer.error,
        iss: answer.iss,
    };
    let finished = providers::finish(
        &state.control,
        &slug,
        callback,
        &browser,
        actor.as_ref(),
        &peer.client,
    )
    .await;
    let mut response = match finished {
        Ok(Finished::Linked(next) | Finished::Tested(next)) => Redirect::to(&next).into_response(),
        Ok(Finished::In(entered, next)) => enter(&state, actor, &entered, &next, &peer).await,
        Err(Refused { error, linking }) => {
            let problem = error.into_problem();
            if linking {
                Redirect::to(&format!("/settings?problem={}", problem.code)).into_response()
            } else {
                back_to_sign_in(&problem.code)
            }
        }
    };
    response
        .headers_mut()
        .append(header::SET_COOKIE, flow_cookie(None, peer.encrypted));
    response
}

/// Puts the cookie of the new session, or of the question for a code, on the answer. What the browser came with is worth
/// nothing afterwards.
async fn enter(state: &AppState, old: Option<Actor>, entered: &Entered, next: &str, peer: &Peer) -> Response {
    if let Some(old) = old
        && let Err(error) = control::auth::sign_out(&state.control, &old).await
    {
        return back_to_sign_in(&error.into_problem().code);
    }
    let (cookie, to): ((&str, Duration), String) = match entered {
        Entered::Session(session) => ((session.token.expose_secret(), session.max_age), next.to_owned()),
        Entered::Step(token) => {
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            (
                (token.expose_secret(), STEP_LASTS),
                format!("/sign-in/code?next={next}"),
            )
        }
    };
    let mut response = Redirect::to(&to).into_response();
    response
        .headers_mut()
        .append(header::SET_COOKIE, session::cookie(Some(cookie), peer.encrypted));
    response
}

fn back_to_sign_in(code: &str) -> Response {
    let code = domain::providers::refusal(code).map_or("internal", |_| code);
    Redirect::to(&format!("/sign-in?problem={code}")).into_response()
}
