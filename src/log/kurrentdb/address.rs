//! The address of a KurrentDB server or cluster: that of its client, and `log=NAME` for several logs in one cluster.

use std::time::Duration;

use eventstore::ClientSettings;

use super::names::{DEFAULT_LOG, Names};
use crate::log::LogError;

/// How long a call takes at most, in milliseconds, unless the address says otherwise: the client itself sets no limit on all.
const DEADLINE_MS: u64 = 10_000;

/// What an address may say instead: a call without end would hold up all that wait behind it.
const DEADLINES_MS: std::ops::RangeInclusive<u64> = 100..=600_000;

/// Where a log is.
#[derive(Clone)]
pub(super) struct Address {
    /// As the client takes it.
    pub settings: ClientSettings,
    /// Without credentials and settings.
    pub url: String,
    /// How streams are named.
    pub names: Names,
    /// How long a call takes at most, or the next event of a read.
    pub deadline: Duration,
}

impl Address {
    /// Reads `kurrentdb://…`, `kurrentdb+discover://…`, `esdb://…` or `esdb+discover://…`.
    pub(super) fn parse(text: &str) -> Result<Self, LogError> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let base = base.trim_end_matches('/');
        let url = shown(base);
        let foreign = |reason: String| LogError::Foreign { url: url.clone(), reason };
        let (mut log, mut settings) = (DEFAULT_LOG, Vec::new());
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some(("log", name)) => log = name,
                _ => settings.push(setting.to_owned()),
            }
        }
        let value = |name: &str| {
            let mut named = settings.iter().rev().filter_map(|setting| setting.split_once('='));
            named.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        // What is decided on is read from the leader, which every append goes to.
        if value("nodePreference").is_some_and(|node| !node.eq_ignore_ascii_case("leader")) {
            return Err(foreign("nodePreference can only be leader: commlog decides on what it reads".to_owned()));
        }
        let deadline = match value("defaultDeadline") {
            None => DEADLINE_MS,
            Some(text) => {
                let (least, most) = DEADLINES_MS.into_inner();
                let within = || format!("defaultDeadline must be from {least} to {most} milliseconds");
                text.parse().ok().filter(|ms| DEADLINES_MS.contains(ms)).ok_or_else(|| foreign(within()))?
            }
        };
        settings.extend(["nodePreference=leader".to_owned(), format!("defaultDeadline={deadline}")]);
        let names = Names::new(log)
            .ok_or_else(|| foreign(format!("log={log} is not a name: 1 to 40 letters a to z and digits are")))?;
        let settings: ClientSettings = format!("{base}?{}", settings.join("&")).parse().map_err(
            |error: eventstore::ClientSettingsParseError| match error.error() {
                // The message itself repeats the address, with its password.
                Some(cause) => foreign(format!("its address is not valid ({cause})")),
                None => foreign(error.message().to_owned()),
            },
        )?;
        let url = if log == DEFAULT_LOG { url } else { format!("{url}?log={log}") };
        Ok(Self { settings, url, names, deadline: Duration::from_millis(deadline) })
    }
}

/// An address without credentials.
fn shown(base: &str) -> String {
    match base.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts)),
        None => "kurrentdb:…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use eventstore::NodePreference;

    use super::*;

    #[test]
    fn a_cluster_is_an_address() {
        let address = Address::parse("esdb://admin:secret@a:1,b:2,c:3?tls=false&log=crm").unwrap();
        assert_eq!(address.url, "esdb://a:1,b:2,c:3?log=crm");
        assert_eq!(address.names, Names::new("crm").unwrap());
        assert_eq!(address.settings.hosts().len(), 3);
        assert_eq!(address.settings.node_preference(), NodePreference::Leader);
        let address = Address::parse("kurrentdb+discover://kurrent.example.com:2113?defaultDeadline=500").unwrap();
        assert!(address.settings.is_dns_discovery_enabled());
        assert_eq!(address.deadline, Duration::from_millis(500));
    }

    #[test]
    fn settings_that_cannot_be_kept_are_refused() {
        for (setting, named) in [
            ("nodePreference=follower", "nodePreference can only be leader"),
            ("defaultDeadline=-1", "from 100 to 600000 milliseconds"),
            ("defaultdeadline=5", "from 100 to 600000 milliseconds"),
            ("log=CRM", "is not a name"),
        ] {
            let refused = Address::parse(&format!("esdb://a:1?{setting}")).map(|address| address.url);
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(named), "{setting}: {error}");
        }
    }

    #[test]
    fn a_refused_address_is_told_without_its_password() {
        for text in ["esdb://admin:secret@a:x?log=crm", "esdb://admin:secret@a:1?log=CRM", "esdb://u:secret@a:1?tls=x"]
        {
            let error = Address::parse(text).map(|address| address.url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
