//! Settings that work, and those that cannot.

use std::collections::BTreeMap;

use super::*;
use crate::clock::Ambient;
use crate::providers::kit::client::{ClientOptions, HttpClient};

fn read(given: &[(&str, &str)]) -> Result<SmtpSettings, SettingsError> {
    let mut values: BTreeMap<String, String> = [("host", "smtp.shop.example"), ("from", "news@shop.example")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into();
    values.extend(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let setup = Setup {
        account: "main",
        webhook_url: None,
        settings: Settings::try_new(&super::super::KIND, values)?,
        reach: Reach::Public,
        client: HttpClient::new(ClientOptions::default()).expect("a client"),
        ambient: Ambient::system(),
    };
    SmtpSettings::read(&setup)
}

pub(in crate::providers::smtp) fn settings() -> SmtpSettings {
    read(&[]).expect("they work")
}

#[test]
fn a_port_says_how_it_is_secured_unless_a_setting_does() {
    let of = |given: &[(&str, &str)]| read(given).expect("they work").server;
    assert_eq!((of(&[]).port, of(&[]).security), (587, Security::StartTls));
    assert_eq!(of(&[("port", "465")]).security, Security::Tls);
    assert_eq!(of(&[("port", "25"), ("security", "none")]).security, Security::None);
    assert_eq!(of(&[]).reach, Reach::Public);
    assert_eq!((settings().domain.as_str(), settings().hello_name.as_str()), ("shop.example", "shop.example"));
}

#[test]
fn a_mailbox_takes_over_what_it_does_not_say() {
    let signing = [("username", "u"), ("password", "p"), ("imap_host", "imap.shop.example")];
    let imap = read(&signing).expect("they work").imap.expect("a mailbox");
    assert_eq!((imap.username.as_str(), imap.folder.as_str()), ("u", "INBOX"));
    assert_eq!((imap.server.port, imap.server.security), (993, Security::Tls));
    assert_eq!(imap.password.as_ref().map(Secret::expose), Some("p"));
    assert!(settings().imap.is_none());
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("host", &[("host", "smtp.shop.example:587")]),
        ("port", &[("port", "0")]),
        ("port", &[("port", "70000")]),
        ("security", &[("security", "ssl")]),
        ("from", &[("from", "Shop <news@shop.example>")]),
        ("domain", &[("domain", "localhost")]),
        ("hello_name", &[("hello_name", "a b")]),
        ("return_path", &[("return_path", "no address")]),
        ("return_path", &[("return_path", "undeliverable@shop.example")]),
        ("username", &[("password", "p")]),
        ("password", &[("username", "u")]),
        ("connections", &[("connections", "0")]),
        ("timeout_seconds", &[("timeout_seconds", "60")]),
        ("ca_certificate", &[("ca_certificate", "nothing")]),
        ("dkim_selector", &[("dkim_key", "AAAA")]),
        ("dkim_key", &[("dkim_selector", "s1")]),
        ("dkim_key", &[("dkim_selector", "s1"), ("dkim_key", "AAAA")]),
        ("oauth_token_url", &[("username", "u"), ("oauth_token_url", "http://x.example/")]),
        ("oauth_client_id", &[("username", "u"), ("oauth_token_url", "https://x.example/")]),
        ("inbound_secret", &[("inbound_secret", "short")]),
        ("imap_username", &[("imap_host", "imap.shop.example")]),
        ("imap_password", &[("imap_host", "imap.shop.example"), ("imap_username", "u")]),
        ("imap_move_to", &[("imap_host", "i"), ("username", "u"), ("password", "p"), ("imap_move_to", "INBOX")]),
        ("imap_seconds", &[("imap_host", "i"), ("username", "u"), ("password", "p"), ("imap_seconds", "1")]),
    ];
    for (name, given) in cases {
        let error = read(given).expect_err(name);
        assert_eq!(error.setting, *name, "{given:?}");
    }
    assert!(read(&[("return_path", "undeliverable@shop.example"), ("return_token", "false")]).is_ok());
    let mut odd = settings();
    odd.account_name = "a b".to_owned();
    assert_eq!(odd.validate().expect_err("refused").setting, "account_name");
}
