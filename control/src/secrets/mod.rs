//! Secrets: the sealed store.
//!
//! Values are sealed with XChaCha20-Poly1305 and bound to their row: a sealed value that is copied to another
//! organisation or another secret does not open there. The key is outside the database ([`SealKey`]), so that a dump of it
//! is worth nothing.

mod key;
mod store;

pub use key::{KeyError, SealKey};
pub use store::{check_key, delete, open, put};

pub use secrecy::SecretString;

pub use store::list;
