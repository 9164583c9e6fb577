//! Where traces go.

use super::{BootError, process};
use crate::config::Config;
use crate::providers::kit::client::{ClientOptions, HttpClient};
use crate::traces::{self, Settings};

/// Begins to export traces, if a collector is configured; calls nothing yet.
///
/// # Errors
/// [`BootError::Client`], [`BootError::Traces`].
pub fn start_traces(config: &Config) -> Result<(), BootError> {
    let Some(configured) = &config.traces else { return Ok(()) };
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    let node = process::node_name(config.listen);
    let settings = Settings { endpoint: configured.endpoint.clone(), share: configured.share, node };
    Ok(traces::start(&settings, client.own())?)
}
