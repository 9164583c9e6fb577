//! What a file says of its tables to people who query them: `-- view: QUESTION` above CREATE TABLE, and a comment behind each
//! column.

use std::collections::BTreeMap;

use super::lexer::{Kind, Token};
use super::rules::squeeze;

/// What analysts read of a table. A table without it has no view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Docs {
    /// The question that the table answers, and what a row is.
    pub question: String,
    /// What stands behind the columns.
    pub columns: BTreeMap<String, ColumnDoc>,
    /// The expressions of generated columns, in parentheses.
    pub generated: BTreeMap<String, String>,
}

/// The comment behind a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDoc {
    /// Meaning and unit.
    pub meaning: String,
    /// `-- personal: …`: sealed in the log, and empty once the customer was forgotten.
    pub is_personal: bool,
    /// `-- internal: …`: of no use without the rest of the program, and in no view.
    pub is_internal: bool,
}

/// The documentation of all tables of a file, by the table's name.
pub(super) fn read(tokens: &[Token<'_>]) -> BTreeMap<String, Docs> {
    let (mut all, mut question): (BTreeMap<String, Docs>, Option<String>) = Default::default();
    // The table whose columns are being read, and the column that the line begins with.
    let (mut table, mut column) = (None::<String>, None);
    let mut at_line = lines(tokens);
    for (place, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind != Kind::Space) {
        let begins_line = at_line(token.at);
        if begins_line {
            column = token.name().map(str::to_owned);
        }
        let docs = table.as_ref().and_then(|table| all.get_mut(table));
        if token.kind == Kind::Comment {
            let text = token.text.trim_start_matches('-').trim();
            if let (false, Some(docs), Some(column)) = (begins_line, docs, &column) {
                docs.columns.insert(column.clone(), column_doc(text));
            } else if let Some(asked) = text.strip_prefix("view:") {
                question = Some(asked.trim().to_owned());
            }
        } else if token.is_word("generated") {
            if let (Some(docs), Some(column)) = (docs, &column) {
                docs.generated.insert(column.clone(), expression(&tokens[place..]));
            }
        } else if token.is_word("table") && column.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("create")) {
            table = tokens[place + 1..].iter().find_map(Token::name).map(str::to_owned);
            if let (Some(table), Some(question)) = (&table, question.take()) {
                all.insert(table.clone(), Docs { question, ..Docs::default() });
            }
        } else if token.is_sign(";") {
            table = None;
        }
    }
    all
}

/// What stands between the parentheses of `GENERATED ALWAYS AS (…) STORED`.
fn expression(tokens: &[Token<'_>]) -> String {
    let from = tokens.iter().skip_while(|token| !token.is_sign("("));
    let until = from.take_while(|token| !token.is_word("stored"));
    let text: String = until.filter(|token| token.kind != Kind::Comment).map(|token| token.text).collect();
    squeeze(text.trim())
}

/// Reports of each token, asked in order, whether it is the first one of its line.
fn lines<'t>(tokens: &'t [Token<'_>]) -> impl FnMut(usize) -> bool + use<'t> {
    let mut ends = tokens.iter().filter(|token| token.text.contains('\n')).map(|token| token.at).peekable();
    let mut is_first = true;
    move |at| {
        while ends.next_if(|end| *end < at).is_some() {
            is_first = true;
        }
        std::mem::take(&mut is_first)
    }
}

fn column_doc(text: &str) -> ColumnDoc {
    let is_internal = text == "internal" || text.starts_with("internal:");
    let personal = text.strip_prefix("personal:");
    ColumnDoc { meaning: personal.unwrap_or(text).trim().to_owned(), is_personal: personal.is_some(), is_internal }
}
