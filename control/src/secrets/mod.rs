//! Secrets: the sealed store.

/// The key that seals secrets.
#[derive(Clone)]
pub struct SealKey;
