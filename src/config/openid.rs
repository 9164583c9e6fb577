//! What the configuration says of the OpenID Connect issuer.

use std::collections::BTreeMap;

use url::Url;

use super::{ConfigError, Values, parse};
use crate::domain::tenant::event::Role;

/// Where people sign in to the console.
#[derive(Clone)]
pub struct OpenIdConfig {
    /// The issuer's URL, as in its tokens.
    pub issuer: String,
    /// The name that it knows this server by.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Option<String>,
    /// The claim with a person's groups.
    pub role_claim: String,
    /// What these may do here.
    pub roles: BTreeMap<String, Role>,
    /// How long a sign-in lasts, in hours.
    pub hours: u32,
}

impl std::fmt::Debug for OpenIdConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OpenIdConfig").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The longest sign-in, in hours.
const LONGEST: u32 = 24 * 31;

pub(super) fn read(values: &Values) -> Result<Option<OpenIdConfig>, ConfigError> {
    let text = |key: &str| values.get(key).map(|(value, _)| value.clone());
    let roles = parse(values, "oidc_roles", roles)?;
    let hours = parse(values, "oidc_hours", hours)?.unwrap_or(12);
    let Some(issuer) = parse(values, "oidc_issuer", issuer)? else { return Ok(None) };
    let missing = |key: &str| {
        let (_, origin) = &values["oidc_issuer"];
        ConfigError::Invalid {
            key: key.to_owned(),
            origin: origin.clone(),
            reason: "must be set beside oidc_issuer".to_owned(),
        }
    };
    Ok(Some(OpenIdConfig {
        issuer,
        client_id: text("oidc_client_id").ok_or_else(|| missing("oidc_client_id"))?,
        client_secret: text("oidc_client_secret"),
        role_claim: text("oidc_role_claim").unwrap_or_else(|| "groups".to_owned()),
        roles: roles.ok_or_else(|| missing("oidc_roles"))?,
        hours,
    }))
}

/// The issuer's URL as it is written: a slash at its end counts. Over TLS, or on this machine.
fn issuer(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL such as https://login.example.com".to_owned())?;
    let is_near = url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_near => Ok(text.to_owned()),
        _ => Err("must begin with https://".to_owned()),
    }
}

fn roles(text: &str) -> Result<BTreeMap<String, Role>, String> {
    let mut roles = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = || "must be groups with roles, such as crm-admins=admin, help-desk=agent".to_owned();
        let (group, role) = pair.rsplit_once('=').ok_or_else(wrong)?;
        let (group, word) = (group.trim(), role.trim());
        let role = word.parse().map_err(|_| {
            let known: Vec<_> = Role::ALL.iter().map(|role| role.word()).collect();
            format!("{word} is not a role; roles are {}", known.join(", "))
        })?;
        if group.is_empty() || roles.insert(group.to_owned(), role).is_some() {
            return Err("must name each group once".to_owned());
        }
    }
    if roles.is_empty() { Err("must name at least one group".to_owned()) } else { Ok(roles) }
}

fn hours(text: &str) -> Result<u32, String> {
    let hours = text.parse().ok().filter(|hours| (1..=LONGEST).contains(hours));
    hours.ok_or_else(|| format!("must be a whole number from 1 to {LONGEST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(lines: &[(&str, &str)]) -> Result<Option<OpenIdConfig>, String> {
        let values = lines.iter().map(|(key, value)| ((*key).to_owned(), ((*value).to_owned(), "the test".to_owned())));
        read(&values.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_issuer_needs_a_client_and_groups_with_roles() {
        let whole = [
            ("oidc_issuer", "https://login.example.com/"),
            ("oidc_client_id", "commlog"),
            ("oidc_roles", "crm-admins=admin, desk=agent,cn=sales,ou=a=marketer"),
        ];
        // A comma cannot be part of a group's name.
        assert!(read_from(&whole).unwrap_err().contains("oidc_roles"));
        let whole = [whole[0], whole[1], ("oidc_roles", "crm-admins=admin, desk=agent, a=b=marketer")];
        let openid = read_from(&whole).unwrap().unwrap();
        assert_eq!((openid.issuer.as_str(), openid.role_claim.as_str(), openid.hours), (whole[0].1, "groups", 12));
        let roles: Vec<_> = openid.roles.iter().map(|(group, role)| (group.as_str(), *role)).collect();
        assert_eq!(roles, [("a=b", Role::Marketer), ("crm-admins", Role::Admin), ("desk", Role::Agent)]);
        assert!(read_from(&whole[..1]).unwrap_err().contains("oidc_client_id"));
        assert!(read_from(&whole[..2]).unwrap_err().contains("oidc_roles"));
        assert!(read_from(&[]).unwrap().is_none());
        for (key, wrong) in [
            ("oidc_issuer", "http://login.example.com"),
            ("oidc_issuer", "login"),
            ("oidc_roles", "a=boss"),
            ("oidc_roles", "a=admin,a=agent"),
            ("oidc_roles", " , "),
            ("oidc_hours", "0"),
            ("oidc_hours", "forever"),
        ] {
            let message = read_from(&[(key, wrong)]).unwrap_err();
            assert!(message.contains(key), "{message}");
        }
    }
}
