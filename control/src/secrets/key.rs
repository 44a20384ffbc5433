//! The key that seals secrets: 32 bytes in a file outside the database.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use domain::ids::{OrgId, SecretId};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

const LENGTH: usize = 32;
const NONCE: usize = 24;

/// The key that seals secrets; cheap to clone, wiped from memory with the last clone.
#[derive(Clone)]
pub struct SealKey {
    id: Arc<str>,
    key: Arc<SecretBox<[u8; LENGTH]>>,
}

/// Why there is no key, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "The secret key file {path} cannot be read ({source}). Check that it exists and that the server may read it."
    )]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("A secret key could not be made in {path} ({source}). Check that the server may write there.")]
    NotMade { path: PathBuf, source: io::Error },
    #[error(
        "The secret key file {path} holds {found}, and must hold 32 random bytes: as they are, as 64 hexadecimal \
         digits or in base64. `openssl rand -base64 32` makes such a key; but a key that is lost takes the stored secrets \
         with it, so look for the old one first."
    )]
    Malformed { path: PathBuf, found: String },
}

/// Sealed bytes as the database keeps them.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub nonce: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl SealKey {
    /// A key of its own for each test.
    pub fn random() -> Self {
        Self::from_bytes(rand::random())
    }

    fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"chrontainer key id")
            .chain_update(bytes)
            .finalize();
        let id: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            id: id.into(),
            key: Arc::new(SecretBox::new(Box::new(bytes))),
        }
    }

    /// Reads the key from a file that somebody else made.
    ///
    /// # Errors
    /// When it cannot be read or holds no key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let bytes = fs::read(path).map_err(|source| KeyError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        match parse(&bytes) {
            Ok(key) => Ok(Self::from_bytes(key)),
            Err(found) => Err(KeyError::Malformed {
                path: path.to_owned(),
                found,
            }),
        }
    }

    /// Reads the key, or makes one (0600) where there is none. Two servers that start at once end up with the same.
    ///
    /// # Errors
    /// When it can neither be read nor made.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(|source| KeyError::NotMade {
                    path: path.to_owned(),
                    source,
                })?;
            }
            // Whatever else is wrong, reading says it.
            _ => {}
        }
        Self::load(path)
    }

    /// Tells keys apart without telling anything about them: 12 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn seal(&self, org: OrgId, secret: SecretId, plain: &[u8]) -> Option<Sealed> {
        // 192 random bits: no nonce ever repeats under one key.
        let nonce: [u8; NONCE] = rand::random();
        let aad = self.bound_to(org, secret);
        let bytes = self
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .ok()?;
        Some(Sealed {
            nonce: nonce.to_vec(),
            bytes,
        })
    }

    /// Nothing when the key, the row or a bit of the value is another.
    pub(crate) fn open(&self, org: OrgId, secret: SecretId, sealed: &Sealed) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = sealed.nonce.as_slice().try_into().ok()?;
        let aad = self.bound_to(org, secret);
        self.cipher()
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: &sealed.bytes,
                    aad: &aad,
                },
            )
            .ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }

    fn bound_to(&self, org: OrgId, secret: SecretId) -> Vec<u8> {
        [
            b"chrontainer secret v1".as_slice(),
            org.0.as_bytes(),
            secret.0.as_bytes(),
            self.id.as_bytes(),
        ]
        .concat()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

/// The key in a file's bytes, or what the file holds instead.
fn parse(bytes: &[u8]) -> Result<[u8; LENGTH], String> {
    let text = std::str::from_utf8(bytes).map(str::trim).unwrap_or_default();
    let printable = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    if let Ok(raw) = <[u8; LENGTH]>::try_from(bytes)
        // 32 typed characters are no 32 random bytes.
        && !printable
    {
        return Ok(raw);
    }
    let decoded = match text.len() {
        64 => unhex(text),
        43 | 44 => STANDARD
            .decode(format!(
                "{:=<44}",
                text.trim_end_matches('=').replace('-', "+").replace('_', "/")
            ))
            .ok(),
        _ => None,
    };
    match decoded.map(<[u8; LENGTH]>::try_from) {
        Some(Ok(key)) => Ok(key),
        _ if bytes.is_empty() => Err("nothing".to_owned()),
        _ if printable => Err(format!("{} characters of text that are no key", text.len())),
        _ => Err(format!("{} bytes", bytes.len())),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

/// Written in full under another name and then linked, so that nobody ever reads half a key, and the first of
/// two servers wins.
fn create(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let draft = directory.join(format!(".secret-key-{}", uuid::Uuid::now_v7().simple()));
    let written = write_and_link(&draft, path);
    // Linked or not, the draft's name is no longer needed.
    let _gone = fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(directory)?.sync_all(),
    }
}

fn write_and_link(draft: &Path, path: &Path) -> io::Result<()> {
    let key: [u8; LENGTH] = rand::random();
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()?;
    fs::hard_link(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ids() -> (OrgId, SecretId) {
        (OrgId::new(), SecretId::new())
    }

    #[test]
    fn a_sealed_value_opens_in_its_own_row_only() {
        let key = SealKey::random();
        let (org, secret) = ids();
        let sealed = key.seal(org, secret, b"hunter2").unwrap();
        assert_eq!(key.open(org, secret, &sealed).unwrap(), b"hunter2");
        assert!(key.open(OrgId::new(), secret, &sealed).is_none());
        assert!(key.open(org, SecretId::new(), &sealed).is_none());
        assert!(SealKey::random().open(org, secret, &sealed).is_none());
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            let changed = Sealed {
                nonce: sealed.nonce.clone(),
                bytes,
            };
            assert!(key.open(org, secret, &changed).is_none(), "byte {at}");
        }
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/secret.key");
        let first = SealKey::load_or_create(&path).unwrap();
        let again = SealKey::load_or_create(&path).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn many_that_start_at_once_agree() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let ids: std::collections::HashSet<String> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| SealKey::load_or_create(&path).unwrap().id().to_owned()))
                .collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
    }

    #[test]
    fn one_key_in_three_spellings() {
        let raw: [u8; 32] = std::array::from_fn(|i| (i * 7 + 130) as u8);
        let hex: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
        let coded = STANDARD.encode(raw);
        for spelling in [
            raw.to_vec(),
            format!("{hex}\n").into_bytes(),
            format!(" {coded}\n").into_bytes(),
        ] {
            assert_eq!(parse(&spelling).unwrap(), raw);
        }
    }

    #[test]
    fn what_is_no_key_is_described_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        for content in [
            "",
            "correct horse",
            "0123456789abcdef0123456789abcdef",
            &"z".repeat(64),
        ] {
            fs::write(&path, content).unwrap();
            let error = SealKey::load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains("openssl rand -base64 32"), "{error}");
            assert!(content.is_empty() || !error.contains(content), "{error}");
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let key = SealKey::from_bytes([7; 32]);
        assert_eq!(format!("{key:?}"), format!("SealKey({})", key.id()));
    }
}
