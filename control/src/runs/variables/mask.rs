//! Hiding secrets in what is kept.

use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;

/// What secrets are shown as.
const HIDDEN: &str = "***";
/// Shorter lines of a secret hide nothing and would garble everything.
const SHORTEST: usize = 3;

/// Replaces the secrets that an attempt was given by `***`: whole, and line by line where they have several.
#[derive(Clone, Default)]
pub(crate) struct Mask(Vec<SecretString>);

impl Mask {
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut parts: Vec<String> = Vec::new();
        for secret in secrets {
            let text = secret.expose_secret();
            parts.push(text.to_owned());
            parts.extend(text.lines().map(|line| line.trim().to_owned()));
        }
        parts.retain(|part| part.len() >= SHORTEST);
        // The longest first: one secret may hold another.
        parts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        parts.dedup();
        Self(parts.into_iter().map(SecretString::from).collect())
    }

    /// The text without secrets.
    pub fn hide(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            let secret = secret.expose_secret();
            if text.contains(secret) {
                text = Cow::Owned(text.replace(secret, HIDDEN));
            }
        }
        text.into_owned()
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let secrets = [
            SecretString::from("abcdef"),
            SecretString::from("abc"),
            SecretString::from("-----KEY-----\nline two\n"),
            SecretString::from("x"),
        ];
        let mask = Mask::of(&secrets);
        assert_eq!(mask.hide("1 abcdef 2 abc 3"), "1 *** 2 *** 3");
        assert_eq!(mask.hide("its line two is here: x"), "its *** is here: x");
        assert_eq!(mask.hide("nothing"), "nothing");
        assert_eq!(format!("{mask:?}"), "Mask(5)");
    }
}
