//! Calls of Mailgun's API, and of the hosts where it keeps mails.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::{Host, Url};

use super::MailgunSettings;
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{self, HttpClient};
use crate::providers::{MediaError, Secret, SendError};

/// Mailgun takes mails of 25 MB; as JSON they are longer.
const LARGEST: usize = 40 * 1024 * 1024;
/// How long a stored mail may take to come, while Mailgun waits for us to answer its webhook.
const PATIENCE: Duration = Duration::from_secs(10);
/// The domain of the hosts that keep mails, such as `storage-us-east4.api.mailgun.net`.
const STORES: &str = ".mailgun.net";

/// What makes an account's calls.
#[derive(Clone)]
pub(super) struct Api {
    client: HttpClient,
    base_url: Url,
    key: Secret,
}

impl Api {
    pub(super) fn new(settings: &MailgunSettings, client: HttpClient) -> Self {
        Self { client, base_url: settings.base_url.clone(), key: settings.api_key.clone() }
    }

    /// A request to a path on the API's own host, or to a URL there that the API named.
    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let url = self.base_url.join(path).ok().filter(|url| url.origin() == self.base_url.origin());
        let wrong = || SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API");
        let request = self.client.request(method, url.ok_or_else(wrong)?);
        Ok(request.basic_auth("api", Some(self.key.expose())).header("accept", "application/json"))
    }

    /// Fetches a file of a stored mail.
    pub(super) async fn stored(&self, url: &str) -> Result<Bytes, MediaError> {
        let request = self.store_request(url).ok_or(MediaError::Never("foreign_host"))?;
        client::fetch(request, LARGEST).await
    }

    /// Fetches a stored mail as it was written, soon or not at all.
    pub(super) async fn stored_mail(&self, url: &str) -> Result<Vec<u8>, MediaError> {
        let request = self.store_request(url).ok_or(MediaError::Never("foreign_host"))?;
        let request = request.header("accept", "message/rfc2822").timeout(PATIENCE);
        let answer = client::fetch(request, LARGEST).await?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|_| MediaError::Later("not_an_answer"))?;
        match answer["body-mime"].take() {
            Value::String(mail) => Ok(mail.into_bytes()),
            _ => Err(MediaError::Later("not_an_answer")),
        }
    }

    /// A request to where Mailgun keeps mails. The URL stands in a webhook's body, which nobody signed: the account's key goes
    /// to no other host, and a name that leads into a private network is refused when it is resolved.
    fn store_request(&self, url: &str) -> Option<RequestBuilder> {
        let url = Url::parse(url).ok()?;
        let is_mail = url.path().starts_with("/v3/domains/") && url.path().contains("/messages/");
        if !is_mail || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let request = if url.origin() == self.base_url.origin() {
            self.client.request(Method::GET, url)
        } else {
            let is_store = matches!(url.host(), Some(Host::Domain(host)) if host.ends_with(STORES));
            if !is_store || url.scheme() != "https" || url.port().is_some() {
                return None;
            }
            self.client.public_get(url)
        };
        Some(request.basic_auth("api", Some(self.key.expose())))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::providers::kit::client::ClientOptions;
    use crate::providers::mailgun::settings::tests::settings;

    pub(in crate::providers::mailgun) fn api() -> Api {
        Api::new(&settings(), HttpClient::new(ClientOptions::default()).expect("a client"))
    }

    #[test]
    fn the_key_goes_to_mailguns_own_stores_only() {
        let good = "https://storage-us-east4.api.mailgun.net/v3/domains/mg.shop.example/messages/AwABB/attachments/0";
        for url in [
            good,
            "https://storage.eu.mailgun.net/v3/domains/mg.shop.example/messages/eyJw",
            "https://api.mailgun.net/v3/domains/mg.shop.example/messages/eyJw",
        ] {
            assert!(api().store_request(url).is_some(), "{url}");
        }
        let bad = [
            "http://169.254.169.254/v3/domains/x/messages/y".to_owned(),
            "file:///v3/domains/x/messages/y".to_owned(),
            "not a url".to_owned(),
            good.replace("https:", "http:"),
            good.replace("mailgun.net", "mailgun.net.evil.example"),
            good.replace("api.mailgun.net", "evilmailgun.net"),
            good.replace("mailgun.net", "mailgun.net:8443"),
            good.replace("mailgun.net", "mailgun.net@evil.example"),
            good.replace("https://", "https://user:pass@"),
            good.replace("/v3/domains/", "/v3/routes/"),
            good.replace("/messages/", "/../../../v3/keys/"),
        ];
        for url in bad {
            assert!(api().store_request(&url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_page_elsewhere_is_not_asked_for() {
        assert!(api().request(Method::GET, "https://api.mailgun.net/v3/mg.shop.example/events/W3siY").is_ok());
        assert!(api().request(Method::GET, "https://evil.example/v3/mg.shop.example/events/W3siY").is_err());
    }
}
