//! Calls of Resend's API, and of the store that it names.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::{Host, Url};

use super::ResendSettings;
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{self, HttpClient};
use crate::providers::{MediaError, Secret, SendError};

/// Resend takes in mails of 40 MB.
const LARGEST: usize = 56 * 1024 * 1024;
/// How long each of two calls may take while Resend waits for us to answer its webhook: 15 seconds in all.
const PATIENCE: Duration = Duration::from_secs(6);

/// What makes an account's calls.
#[derive(Clone)]
pub(super) struct Api {
    client: HttpClient,
    base_url: Url,
    key: Secret,
}

impl Api {
    pub(super) fn new(settings: &ResendSettings, client: HttpClient) -> Self {
        Self { client, base_url: settings.base_url.clone(), key: settings.api_key.clone() }
    }

    /// The URL of a path on the API's own host.
    pub(super) fn url(&self, path: &str) -> Option<Url> {
        self.base_url.join(path).ok().filter(|url| url.origin() == self.base_url.origin())
    }

    pub(super) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, SendError> {
        let wrong = || SendError::refused(RetryClass::Configuration, None, "the base URL does not lead to an API");
        Ok(self.authorised(method, self.url(path).ok_or_else(wrong)?))
    }

    fn authorised(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url).bearer_auth(self.key.expose());
        request.header("accept", "application/json")
    }

    /// What the API says of a mail that came in, soon or not at all. Pictures stay beside the HTML.
    pub(super) async fn received(&self, id: &str) -> Result<Value, MediaError> {
        let url = self.url(&format!("/emails/receiving/{id}?html_format=cid")).ok_or(MediaError::Never("not_an_id"))?;
        let answer = client::fetch(self.authorised(Method::GET, url).timeout(PATIENCE), LARGEST).await?;
        let answer: Option<Value> = serde_json::from_slice(&answer).ok().filter(Value::is_object);
        answer.ok_or(MediaError::Later("not_an_answer"))
    }

    /// A mail that came in as it was written, soon or not at all.
    pub(super) async fn raw_mail(&self, url: &str) -> Result<Bytes, MediaError> {
        client::fetch(self.download(url)?.timeout(PATIENCE), LARGEST).await
    }

    /// A file of a mail that came in: its URL, which is the API's, names for an hour where it can be had.
    pub(super) async fn file(&self, url: &str) -> Result<Bytes, MediaError> {
        let url = Url::parse(url).ok().filter(|url| {
            let is_own = url.origin() == self.base_url.origin() && url.path().starts_with("/emails/receiving/");
            is_own && url.username().is_empty() && url.password().is_none()
        });
        let url = url.ok_or(MediaError::Never("foreign_host"))?;
        let answer = client::fetch(self.authorised(Method::GET, url), LARGEST).await?;
        let answer: Value = serde_json::from_slice(&answer).map_err(|_| MediaError::Later("not_an_answer"))?;
        let download = answer["download_url"].as_str().ok_or(MediaError::Later("not_an_answer"))?;
        client::fetch(self.download(download)?, LARGEST).await
    }

    /// A request to the store that the API names. It is signed for itself: no key goes there. A name that leads into a
    /// private network is refused when it is resolved.
    fn download(&self, url: &str) -> Result<RequestBuilder, MediaError> {
        let url = Url::parse(url).map_err(|_| MediaError::Never("foreign_host"))?;
        if url.origin() == self.base_url.origin() {
            return Ok(self.client.request(Method::GET, url));
        }
        let is_plain = url.scheme() == "https" && url.port().is_none() && url.username().is_empty();
        if !is_plain || !matches!(url.host(), Some(Host::Domain(_))) {
            return Err(MediaError::Never("foreign_host"));
        }
        Ok(self.client.public_get(url))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::providers::kit::client::ClientOptions;
    use crate::providers::resend::settings::tests::settings;

    pub(in crate::providers::resend) fn api() -> Api {
        Api::new(&settings(), HttpClient::new(ClientOptions::default()).expect("a client"))
    }

    #[tokio::test]
    async fn the_key_goes_to_the_api_only() {
        let good = "https://api.resend.com/emails/receiving/56761188/attachments/2a0c";
        for url in [
            "http://169.254.169.254/emails/receiving/x".to_owned(),
            "not a url".to_owned(),
            good.replace("https:", "http:"),
            good.replace("resend.com", "resend.com.evil.example"),
            good.replace("resend.com", "resend.com:8443"),
            good.replace("https://", "https://user:pass@"),
            good.replace("/receiving/", "/../domains/"),
        ] {
            assert_eq!(api().file(&url).await, Err(MediaError::Never("foreign_host")), "{url}");
        }
    }

    #[test]
    fn files_lie_on_hosts_of_the_public_network() {
        assert!(api().download("https://inbound-cdn.resend.com/5676/raw?signature=x").is_ok());
        for url in ["http://inbound-cdn.resend.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://h:8443/x", ""]
        {
            assert!(api().download(url).is_err(), "{url}");
        }
    }
}
