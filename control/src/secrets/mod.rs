//! Secrets: the sealed store.
//!
//! Values are sealed with XChaCha20-Poly1305 and bound to their row: a sealed value that is copied to another
//! organisation or another secret does not open there. The key is outside the database ([`SealKey`]), so that a dump of it
//! is worth nothing.

mod key;
mod of_host;
mod of_schedule;
mod rotate;
mod store;

pub(crate) use key::Sealed;
pub use key::{KeyError, SealKey};
pub(crate) use of_host::{delete_for_host, open_for_host, put_for_host};
pub(crate) use of_schedule::{
    delete_for_schedule, is_kept_for_schedule, open_for_schedule, put_for_schedule,
};
pub use rotate::{Rotated, rotate};
pub use store::{check_key, delete, open, put};

pub use secrecy::SecretString;

pub use store::list;
