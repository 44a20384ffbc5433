//! What a request shows to be let in.

use super::cookie;
use crate::security::Peer;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use control::{
    Control,
    auth::{Client, authenticate_basic, authenticate_key, authenticate_session},
};
use domain::auth::Actor;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};

/// What a request shows to be let in. Kept with endless answers, which look again from time to time.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A browser's cookie.
    Session(SecretString),
    /// A program's key. One that is wrong is refused; a cookie beside it does not help.
    Key(SecretString),
    /// A name and a password with a request of the API, where that is switched on.
    Basic(String, SecretString),
}

impl Credential {
    /// Other schemes of the Authorization header belong to proxies before us and are left alone.
    pub fn of(headers: &HeaderMap, peer: &Peer) -> Option<Self> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| key.trim().to_owned())
        });
        bearer
            .map(|key| Self::Key(key.into()))
            .or_else(|| cookie::token(headers, peer).map(|token| Self::Session(token.into())))
    }

    /// The name and the password of a request that shows nothing else (RFC 7617). They may be meant for a proxy before us.
    pub fn basic(headers: &HeaderMap) -> Option<Self> {
        let (scheme, encoded) = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = SecretString::from(String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?);
        let (name, password) = decoded.expose_secret().split_once(':')?;
        Some(Self::Basic(name.to_owned(), password.to_owned().into()))
    }

    /// Who it belongs to, if anybody.
    ///
    /// # Errors
    /// When the database does not answer; for a name and a password also what stands against taking them.
    pub async fn check(&self, control: &Control, client: &Client) -> control::Result<Option<Actor>> {
        match self {
            Self::Session(token) => authenticate_session(control, token.expose_secret(), client).await,
            Self::Key(key) => authenticate_key(control, key.expose_secret(), client).await,
            Self::Basic(name, password) => authenticate_basic(control, name, password, client).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(value: &str) -> Option<(String, String)> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        match Credential::basic(&headers)? {
            Credential::Basic(name, password) => Some((name, password.expose_secret().to_owned())),
            _ => None,
        }
    }

    #[test]
    fn a_password_may_hold_colons_and_whatever_there_is() {
        let encoded = STANDARD.encode("ada:a:b:ü");
        let both = Some(("ada".to_owned(), "a:b:ü".to_owned()));
        assert_eq!(basic(&format!("Basic {encoded}")), both);
        assert_eq!(basic(&format!("basic  {encoded}")), both);
        assert_eq!(basic("Basic not base64"), None);
        assert_eq!(basic(&format!("Basic {}", STANDARD.encode("nobody"))), None);
        assert_eq!(basic(&format!("Bearer {encoded}")), None);
    }
}
