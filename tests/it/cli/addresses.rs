//! `commlog addresses validate`: what it costs is said before, and what was found is printed and recorded.

use serde_json::{Value, json};

use super::Place;
use crate::support::doubles::validators::{NEVERBOUNCE_KEY, ValidatorsDouble};

/// A place with a log, and a service that checks mailboxes.
fn place(double: &ValidatorsDouble, daily: u64) -> Place {
    let place = Place::new();
    place.file(
        "commlog.toml",
        format!(
            "default_region = 'GB'\n[[validators]]\nservice = 'neverbounce'\napi_key = '{NEVERBOUNCE_KEY}'\ndaily = {daily}\n\
             cost_micros = 8000\nbase_url = '{}'\n",
            double.url()
        ),
    );
    place.ok(&["keys", "issue", "--role", "admin", "--label", "test"]);
    place
}

fn rows(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{printed}"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_costs_is_said_before_anybody_is_asked() {
    let double = ValidatorsDouble::start().await;
    let place = place(&double, 10);
    place.file(
        "list.txt",
        "\u{feff}# customers\nada@example.org\n\n ADA@example.org \nx@mailinator.com\n+44 20 7946 0018\n",
    );
    let planned = place.ok(&["addresses", "validate", "--file", "list.txt", "--dry-run"]);
    assert_eq!(
        planned,
        "1 can be told without asking anybody\n1 written twice, or unknown\n1 without a service that may check them today\n\
         1 at NeverBounce (10 of 10 checks of today are left), which costs 0.008000\n"
    );
    let refused = place.fails(2, &["addresses", "validate", "--file", "list.txt"]);
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(double.calls(), 0);
    let ended = place.run(&["addresses", "validate", "--file", "list.txt", "--yes", "--format", "jsonl"]);
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("1 not checked: no service that checks phone numbers"), "{}", ended.stderr);
    let found = rows(&ended.stdout);
    let told: Vec<_> = found.iter().map(|row| (&row["validity"], &row["validator"])).collect();
    assert_eq!(
        told,
        [
            (&json!("deliverable"), &json!("neverbounce")),
            (&json!("deliverable"), &json!("neverbounce")),
            (&json!("risky"), &json!("offline")),
            (&Value::Null, &Value::Null),
        ]
    );
    assert_eq!((&found[3]["refusal"], double.taken().len()), (&json!("NO_VALIDATOR"), 1));
    // What is known needs no consent to costs.
    let known = place.ok(&["addresses", "validate", "ada@example.org"]);
    assert!(known.contains("deliverable") && double.taken().len() == 1, "{known}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_to_ends_with_a_code_of_its_own() {
    let double = ValidatorsDouble::start().await;
    let place = place(&double, 1);
    double.know("gone@example.org", json!({ "result": "invalid" }));
    let ended = place.run(&["addresses", "validate", "gone@example.org", "nonsense@", "--yes", "--format", "jsonl"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let reasons: Vec<_> = rows(&ended.stdout).iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, [json!("mailbox"), json!("syntax")]);
    // The day's only check was made by another process.
    let spent = place.fails(3, &["addresses", "validate", "eve@example.org", "--yes"]);
    assert!(spent.contains("has made the 1 checks"), "{spent}");
    assert_eq!(double.calls(), 1);
}

#[test]
fn a_file_that_holds_no_addresses_is_refused_with_its_line() {
    let place = Place::new();
    place.ok(&["keys", "issue", "--role", "admin", "--label", "test"]);
    place.file("latin.txt", b"ada@example.org\n\xfc@example.org\n");
    assert!(
        place.fails(3, &["addresses", "validate", "--file", "latin.txt"]).contains("latin.txt, line 2: is not UTF-8")
    );
    place.file("long.txt", vec![b'a'; 10_000]);
    assert!(place.fails(3, &["addresses", "validate", "--file", "long.txt"]).contains("line 1: is too long"));
    assert!(place.fails(4, &["addresses", "validate", "--file", "none.txt"]).contains("cannot read none.txt"));
    place.fails(2, &["addresses", "validate", "a@example.org", "--yes", "--dry-run"]);
    place.file("commlog.toml", "[[validators]]\nservice = 'neverbounce'\n");
    let wrong = place.fails(4, &["addresses", "validate", "a@example.org"]);
    assert!(wrong.contains("validator neverbounce in commlog.toml: api_key must be given"), "{wrong}");
}
