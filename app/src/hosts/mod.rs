//! Hosts: the engines that are managed.

pub mod api;
