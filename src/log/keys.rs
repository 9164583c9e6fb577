//! The key store.

/// Why the key store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("key store")]
pub struct KeyStoreError;
