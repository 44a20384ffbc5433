//! What the tests share: real engines, template databases, a running server.

pub mod engines;
pub mod postgres;
pub mod provider;
pub mod server;
