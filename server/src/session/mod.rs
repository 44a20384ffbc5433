//! How a request says who it is: a session cookie or an API key.

mod cookie;
mod credential;

pub use cookie::{cookie, flow_cookie, flow_token, token};
pub use credential::Credential;
