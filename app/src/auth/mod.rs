//! Set-up, sign-in and the person who looks at the page.

pub mod api;
mod code;
mod dial;
mod frame;
#[cfg(feature = "ssr")]
mod guard;
mod invite;
mod me;
mod new_password;
pub mod own;
pub mod passkeys;
mod password;
mod reset;
mod set_up;
mod sign_in;
mod ways;

#[cfg(feature = "ssr")]
pub use api::own_path;
pub use code::Code;
#[cfg(feature = "ssr")]
pub use guard::guard;
pub use invite::Invite;
pub use me::{Me, lacks, lacks_for, lacks_on};
pub use new_password::NewPassword;
pub use password::PasswordField;
pub use reset::Reset;
pub use set_up::SetUp;
pub use sign_in::SignIn;
#[cfg(feature = "ssr")]
use ways::encoded;

thread_local! {
    static SIGNING_OUT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whoever signs out does not want to come back to this page: what is refused meanwhile leads nowhere.
pub fn signing_out() {
    SIGNING_OUT.set(true);
}

/// Goes to the sign-in page and comes back here afterwards: the session has ended.
#[cfg(not(feature = "ssr"))]
pub fn leave() {
    if SIGNING_OUT.get() {
        return;
    }
    let location = leptos::prelude::window().location();
    let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
    if !here.starts_with("/sign-in") {
        let next = String::from(js_sys::encode_uri_component(&here));
        let _ = location.assign(&format!("/sign-in?next={next}"));
    }
}
