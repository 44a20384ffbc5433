//! Events: the outbox that makes a change in the database known to every server and every open page.
//!
//! A change writes a row of the outbox in its own transaction ([`publish`]). After the commit it wakes the hub of this
//! process and, coalesced, those of the other servers ([`Wake`]). The hub reads the outbox in the order of its
//! positions, builds each [`domain::events::Event`] once, and hands it to every open stream.

mod hub;
mod outbox;
mod wake;

pub use hub::{EventHub, HubEvent};
pub use outbox::{Kind, Position, publish, publish_many};
pub use wake::{Topic, Wake};
