//! The session cookie. Under TLS it is `__Host-chrontainer`: browsers then take it from this very host alone, and only
//! encrypted. Over plain http, on a LAN, that name is not allowed, so it is `chrontainer`.

use crate::security::Peer;
use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;

const PLAIN: &str = "chrontainer";
const SECURE: &str = "__Host-chrontainer";
/// A sign-in that is under way at a provider: it holds an answer to the browser that asked.
const FLOW_PLAIN: &str = "chrontainer-flow";
const FLOW_SECURE: &str = "__Host-chrontainer-flow";

/// The `Set-Cookie` header that begins a session, or that ends it.
pub fn cookie(token: Option<(&str, Duration)>, encrypted: bool) -> HeaderValue {
    let (name, secure) = if encrypted {
        (SECURE, "; Secure")
    } else {
        (PLAIN, "")
    };
    header_of(name, secure, token)
}

/// The `Set-Cookie` header of a sign-in that goes to a provider, or that ends it. `Lax`, since the way back is a link that
/// another site gives.
pub fn flow_cookie(token: Option<(&str, Duration)>, encrypted: bool) -> HeaderValue {
    let (name, secure) = if encrypted {
        (FLOW_SECURE, "; Secure")
    } else {
        (FLOW_PLAIN, "")
    };
    header_of(name, secure, token)
}

fn header_of(name: &str, secure: &str, token: Option<(&str, Duration)>) -> HeaderValue {
    let (value, seconds) = token.map_or(("", 0), |(token, lasts)| (token, lasts.as_secs()));
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    // Tokens are base64url, so this always is a header.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The session token of a request. Over TLS the plain name counts for nothing: a page on a neighbouring host, or
/// somebody on the wire, could have planted it.
pub fn token(headers: &HeaderMap, peer: &Peer) -> Option<String> {
    either(headers, peer, SECURE, PLAIN)
}

/// The token of a sign-in that went to a provider.
pub fn flow_token(headers: &HeaderMap, peer: &Peer) -> Option<String> {
    either(headers, peer, FLOW_SECURE, FLOW_PLAIN)
}

fn either(headers: &HeaderMap, peer: &Peer, secure: &str, plain: &str) -> Option<String> {
    named(headers, secure).or_else(|| {
        if peer.encrypted {
            None
        } else {
            named(headers, plain)
        }
    })
}

fn named(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name && !value.is_empty() && value.len() <= 128).then(|| value.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    fn peer(encrypted: bool) -> Peer {
        Peer {
            encrypted,
            ..Peer::default()
        }
    }

    #[test]
    fn the_name_and_the_flags_follow_tls() {
        let lasts = Duration::from_secs(60);
        assert_eq!(
            cookie(Some(("abc", lasts)), true),
            "__Host-chrontainer=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        assert_eq!(
            cookie(Some(("abc", lasts)), false),
            "chrontainer=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
        );
        assert_eq!(
            cookie(None, false),
            "chrontainer=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn over_tls_a_planted_cookie_counts_for_nothing() {
        assert_eq!(
            token(&headers("a=b; chrontainer=x"), &peer(false)).as_deref(),
            Some("x")
        );
        assert_eq!(token(&headers("chrontainer=x"), &peer(true)), None);
        assert_eq!(
            token(&headers("chrontainer=x; __Host-chrontainer=y"), &peer(true)).as_deref(),
            Some("y")
        );
        assert_eq!(
            token(&headers("notchrontainer=x; chrontainer="), &peer(false)),
            None
        );
    }
}
