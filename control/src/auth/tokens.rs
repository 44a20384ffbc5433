//! Random tokens and what is stored of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// 32 random bytes as base64url (RFC 4648, section 5), behind a prefix that tells what it is.
pub fn random(prefix: &str) -> SecretString {
    let bytes: [u8; 32] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}

/// What is stored: SHA-256. A slow hash would protect guessable secrets, which these are not.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_token_has_256_bits_and_never_repeats() {
        let (a, b) = (random("chk_"), random("chk_"));
        assert_ne!(a.expose_secret(), b.expose_secret());
        let coded = a.expose_secret().strip_prefix("chk_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(coded).unwrap().len(), 32);
        assert_eq!(hash(a.expose_secret()).len(), 32);
    }
}
