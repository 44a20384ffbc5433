//! Keys, and tokens that are signed with them (RFC 7515, RFC 7518).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

/// A key pair of ES256.
pub(super) struct Key {
    pub id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    pub fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("randomness");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
            .expect("a key that was just made");
        Self {
            id: id.to_owned(),
            pair,
        }
    }

    /// As it is published (RFC 7517).
    pub fn public(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        })
    }

    pub fn sign(&self, claims: &Value) -> String {
        let head = json!({ "alg": "ES256", "typ": "JWT", "kid": self.id });
        let text = format!("{}.{}", encoded(&head), encoded(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), text.as_bytes())
            .expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Signed with a secret (HS256).
pub(super) fn with_secret(claims: &Value, secret: &str) -> String {
    let text = format!(
        "{}.{}",
        encoded(&json!({ "alg": "HS256", "typ": "JWT" })),
        encoded(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
    )
}

/// Not signed.
pub(super) fn unsigned(claims: &Value) -> String {
    format!(
        "{}.{}.",
        encoded(&json!({ "alg": "none", "typ": "JWT" })),
        encoded(claims)
    )
}

pub(super) fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
