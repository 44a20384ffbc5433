//! Hosts: the engines that are managed, whether they answer, and adding one.

mod add;
pub mod api;
mod card;
mod page;

pub use page::Hosts;
