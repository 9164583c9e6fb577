//! The certificates that SNS signs with: where they may come from, and what they must say.
//!
//! SNS serves a certificate alone, without those that vouch for it. So it is believed for where it lies: on the host of SNS in
//! the topic's own region, reached over TLS, whose certificate the system trusts.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use reqwest::Method;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use tokio::sync::Semaphore;
use url::Url;
use x509_cert::Certificate as X509;
use x509_cert::der::DecodePem;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;

use crate::providers::kit::client::call_within;
use crate::providers::ses::calls::Caller;
use crate::providers::ses::endpoints::host;
use crate::providers::{Incomplete, SendError};

/// The longest certificate that is read, in bytes.
const LARGEST: usize = 64 * 1024;
/// How many are remembered: SNS changes them about once a year.
const REMEMBERED: u64 = 32;
/// How many are fetched at a time, whoever asks for them.
const AT_ONCE: usize = 2;
/// The attribute of a name that holds the common name (X.520).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A certificate of SNS.
pub(in crate::providers::ses) struct Certificate {
    common_name: String,
    /// Seconds since 1970, both inclusive.
    valid: (u64, u64),
    /// An RSA key (PKCS #1).
    key: Vec<u8>,
}

impl Certificate {
    /// Reads PEM; [`None`] if it is no certificate with a name.
    pub(super) fn parse(pem: &[u8]) -> Option<Self> {
        let certificate = X509::from_pem(pem).ok()?.tbs_certificate;
        let attributes = certificate.subject.0.iter().flat_map(|names| names.0.iter());
        let name = attributes.into_iter().find(|attribute| attribute.oid == COMMON_NAME)?;
        let printable = name.value.decode_as::<PrintableStringRef<'_>>().map(|name| name.to_string());
        let common_name =
            printable.or_else(|_| name.value.decode_as::<Utf8StringRef<'_>>().map(|name| name.to_string()));
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        Some(Self {
            common_name: common_name.ok()?,
            valid: (seconds(certificate.validity.not_before), seconds(certificate.validity.not_after)),
            key: certificate.subject_public_key_info.subject_public_key.as_bytes()?.to_vec(),
        })
    }

    pub(super) fn is_of(&self, region: &str) -> bool {
        is_name_of_sns(&self.common_name, region)
    }

    /// Whether it proves a signature of version 1 or 2, at a time at which it is valid.
    pub(in crate::providers::ses) fn accepts(
        &self,
        version: &str,
        message: &[u8],
        signature: &[u8],
        now: DateTime<Utc>,
    ) -> bool {
        let algorithm: &'static RsaParameters = match version {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return false,
        };
        let (from, until) = self.valid;
        let is_valid = u64::try_from(now.timestamp()).is_ok_and(|now| (from..=until).contains(&now));
        is_valid && UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok()
    }
}

/// Fetches certificates, and remembers them.
pub(in crate::providers::ses) struct Certificates {
    caller: Caller,
    /// Where SNS is, if not at the host that the messages name.
    base: Option<Url>,
    known: Cache<Url, Arc<Certificate>>,
    room: Semaphore,
}

impl Certificates {
    pub(in crate::providers::ses) fn new(caller: Caller, base: Option<Url>) -> Self {
        Self { caller, base, known: Cache::new(REMEMBERED), room: Semaphore::new(AT_ONCE) }
    }

    /// The certificate at a URL, if it was fetched.
    pub(in crate::providers::ses) fn known(&self, url: &Url) -> Option<Arc<Certificate>> {
        self.known.get(url)
    }

    /// Fetches the certificate at a URL of [`location`], unless it is known. What lies there and is none of SNS's is not
    /// remembered, and proves nothing.
    pub(in crate::providers::ses) async fn fetch(&self, url: &Url, region: &str) -> Result<(), Incomplete> {
        // Whoever knows a topic's name may ask for many: they queue up, and wait for nothing but the host of SNS.
        let _place = self.room.acquire().await.map_err(|_| Incomplete::Later("no_certificate"))?;
        if self.known.contains_key(url) {
            return Ok(());
        }
        let source = match &self.base {
            Some(base) => base.join(url.path()).map_err(|_| Incomplete::Later("no_certificate"))?,
            None => url.clone(),
        };
        let reply = call_within(self.caller.plain(Method::GET, source), LARGEST).await;
        let reply = reply.map_err(|error| match error {
            SendError::Ambiguous { cause } => Incomplete::Later(cause),
            SendError::Refused { .. } => Incomplete::Later("unreachable"),
        })?;
        match reply.status {
            200 => {}
            429 | 500.. => return Err(Incomplete::Later("no_certificate")),
            // There is none, and none was ever.
            _ => return Ok(()),
        }
        match reply.into_content() {
            Ok(pem) => {
                let certificate = Certificate::parse(&pem).filter(|certificate| certificate.is_of(region));
                if let Some(certificate) = certificate {
                    self.known.insert(url.clone(), Arc::new(certificate));
                }
                Ok(())
            }
            Err(true) => Ok(()),
            Err(false) => Err(Incomplete::Later("half_an_answer")),
        }
    }
}

/// The URL of a certificate of SNS in a region, if a text is one: over TLS, on the region's own host by its plain name, and a
/// file named as all of them are.
pub(in crate::providers::ses) fn location(text: &str, region: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
    let is_name = !name.is_empty() && name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && is_name && url.host_str() == Some(host("sns", region).as_str())).then_some(url)
}

/// Whether a certificate of this name is one of SNS in a region: other services of AWS have certificates, too.
pub(super) fn is_name_of_sns(name: &str, region: &str) -> bool {
    let of_china = region.starts_with("cn-") && name == host("sns", region).replacen("sns.", "sns-", 1);
    // Both regions for the government sign with the older one's.
    let of_government = region.starts_with("us-gov-") && name == "sns-us-gov-west-1.amazonaws.com";
    // Regions that must be opted into have names of their own.
    name == "sns.amazonaws.com" || name == format!("sns-signing.{region}.amazonaws.com") || of_china || of_government
}
