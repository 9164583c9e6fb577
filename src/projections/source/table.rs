//! The tables that a projection declares, and their types on each engine.

use serde::{Deserialize, Serialize};

use super::Text;
use super::docs::Docs;
use super::lexer::{Kind, Token, tokens};
use super::parse::Mistake;
use super::rules::STAGED;
use crate::sql::Engine;

/// A table of a read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, unique over all projections.
    pub name: String,
    /// Columns and their types as written in the file, in order.
    pub columns: Vec<(String, String)>,
    /// The columns of its primary key, in order.
    pub key: Vec<String>,
    /// What analysts read of it. Each binary has its own words for it: they are not kept with the table.
    #[serde(skip)]
    pub docs: Option<Docs>,
}

/// What a statement of the section `tables` declares: [`None`] for an index.
pub(super) fn declared(text: &Text) -> Result<Option<Table>, Mistake> {
    let all = tokens(&text.sql).unwrap_or_default();
    let words: Vec<Token<'_>> = all.into_iter().filter(|token| token.kind != Kind::Space).collect();
    let word = |index: usize, wanted: &str| words.get(index).is_some_and(|token| token.is_word(wanted));
    if !word(0, "create") {
        return Err(Mistake::new(text.at, "the section `tables` holds CREATE TABLE and CREATE INDEX only"));
    }
    if word(1, "index") || (word(1, "unique") && word(2, "index")) {
        return Ok(None);
    }
    if !word(1, "table") {
        return Err(Mistake::new(text.at, "the section `tables` holds CREATE TABLE and CREATE INDEX only"));
    }
    let name = words.get(2).and_then(Token::name).unwrap_or_default();
    if STAGED.contains(&name) || name.starts_with("commlog_") || name.is_empty() {
        return Err(Mistake::new(text.at, format!("a table cannot be named `{name}`")));
    }
    let mut table = Table { name: name.to_owned(), columns: Vec::new(), key: Vec::new(), docs: None };
    for item in items(words.get(3..).unwrap_or_default()) {
        read_item(&mut table, item);
    }
    if table.key.is_empty() {
        return Err(Mistake::new(text.at, format!("table {name} has no primary key")));
    }
    if !table.columns.iter().any(|(column, _)| column == "tenant_id") {
        return Err(Mistake::new(text.at, format!("table {name} has no column tenant_id")));
    }
    Ok(Some(table))
}

/// The name of the index that a statement of the section `tables` declares, unless it is unique: that is a rule for rows.
pub(super) fn plain_index(text: &Text) -> Option<String> {
    let all = tokens(&text.sql).unwrap_or_default();
    let words: Vec<Token<'_>> = all.into_iter().filter(|token| token.kind != Kind::Space).collect();
    let is_index = words.get(1).is_some_and(|token| token.is_word("index"));
    is_index.then(|| words.get(2).and_then(Token::name).unwrap_or_default().to_owned())
}

/// The name of the table that a statement of the section `batch` declares.
pub(super) fn declared_for_batch(text: &Text) -> Result<String, Mistake> {
    let all = tokens(&text.sql).unwrap_or_default();
    let words: Vec<Token<'_>> = all.into_iter().filter(|token| token.kind != Kind::Space).collect();
    let is = |index: usize, wanted: &str| words.get(index).is_some_and(|token| token.is_word(wanted));
    let name = words.get(2).and_then(Token::name).unwrap_or_default();
    if !(is(0, "create") && is(1, "table")) || STAGED.contains(&name) || !name.starts_with("batch_") {
        return Err(Mistake::new(
            text.at,
            "the section `batch` holds CREATE TABLE only, of tables whose names begin with `batch_`",
        ));
    }
    Ok(name.to_owned())
}

/// The statement that creates such a table for a connection.
pub(super) fn temporary(create: &str) -> String {
    let create = create.trim_start().splitn(3, ' ').nth(2).unwrap_or_default();
    format!("CREATE TEMP TABLE IF NOT EXISTS {create}")
}

/// The parts between the outermost parentheses, cut at commas.
fn items<'t, 's>(tokens: &'t [Token<'s>]) -> Vec<&'t [Token<'s>]> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0usize, 1);
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign("(") {
            depth += 1;
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        }
        if (depth == 1 && token.is_sign(",")) || (depth == 0 && token.is_sign(")")) {
            items.push(&tokens[start.min(index)..index]);
            start = index + 1;
        }
    }
    items
}

fn read_item(table: &mut Table, item: &[Token<'_>]) {
    let Some(first) = item.first() else { return };
    let primary = item.windows(2).position(|pair| pair[0].is_word("primary") && pair[1].is_word("key"));
    let constraint = ["constraint", "primary", "unique", "check", "foreign"].iter().any(|word| first.is_word(word));
    if constraint {
        if let Some(index) = primary {
            let columns = item[index + 2..].iter().filter_map(Token::name);
            table.key = columns.map(str::to_owned).collect();
        }
        return;
    }
    let Some(name) = first.name() else { return };
    let kind = item.get(1).map_or("", |token| token.text);
    table.columns.push((name.to_owned(), kind.to_owned()));
    if primary.is_some() {
        table.key = vec![name.to_owned()];
    }
}

/// Writes the column types of a CREATE statement in the engine's words. Text sorts by bytes on both.
pub(in crate::projections) fn dialect(engine: Engine, sql: &str) -> String {
    let mut written = String::with_capacity(sql.len() + 64);
    for token in tokens(sql).unwrap_or_default() {
        let text = match (engine, token.text) {
            _ if token.kind != Kind::Word => token.text,
            // Tools believe the declared type: DuckDB refuses bytes in a column that is declared otherwise.
            (Engine::Sqlite, "JSONB" | "TIMESTAMPTZ") => "TEXT",
            (Engine::Sqlite, "BYTES" | "UUID") => "BLOB",
            (Engine::Postgres, "BYTES") => "bytea",
            // Rows kept in the order of the primary key: one tree instead of two. PostgreSQL has no such tables.
            (Engine::Sqlite, "CLUSTERED") => "WITHOUT ROWID",
            (Engine::Postgres, "CLUSTERED") => "",
            (Engine::Postgres, "TEXT") => "text COLLATE \"C\"",
            (_, text) => text,
        };
        written.push_str(text);
    }
    written
}
