//! Takes a projection file apart: header, sections, statements.

use super::lexer::{Kind, Token, line_of, tokens};
use super::macros::{self, MacroError};
use super::{BatchTable, Scope, Source, SourceError, Text, docs, rules, table};
use crate::sql::Engine;

/// A mistake and its offset in the file.
pub(super) struct Mistake {
    pub at: usize,
    pub reason: String,
}

impl Mistake {
    pub fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

#[derive(Default)]
struct Draft {
    projection: Option<String>,
    question: Option<String>,
    events: Vec<String>,
    scope: Option<Scope>,
    version: Option<u32>,
    tables: Vec<Text>,
    apply: Vec<Text>,
    forget: Vec<Text>,
    batch: Vec<Text>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Header,
    Tables,
    Batch,
    Apply,
    Forget,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Source, SourceError> {
    read(file, text).map_err(|Mistake { at, reason }| SourceError {
        file: file.to_owned(),
        line: line_of(text, at),
        reason,
    })
}

fn read(file: &str, text: &str) -> Result<Source, Mistake> {
    let tokens = tokens(text).map_err(|unclosed| Mistake::new(unclosed.at, "a quote or comment is not closed"))?;
    let draft = draft(&tokens)?;
    let absent = |what: &str| Mistake::new(0, format!("the header has no `-- {what}:` line"));
    let mut source = Source {
        name: draft.projection.ok_or_else(|| absent("projection"))?,
        question: draft.question.ok_or_else(|| absent("question"))?,
        events: draft.events,
        scope: draft.scope.ok_or_else(|| absent("scope"))?,
        version: draft.version.ok_or_else(|| absent("version"))?,
        declared: draft.tables.iter().filter_map(|text| table::declared(text).transpose()).collect::<Result<_, _>>()?,
        tables: draft.tables,
        apply: draft.apply,
        forget: draft.forget,
        batch: draft
            .batch
            .into_iter()
            .map(|create| table::declared_for_batch(&create).map(|name| BatchTable { name, create }))
            .collect::<Result<_, _>>()?,
    };
    let mut docs = docs::read(&tokens);
    source.declared.iter_mut().for_each(|table| table.docs = docs.remove(&table.name));
    rules::propagate_types(&mut source);
    if file.strip_suffix(".sql").unwrap_or(file) != source.name {
        return Err(Mistake::new(0, format!("projection {} must be in a file {}.sql", source.name, source.name)));
    }
    if source.events.is_empty() {
        return Err(absent("events"));
    }
    rules::check(&source)?;
    let created = source.tables.iter().chain(source.batch.iter().map(|table| &table.create));
    for statement in created.chain(&source.apply).chain(&source.forget) {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            macros::expand(engine, &statement.sql)
                .map_err(|MacroError { at, reason }| Mistake::new(statement.at + at, reason))?;
        }
    }
    Ok(source)
}

fn draft(tokens: &[Token<'_>]) -> Result<Draft, Mistake> {
    let (mut draft, mut section) = (Draft::default(), Section::Header);
    let mut on: Option<Vec<String>> = None;
    let (mut sql, mut start) = (String::new(), None);
    for token in tokens {
        if let Some((key, value)) = directive(token) {
            match (key, section) {
                ("section", _) if start.is_some() => {
                    return Err(Mistake::new(start.unwrap_or(token.at), "the statement does not end with `;`"));
                }
                ("section", _) => section = parse_section(token, value)?,
                ("on", Section::Tables | Section::Apply) => on = Some(names(token, value)?),
                (_, Section::Header) => header(&mut draft, token, key, value)?,
                _ => {}
            }
            continue;
        }
        match token.kind {
            Kind::Comment => sql.push_str(&blank(token.text)),
            Kind::Space if start.is_none() => {}
            _ if section == Section::Header && token.kind != Kind::Space => {
                return Err(Mistake::new(token.at, "a statement before the first `-- section:` line"));
            }
            Kind::Sign if token.text == ";" => {
                let at = start.take().ok_or_else(|| Mistake::new(token.at, "an empty statement"))?;
                let text = std::mem::take(&mut sql);
                let types = on.take().unwrap_or_else(|| rules::types_named(&text));
                let statement = Text { sql: text, at, on: types };
                match section {
                    Section::Tables => draft.tables.push(statement),
                    Section::Batch => draft.batch.push(statement),
                    Section::Apply => draft.apply.push(statement),
                    Section::Header | Section::Forget => draft.forget.push(statement),
                }
            }
            _ => {
                if start.is_none() {
                    sql.clear();
                    start = Some(token.at);
                }
                sql.push_str(token.text);
            }
        }
    }
    match start {
        Some(at) => Err(Mistake::new(at, "the statement does not end with `;`")),
        None => Ok(draft),
    }
}

/// Blanks of the same length, so that offsets in a statement stay those of the file.
fn blank(comment: &str) -> String {
    comment.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// `-- key: value` with a single word as key.
fn directive<'a>(token: &Token<'a>) -> Option<(&'a str, &'a str)> {
    let line = (token.kind == Kind::Comment).then(|| token.text.strip_prefix("--")).flatten()?;
    let (key, value) = line.split_once(':')?;
    let known = ["projection", "question", "events", "scope", "version", "section", "on"];
    known.contains(&key.trim()).then(|| (key.trim(), value.trim()))
}

fn parse_section(token: &Token<'_>, value: &str) -> Result<Section, Mistake> {
    match value {
        "tables" => Ok(Section::Tables),
        "batch" => Ok(Section::Batch),
        "apply" => Ok(Section::Apply),
        "forget" => Ok(Section::Forget),
        _ => {
            Err(Mistake::new(token.at, format!("there is no section `{value}`, only tables, batch, apply and forget")))
        }
    }
}

fn header(draft: &mut Draft, token: &Token<'_>, key: &str, value: &str) -> Result<(), Mistake> {
    match key {
        "projection" => {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if value.is_empty() || !value.bytes().all(plain) {
                return Err(Mistake::new(token.at, "a projection's name has lower-case letters, digits and `_` only"));
            }
            draft.projection = Some(value.to_owned());
        }
        "question" => draft.question = Some(value.to_owned()),
        "events" => draft.events.extend(names(token, value)?),
        "scope" => {
            draft.scope = Some(match value {
                "customer" => Scope::Customer,
                "tenant" => Scope::Tenant,
                "global" => Scope::Global,
                _ => return Err(Mistake::new(token.at, "the scope must be customer, tenant or global")),
            });
        }
        "version" => {
            draft.version =
                Some(value.parse().map_err(|_| Mistake::new(token.at, "the version must be a whole number"))?);
        }
        _ => {}
    }
    Ok(())
}

fn names(token: &Token<'_>, value: &str) -> Result<Vec<String>, Mistake> {
    let names: Vec<String> =
        value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !rules::is_event(name)) {
        Some(name) => Err(Mistake::new(token.at, format!("there is no event {name}"))),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use crate::projections::source::{Scope, Source};
    use crate::sql::Engine;

    const FILE: &str = "-- projection: people\n-- question: Who?\n-- events: CustomerRegistered,\n\
        -- events: CustomerForgotten\n-- scope: customer\n-- version: 2\n\n-- section: tables\n\
        CREATE TABLE people (tenant_id UUID NOT NULL, customer_id UUID NOT NULL, name TEXT, PRIMARY KEY (tenant_id, customer_id));\n\
        CREATE INDEX people_by_name ON people (tenant_id, name);\n-- section: apply\n\
        -- on: CustomerRegistered\nINSERT INTO people -- why\nSELECT tenant_id, customer_id, @text(personal, 'name') \
        FROM batch WHERE type = 'CustomerRegistered';\n-- section: forget\nUPDATE people SET name = NULL;\n";

    #[test]
    fn a_file_becomes_statements() {
        let source = Source::parse("people.sql", FILE).unwrap();
        assert_eq!((source.scope, source.version), (Scope::Customer, 2));
        assert_eq!(source.events, ["CustomerRegistered", "CustomerForgotten"]);
        let sqlite = source.compile(Engine::Sqlite);
        assert_eq!(sqlite.tables[0].key, ["tenant_id", "customer_id"]);
        assert_eq!(sqlite.apply[0].on, ["CustomerRegistered"]);
        assert!(sqlite.apply[0].sql.starts_with("INSERT INTO people SELECT tenant_id, customer_id, CAST("));
        assert_eq!(sqlite.forget, ["UPDATE people SET name = NULL"]);
        assert!(source.compile(Engine::Postgres).create[0].contains("name text COLLATE \"C\""));
    }

    #[test]
    fn statements_over_a_table_of_the_batch_run_when_it_was_filled() {
        let text = FILE.replacen(
            "-- section: apply\n",
            "-- section: batch\nCREATE TABLE batch_b (name TEXT);\nCREATE TABLE batch_a (name TEXT);\n-- section: apply\n\
             INSERT INTO batch_a SELECT @text(personal, 'name') FROM batch WHERE type = 'CustomerForgotten';\n\
             INSERT INTO batch_b SELECT name FROM batch_a;\nDELETE FROM people WHERE name IN (SELECT name FROM batch_b);\n",
            1,
        );
        let sqlite = Source::parse("people.sql", &text).unwrap().compile(Engine::Sqlite);
        assert_eq!(sqlite.create_for_batch[0], "CREATE TEMP TABLE IF NOT EXISTS batch_b (name TEXT)");
        let on: Vec<_> = sqlite.apply.iter().map(|statement| (&statement.sql[..19], statement.on.clone())).collect();
        let forgotten = vec!["CustomerForgotten".to_owned()];
        let expected = [
            "DELETE FROM batch_b",
            "DELETE FROM batch_a",
            "INSERT INTO batch_a",
            "INSERT INTO batch_b",
            "DELETE FROM people ",
        ];
        assert_eq!(on[..5], expected.map(|sql| (sql, forgotten.clone())));
        assert_eq!(on[5].1, ["CustomerRegistered"]);
        let refused = Source::parse("people.sql", &text.replacen("TABLE batch_b", "TABLE names", 1)).unwrap_err();
        assert!(refused.reason.contains("whose names begin with `batch_`"), "{refused}");
    }

    #[test]
    fn mistakes_name_file_line_and_reason() {
        for (from, to, message) in [
            ("-- version: 2\n", "", "people.sql:1: the header has no `-- version:` line"),
            (
                "events: CustomerRegistered",
                "events: CustomerRenamed",
                "people.sql:3: there is no event CustomerRenamed",
            ),
            (
                "section: forget",
                "section: finish",
                "people.sql:15: there is no section `finish`, only tables, batch, apply and forget",
            ),
            ("projection: people", "projection: folk", "people.sql:1: projection folk must be in a file folk.sql"),
            ("@text(", "@txt(", "people.sql:14: there is no macro @txt"),
            ("name = NULL", "name = now()", "people.sql:16: `now` would make a replay differ from the first run"),
            ("UPDATE people", "UPDATE batch", "people.sql:16: writes batch, which this projection does not declare"),
            (", PRIMARY KEY (tenant_id, customer_id)", "", "people.sql:9: table people has no primary key"),
            ("UPDATE people SET name = NULL", "DROP TABLE people", "people.sql:16: DROP cannot stand here"),
            ("SET name = NULL;", "SET name = NULL", "people.sql:16: the statement does not end with `;`"),
            (
                "type = 'CustomerRegistered'",
                "type = 'NoteAdded'",
                "people.sql:14: NoteAdded is not among the events of the header",
            ),
        ] {
            let text = FILE.replacen(from, to, 1);
            assert_ne!(text, FILE, "{from}");
            assert_eq!(Source::parse("people.sql", &text).unwrap_err().to_string(), message);
        }
    }
}
