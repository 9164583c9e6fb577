//! The console's queries out of its sources, and the tables that a statement names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A query with the fragments that it needs.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) text: String,
    /// The names of its variables.
    pub(super) variables: Vec<String>,
}

/// The word that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len());
    &text[..end]
}

/// The GraphQL documents in a source: what `graphql(…)` takes.
fn literals(code: &str) -> impl Iterator<Item = &str> {
    let calls = code.split("graphql(").skip(1);
    calls.filter_map(|rest| rest.trim_start().strip_prefix('`')?.split('`').next())
}

/// What a document declares, if it is a query: its name, and its variables' names.
fn query(text: &str) -> Option<(String, Vec<String>)> {
    let head = text.trim_start().strip_prefix("query ")?;
    let name = word(head);
    let given = head[name.len()..].trim_start().strip_prefix('(').and_then(|given| given.split(')').next());
    let variables = given.unwrap_or_default().split('$').skip(1).map(|variable| word(variable).to_owned());
    Some((name.to_owned(), variables.collect()))
}

/// All queries of the console.
pub(super) fn read() -> Vec<Document> {
    let mut all = Vec::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src")) {
        let code = fs::read_to_string(&file).expect("a source");
        all.extend(literals(&code).map(str::to_owned));
    }
    let named = |text: &'_ String| text.trim_start().strip_prefix("fragment ").map(|rest| word(rest).to_owned());
    let fragments: BTreeMap<String, &String> = all.iter().filter_map(|text| Some((named(text)?, text))).collect();
    let document = |text: &String| {
        let (name, variables) = query(text)?;
        Some(Document { name, variables, text: with_fragments(text, &fragments) })
    };
    all.iter().filter_map(document).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_source = path.extension().is_some_and(|ending| ending == "ts" || ending == "tsx");
            if path.is_dir() {
                folders.push(path);
            } else if is_source {
                found.push(path);
            }
        }
    }
    found
}

fn with_fragments(text: &str, fragments: &BTreeMap<String, &String>) -> String {
    let (mut whole, mut named, mut unread) = (text.to_owned(), BTreeSet::new(), vec![text]);
    while let Some(text) = unread.pop() {
        for spread in text.split("...").skip(1).map(|rest| word(rest.trim_start())) {
            // One that is not in this list stands in the same literal.
            if let Some(fragment) = fragments.get(spread).filter(|_| named.insert(spread)) {
                whole.push_str(fragment);
                unread.push(fragment);
            }
        }
    }
    whole.replace("@_unmask", "")
}

/// The tables of a statement, by the names that it gives them.
pub(super) fn tables_of(sql: &str) -> BTreeMap<String, String> {
    let spaced = sql.replace(',', " , ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut tables = BTreeMap::new();
    for (index, before) in words.iter().enumerate() {
        if !["FROM", "JOIN", ","].contains(before) {
            continue;
        }
        let mut next = words[index + 1..].iter().filter(|one| **one != "AS");
        let Some(table) = next.next() else { continue };
        if let Some(alias) = next.next() {
            tables.insert((*alias).to_owned(), (*table).to_owned());
        }
        tables.insert((*table).to_owned(), (*table).to_owned());
    }
    tables
}
