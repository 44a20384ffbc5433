//! Requests that another site made a browser send are refused (CSRF).
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site` to trustworthy origins, `Origin` with everything that
//! changes something; old ones say it with `Referer` alone when they send a form, which our Referrer-Policy lets them do
//! towards ourselves. Programs with an API key are exempt, because no browser sends one by itself.

use super::{Peer, request_log::shown_path};
use crate::{router::refusal, session::Credential, settings::PublicUrl, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use domain::errors::{ErrorClass, Problem};
use http::{HeaderMap, Method, header};

pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
    if is_welcome(
        request.method(),
        request.headers(),
        &peer,
        state.settings.public_url.as_ref(),
    ) {
        return next.run(request).await;
    }
    tracing::warn!(
        client.address = peer.client.address,
        path = shown_path(&request),
        "a request from another site was refused"
    );
    refusal(&request, cross_site().into())
}

/// Whether a page of another site opens a stream. Browsers send no `Origin` with a stream of the same origin, and programs
/// none at all.
pub fn is_foreign_stream(headers: &HeaderMap, peer: &Peer, public: Option<&PublicUrl>) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let foreign_site = said("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    foreign_site || said(header::ORIGIN.as_str()).is_some_and(|origin| !is_ours(origin, peer, public))
}

/// What a request from another site is told.
pub fn cross_site() -> Problem {
    Problem::new(
        ErrorClass::Forbidden,
        "cross_site",
        "This request came from another site, so it was refused. Open Chrontainer itself and try again. Behind a proxy, \
         set CHRONTAINER_PUBLIC_URL to the address that people use.",
    )
}

fn is_welcome(method: &Method, headers: &HeaderMap, peer: &Peer, public: Option<&PublicUrl>) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let credential = Credential::of(headers, peer);
    if matches!(credential, Some(Credential::Key(_))) {
        return true;
    }
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = said("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (said(header::ORIGIN.as_str()), said(header::REFERER.as_str())) {
        (Some(origin), _) => is_ours(origin, peer, public),
        (None, Some(page)) => url::Url::parse(page)
            .is_ok_and(|page| is_ours(&page.origin().ascii_serialization(), peer, public)),
        // No browser: every one of them sends one of the three. With a cookie it only looks like a program.
        (None, None) => credential.is_none(),
    }
}

fn is_ours(origin: &str, peer: &Peer, public: Option<&PublicUrl>) -> bool {
    if public.is_some_and(|public| public.origin() == origin) {
        return true;
    }
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    matches!((authority, &peer.host), (Some(theirs), Some(ours)) if theirs.eq_ignore_ascii_case(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: (&str, &str) = ("cookie", "chrontainer=abc");

    fn welcome(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let peer = Peer {
            host: Some("nas.local:3000".to_owned()),
            ..Peer::default()
        };
        is_welcome(&method, &map, &peer, None)
    }

    #[test]
    fn our_own_pages_may() {
        assert!(welcome(
            Method::POST,
            &[COOKIE, ("sec-fetch-site", "same-origin")]
        ));
        assert!(welcome(
            Method::POST,
            &[COOKIE, ("origin", "http://nas.local:3000")]
        ));
        // A form in an old browser.
        assert!(welcome(
            Method::POST,
            &[COOKIE, ("referer", "http://nas.local:3000/sign-in?next=%2F")]
        ));
        assert!(
            welcome(Method::GET, &[COOKIE, ("sec-fetch-site", "cross-site")]),
            "links to us work"
        );
    }

    #[test]
    fn other_sites_may_not() {
        for origin in [
            "http://evil.example",
            "http://nas.local:3001",
            "http://nas.local",
            "null",
            "nas.local:3000",
        ] {
            assert!(!welcome(Method::POST, &[COOKIE, ("origin", origin)]), "{origin}");
            assert!(
                !welcome(Method::POST, &[("origin", origin)]),
                "signing in from {origin}"
            );
        }
        for page in [
            "http://evil.example/nas.local:3000",
            "http://nas.local:3000@evil.example/",
            "http://nas.local/",
            "nas.local:3000",
        ] {
            assert!(!welcome(Method::POST, &[("referer", page)]), "{page}");
        }
        let both = [
            ("origin", "http://evil.example"),
            ("referer", "http://nas.local:3000/"),
        ];
        assert!(!welcome(Method::POST, &both));
        for site in ["cross-site", "same-site", "?"] {
            assert!(!welcome(
                Method::DELETE,
                &[
                    COOKIE,
                    ("sec-fetch-site", site),
                    ("origin", "http://nas.local:3000")
                ]
            ));
        }
        assert!(!welcome(Method::POST, &[COOKIE]));
    }

    #[test]
    fn programs_may() {
        assert!(welcome(Method::POST, &[]));
        assert!(welcome(
            Method::POST,
            &[
                ("authorization", "Bearer chk_x"),
                ("origin", "http://evil.example")
            ]
        ));
        assert!(!welcome(Method::POST, &[("authorization", "Basic eDp5"), COOKIE]));
    }
}
