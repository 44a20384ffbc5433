//! Passkeys: the button that signs in with one, and the browser's side of making and using them.

pub mod api;
mod button;
pub mod device;
mod place;

pub use button::{PasskeyButton, Use};
pub use place::refusal_at;
