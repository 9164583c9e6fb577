//! Provider accounts and canned replies.

use std::collections::BTreeMap;

use commlog::domain::account::event::{
    AccountConfigured, AccountName, AccountPaused, AccountRemoved, AccountResumed, AccountSpec, AccountTested, Rate,
};
use commlog::domain::canned::event::{CannedReplyRemoved, CannedReplySaved};
use commlog::domain::message::event::{DispatchFailed, MessageSent};
use commlog::domain::value::message::{RetryClass, Route};
use commlog::queries::{canned_replies, provider_accounts};
use commlog::sql::Engine;

use super::events::key;
use super::story::{Story, TENANT, customer, message, minute};
use super::{check, on_both_engines};

on_both_engines! {
    an_account_tells_when_it_last_worked_and_when_not,
    a_canned_reply_is_what_was_saved_last_until_it_is_removed,
}

fn name(account: &str) -> AccountName {
    AccountName { provider: "twilio".to_owned(), account: account.to_owned() }
}

fn sent(number: u128, account: &str) -> MessageSent {
    MessageSent {
        key: key(message(number)),
        route: Route { provider: "twilio".to_owned(), account: account.to_owned(), domain: None },
        provider_message_id: None,
        segments: 1,
        cost_micros: None,
        currency: None,
        mail_id: None,
    }
}

fn failed(number: u128, account: &str, class: RetryClass, code: &str) -> DispatchFailed {
    DispatchFailed {
        key: key(message(number)),
        route: Route { provider: "twilio".to_owned(), account: account.to_owned(), domain: None },
        attempt: 1,
        class,
        code: Some(code.to_owned()),
        retry_at: None,
        personal: None,
    }
}

async fn an_account_tells_when_it_last_worked_and_when_not(engine: Engine) {
    let spec = AccountSpec {
        settings: BTreeMap::new(),
        priority: 0,
        cost_micros: 0,
        rate: Rate::UNLIMITED,
        routing: Default::default(),
    };
    let configured = AccountConfigured { name: name("main"), spec, secrets: BTreeMap::new(), changed: vec![] };
    let tested = |passed| AccountTested { name: name("main"), passed, class: None, code: None };
    let mut story = Story::new();
    story.tell_account(0, configured);
    story.tell(customer(1), 5, sent(1, "main"));
    // Callbacks come late: what happened last counts, whatever is told last.
    story.tell(customer(2), 3, sent(2, "main"));
    story.tell(customer(1), 7, failed(3, "main", RetryClass::Configuration, "20003"));
    story.tell(customer(2), 6, failed(4, "main", RetryClass::Transient, "connect"));
    story.tell(customer(2), 6, sent(5, "other"));
    story.tell_account(8, tested(true));
    story.tell_account(9, tested(false));
    story.tell_account(10, AccountPaused { name: name("main"), reason: "bill unpaid".to_owned() });
    story.tell_account(11, AccountResumed { name: name("main") });
    story.tell_account(12, AccountRemoved { name: name("main") });
    check(engine, &story, async |db| {
        assert_eq!(provider_accounts::tenants(db).await.unwrap(), [TENANT]);
        let rows = provider_accounts::activity(db, TENANT).await.unwrap();
        let [main, other] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((main.last_sent_at, other.last_sent_at), (Some(minute(5)), Some(minute(6))));
        let refusal = (
            main.last_refused_at,
            main.last_refusal_class.map(commlog::domain::value::message::RetryClass::word),
            main.last_refusal_code.as_deref(),
        );
        assert_eq!(refusal, (Some(minute(7)), Some("configuration"), Some("20003")));
        assert_eq!((main.last_tested_at, main.last_test_passed), (Some(minute(9)), Some(false)));
        assert_eq!((main.resumed_at, other.last_refused_at), (Some(minute(11)), None));
        assert!(provider_accounts::in_flight(db, TENANT).await.unwrap().is_empty());
    })
    .await;
}

async fn a_canned_reply_is_what_was_saved_last_until_it_is_removed(engine: Engine) {
    let saved = |code: &str, title: &str, revision| CannedReplySaved {
        code: code.to_owned(),
        title: title.to_owned(),
        title_key: title.to_lowercase(),
        default_locale: "en".to_owned(),
        bodies: BTreeMap::from([("en".to_owned(), format!("{title} {revision}"))]),
        revision,
    };
    let removed = |code: &str, revision| CannedReplyRemoved { code: code.to_owned(), revision };
    let mut story = Story::new();
    story.tell_canned(1, 0, saved("a", "Äpfel", 1));
    story.tell_canned(2, 1, saved("b", "Birnen", 1));
    story.tell_canned(1, 2, saved("a", "Äpfel", 2));
    story.tell_canned(2, 3, removed("b", 2));
    story.tell_canned(3, 4, saved("c", "Citrus", 1));
    story.tell_canned(3, 5, removed("c", 2));
    story.tell_canned(3, 6, saved("c", "Citrus", 3));
    check(engine, &story, async |db| {
        let rows = canned_replies::list(db, TENANT, None, 10).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.code.as_str(), row.revision, row.changed_at)).collect();
        assert_eq!(read, [("a", 2, minute(2)), ("c", 3, minute(6))]);
        assert_eq!(rows[0].bodies.0, serde_json::json!({ "en": "Äpfel 2" }));
        let found = canned_replies::list(db, TENANT, Some("ÄP"), 10).await.unwrap();
        assert_eq!(found.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["Äpfel"]);
        assert_eq!(canned_replies::list(db, TENANT, None, 1).await.unwrap().len(), 1);
    })
    .await;
}
