//! Commands on templates.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::customer::profile;
use crate::domain::decision::{Context, Decision};
use crate::domain::message::event::MessageClass;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::{self, LocalContent, TemplateKind};
use crate::domain::template::event::{TemplateArchived, TemplateEvent, TemplatePublished, TemplateSaved};
use crate::domain::template::state::{Draft, Template};
use crate::domain::text;

/// The longest code, in bytes.
const LONGEST_CODE: usize = 60;
/// How many versions a template has at most.
const MAX_VERSIONS: usize = 1_000;

/// Makes a template, or changes its draft: its texts are replaced as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SaveTemplate {
    /// Unique within the tenant.
    pub code: String,
    /// For its authors.
    pub title: String,
    /// Whether it is sent or included.
    pub kind: TemplateKind,
    /// Of the messages that are made of it.
    pub class: MessageClass,
    /// The locale of customers whose own has no text; absent: the only one that is given.
    pub default_locale: Option<String>,
    /// Values of variables that nobody else gives.
    pub variables: BTreeMap<String, Value>,
    /// By channel and locale.
    pub contents: Vec<LocalContent>,
    /// The revision that was edited; absent: it is new.
    pub revision: Option<u32>,
}

/// Publishes the draft as the next version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishTemplate {
    /// The template's code.
    pub code: String,
    /// The revision that was looked at; absent: whichever is the last.
    pub revision: Option<u32>,
}

/// Archives a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveTemplate {
    /// The template's code.
    pub code: String,
}

/// The answer to a command on a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedTemplate {
    /// The template's code.
    pub code: String,
    /// Of the draft.
    pub revision: u32,
    /// The newest published version.
    pub version: Option<u32>,
}

/// Checks a code, which also names a folder and a partial: small letters, digits, `-` and `_`.
pub fn code(code: &str) -> Result<String, Refusal> {
    let code = text::word("code", code)?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if code.len() <= LONGEST_CODE && code.bytes().all(is_plain) {
        return Ok(code);
    }
    Err(Refusal::invalid("code", format!("must have at most {LONGEST_CODE} letters, digits, - or _")))
}

/// Checks what a template is to say.
pub fn draft(command: SaveTemplate) -> Result<Draft, Refusal> {
    let code = code(&command.code)?;
    let title = text::required("title", command.title, text::SHORT)?;
    let variables = text::attributes("variables", command.variables)?;
    let contents = content::clean(command.contents)?;
    let is_one = |locale: &str| contents.iter().any(|one| one.locale == locale);
    let only = &contents[0].locale;
    let default_locale = match profile::locale(command.default_locale)? {
        Some(locale) if is_one(&locale) => locale,
        None if contents.iter().all(|one| one.locale == *only) => only.clone(),
        _ => return Err(Refusal::invalid("default_locale", "must be one of the locales of its contents")),
    };
    Ok(Draft { code, title, kind: command.kind, class: command.class, default_locale, variables, contents })
}

/// Makes a template, or changes its draft. Nobody overwrites what somebody else has just changed.
pub fn save(state: &Template, command: SaveTemplate, context: &Context<'_>) -> Decision<TemplateEvent> {
    let revision = command.revision;
    let draft = draft(command)?;
    match (&state.draft, revision) {
        (Some(_), None) if !state.archived => {
            let refusal = Refusal::new("TEMPLATE_EXISTS", "a template with this code already exists");
            return Err(Refusal { field: Some("code".to_owned()), ..refusal });
        }
        (None, Some(_)) => return Err(unknown()),
        (Some(_), Some(revision)) if revision != state.revision => return Err(changed()),
        _ => {}
    }
    if state.draft.as_ref().is_some_and(|before| before.kind != draft.kind && !state.versions.is_empty()) {
        return Err(Refusal::invalid("kind", "cannot change once a version was published"));
    }
    if state.draft.as_ref() == Some(&draft) && !state.archived {
        return Ok(vec![]);
    }
    let Draft { code, title, kind, class, default_locale, variables, contents } = draft;
    let title_key = title.to_lowercase();
    let revision = state.revision + 1;
    let saved = TemplateSaved { code, title, title_key, kind, class, default_locale, variables, contents, revision };
    Ok(vec![context.now(saved)])
}

/// Publishes the draft. `compiled` is what was found to be right, and the versions that it includes. Publishing what is
/// published changes nothing.
pub fn publish(
    state: &Template,
    command: &PublishTemplate,
    compiled: &Draft,
    includes: &BTreeMap<String, u32>,
    context: &Context<'_>,
) -> Decision<TemplateEvent> {
    let draft = state.draft.as_ref().filter(|_| !state.archived).ok_or_else(unknown)?;
    if command.revision.is_some_and(|revision| revision != state.revision) || draft != compiled {
        return Err(changed());
    }
    let content_hash = content_hash(draft, includes);
    let last = state.versions.last();
    if last.is_some_and(|last| last.content_hash == content_hash) {
        return Ok(vec![]);
    }
    if state.versions.len() >= MAX_VERSIONS {
        let message = format!("this template has {MAX_VERSIONS} versions, the maximum; make one with another code");
        return Err(Refusal::new("TOO_MANY_VERSIONS", message));
    }
    let Draft { code, title: _, kind, class, default_locale, variables, contents } = draft.clone();
    Ok(vec![context.now(TemplatePublished {
        code,
        version: last.map_or(0, |last| last.version) + 1,
        revision: state.revision,
        content_hash,
        kind,
        class,
        default_locale,
        variables,
        contents,
        includes: includes.clone(),
    })])
}

/// Archives a template.
pub fn archive(state: &Template, context: &Context<'_>) -> Decision<TemplateEvent> {
    let draft = state.draft.as_ref().ok_or_else(unknown)?;
    if state.archived {
        return Ok(vec![]);
    }
    Ok(vec![context.now(TemplateArchived { code: draft.code.clone(), revision: state.revision + 1 })])
}

/// The template does not exist, or was archived.
#[must_use]
pub fn unknown() -> Refusal {
    let refusal = Refusal::new("TEMPLATE_UNKNOWN", "this template does not exist");
    Refusal { field: Some("code".to_owned()), ..refusal }
}

fn changed() -> Refusal {
    Refusal::new("TEMPLATE_CHANGED", "it has been changed by somebody else; read it again")
}

/// What tells versions apart: SHA-256 of all that a message is made of, in hex.
#[must_use]
pub fn content_hash(draft: &Draft, includes: &BTreeMap<String, u32>) -> String {
    let said = (draft.kind, draft.class, &draft.default_locale, &draft.variables, &draft.contents, includes);
    // Maps with text keys and no floating-point specials: writing cannot fail.
    hex::encode(Sha256::digest(serde_json::to_vec(&said).unwrap_or_default()))
}
