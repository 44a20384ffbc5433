//! What pages and server functions find in their context; see [`app::context`].

use crate::{security::Peer, session, state::AppState};
use app::context::{CookieToken, FlowCookie, Origin, ServerInfo, SessionCookie};
use domain::auth::Actor;
use http::request::Parts;
use leptos::prelude::*;
use std::sync::Arc;

/// Puts it there. The request's own parts are in the context already.
pub fn provide(state: &AppState) {
    let parts = use_context::<Parts>();
    let found = |parts: &Parts| parts.extensions.get::<Peer>().cloned();
    let peer = parts.as_ref().and_then(found).unwrap_or_default();
    if let Some(actor) = parts
        .as_ref()
        .and_then(|parts| parts.extensions.get::<Actor>().cloned())
    {
        provide_context(actor);
    }
    let token = parts
        .as_ref()
        .and_then(|parts| session::token(&parts.headers, &peer));
    provide_context(CookieToken(token.map(Into::into)));
    provide_context(state.control.clone());
    provide_context(peer.client.clone());
    provide_context(ServerInfo {
        release: env!("CARGO_PKG_VERSION"),
        build: state.site.build.clone(),
        unprotected: !peer.encrypted && !peer.is_on_this_machine(),
    });
    if let Some(origin) = state.origin(&peer) {
        provide_context(Origin(origin));
    }
    let encrypted = peer.encrypted;
    provide_context(FlowCookie(Arc::new(move |token, lasts| {
        session::flow_cookie(Some((token, lasts)), encrypted)
    })));
    provide_context(SessionCookie(Arc::new(move |token| {
        session::cookie(token, encrypted)
    })));
}
