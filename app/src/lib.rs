//! The Leptos interface and its server functions.
