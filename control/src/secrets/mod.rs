//! Secrets: the sealed store.
//!
//! Values are sealed with XChaCha20-Poly1305 and bound to their row: a sealed value that is copied to another
//! organisation or another secret does not open there. The key is outside the database ([`SealKey`]), so that a dump of it
//! is worth nothing.

mod key;
mod owned;
mod rotate;
mod store;

pub(crate) use key::Sealed;
pub use key::{KeyError, SealKey};
pub(crate) use owned::{Owner, delete_for, is_kept_for, open_for, put_for};
pub use rotate::{Rotated, rotate};
pub(crate) use store::id_of;
pub use store::{check_key, delete, open, put};

pub use secrecy::SecretString;

pub use store::list;
