//! Where people sign in to the console.

use chrono::TimeDelta;

use super::BootError;
use crate::clock::Ambient;
use crate::config::Config;
use crate::http::session::{Issuer, IssuerSettings};
use crate::providers::kit::client::{ClientOptions, HttpClient};

/// The issuer that the configuration names; calls nothing.
pub(super) fn issuer(config: &Config, ambient: &Ambient) -> Result<Option<Issuer>, BootError> {
    let Some(openid) = config.openid.clone() else { return Ok(None) };
    let client = HttpClient::new(ClientOptions::default()).map_err(BootError::Client)?;
    let settings = IssuerSettings {
        issuer: openid.issuer,
        client_id: openid.client_id,
        client_secret: openid.client_secret,
        role_claim: openid.role_claim,
        roles: openid.roles,
        lasts: TimeDelta::hours(openid.hours.into()),
        public_url: config.public_url.clone(),
    };
    Ok(Some(Issuer::new(settings, client.own(), ambient.clone())))
}
