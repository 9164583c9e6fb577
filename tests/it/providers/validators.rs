//! Services that check addresses, against their doubles: the same promises for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use commlog::domain::value::AddressKind;
use commlog::domain::value::address::Address;
use commlog::domain::value::message::RetryClass;
use commlog::domain::value::validation::{LineType, Validity, ValidityReason, Verdict};
use commlog::providers::kind::{ValidatorKind, ValidatorSetup};
use commlog::providers::kit::settings::Settings;
use commlog::providers::{SettingsError, Validator, ValidatorError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{ambient, client};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{ACCOUNT, TOKEN};
use crate::support::doubles::validators::{BRITEVERIFY_KEY, NEVERBOUNCE_KEY, ValidatorsDouble};

const MAILBOX: &str = "ada+news@example.org";
const NUMBER: &str = "+14155550101";
const SERVICES: [&str; 3] = ["twilio_lookup", "neverbounce", "briteverify"];

/// The settings of a service that its double accepts.
fn settings(name: &str) -> BTreeMap<String, String> {
    let given: &[(&str, &str)] = match name {
        "twilio_lookup" => &[("account_sid", ACCOUNT), ("auth_token", TOKEN)],
        "neverbounce" => &[("api_key", NEVERBOUNCE_KEY)],
        _ => &[("api_key", BRITEVERIFY_KEY)],
    };
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn build(name: &str, mut settings: BTreeMap<String, String>, url: &Url) -> Result<Arc<dyn Validator>, SettingsError> {
    let kind = ValidatorKind::of(name).expect("a service");
    settings.insert("base_url".to_owned(), url.to_string());
    let settings = Settings::of_validator(kind, settings)?;
    (kind.build)(ValidatorSetup { settings, client: client(), ambient: ambient(1) })
}

fn service(name: &str, url: &Url) -> Arc<dyn Validator> {
    build(name, settings(name), url).expect("valid settings")
}

/// An address that a service checks.
fn address_for(name: &str) -> Address {
    match name {
        "twilio_lookup" => address(AddressKind::Phone, NUMBER),
        _ => address(AddressKind::Email, MAILBOX),
    }
}

fn address(kind: AddressKind, text: &str) -> Address {
    Address::parse(kind, text, None).expect("an address")
}

async fn ask(name: &str, url: &Url) -> Result<Verdict, ValidatorError> {
    service(name, url).validate(&address_for(name)).await
}

fn refused(class: RetryClass, code: &str) -> Result<Verdict, ValidatorError> {
    Err(ValidatorError::refused(class, code))
}

#[tokio::test]
async fn an_address_is_handed_over_as_it_is_written_and_its_verdict_comes_back() {
    let double = ValidatorsDouble::start().await;
    let mobile = ask("twilio_lookup", &double.url()).await.expect("a verdict");
    assert_eq!((mobile.validity, mobile.line_type), (Validity::Deliverable, Some(LineType::Mobile)));
    assert_eq!(mobile.carrier.as_deref(), Some("Example Mobile"));
    assert_eq!(ask("neverbounce", &double.url()).await, Ok(Verdict::DELIVERABLE));
    assert_eq!(ask("briteverify", &double.url()).await, Ok(Verdict::DELIVERABLE));
    assert_eq!(double.taken(), [NUMBER, MAILBOX, MAILBOX]);
}

#[tokio::test]
async fn what_a_service_finds_against_an_address_is_its_verdict() {
    let double = ValidatorsDouble::start().await;
    let line = json!({ "valid": false, "validation_errors": ["TOO_SHORT"], "line_type_intelligence": null });
    double.know(NUMBER, line);
    double.know(
        MAILBOX,
        json!({
            "result": "catchall",
            "email": { "status": "invalid", "error_code": "email_account_invalid" },
        }),
    );
    let gone = Verdict::undeliverable;
    assert_eq!(ask("twilio_lookup", &double.url()).await, Ok(gone(ValidityReason::Syntax)));
    assert_eq!(ask("neverbounce", &double.url()).await, Ok(Verdict::risky(ValidityReason::CatchAll)));
    assert_eq!(ask("briteverify", &double.url()).await, Ok(gone(ValidityReason::Mailbox)));
}

#[tokio::test]
async fn wrong_credentials_are_a_matter_of_the_configuration() {
    let double = ValidatorsDouble::start().await;
    let cases = [
        ("twilio_lookup", "auth_token", "20003"),
        ("neverbounce", "api_key", "auth_failure"),
        ("briteverify", "api_key", "http_401"),
    ];
    for (name, setting, code) in cases {
        let mut settings = settings(name);
        settings.insert(setting.to_owned(), "wrong".to_owned());
        let service = build(name, settings, &double.url()).expect("valid settings");
        let said = service.validate(&address_for(name)).await;
        assert_eq!(said, refused(RetryClass::Configuration, code), "{name}");
        assert!(!said.expect_err("refused").is_passing(), "{name}");
    }
    assert_eq!(double.calls(), 0);
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_how_long_to_wait() {
    let double = ValidatorsDouble::start().await;
    for name in SERVICES {
        let wait = vec![("retry-after", "7".to_owned())];
        double.script([Act::Refuse(429, wait, json!({ "message": "Too many requests", "error": "slow down" }))]);
        let said = ask(name, &double.url()).await.expect_err("refused");
        let ValidatorError::Refused { class, retry_after, .. } = &said else { panic!("{name}: {said}") };
        assert_eq!((*class, *retry_after), (RetryClass::RateLimited, Some(Duration::from_secs(7))), "{name}");
        assert!(said.is_passing(), "{name}");
    }
    let cases: [(&str, u16, Value, RetryClass, &str); 6] = [
        ("twilio_lookup", 429, json!({ "code": 60616 }), RetryClass::RateLimited, "60616"),
        ("twilio_lookup", 403, json!({ "code": 60606 }), RetryClass::Configuration, "60606"),
        ("twilio_lookup", 404, json!({ "code": 20404 }), RetryClass::Permanent, "20404"),
        ("neverbounce", 200, json!({ "status": "throttle_triggered" }), RetryClass::RateLimited, "throttle_triggered"),
        ("neverbounce", 200, json!({ "status": "general_failure" }), RetryClass::Configuration, "general_failure"),
        ("briteverify", 402, json!({ "error": "no credit" }), RetryClass::Configuration, "http_402"),
    ];
    for (name, status, body, class, code) in cases {
        double.script([Act::Refuse(status, vec![], body)]);
        assert_eq!(ask(name, &double.url()).await, refused(class, code), "{name} {code}");
    }
    assert_eq!(double.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_no_answer_is_never_a_verdict_and_is_asked_once() {
    for name in SERVICES {
        let double = ValidatorsDouble::start().await;
        let cases = [
            (Act::ServerError { status: 500, taken: true }, "server_error"),
            (Act::ServerError { status: 503, taken: false }, "server_error"),
            (Act::Hang { taken: true }, "timeout"),
            (Act::Html { taken: false }, "not_an_answer"),
            (Act::OkWithError { taken: true }, "not_an_answer"),
            (Act::Endless { taken: true }, "half_an_answer"),
        ];
        for (act, cause) in cases {
            double.script([act.clone()]);
            let said = ask(name, &double.url()).await;
            assert_eq!(said, Err(ValidatorError::NoAnswer { cause }), "{name} {act:?}");
        }
        // Its status says that something was made, which no check does.
        double.script([Act::Half { taken: true }]);
        let half = ask(name, &double.url()).await;
        assert!(matches!(half, Err(ValidatorError::NoAnswer { .. })), "{name}: {half:?}");
        assert_eq!(double.calls(), 7, "{name}");
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_may_be_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = Url::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a URL");
    drop(listener);
    for name in SERVICES {
        assert_eq!(ask(name, &url).await, refused(RetryClass::Transient, "connect"), "{name}");
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_before_any_call() {
    let double = ValidatorsDouble::start().await;
    for name in SERVICES {
        let service = service(name, &double.url());
        assert_eq!(service.name(), name);
        for kind in [AddressKind::Email, AddressKind::Phone, AddressKind::PushToken] {
            if !service.checks().contains(&kind) {
                let text = if kind == AddressKind::Email { MAILBOX } else { NUMBER };
                let said = service.validate(&address(kind, text)).await;
                assert_eq!(said, refused(RetryClass::Configuration, "kind_not_checked"), "{name} {kind}");
            }
        }
    }
    assert_eq!(double.calls(), 0);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let url = Url::parse("https://api.example").expect("a URL");
    let cases = [
        ("twilio_lookup", "account_sid", "AC12"),
        ("twilio_lookup", "auth_token", ""),
        ("twilio_lookup", "api_key", "SK12"),
        ("neverbounce", "api_key", " "),
        ("briteverify", "api_key", ""),
        ("briteverify", "api_key", "a\u{1}b"),
        ("briteverify", "apikey", "x"),
    ];
    for (name, setting, value) in cases {
        let mut settings = settings(name);
        settings.insert(setting.to_owned(), value.to_owned());
        let error = build(name, settings, &url).err().unwrap_or_else(|| panic!("{name} {setting} is refused"));
        assert_eq!(error.setting, setting, "{name}");
    }
    let elsewhere = Url::parse("ftp://api.example").expect("a URL");
    for name in SERVICES {
        let error = build(name, settings(name), &elsewhere).err().expect("refused");
        assert_eq!(error.setting, "base_url", "{name}");
    }
}

#[tokio::test]
async fn no_error_repeats_the_address_or_a_secret() {
    let double = ValidatorsDouble::start().await;
    for name in SERVICES {
        let said = json!({ "message": format!("{NUMBER} {MAILBOX} {TOKEN}"), "error": MAILBOX, "code": 20404 });
        for status in [400, 404, 500] {
            double.script([Act::Refuse(status, vec![], said.clone())]);
            let error = ask(name, &double.url()).await.expect_err("refused");
            let shown = format!("{error} {error:?}");
            assert!(![NUMBER, MAILBOX, TOKEN].into_iter().any(|secret| shown.contains(secret)), "{name}: {shown}");
        }
    }
}
