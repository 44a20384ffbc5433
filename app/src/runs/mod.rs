//! Runs: the page of everything that ran and will run, and the page of one run.

mod activity;
pub mod api;
mod failing;
mod feed;
pub mod figures;
mod filter;
mod page;
mod planned;
pub mod words;

pub use activity::Activity;
pub use page::RunPage;
