//! Hosts: the engines that are managed, whether they answer, adding, changing and deleting one.

mod acts;
pub mod api;
mod card;
mod contexts;
mod detail;
mod form;
mod known;
mod page;
mod remove;
pub mod words;

pub use detail::HostPage;
pub use page::Hosts;
