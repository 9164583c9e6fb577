//! How a Firebase project is set up.

use std::sync::Arc;

use chrono::TimeDelta;
use url::Url;

use super::ServiceAccount;
use crate::providers::SettingsError;
use crate::providers::kind::{Setting, Setup};

const SERVICE_ACCOUNT: Setting = Setting::new(
    "service_account",
    "The key file of a service account that may send (role `roles/firebasecloudmessaging.admin`): its text, JSON, not its path.",
)
.secret()
.required()
.variable("FIREBASE_CREDENTIALS");
const PROJECT_ID: Setting =
    Setting::new("project_id", "The Firebase project, if it is another one than that of the service account.")
        .variable("FIREBASE_PROJECT_ID");
const TIME_TO_LIVE: Setting = Setting::new(
    "time_to_live",
    "How long a notification waits for a device that is switched off, in seconds, up to 2419200 (four weeks).",
)
.default("2419200");
const ANDROID_CHANNEL: Setting = Setting::new(
    "android_channel",
    "The notification channel of the Android app; left out: the one that the app's manifest names.",
);
const BASE_URL: Setting = Setting::new("base_url", "Where the API is.").default(FcmSettings::BASE_URL);

/// All of them; the first one makes the account that the environment describes.
pub(super) const SETTINGS: &[&Setting] = &[&SERVICE_ACCOUNT, &PROJECT_ID, &TIME_TO_LIVE, &ANDROID_CHANNEL, &BASE_URL];

/// FCM keeps nothing for longer.
const LONGEST_LIFE: TimeDelta = TimeDelta::weeks(4);

/// The settings of one account, read.
#[derive(Debug, Clone)]
pub struct FcmSettings {
    /// Our name for the account, in routes and in the webhook's URL.
    pub account_name: String,
    /// Who we are.
    pub key: Arc<ServiceAccount>,
    /// The project that devices are registered in.
    pub project_id: String,
    /// How long a notification waits for its device, at most four weeks.
    pub time_to_live: TimeDelta,
    /// The notification channel of the Android app.
    pub android_channel: Option<String>,
    /// Where the API is.
    pub base_url: Url,
    /// Where apps report what became of a notification. Without it they are not told of any place.
    pub report_url: Option<Url>,
}

impl FcmSettings {
    /// Where the API is.
    pub const BASE_URL: &str = "https://fcm.googleapis.com";

    /// Reads what an account is set up with.
    pub fn read(setup: &Setup<'_>) -> Result<Self, SettingsError> {
        let settings = &setup.settings;
        let key = ServiceAccount::parse(&settings.required(&SERVICE_ACCOUNT)?)
            .map_err(|reason| settings.wrong(&SERVICE_ACCOUNT, reason))?;
        let seconds = settings.required(&TIME_TO_LIVE)?.trim().parse();
        let seconds: u32 = seconds.map_err(|_| settings.wrong(&TIME_TO_LIVE, "must be a number of seconds"))?;
        let read = Self {
            account_name: setup.account.to_owned(),
            project_id: settings.text(&PROJECT_ID).unwrap_or_else(|| key.project_id.clone()),
            key: Arc::new(key),
            time_to_live: TimeDelta::seconds(i64::from(seconds)),
            android_channel: settings.text(&ANDROID_CHANNEL),
            base_url: settings.url(&BASE_URL)?,
            report_url: setup.webhook_url.clone(),
        };
        read.validate()?;
        Ok(read)
    }

    /// Says what is wrong first, in the settings' own words.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |setting, reason| Err(SettingsError::new(super::PROVIDER, setting, reason));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
        if self.account_name.is_empty() || self.account_name.bytes().any(|byte| !is_plain(byte) || byte == b':') {
            return wrong("account_name", "must be of letters, digits, - and _");
        }
        if !(1..=100).contains(&self.project_id.len()) || !self.project_id.bytes().all(is_plain) {
            return wrong("project_id", "must be the id of a Firebase project, such as my-project-1a2b3");
        }
        if !matches!(self.base_url.scheme(), "https" | "http") || self.base_url.cannot_be_a_base() {
            return wrong("base_url", "must be an HTTP URL");
        }
        if !self.may_exchange_at(&self.key.token_uri) {
            return wrong("service_account", "has a token_uri that is not Google's");
        }
        if self.time_to_live > LONGEST_LIFE || self.time_to_live < TimeDelta::zero() {
            return wrong("time_to_live", "must be at most 2419200 seconds (four weeks)");
        }
        if self.android_channel.as_ref().is_some_and(|channel| channel.len() > 100) {
            return wrong("android_channel", "must have at most 100 bytes");
        }
        Ok(())
    }

    /// Whoever writes a key file must not have this server call any place with it: Google, or the host of the base URL, which is
    /// allowed elsewhere.
    fn may_exchange_at(&self, url: &Url) -> bool {
        let is_google =
            |host: &str| matches!(host, "accounts.google.com" | "googleapis.com") || host.ends_with(".googleapis.com");
        let is_theirs = url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_google);
        is_theirs || url.origin() == self.base_url.origin()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    /// A key that was made for these tests, and belongs to nobody.
    pub(in crate::providers::fcm) const KEY_FILE: &str = include_str!("../../../tests/it/support/doubles/fcm_key.json");

    /// The same with another type and project.
    pub(in crate::providers::fcm) fn key_file(kind: &str, project: &str, of: &str) -> String {
        let mut file: Value = serde_json::from_str(of).expect("JSON");
        file["type"] = kind.into();
        file["project_id"] = project.into();
        file.to_string()
    }

    pub(in crate::providers::fcm) fn settings() -> FcmSettings {
        FcmSettings {
            account_name: "main".to_owned(),
            key: Arc::new(ServiceAccount::parse(KEY_FILE).expect("a key file")),
            project_id: "my-project".to_owned(),
            time_to_live: TimeDelta::hours(1),
            android_channel: Some("messages".to_owned()),
            base_url: Url::parse(FcmSettings::BASE_URL).expect("a URL"),
            report_url: Some(Url::parse("https://crm.example.com/webhooks/fcm/main").expect("a URL")),
        }
    }

    type Spoil = fn(&mut FcmSettings);

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        assert!(settings().validate().is_ok());
        let cases: [(&str, Spoil); 6] = [
            ("account_name", |s| s.account_name = "a/b".to_owned()),
            ("project_id", |s| s.project_id = "../other".to_owned()),
            ("base_url", |s| s.base_url = Url::parse("mailto:x@example.org").expect("a URL")),
            ("time_to_live", |s| s.time_to_live = TimeDelta::weeks(5)),
            ("android_channel", |s| s.android_channel = Some("x".repeat(101))),
            ("service_account", |s| {
                let elsewhere =
                    KEY_FILE.replace("https://oauth2.googleapis.com", "https://googleapis.com.evil.example");
                s.key = Arc::new(ServiceAccount::parse(&elsewhere).expect("a key file"));
            }),
        ];
        for (name, spoil) in cases {
            let mut spoiled = settings();
            spoil(&mut spoiled);
            let error = spoiled.validate().expect_err(name);
            assert_eq!(error.setting, name);
        }
    }

    #[test]
    fn tokens_are_asked_for_at_googles_or_at_the_base_url() {
        let settings = FcmSettings { base_url: Url::parse("http://127.0.0.1:9").expect("a URL"), ..settings() };
        let may = |url: &str| settings.may_exchange_at(&Url::parse(url).expect("a URL"));
        assert!(may("https://oauth2.googleapis.com/token") && may("https://accounts.google.com/o/oauth2/token"));
        assert!(may("http://127.0.0.1:9/token"));
        for url in ["http://oauth2.googleapis.com/token", "https://evilgoogleapis.com/", "http://169.254.169.254/"] {
            assert!(!may(url), "{url}");
        }
    }
}
