//! What an engine tells of its containers as it happens (`GET /events`).

mod parse;
mod stream;

pub use parse::{EngineEvent, EventAction};
pub use stream::EventStream;
