//! How an SES account is set up.

use chrono::TimeDelta;
use lettre::message::Mailbox;
use url::Url;

use super::endpoints::{is_bucket, is_region, region_of_topic};
use crate::providers::kind::{OWN_ADDRESSES, REPLY_DOMAIN, Setting, Setup};
use crate::providers::{Secret, SettingsError};

const FROM: Setting =
    Setting::new("from", "Who sends: an address such as `news@example.com`, verified by itself or by its domain.")
        .required()
        .variable("SES_FROM");
const FROM_NAME: Setting =
    Setting::new("from_name", "The name that stands before the sender's address.").variable("SES_FROM_NAME");
const ACCESS_KEY_ID: Setting = Setting::new(
    "access_key_id",
    "The access key that makes the calls; it may do `ses:SendEmail`, `ses:SendRawEmail` and, for the test, `ses:GetAccount`.",
)
.required()
.variable("AWS_ACCESS_KEY_ID");
const SECRET_ACCESS_KEY: Setting =
    Setting::new("secret_access_key", "The access key's secret.").secret().required().variable("AWS_SECRET_ACCESS_KEY");
const SESSION_TOKEN: Setting = Setting::new("session_token", "What goes with an access key that is temporary.")
    .secret()
    .variable("AWS_SESSION_TOKEN");
const REGION: Setting =
    Setting::new("region", "The region that sends, such as `eu-west-1`.").required().variable("AWS_REGION");
const CONFIGURATION_SET: Setting = Setting::new(
    "configuration_set",
    "The configuration set that publishes events to SNS. Without one, events other than bounces and complaints do not come.",
)
.variable("SES_CONFIGURATION_SET");
const TENANT: Setting =
    Setting::new("tenant_name", "The tenant of SES that mail is sent for, where tenants are set up there.")
        .variable("SES_TENANT_NAME");
const DOMAIN: Setting = Setting::new("domain", "The sending domain; left out: the one of `from`.");
const TOPIC_ARNS: Setting = Setting::new(
    "topic_arns",
    "The SNS topics that are believed, separated by commas: for events, and for mail that is received. Their subscriptions are \
     confirmed. Without one, nothing is believed.",
)
.variable("SES_TOPIC_ARNS");
const WEBHOOK_SECRET: Setting = Setting::new(
    "webhook_secret",
    "What the subscribed URL carries as `?secret=`: 16 characters or more. Needed for raw message delivery, which is not signed.",
)
.secret()
.variable("SES_WEBHOOK_SECRET");
const INBOUND_BUCKET: Setting = Setting::new(
    "inbound_bucket",
    "The S3 bucket that SES puts received mail in, on which the access key may do `s3:GetObject`. Left out: mail comes in SNS \
     messages, which hold up to 150 KB.",
);
const INBOUND_BUCKET_REGION: Setting =
    Setting::new("inbound_bucket_region", "The bucket's region; left out: the one that sends.");
const TRACK_CLICKS: Setting =
    Setting::new("track_clicks", "Whether the configuration set tracks clicks: then commlog does not.")
        .default("false");
const TRACK_OPENS: Setting =
    Setting::new("track_opens", "Whether the configuration set tracks opens: then commlog does not.").default("false");
const SANDBOX: Setting = Setting::new(
    "sandbox",
    "Whether the account may be in the sandbox, where it reaches verified addresses only; otherwise its test says so and fails.",
)
.default("false");
const BASE_URL: Setting = Setting::new(
    "base_url",
    "Where the API is; left out: the region's usual host, `https://email.{region}.amazonaws.com`.",
);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[
    &FROM,
    &FROM_NAME,
    &ACCESS_KEY_ID,
    &SECRET_ACCESS_KEY,
    &SESSION_TOKEN,
    &REGION,
    &CONFIGURATION_SET,
    &TENANT,
    &DOMAIN,
    &Setting { variable: Some("SES_REPLY_DOMAIN"), ..REPLY_DOMAIN },
    &TOPIC_ARNS,
    &WEBHOOK_SECRET,
    &INBOUND_BUCKET,
    &INBOUND_BUCKET_REGION,
    &TRACK_CLICKS,
    &TRACK_OPENS,
    &SANDBOX,
    &BASE_URL,
    &OWN_ADDRESSES,
];

/// An access key.
#[derive(Debug, Clone)]
pub struct SesCredentials {
    /// Such as `AKIAIOSFODNN7EXAMPLE`.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// What goes with it if it is temporary.
    pub session_token: Option<Secret>,
}

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct SesSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// What calls are signed with.
    pub credentials: SesCredentials,
    /// The region that sends.
    pub region: String,
    /// Who sends, where a message does not say: an address, or `Name <address>`.
    pub from: Mailbox,
    /// The sending domain, for routes: what reputation belongs to.
    pub domain: String,
    /// The configuration set that publishes events.
    pub configuration_set: Option<String>,
    /// The tenant of SES that mail is sent for.
    pub tenant_name: Option<String>,
    /// The topics that are believed. None: nothing is believed.
    pub topic_arns: Vec<String>,
    /// What the subscribed URL carries, for messages without a signature.
    pub webhook_secret: Option<Secret>,
    /// How old a signed message may be. SNS repeats for an hour at most.
    pub freshness: TimeDelta,
    /// The bucket that SES puts received mail in.
    pub inbound_bucket: Option<String>,
    /// That bucket's region; absent: the one that sends.
    pub inbound_bucket_region: Option<String>,
    /// Whether the configuration set tracks clicks.
    pub tracks_clicks: bool,
    /// Whether the configuration set tracks opens.
    pub tracks_opens: bool,
    /// Whether the account may be in the sandbox.
    pub may_be_sandbox: bool,
    /// Where the API is, if not at the region's usual host.
    pub base_url: Option<Url>,
    /// Where SNS is, if not at the usual host of a topic's region. No setting: what proves messages comes from there.
    pub sns_url: Option<Url>,
    /// Where S3 is, if not at the usual host of the bucket's region. No setting, as administrators do not choose what is
    /// called.
    pub s3_url: Option<Url>,
}

impl SesSettings {
    /// Settings with which mail can be sent, and nothing that comes in is believed yet.
    #[must_use]
    pub fn new(account_name: &str, credentials: SesCredentials, region: &str, from: Mailbox) -> Self {
        Self {
            account_name: account_name.to_owned(),
            credentials,
            region: region.to_owned(),
            domain: from.email.domain().to_ascii_lowercase(),
            from,
            configuration_set: None,
            tenant_name: None,
            topic_arns: vec![],
            webhook_secret: None,
            freshness: TimeDelta::hours(2),
            inbound_bucket: None,
            inbound_bucket_region: None,
            tracks_clicks: false,
            tracks_opens: false,
            may_be_sandbox: false,
            base_url: None,
            sns_url: None,
            s3_url: None,
        }
    }

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let email = settings.required(&FROM)?.parse();
        let email = email.map_err(|_| settings.wrong(&FROM, "must be an address such as news@example.com"))?;
        let credentials = SesCredentials {
            access_key_id: settings.required(&ACCESS_KEY_ID)?,
            secret_access_key: Secret::new(settings.required(&SECRET_ACCESS_KEY)?),
            session_token: settings.secret(&SESSION_TOKEN),
        };
        let from = Mailbox::new(settings.text(&FROM_NAME), email);
        let mut read = Self::new(setup.account, credentials, &settings.required(&REGION)?, from);
        if let Some(domain) = settings.text(&DOMAIN) {
            read.domain = domain;
        }
        read.configuration_set = settings.text(&CONFIGURATION_SET);
        read.tenant_name = settings.text(&TENANT);
        read.topic_arns = settings.list(&TOPIC_ARNS);
        read.webhook_secret = settings.secret(&WEBHOOK_SECRET);
        read.inbound_bucket = settings.text(&INBOUND_BUCKET);
        read.inbound_bucket_region = settings.text(&INBOUND_BUCKET_REGION);
        read.tracks_clicks = settings.flag(&TRACK_CLICKS)?.unwrap_or(false);
        read.tracks_opens = settings.flag(&TRACK_OPENS)?.unwrap_or(false);
        read.may_be_sandbox = settings.flag(&SANDBOX)?.unwrap_or(false);
        read.base_url = settings.text(&BASE_URL).map(|_| settings.url(&BASE_URL)).transpose()?;
        read.validate()?;
        Ok(read)
    }

    /// The address that sends, without its name.
    #[must_use]
    pub fn from_address(&self) -> &str {
        self.from.email.as_ref()
    }

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        let is_plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let is_visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_url = |url: &Option<Url>| url.as_ref().is_none_or(|url| matches!(url.scheme(), "https" | "http"));
        if !is_plain(&self.account_name) {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        if !is_plain(&self.credentials.access_key_id) {
            return wrong("access_key_id", "must be of letters and digits");
        }
        if !is_visible(self.credentials.secret_access_key.expose()) {
            return wrong("secret_access_key", "must be given, without white space");
        }
        if self.credentials.session_token.as_ref().is_some_and(|token| !is_visible(token.expose())) {
            return wrong("session_token", "must be without white space");
        }
        if !is_region(&self.region) {
            return wrong("region", "must be a region such as eu-west-1");
        }
        if !self.from_address().is_ascii() || !self.from.email.domain().contains('.') {
            return wrong("from", "must be an address such as news@example.com, its domain in ASCII");
        }
        if !self.domain.contains('.') || !is_visible(&self.domain) {
            return wrong("domain", "must be the sending domain, such as example.com");
        }
        if self.configuration_set.as_deref().is_some_and(|name| !is_plain(name)) {
            return wrong("configuration_set", "must be of letters, digits, - and _");
        }
        if self.tenant_name.as_deref().is_some_and(|name| !is_plain(name)) {
            return wrong("tenant_name", "must be of letters, digits, - and _");
        }
        if self.topic_arns.iter().any(|arn| region_of_topic(arn).is_none()) {
            return wrong(
                "topic_arns",
                "must be ARNs of SNS topics, such as arn:aws:sns:eu-west-1:123456789012:events",
            );
        }
        if self.webhook_secret.as_ref().is_some_and(|secret| secret.expose().len() < 16) {
            return wrong("webhook_secret", "must have at least 16 characters");
        }
        if self.freshness <= TimeDelta::zero() {
            return wrong("freshness", "must be longer than nothing");
        }
        if self.inbound_bucket.as_deref().is_some_and(|name| !is_bucket(name)) {
            return wrong("inbound_bucket", "must be the name of a bucket");
        }
        if self.inbound_bucket_region.as_deref().is_some_and(|region| !is_region(region)) {
            return wrong("inbound_bucket_region", "must be a region such as eu-west-1");
        }
        if ![&self.base_url, &self.sns_url, &self.s3_url].into_iter().all(is_url) {
            return wrong("base_url", "must be an HTTP URL");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::providers::ses) fn settings() -> SesSettings {
        let credentials = SesCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let from = "Shop <news@shop.example>".parse().expect("a mailbox");
        SesSettings::new("main", credentials, "us-west-2", from)
    }

    type Spoil = fn(&mut SesSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        assert_eq!((settings().domain.as_str(), settings().from_address()), ("shop.example", "news@shop.example"));
        let cases: [(&str, Spoil); 14] = [
            ("account_name", |s| s.account_name = String::new()),
            ("access_key_id", |s| s.credentials.access_key_id = "AK ID".to_owned()),
            ("secret_access_key", |s| s.credentials.secret_access_key = Secret::new("")),
            ("session_token", |s| s.credentials.session_token = Some(Secret::new("a b"))),
            ("region", |s| s.region = "evil.example/".to_owned()),
            ("from", |s| s.from = "news@localhost".parse().expect("a mailbox")),
            ("domain", |s| s.domain = "localhost".to_owned()),
            ("configuration_set", |s| s.configuration_set = Some("a b".to_owned())),
            ("tenant_name", |s| s.tenant_name = Some(String::new())),
            ("topic_arns", |s| s.topic_arns = vec!["arn:aws:sqs:us-west-2:131990247566:queue".to_owned()]),
            ("webhook_secret", |s| s.webhook_secret = Some(Secret::new("short"))),
            ("freshness", |s| s.freshness = TimeDelta::zero()),
            ("inbound_bucket", |s| s.inbound_bucket = Some("../other".to_owned())),
            ("base_url", |s| s.base_url = Url::parse("ftp://x.example").ok()),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            assert_eq!(spoiled.validate().expect_err(name).setting, name);
        }
    }
}
