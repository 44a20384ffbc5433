//! What a request shows to be let in.

use super::cookie;
use crate::security::Peer;
use control::{
    Control,
    auth::{Client, authenticate_key, authenticate_session},
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

    /// Who it belongs to, if anybody.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn check(&self, control: &Control, client: &Client) -> control::Result<Option<Actor>> {
        match self {
            Self::Session(token) => authenticate_session(control, token.expose_secret(), client).await,
            Self::Key(key) => authenticate_key(control, key.expose_secret(), client).await,
        }
    }
}
