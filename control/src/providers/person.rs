//! What a provider says of somebody, after all of it was checked.

use domain::{errors::Problem, providers::refusal};
use serde_json::Value;

/// Somebody whom a provider vouches for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Person {
    /// What the provider calls them for good.
    pub subject: String,
    /// What people call them there.
    pub label: String,
    /// The name that an account of theirs should have.
    pub name: String,
    /// Addresses that the provider has verified, the one they use first.
    pub emails: Vec<String>,
    /// The values that mappings are held against.
    pub values: Vec<String>,
}

/// A refusal by its code, in the words that the sign-in page has for it.
pub(super) fn refused(code: &'static str) -> Problem {
    use domain::errors::ErrorClass;
    let class = match code {
        "provider_unknown" => ErrorClass::NotFound,
        "provider_unreachable" | "provider_misconfigured" => ErrorClass::Unavailable,
        "email_unverified" | "email_ambiguous" | "domain_not_allowed" | "not_invited" | "no_organisation"
        | "account_disabled" => ErrorClass::Forbidden,
        "identity_taken" => ErrorClass::Conflict,
        _ => ErrorClass::Unauthenticated,
    };
    Problem::new(class, code, refusal(code).unwrap_or_default())
}

/// A text of a claim, if it is one and says something.
pub(super) fn text(claims: &Value, name: &str) -> Option<String> {
    claims
        .get(name)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The domain of an address, in small letters.
pub(super) fn domain_of(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then(|| domain.to_lowercase())
}

/// A name for an account: what people call them, without what names cannot hold.
pub(super) fn account_name(wanted: &str) -> String {
    let name: String = wanted
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| crate::auth::names::check(&c.to_string()).is_ok() || *c == ' ')
        .take(56)
        .collect();
    let name = name.trim();
    if name.is_empty() {
        "member".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_what_names_may_hold() {
        assert_eq!(account_name("ada@example.org"), "ada");
        assert_eq!(account_name("Ada Lovelace"), "Ada Lovelace");
        assert_eq!(account_name("a\u{202e}d\na"), "ada");
        assert_eq!(account_name("@"), "member");
        assert_eq!(account_name(&"x".repeat(90)).len(), 56);
    }

    #[test]
    fn the_domain_is_what_follows_the_last_at() {
        assert_eq!(domain_of("ada@Example.ORG").as_deref(), Some("example.org"));
        assert_eq!(
            domain_of("\"a@evil.example\"@example.org").as_deref(),
            Some("example.org")
        );
        assert_eq!(domain_of("example.org"), None);
        assert_eq!(domain_of("@example.org"), None);
    }

    #[test]
    fn every_refusal_has_its_words() {
        for code in ["provider_unknown", "state_invalid", "token_nonce", "not_invited"] {
            assert!(!refused(code).message.is_empty(), "{code}");
        }
    }
}
