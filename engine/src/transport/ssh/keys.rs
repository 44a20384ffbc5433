//! Private keys, as people have them.

use super::super::{SshSettings, TransportError};
use russh::keys::{Error as KeyError, HashAlg, PrivateKey, decode_secret_key};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The largest private key's file that is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// A private key that was read.
#[derive(Clone)]
pub(crate) struct Key(pub(super) Arc<PrivateKey>);

impl Key {
    /// The key of these settings, opened; `None` where none is given.
    pub(crate) fn read(settings: &SshSettings) -> Result<Option<Self>, TransportError> {
        let Some(text) = settings.private_key.as_ref().map(|key| key.expose_secret()) else {
            return Ok(None);
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.len() > LIMIT {
            return Err(unreadable("it is larger than 64 KiB"));
        }
        // Pasted text often has spaces at the lines' ends, and Windows' line ends.
        let lines: Vec<_> = text.trim().lines().map(str::trim).collect();
        let text = SecretString::from(format!("{}\n", lines.join("\n")));
        let text = text.expose_secret();
        let first = text.lines().next().unwrap_or_default();
        if ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|start| first.starts_with(start))
            || first.contains("PUBLIC KEY")
            || first.contains("SSH2 PUBLIC")
        {
            return Err(unreadable("it is a public key; the private one is needed"));
        }
        if !text.contains("PRIVATE KEY-----") && !first.starts_with("PuTTY-User-Key-File-") {
            return Err(unreadable("it has no BEGIN line of a private key"));
        }
        let passphrase = settings.passphrase.as_ref().map(|words| words.expose_secret());
        let passphrase = passphrase.filter(|words| !words.is_empty());
        let key = match decode_secret_key(text, None) {
            Ok(key) => Ok(key),
            Err(error) if is_encrypted(text, &error) => match passphrase {
                None => Err(TransportError::KeyEncrypted),
                Some(words) => {
                    decode_secret_key(text, Some(words)).map_err(|_| TransportError::WrongPassphrase)
                }
            },
            Err(KeyError::UnsupportedKeyType { key_type_string, .. }) => Err(unreadable(&format!(
                "keys of type {key_type_string} are not supported"
            ))),
            Err(error) => {
                tracing::debug!(%error, "a private key could not be read");
                Err(unreadable("it is damaged, or of a kind that is not supported"))
            }
        }?;
        Ok(Some(Self(Arc::new(key))))
    }

    /// `SHA256:…`, to tell keys apart in sentences.
    pub(crate) fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

fn is_encrypted(text: &str, error: &KeyError) -> bool {
    matches!(error, KeyError::KeyIsEncrypted)
        || text.contains("ENCRYPTED")
        || text
            .lines()
            .any(|line| line.starts_with("Encryption:") && !line.ends_with("none"))
}

fn unreadable(why: &str) -> TransportError {
    TransportError::KeyUnreadable { why: why.to_owned() }
}
