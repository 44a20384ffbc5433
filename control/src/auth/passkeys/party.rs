//! Who passkeys are made for: a host, and the address of its pages.

use crate::error::{Error, Result};
use domain::{
    errors::{ErrorClass, Problem},
    passkeys::Place,
};
use url::Url;
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// The relying party, as the specification calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    host: String,
    origin: Url,
}

impl Party {
    /// Of the address under which the browser knows this server. Browsers give passkeys only to pages that came safely and
    /// from a host with a name.
    ///
    /// # Errors
    /// 409 `passkeys_not_here`.
    pub fn at(origin: &str) -> Result<Self, Problem> {
        Url::parse(origin)
            .ok()
            .and_then(|url| {
                let host = url.domain()?.to_owned();
                let safe = url.scheme() == "https" || host == "localhost" || host.ends_with(".localhost");
                safe.then_some(Self { host, origin: url })
            })
            .ok_or_else(|| {
                Problem::new(
                    ErrorClass::Conflict,
                    "passkeys_not_here",
                    format!(
                        "Browsers allow passkeys only at a host with a name, by https or at http://localhost. This page was \
                         opened at {origin}."
                    ),
                )
            })
    }

    /// What a page is told of it.
    pub fn place(origin: &str) -> Place {
        Place {
            origin: origin.to_owned(),
            refusal: Self::at(origin).err().map(|problem| problem.message),
        }
    }

    /// The host, which keys are bound to.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn webauthn(&self) -> Result<Webauthn> {
        WebauthnBuilder::new(&self.host, &self.origin)
            .and_then(|builder| builder.rp_name("Chrontainer").build())
            .map_err(|error| Error::Internal(format!("passkeys cannot be used at {}: {error}", self.origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_safe_way_are_needed() {
        for (origin, host) in [
            ("https://chrontainer.example.org", "chrontainer.example.org"),
            ("https://nas:8443", "nas"),
            ("http://localhost:3000", "localhost"),
            ("http://box.localhost", "box.localhost"),
        ] {
            let party = Party::at(origin).unwrap();
            assert_eq!(party.host(), host);
            party.webauthn().unwrap();
            assert_eq!(Party::place(origin).refusal, None);
        }
        for origin in [
            "http://nas.local:3000",
            "http://192.168.1.5:3000",
            "https://192.168.1.5",
            "https://[2001:db8::1]",
            "http://127.0.0.1:3000",
            "null",
        ] {
            assert_eq!(
                Party::at(origin).unwrap_err().code,
                "passkeys_not_here",
                "{origin}"
            );
            assert!(Party::place(origin).refusal.unwrap().contains(origin));
        }
    }
}
