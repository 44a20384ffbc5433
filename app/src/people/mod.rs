//! People of the organisation: members, invitations, teams and what they are granted.

pub mod api;
mod email;
mod grant;
mod invitations;
mod invite;
mod page;
mod row;
mod team;
mod teams;
pub mod words;

pub use page::People;
pub use teams::Teams;
