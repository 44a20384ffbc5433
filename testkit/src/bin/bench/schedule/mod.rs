//! The scheduler: how late runs start when many are due at once, how many runs it completes, what it costs to wait, and how
//! soon it is itself again after `kill -9`. Everything in one run, on one Postgres where it is compared.
//!
//! Lateness is what the product records itself: the run's start on the database's clock, minus the time it was due.

mod burst;
mod idle;
mod recovery;
mod rivals;
mod stock;
mod sustained;

use crate::report::Report;
use testkit::{
    postgres::Result,
    server::{TestServer, TestServerOptions},
};

/// As many as the largest burst needs.
const SCHEDULES: usize = 10_000;

pub async fn measure(report: &mut Report) -> Result<()> {
    {
        // Its own private Postgres, as most people run it: durable, and small.
        let mut server = TestServer::start(TestServerOptions::private()).await?;
        stock::allow_more_connections(&mut server).await?;
        let database = server.database().await?;
        stock::fill(&server, &database, SCHEDULES).await?;
        let lateness = burst::measure(report, &server, &database).await?;
        rivals::measure(report, &server, &lateness).await?;
        sustained::measure(report, &server, &database).await?;
    }
    idle::measure(report).await?;
    recovery::measure(report).await
}
