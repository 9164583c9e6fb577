//! What a projection file may not do: depend on the moment of a run, or touch what is not its own.

use super::lexer::{Kind, Token, tokens};
use super::parse::Mistake;
use super::{Source, Text};
use crate::domain::account::event::AccountEvent;
use crate::domain::address::event::AddressEvent;
use crate::domain::callback::event::CallbackEvent;
use crate::domain::campaign::event::{CampaignEvent, CampaignRunEvent};
use crate::domain::canned::event::CannedReplyEvent;
use crate::domain::check::event::CheckEvent;
use crate::domain::customer::event::{CustomerEvent, CustomerForgotten};
use crate::domain::event::Event as _;
use crate::domain::import::event::ImportEvent;
use crate::domain::list::event::{ListEvent, MembersEvent};
use crate::domain::template::event::TemplateEvent;
use crate::domain::tenant::event::TenantEvent;

/// Words that would make a replay differ from the first run, or one engine from the other.
const VOLATILE: &[&str] = &[
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "random",
    "randomblob",
    "gen_random_uuid",
    "autoincrement",
    "serial",
    "bigserial",
    "nextval",
    "identity",
    "rowid",
    "_rowid_",
    "oid",
    "ctid",
    "last_insert_rowid",
    "changes",
    "total_changes",
    "current_user",
    "session_user",
];

/// Words for which there is no use in a read model.
const FORBIDDEN: &[&str] =
    &["pragma", "attach", "detach", "vacuum", "copy", "pg_sleep", "set_config", "load_extension"];

/// Staging relations; see `staging`.
pub(super) const STAGED: &[&str] = &["batch", "batch_tokens", "batch_lines", "forgotten"];

/// Whether an event type of this name exists.
pub(super) fn is_event(name: &str) -> bool {
    let all = [
        CustomerEvent::TYPES,
        TenantEvent::TYPES,
        ImportEvent::TYPES,
        AddressEvent::TYPES,
        AccountEvent::TYPES,
        CallbackEvent::TYPES,
        CannedReplyEvent::TYPES,
        CheckEvent::TYPES,
        ListEvent::TYPES,
        CampaignEvent::TYPES,
        CampaignRunEvent::TYPES,
        MembersEvent::TYPES,
        TemplateEvent::TYPES,
    ];
    all.iter().any(|types| types.iter().any(|(known, _)| *known == name))
}

/// The event types that a statement names in its texts, in order of appearance.
pub(super) fn types_named(sql: &str) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for token in tokens(sql).unwrap_or_default() {
        if let Some(name) = token.literal().filter(|name| is_event(name))
            && !types.iter().any(|known| known == name)
        {
            types.push(name.to_owned());
        }
    }
    types
}

/// Lets statements that name no types run when the tables of the batch that they read were filled, and empties these
/// tables as often.
pub(super) fn propagate_types(source: &mut Source) {
    let follows: Vec<bool> = source.apply.iter().map(|text| text.on.is_empty()).collect();
    // A table may be filled from another one: as long as something was learnt, look again.
    let mut learnt = true;
    while std::mem::take(&mut learnt) {
        for table in &mut source.batch {
            let filled = source.apply.iter().filter(|text| target(text) == Some(table.name.as_str()));
            for name in filled.flat_map(|text| &text.on) {
                learnt |= add(&mut table.create.on, name);
            }
        }
        for (text, _) in source.apply.iter_mut().zip(&follows).filter(|(_, follows)| **follows) {
            for table in &source.batch {
                let types = if mentions(text, &table.name) { table.create.on.as_slice() } else { &[] };
                for name in types {
                    learnt |= add(&mut text.on, name);
                }
            }
        }
    }
    // It is emptied before whatever looks at it, filled or not: what it held was the last batch's.
    for table in &mut source.batch {
        for text in source.apply.iter().filter(|text| mentions(text, &table.name)) {
            for name in &text.on {
                add(&mut table.create.on, name);
            }
        }
    }
}

fn mentions(text: &Text, table: &str) -> bool {
    // Most do not, and are not taken apart for it.
    text.sql.contains(table) && tokens(&text.sql).unwrap_or_default().iter().any(|token| token.name() == Some(table))
}

/// Adds a name that is not there yet.
fn add(names: &mut Vec<String>, name: &String) -> bool {
    let is_new = !names.contains(name);
    if is_new {
        names.push(name.clone());
    }
    is_new
}

/// The table that a statement inserts into.
fn target(text: &Text) -> Option<&str> {
    let words = tokens(&text.sql).ok()?;
    let mut names = words.iter().filter(|token| token.kind != Kind::Space);
    names.find(|token| token.is_word("into"))?;
    names.next()?.name()
}

/// One line without doubled blanks outside of quotes: what the fingerprint covers and the database gets.
pub(super) fn squeeze(sql: &str) -> String {
    let mut squeezed = String::with_capacity(sql.len());
    let mut blank = false;
    for token in tokens(sql).unwrap_or_default() {
        if matches!(token.kind, Kind::Space | Kind::Comment) {
            blank = !squeezed.is_empty();
        } else {
            if std::mem::take(&mut blank) {
                squeezed.push(' ');
            }
            squeezed.push_str(token.text);
        }
    }
    squeezed
}

pub(super) fn check(source: &Source) -> Result<(), Mistake> {
    if source.declared.is_empty() {
        return Err(Mistake::new(0, "the projection declares no table"));
    }
    for text in &source.tables {
        check_text(source, text)?;
    }
    for table in &source.batch {
        check_text(source, &table.create)?;
    }
    for text in source.apply.iter().chain(&source.forget) {
        check_text(source, text)?;
        check_write(source, text)?;
    }
    Ok(())
}

fn check_text(source: &Source, text: &Text) -> Result<(), Mistake> {
    for token in tokens(&text.sql).unwrap_or_default() {
        let refuse = |reason: String| Err(Mistake::new(text.at + token.at, reason));
        if let Some(word) = (token.kind == Kind::Word).then(|| token.text.to_ascii_lowercase()) {
            if VOLATILE.contains(&word.as_str()) {
                return refuse(format!("`{}` would make a replay differ from the first run", token.text));
            }
            if FORBIDDEN.contains(&word.as_str()) {
                return refuse(format!("{} cannot stand here", token.text));
            }
        }
        if token.is_sign("$") || token.is_sign("?") {
            return refuse("a projection takes no parameters".to_owned());
        }
        if let Some(literal) = token.literal() {
            if ["now", "today", "yesterday", "tomorrow"].contains(&literal.to_ascii_lowercase().as_str()) {
                return refuse(format!("'{literal}' would make a replay differ from the first run"));
            }
            if is_event(literal) && !source.events.iter().any(|event| event == literal) {
                return refuse(format!("{literal} is not among the events of the header"));
            }
        }
    }
    // The section `forget` is run for that type, whether the header names it or not.
    let is_read = |name: &String| name == CustomerForgotten::TYPE || source.events.contains(name);
    match text.on.iter().find(|name| !is_read(name)) {
        Some(name) => Err(Mistake::new(text.at, format!("{name} is not among the events of the header"))),
        None => Ok(()),
    }
}

/// A statement writes exactly one table, one of its own, and reads nothing but its own and the staging relations.
fn check_write(source: &Source, text: &Text) -> Result<(), Mistake> {
    let all = tokens(&text.sql).unwrap_or_default();
    let words: Vec<&Token<'_>> = all.iter().filter(|token| token.kind != Kind::Space).collect();
    let own = |name: &str| {
        source.declared.iter().any(|table| table.name == name) || source.batch.iter().any(|table| table.name == name)
    };
    let common: Vec<&str> = words
        .windows(3)
        .filter(|window| {
            window[1].is_word("as")
                && (window[2].is_sign("(") || window[2].is_word("materialized") || window[2].is_word("not"))
        })
        .filter_map(|window| window[0].name())
        .collect();
    let mut writes = 0usize;
    for (index, token) in words.iter().enumerate() {
        let previous = index.checked_sub(1).map(|index| words[index]);
        let name_after = |offset: usize| words.get(index + offset).and_then(|token| token.name());
        let target = if token.is_word("insert") {
            // Also `INSERT OR IGNORE INTO`.
            let into = words[index..].iter().position(|word| word.is_word("into")).unwrap_or(0);
            Some(name_after(into + 1))
        } else if token.is_word("delete") {
            Some(name_after(2))
        } else if token.is_word("update") && !previous.is_some_and(|word| word.is_word("do") || word.is_word("for")) {
            Some(name_after(1))
        } else {
            None
        };
        if let Some(target) = target {
            writes += 1;
            let target = target.unwrap_or_default();
            if !own(target) {
                let reason = format!("writes {target}, which this projection does not declare");
                return Err(Mistake::new(text.at + token.at, reason));
            }
        }
        if (token.is_word("from") || token.is_word("join"))
            && !previous.is_some_and(|word| word.is_word("distinct") || word.is_word("delete"))
            && let Some(name) = name_after(1)
            && words.get(index + 2).is_none_or(|next| !next.is_sign("("))
            && !(own(name) || STAGED.contains(&name) || common.contains(&name))
            && !name.eq_ignore_ascii_case("lateral")
        {
            let reason = format!("reads {name}, which is neither a table of this projection nor staged");
            return Err(Mistake::new(text.at + token.at, reason));
        }
    }
    let verb = words.first().map_or("", |token| token.text);
    if !["insert", "update", "delete", "with"].contains(&verb.to_ascii_lowercase().as_str()) {
        return Err(Mistake::new(text.at, format!("{verb} cannot stand here")));
    }
    if writes == 1 { Ok(()) } else { Err(Mistake::new(text.at, "a statement writes exactly one table")) }
}
