//! The one language that picks containers.
