//! What is around every page: the document, the routes, navigation, top bar, palette and keys.

mod account;
pub mod api;
mod cookies;
#[cfg(feature = "ssr")]
mod document;
pub mod keys;
mod layout;
mod nav;
mod next_up;
mod overview;
mod palette;
mod routes;
pub mod theme;
mod topbar;

pub use cookies::{cookie, set_cookie};
#[cfg(feature = "ssr")]
pub use document::shell;
pub use keys::{Keys, plain};
pub use overview::Overviews;
pub use routes::App;
pub use theme::ThemeToggle;
pub use topbar::{Crumb, Heading};
