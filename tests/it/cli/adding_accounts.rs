//! `commlog accounts add`, without a terminal and at one.

use std::io::{Read, Write};
use std::process::Stdio;

use commlog::clock::Ambient;
use serde_json::Value;

use super::{Ended, Place};
use crate::support::doubles::twilio::{ACCOUNT, TOKEN, TwilioDouble};

fn place(double: &TwilioDouble) -> Place {
    let place = Place::new();
    place.file(
        "commlog.toml",
        format!("account_base_urls = ['{0}']\npublic_url = 'https://crm.example.com'\n", url(double)),
    );
    place
}

fn url(double: &TwilioDouble) -> String {
    double.settings("https://unused.example").base_url.to_string()
}

fn sets(double: &TwilioDouble) -> Vec<String> {
    [("account_sid", ACCOUNT), ("from", "+14155550100"), ("base_url", url(double).as_str())]
        .into_iter()
        .flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")])
        .collect()
}

fn add(place: &Place, more: &[String]) -> Ended {
    let arguments: Vec<&str> =
        ["accounts", "add", "twilio"].into_iter().chain(more.iter().map(String::as_str)).collect();
    place.run(&arguments)
}

fn accounts(place: &Place) -> Vec<Value> {
    let listed = place.ok(&["accounts", "list", "--format", "jsonl"]);
    listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_shown_tried_stored_and_what_is_left_to_do_is_said() {
    let double = TwilioDouble::start(Ambient::system()).await;
    let place = place(&double);
    // As an editor may save what was copied from a page.
    place.file("token", format!("\u{FEFF}{TOKEN}\u{200B}\r\n"));
    let more = [sets(&double), vec!["--set".to_owned(), "auth_token=@token".to_owned()]].concat();
    let added = add(&place, &more);
    assert_eq!(added.code, Some(0), "{}{}", added.stdout, added.stderr);
    for said in [
        "twilio/main (sms, whatsapp, voice):",
        &format!("  account_sid: {ACCOUNT}"),
        "  auth_token: sealed in the key store",
        "  record_calls: false (default)",
        "twilio/main is stored, and may send.",
        "`A message comes in`: Webhook, https://crm.example.com/webhooks/twilio/",
    ] {
        assert!(added.stdout.contains(said), "{said}:\n{}", added.stdout);
    }
    assert!(!format!("{}{}", added.stdout, added.stderr).contains(TOKEN));
    let list = accounts(&place);
    assert_eq!((list.len(), &list[0]["name"], &list[0]["source"]), (1, &"twilio/main".into(), &"api".into()));
    place.ok(&["accounts", "test", "twilio/main"]);
    let again = add(&place, &more);
    assert_eq!(again.code, Some(3), "{}", again.stderr);
    assert!(again.stderr.contains("there is an account twilio/main already"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_work_is_not_stored() {
    let double = TwilioDouble::start(Ambient::system()).await;
    let mut place = place(&double);
    let missing = add(&place, &[]);
    assert_eq!(missing.code, Some(2));
    let expected = "an account of Twilio needs account_sid (--set account_sid=… or TWILIO_ACCOUNT_SID), auth_token";
    assert!(missing.stderr.contains(expected), "{}", missing.stderr);
    let set =
        |pairs: &[&str]| pairs.iter().flat_map(|pair| ["--set".to_owned(), (*pair).to_owned()]).collect::<Vec<_>>();
    let wrong = add(&place, &set(&["account_sid=AC12", &format!("auth_token={TOKEN}"), "from=+14155550100"]));
    assert_eq!((wrong.code, wrong.stderr.contains("account_sid")), (Some(3), true), "{}", wrong.stderr);
    let unknown = add(&place, &set(&["acount_sid=AC12"]));
    assert_eq!((unknown.code, unknown.stderr.contains("it has account_sid,")), (Some(2), true), "{}", unknown.stderr);
    let twice = add(&place, &set(&["from=1", "from=2"]));
    assert_eq!((twice.code, twice.stderr.contains("gives from twice")), (Some(2), true), "{}", twice.stderr);
    assert_eq!(add(&place, &set(&["from"])).code, Some(2));
    assert_eq!(add(&place, &set(&["auth_token=@none"])).code, Some(4));
    // The variable brings the token; the provider refuses it.
    place.set("TWILIO_AUTH_TOKEN", &"0".repeat(32));
    let refused = add(&place, &sets(&double));
    assert_eq!(refused.code, Some(1), "{}{}", refused.stdout, refused.stderr);
    assert!(
        refused.stdout.contains("auth_token: sealed in the key store (from TWILIO_AUTH_TOKEN)"),
        "{}",
        refused.stdout
    );
    assert!(refused.stderr.contains("nothing was stored"), "{}", refused.stderr);
    assert_eq!(accounts(&place).iter().filter(|account| account["source"] == "api").count(), 0);
    let untested = [sets(&double), vec!["--untested".to_owned(), "--format".to_owned(), "json".to_owned()]].concat();
    let stored = add(&place, &untested);
    let said: Value =
        serde_json::from_str(&stored.stdout).unwrap_or_else(|_| panic!("{}{}", stored.stdout, stored.stderr));
    assert_eq!((&said["account"], &said["passed"]), (&"twilio/main".into(), &Value::Null));
}

/// Runs the command at a terminal of its own, which `script` makes: waits for each text, and then types.
fn typed(place: &Place, dialogue: &[(&str, String)]) -> Ended {
    let command = format!("script -qec '{} accounts add twilio' /dev/null", env!("CARGO_BIN_EXE_commlog"));
    let mut commlog = place.shell(&["-c", &command]);
    let mut child = commlog.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
    let mut keys = child.stdin.take().expect("piped");
    let mut screen = child.stdout.take().expect("piped");
    let (mut shown, mut looked, mut buffer) = (Vec::new(), 0, [0; 4_096]);
    for (text, typed) in dialogue {
        loop {
            let screen_text = String::from_utf8_lossy(&shown[looked..]).into_owned();
            if let Some(at) = screen_text.find(text) {
                looked += at + text.len();
                break;
            }
            let read = screen.read(&mut buffer).expect("it is shown");
            assert!(read > 0, "{text} is never shown:\n{}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(&buffer[..read]);
        }
        keys.write_all(typed.as_bytes()).expect("it reads");
        keys.flush().expect("it reads");
    }
    screen.read_to_end(&mut shown).expect("it ends");
    let code = child.wait().expect("it ends").code();
    Ended { code, stdout: String::from_utf8_lossy(&shown).into_owned(), stderr: String::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_it_asks_checks_what_is_typed_and_shows_no_secret() {
    let double = TwilioDouble::start(Ambient::system()).await;
    let place = place(&double);
    let base_url = format!("{}\n", url(&double));
    let mut dialogue = vec![
        ("account [main]: ", "second\n".to_owned()),
        ("account_sid: ", "AC12\n".to_owned()),
        ("account_sid must be", format!("{ACCOUNT}\n")),
        ("auth_token: ", format!("{TOKEN}\n")),
        ("from: ", "+14155550100\n".to_owned()),
    ];
    let others = [
        "messaging_service_sid: ",
        "whatsapp_from: ",
        "voice_from: ",
        "voice: ",
        "voice_language [en-US]: ",
        "record_calls [false]: ",
        "api_key: ",
        "api_secret: ",
        "next_auth_token: ",
        "mms: ",
        "media_hosts [",
    ];
    dialogue.extend(others.map(|setting| (setting, "\n".to_owned())));
    dialogue.push(("base_url [", base_url));
    dialogue.push(("own_addresses: ", "\n".to_owned()));
    dialogue.push(("Type yes to store it: ", "yes\n".to_owned()));
    let ended = typed(&place, &dialogue);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("twilio/second is stored, and may send."), "{}", ended.stdout);
    assert!(!ended.stdout.contains(TOKEN), "{}", ended.stdout);
    assert_eq!(accounts(&place)[0]["name"], "twilio/second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_stores_nothing() {
    let double = TwilioDouble::start(Ambient::system()).await;
    let place = place(&double);
    let to_the_secret = [
        ("account [main]: ", "\n".to_owned()),
        ("account_sid: ", format!("{ACCOUNT}\n")),
        ("auth_token: ", "\u{3}".to_owned()),
    ];
    let dialogues = [
        vec![("account [main]: ", "\u{3}".to_owned())],
        to_the_secret.to_vec(),
        vec![("account [main]: ", "\n".to_owned()), ("account_sid: ", "\u{4}".to_owned())],
    ];
    for dialogue in dialogues {
        let ended = typed(&place, &dialogue);
        assert_eq!(ended.code, Some(130), "{}", ended.stdout);
        assert!(ended.stdout.contains("nothing was stored"), "{}", ended.stdout);
    }
    let listed = place.run(&["accounts", "list", "--format", "jsonl"]);
    assert!(!listed.stdout.contains("twilio"), "{}", listed.stdout);
}
