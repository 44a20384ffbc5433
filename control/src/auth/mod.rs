//! Auth: who comes in, and how.
