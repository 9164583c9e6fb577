//! What is listed in one place is listed nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use commlog::domain::account::event::AccountEvent;
use commlog::domain::address::event::AddressEvent;
use commlog::domain::callback::event::CallbackEvent;
use commlog::domain::canned::event::CannedReplyEvent;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::import::event::ImportEvent;
use commlog::domain::tenant::event::TenantEvent;
use commlog::domain::value::message::MessageState;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn event_types_are_named_by_their_structs_and_never_by_a_text() {
    let types = [
        CustomerEvent::TYPES,
        AddressEvent::TYPES,
        ImportEvent::TYPES,
        TenantEvent::TYPES,
        AccountEvent::TYPES,
        CallbackEvent::TYPES,
        CannedReplyEvent::TYPES,
    ]
    .concat();
    let mut files = vec![];
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut texts = vec![];
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = file.ends_with("tests.rs") || file.ends_with("scenario.rs");
        for (number, line) in code.lines().enumerate().filter(|_| !is_test) {
            let named = types.iter().filter(|(name, _)| line.contains(&format!("\"{name}\"")));
            texts.extend(named.map(|(name, _)| format!("{}:{}: {name}", file.display(), number + 1)));
        }
    }
    assert!(texts.is_empty(), "use `<X as Event>::TYPE` instead of\n{}", texts.join("\n"));
}

#[test]
fn the_states_of_the_read_table_are_those_of_the_domain_in_their_order() {
    let sql = include_str!("../../projections/messages.sql");
    let case = sql.split_once("state TEXT NOT NULL GENERATED ALWAYS AS (").expect("the state's column").1;
    let case = case.split_once(") STORED").expect("ends").0;
    let words = case.lines().filter_map(|line| line.split_once("THEN '").or_else(|| line.split_once("ELSE '")));
    let states: Vec<MessageState> = words
        .map(|(_, rest)| rest.trim_end_matches('\'').parse().unwrap_or_else(|error| panic!("{rest} {error}")))
        .collect();
    assert!(MessageState::ALL.iter().all(|state| states.contains(state)), "every state can be reached");
    // A state of two ranks (a final refusal ranks below what a provider reports, a soft bounce below a failure) counts at
    // its highest one.
    let mut highest: Vec<MessageState> = vec![];
    for state in states {
        if !highest.contains(&state) {
            highest.push(state);
        }
    }
    highest.reverse();
    assert_eq!(highest, MessageState::ALL);
}

#[test]
fn every_code_of_a_refusal_is_explained_to_clients() {
    let page = include_str!("../../docs/api.md");
    let mut files = vec![];
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut codes = vec!["INVALID_INPUT".to_owned(), "CUSTOMER_MERGED".to_owned()];
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for call in code.split("Refusal::new(").chain(code.split("Self::new(")).skip(1) {
            let quoted =
                call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()).unwrap_or_default();
            if !quoted.is_empty() && quoted.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                codes.push(quoted.to_owned());
            }
        }
    }
    codes.retain(|code| !page.contains(&format!("`{code}`")));
    assert!(codes.is_empty(), "docs/api.md does not explain {codes:?}");
}
