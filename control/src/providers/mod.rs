//! Providers: signing in through others who vouch for people, by OpenID Connect or as GitHub does.
//!
//! A sign-in leaves through [`begin`] and comes back through [`finish`], which ends as a password does: with a session, or
//! with the question for a code. Between the two there is a row that is good for one answer, in one browser, for ten minutes.

mod discover;
mod enter;
mod flow;
mod github;
mod identities;
mod managed;
mod openid;
mod outgoing;
mod person;
mod policy;
mod probe;
mod roles;
mod rows;
mod service;
mod walk;

pub(crate) use discover::Known;
pub use flow::{Begin, Begun, Callback, FLOW_LASTS, Finished, Purpose, Refused, begin, finish};
pub use identities::{list_identities, unlink};
pub use managed::{FromEnvironment, keep_managed};
pub(crate) use policy::{basic_taken, passwords_taken};
pub use policy::{set_sign_in_policy, sign_in_policy, ways};
pub use probe::{probe, probe_stored};
pub use service::{create, delete, get, list, update};
pub use walk::walked;
