//! The real server on real engines: what people do with it, and what happens to it meanwhile. Processes are killed and
//! suspended, the database and the engines go away and come back; afterwards every run has ended, honestly, and nothing was
//! done twice.

#![allow(clippy::unwrap_used)]

mod api;
mod engines;
mod fires;
mod held;
mod journeys;
mod kill;
mod outcomes;
mod pair;
mod pause;
mod points;
mod postgres;
mod stop;
