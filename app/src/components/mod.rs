//! What pages share: icons, states, times, dialogs, toasts.

mod copy;
pub mod debounce;
pub mod dialog;
mod icon;
pub mod menu;
pub mod skeleton;
mod spark;
mod states;
mod status;
pub mod time;
pub mod toast;

pub use copy::CopyField;
#[cfg(feature = "ssr")]
pub use icon::SPRITE;
pub use icon::{Icon, Logo, glyph, icon, icon_as};
pub use spark::spark;
pub use states::{Empty, Failure, FailureNote, kept};
pub use status::{State, Status, container_state, host_state, run_state, target_state};
