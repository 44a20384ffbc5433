//! What goes over HTTP: signing in, who may do what, live events, and what every answer has in common.

#![allow(clippy::unwrap_used)]

mod attempts;
mod command_line;
mod document;
mod events;
mod files;
mod fleet;
mod forecast;
mod forms;
mod hosts;
mod hosts_known;
mod hosts_reach;
mod identity;
mod inside;
mod insight;
mod lifecycle;
mod passkeys;
mod people;
mod permissions;
mod providers;
mod refusals;
mod security;
mod steps;
mod tls;
mod triggers;

use testkit::{
    postgres::TestDatabase,
    server::{TestServer, TestServerOptions, migrations},
};

/// A database and a server on it, with an owner and a key.
async fn server() -> (TestDatabase, TestServer) {
    let database = TestDatabase::create(&migrations()).await.unwrap();
    let server = TestServer::start(TestServerOptions::on(&database)).await.unwrap();
    (database, server)
}
