//! The key store in a PostgreSQL database.
