//! TEMP
use crate::boot::ReadStore; use crate::cli::failure::Outcome;
pub async fn catch_up(_: &ReadStore) -> Outcome { Ok(()) }
