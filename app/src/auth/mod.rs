//! Set-up, sign-in and the person who looks at the page.

pub mod api;
