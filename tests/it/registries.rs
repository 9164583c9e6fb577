//! What is listed in one place is listed nowhere else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use commlog::domain::account::event::AccountEvent;
use commlog::domain::address::event::AddressEvent;
use commlog::domain::callback::event::CallbackEvent;
use commlog::domain::canned::event::CannedReplyEvent;
use commlog::domain::check::event::CheckEvent;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::import::event::ImportEvent;
use commlog::domain::list::event::{ListEvent, MembersEvent};
use commlog::domain::template::event::TemplateEvent;
use commlog::domain::tenant::event::TenantEvent;
use commlog::domain::value::message::MessageState;

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
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
        CheckEvent::TYPES,
        ListEvent::TYPES,
        MembersEvent::TYPES,
        TemplateEvent::TYPES,
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

/// What reads like a code: two or more words in capital letters, as a text of its own.
fn is_code(text: &str) -> bool {
    text.contains('_')
        && text.split('_').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// The codes of refusals that the sources name. Layers that know of no other codes may write them anywhere; elsewhere they
/// stand in calls of `Refusal::new`.
fn codes_of_refusals() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_of_commands =
        |file: &Path| ["domain", "app", "accounts", "intake"].iter().any(|layer| file.starts_with(root.join(layer)));
    let (mut files, mut codes) = (vec![], BTreeSet::new());
    sources(&root, &mut files);
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let source = fs::read_to_string(file).expect("a source");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        if is_of_commands(file) {
            codes.extend(code.split('"').filter(|text| is_code(text)).map(str::to_owned));
        }
        for call in code.split("Refusal::new(").skip(1) {
            let quoted = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            codes.extend(quoted.map(str::to_owned));
        }
    }
    codes
}

#[test]
fn the_page_for_clients_explains_every_code_of_a_refusal_and_no_other() {
    let page = include_str!("../../docs/api.md");
    let part = page.split_once("\n## Refusals\n").expect("the part about refusals").1;
    let part = part.split("\n## ").next().unwrap_or_default();
    let rows = part.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").next());
    let explained: BTreeSet<String> =
        rows.flat_map(|codes| codes.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let codes = codes_of_refusals();
    assert!(codes.contains("ATTACHMENT_EMPTY") && codes.contains("CONTENDED"), "the sources were read: {codes:?}");
    let missing: Vec<&String> = codes.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/api.md does not explain {missing:?}");
    let unknown: Vec<&String> = explained.difference(&codes).collect();
    assert!(unknown.is_empty(), "docs/api.md explains {unknown:?}, which no refusal has");
}
