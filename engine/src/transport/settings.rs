//! What a way to an engine needs beside its address.

use super::{EngineUrl, TransportError};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An address with everything that is needed to reach it. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    pub url: EngineUrl,
    /// For `tcp://`: with these it is TLS, without them plain.
    pub tls: Option<TlsSettings>,
    /// For `ssh://`.
    pub ssh: Option<SshSettings>,
}

impl TransportSettings {
    /// An address that needs nothing else.
    pub fn plain(url: EngineUrl) -> Self {
        Self {
            url,
            tls: None,
            ssh: None,
        }
    }

    /// What a person should know before using it, if anything.
    pub fn warning(&self) -> Option<&'static str> {
        if self.tls.is_some() {
            None
        } else {
            self.url.warning()
        }
    }
}

/// TLS: the engine must show a certificate of this CA, and of no other.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// PEM, one certificate or several.
    pub ca: String,
    /// The client's certificate with its intermediates, PEM. With `key`, or neither.
    pub cert: Option<String>,
    /// The client's key, PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.
    pub key: Option<SecretString>,
}

/// How to sign in by SSH. What is given is tried in this order: key, agent, password.
#[derive(Clone, Debug, Default)]
pub struct SshSettings {
    /// OpenSSH, PEM or PuTTY.
    pub private_key: Option<SecretString>,
    pub passphrase: Option<SecretString>,
    /// Also answers the questions of keyboard-interactive servers.
    pub password: Option<SecretString>,
    /// Use the agent of `SSH_AUTH_SOCK` of this process.
    pub use_agent: bool,
    /// The docker command there, for servers that forbid forwarding; looked for when `None`.
    pub docker_path: Option<String>,
    /// The confirmed host keys, any of which may be shown. Empty: the first contact fails with `host_key_unknown`.
    pub host_keys: Vec<HostKey>,
}

/// A host key by its fingerprint, as `ssh-keygen -l` writes it: `SHA256:…`, with its algorithm in front where that is
/// known: `ssh-ed25519 SHA256:…`. Where all confirmed keys name their algorithms, only those are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostKey {
    pub algorithm: Option<String>,
    /// `SHA256:` and 43 characters of base64.
    pub fingerprint: String,
}

/// Why a text is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "This is no fingerprint of a host key. Write SHA256: and the 43 characters that ssh-keygen -l shows."
)]
pub struct BadFingerprint;

impl FromStr for HostKey {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let mut words = text.split_ascii_whitespace();
        let (algorithm, fingerprint) = match (words.next(), words.next(), words.next()) {
            (Some(fingerprint), None, _) => (None, fingerprint),
            (Some(algorithm), Some(fingerprint), None) => (Some(algorithm), fingerprint),
            _ => return Err(BadFingerprint),
        };
        let body = fingerprint
            .strip_prefix("SHA256:")
            .ok_or(BadFingerprint)?
            .trim_end_matches('=');
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'@' | b'.');
        if body.len() != 43
            || !body.bytes().all(base64)
            || algorithm.is_some_and(|name| name.len() > 64 || !name.bytes().all(word))
        {
            return Err(BadFingerprint);
        }
        Ok(Self {
            algorithm: algorithm.map(str::to_owned),
            fingerprint: format!("SHA256:{body}"),
        })
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.algorithm {
            Some(algorithm) => write!(f, "{algorithm} {}", self.fingerprint),
            None => f.write_str(&self.fingerprint),
        }
    }
}

impl TryFrom<String> for HostKey {
    type Error = BadFingerprint;

    fn try_from(text: String) -> Result<Self, BadFingerprint> {
        text.parse()
    }
}

impl From<HostKey> for String {
    fn from(key: HostKey) -> Self {
        key.to_string()
    }
}

/// Which of the uploaded files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemPart {
    Ca,
    Cert,
    Key,
}

impl PemPart {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Ca => "tls.ca",
            Self::Cert => "tls.cert",
            Self::Key => "tls.key",
        }
    }
}

impl fmt::Display for PemPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ca => "The CA's certificate",
            Self::Cert => "The client certificate",
            Self::Key => "The client key",
        })
    }
}

/// A certificate without its key, or the other way round.
pub(super) fn missing(part: PemPart) -> TransportError {
    TransportError::BadPem {
        part,
        why: "it is missing, and certificate and key are given together".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_written() {
        let body = "uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s";
        for text in [format!("SHA256:{body}"), format!("ssh-ed25519 SHA256:{body}")] {
            let key: HostKey = text.parse().expect("a fingerprint");
            assert_eq!(key.to_string(), text);
        }
        assert_eq!(
            format!("SHA256:{body}=")
                .parse::<HostKey>()
                .expect("padded")
                .fingerprint,
            format!("SHA256:{body}")
        );
        for bad in [
            "",
            "SHA256:",
            body,
            "MD5:00:11",
            "a b c",
            &format!("SHA256:{body}x"),
        ] {
            assert!(bad.parse::<HostKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_show_no_secret() {
        let settings = TransportSettings {
            url: "ssh://pi@nas".parse().expect("an address"),
            tls: None,
            ssh: Some(SshSettings {
                password: Some("hunter2".into()),
                private_key: Some("the key".into()),
                ..SshSettings::default()
            }),
        };
        let shown = format!("{settings:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("the key"),
            "{shown}"
        );
    }
}
