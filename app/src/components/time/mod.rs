//! Times as people read them, the same on the server and in the browser.
//!
//! The wasm holds no zone data: the server knows the viewer's zone from a cookie, the browser asks its own clock. Both
//! feed one set of formats, so that hydration finds what was sent.

mod civil;
mod clock;
mod format;
mod view;
#[cfg(any(not(feature = "ssr"), test))]
mod zone;

pub use civil::Civil;
pub use clock::{Clock, TopClock, machine_now};
pub use format::{duration, elapsed, exact, relative, short, span};
pub use view::{Ago, At, When};
#[cfg(not(feature = "ssr"))]
pub use zone::current_name;
