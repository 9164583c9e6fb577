//! Fetching the pictures of an incoming message.
//!
//! A `MediaUrl` is believed only as far as it leads to the account's own part of the API. From there one redirect is
//! followed, without credentials, to the hosts that keep Twilio's media; a name that leads into a private network is
//! refused when it is resolved.

use bytes::Bytes;
use reqwest::Method;
use url::{Host, Url};

use super::Twilio;
use crate::providers::MediaError;
use crate::providers::kit::client::{self, call_within};

/// Twilio's own limits are 5 MB for MMS and 16 MB for WhatsApp.
const LARGEST: usize = 16 * 1024 * 1024;

pub(super) async fn fetch(twilio: &Twilio, url: &str) -> Result<Bytes, MediaError> {
    let url = own(twilio, url).ok_or(MediaError::Never("foreign_host"))?;
    let request = super::api::authorised(twilio, Method::GET, url.clone());
    let reply = call_within(request, LARGEST).await?;
    if !(300..400).contains(&reply.status) {
        return reply.into_file();
    }
    let location = reply.header("location").and_then(|location| url.join(location).ok());
    let next = location.and_then(|location| next_hop(location, &twilio.settings.media_hosts));
    let next = next.ok_or(MediaError::Never("redirect_refused"))?;
    // A second redirect is not followed.
    client::fetch(twilio.client.public_get(next), LARGEST).await
}

/// A URL below the account's resources on the API's own host.
fn own(twilio: &Twilio, url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let base = &twilio.settings.base_url;
    // The host of other regions' APIs is another one; a plain name and port are compared, nothing is looked up.
    let is_own = url.origin() == base.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path().starts_with(&format!("/2010-04-01/Accounts/{}/", twilio.settings.account_sid));
    is_own.then_some(url)
}

/// Where a redirect may lead: over TLS to a host that is known to keep media, by its name.
fn next_hop(url: Url, hosts: &[String]) -> Option<Url> {
    let Some(Host::Domain(host)) = url.host() else { return None };
    let is_known = hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    let is_plain =
        url.scheme() == "https" && url.port().is_none() && url.username().is_empty() && url.password().is_none();
    (is_known && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Ambient;
    use crate::providers::kit::client::{ClientOptions, HttpClient};
    use crate::providers::twilio::settings::tests::settings;

    #[test]
    fn only_the_accounts_own_part_of_the_api_is_asked() {
        let client = HttpClient::new(ClientOptions::default()).expect("a client");
        let twilio = Twilio::try_new(settings(), client, Ambient::system()).expect("an account");
        let sid = settings().account_sid;
        let good = format!("https://api.twilio.com/2010-04-01/Accounts/{sid}/Messages/MM1/Media/ME1");
        assert_eq!(own(&twilio, &good).map(String::from), Some(good.clone()));
        let bad = [
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "http://127.0.0.1:7700/metrics".to_owned(),
            "file:///etc/passwd".to_owned(),
            "not a url".to_owned(),
            good.replace("https:", "http:"),
            good.replace("api.twilio.com", "api.twilio.com.evil.example"),
            good.replace("api.twilio.com", "api.twilio.com:8443"),
            good.replace("api.twilio.com", "evil.example"),
            good.replace("api.twilio.com", "api.twilio.com@evil.example"),
            good.replace("api.twilio.com", "user:pass@api.twilio.com"),
            good.replace(&sid, &format!("AC{}", "b".repeat(32))),
            good.replace("/Messages", "/../../Accounts/x"),
        ];
        for url in bad {
            assert_eq!(own(&twilio, &url), None, "{url}");
        }
    }

    #[test]
    fn a_redirect_leads_to_known_hosts_over_tls_only() {
        let hosts = ["media.twiliocdn.com".to_owned()];
        let next = |url: &str| next_hop(Url::parse(url).expect("a URL"), &hosts).is_some();
        assert!(next("https://media.twiliocdn.com/AC1/abc?Signature=x"));
        for url in [
            "http://media.twiliocdn.com/a",
            "https://media.twiliocdn.com:8443/a",
            "https://x@media.twiliocdn.com/a",
            "https://cdn.twiliocdn.com/a",
            "https://127.0.0.1/a",
            "https://[::1]/a",
            "https://localhost/a",
        ] {
            assert!(!next(url), "{url}");
        }
    }
}
