//! Calls of AWS, signed with the account's access key (Signature Version 4).

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder};
use url::Url;

use super::SesCredentials;
use crate::clock::Ambient;
use crate::domain::value::message::RetryClass;
use crate::providers::SendError;
use crate::providers::kit::client::HttpClient;

/// A service of AWS, as signatures name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// SES.
    Ses,
    /// S3, whose paths are signed as they are and whose requests carry the digest of their body.
    S3,
}

/// Makes calls with one access key.
#[derive(Clone)]
pub(super) struct Caller {
    credentials: SesCredentials,
    client: HttpClient,
    ambient: Ambient,
}

impl Caller {
    pub(super) fn new(credentials: SesCredentials, client: HttpClient, ambient: Ambient) -> Self {
        Self { credentials, client, ambient }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.ambient.now()
    }

    /// A request that is signed for a service in a region. A body is JSON.
    pub(super) fn signed(
        &self,
        service: Service,
        region: &str,
        method: Method,
        url: Url,
        body: Option<Vec<u8>>,
    ) -> Result<RequestBuilder, SendError> {
        let headers = body.as_ref().map(|_| ("content-type", "application/json"));
        let signed_body = SignableBody::Bytes(body.as_deref().unwrap_or_default());
        let request = SignableRequest::new(method.as_str(), url.as_str(), headers.into_iter(), signed_body);
        let signature = request.ok().and_then(|request| self.signature(service, region, request));
        let signature = signature.ok_or_else(|| {
            let detail = "the request cannot be signed: look at the account's settings";
            SendError::refused(RetryClass::Configuration, Some("request".to_owned()), detail)
        })?;
        let mut request = self.client.request(method, url);
        for (name, value) in headers.into_iter().chain(signature.iter().map(|(name, value)| (*name, value.as_str()))) {
            request = request.header(name, value);
        }
        Ok(match body {
            Some(body) => request.body(body),
            None => request,
        })
    }

    /// A request that needs no signature.
    pub(super) fn plain(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// The headers that a request is to carry; [`None`] if it cannot be signed.
    fn signature(
        &self,
        service: Service,
        region: &str,
        request: SignableRequest<'_>,
    ) -> Option<Vec<(&'static str, String)>> {
        let SesCredentials { access_key_id, secret_access_key, session_token } = &self.credentials;
        let token = session_token.as_ref().map(|token| token.expose().to_owned());
        let identity =
            Credentials::new(access_key_id.as_str(), secret_access_key.expose(), token, None, super::PROVIDER).into();
        let mut settings = SigningSettings::default();
        let name = match service {
            Service::Ses => "ses",
            Service::S3 => {
                settings.percent_encoding_mode = PercentEncodingMode::Single;
                settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
                settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
                "s3"
            }
        };
        let params = SigningParams::builder().identity(&identity).region(region).name(name);
        let params = params.time(SystemTime::from(self.now())).settings(settings).build().ok()?;
        let (instructions, _) = sign(request, &params.into()).ok()?.into_parts();
        let (headers, _) = instructions.into_parts();
        Some(headers.iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, SeededEntropy};
    use crate::providers::Secret;
    use crate::providers::kit::client::ClientOptions;
    use crate::providers::ses::settings::tests::settings;

    fn caller(session_token: Option<&str>) -> Caller {
        // 2015-08-30T12:36:00Z, the moment of AWS's own examples.
        let now = DateTime::from_timestamp(1_440_938_160, 0).expect("a time");
        let ambient = Ambient::new(Arc::new(ManualClock::new(now)), Arc::new(SeededEntropy::new(1)));
        let credentials = SesCredentials { session_token: session_token.map(Secret::new), ..settings().credentials };
        Caller::new(credentials, HttpClient::new(ClientOptions::default()).expect("a client"), ambient)
    }

    fn header(request: &reqwest::Request, name: &str) -> String {
        request.headers().get(name).map_or("", |value| value.to_str().expect("a text")).to_owned()
    }

    #[test]
    fn a_call_is_signed_for_its_service_and_region_at_the_given_time() {
        let url = Url::parse("https://email.us-east-1.amazonaws.com/v2/email/account").expect("a URL");
        let request = caller(None).signed(Service::Ses, "us-east-1", Method::GET, url, None).expect("signed");
        let request = request.build().expect("a request");
        assert_eq!(header(&request, "x-amz-date"), "20150830T123600Z");
        let authorization = header(&request, "authorization");
        let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ses/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=";
        assert!(authorization.starts_with(expected), "{authorization}");
    }

    #[test]
    fn a_temporary_keys_token_goes_along_and_is_signed() {
        let url = Url::parse("https://s3.us-east-1.amazonaws.com/mail/a%20b").expect("a URL");
        let request = caller(Some("temporary")).signed(Service::S3, "us-east-1", Method::GET, url, None);
        let request = request.expect("signed").build().expect("a request");
        assert_eq!(header(&request, "x-amz-security-token"), "temporary");
        assert_eq!(header(&request, "x-amz-content-sha256").len(), 64);
        let authorization = header(&request, "authorization");
        let signed = "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
        assert!(authorization.contains(signed), "{authorization}");
    }
}
