//! The control plane: use cases and persistence; decides who may do what, and records it.

pub mod db;
