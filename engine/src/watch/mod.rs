//! Watches one engine.
