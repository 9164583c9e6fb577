//! Commands on canned replies, and their use in a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::canned::event::{CannedReplyEvent, CannedReplyRemoved, CannedReplySaved};
use crate::domain::canned::render::{self, Values};
use crate::domain::canned::state::{CannedReply, Texts};
use crate::domain::customer::profile;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Channel;

/// The longest code, in bytes.
const LONGEST_CODE: usize = 40;
/// In how many locales a canned reply has texts at most.
const MAX_LOCALES: usize = 50;

/// Makes a canned reply, or changes one: its texts are replaced as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SaveCannedReply {
    /// What agents type to find it.
    pub code: String,
    /// For agents.
    pub title: String,
    /// The locale of customers whose own has no text; absent: the only one that is given.
    pub default_locale: Option<String>,
    /// By locale.
    pub bodies: Vec<(String, String)>,
    /// The revision that was edited; absent: it is new.
    pub revision: Option<u32>,
}

/// Removes a canned reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemoveCannedReply {
    /// The canned reply's code.
    pub code: String,
}

/// The answer to a command on a canned reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedCannedReply {
    /// The canned reply's code.
    pub code: String,
    /// Of this change.
    pub revision: u32,
}

/// Answers with a canned reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UseCannedReply {
    /// The canned reply's code.
    pub code: String,
    /// The name for `{{agent.name}}`; absent: the conversation's assignee.
    pub agent: Option<String>,
}

/// Which canned reply a message was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedUse {
    /// The canned reply's code.
    pub code: String,
    /// The revision of the canned reply, from 1.
    pub revision: u32,
    /// The locale of the text.
    pub locale: String,
    /// True if the agent wrote the body; the canned reply was where it began.
    pub edited: bool,
}

/// Checks a code: what is typed after a slash.
pub fn code(code: &str) -> Result<String, Refusal> {
    let code = text::word("code", code)?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if code.len() <= LONGEST_CODE && code.bytes().all(is_plain) {
        return Ok(code);
    }
    Err(Refusal::invalid("code", format!("must have at most {LONGEST_CODE} letters, digits, - or _")))
}

/// Makes a canned reply, or changes it. Nobody overwrites what somebody else has just changed.
pub fn save(state: &CannedReply, command: SaveCannedReply, context: &Context<'_>) -> Decision<CannedReplyEvent> {
    let code = code(&command.code)?;
    match (&state.current, command.revision) {
        (Some(_), None) => {
            let refusal = Refusal::new("CANNED_REPLY_EXISTS", "a canned reply with this code already exists");
            return Err(Refusal { field: Some("code".to_owned()), ..refusal });
        }
        (None, Some(_)) => return Err(unknown()),
        (Some(_), Some(revision)) if revision != state.revision => {
            return Err(Refusal::new("CANNED_REPLY_CHANGED", "it has been changed by somebody else; read it again"));
        }
        _ => {}
    }
    let title = text::required("title", command.title, text::SHORT)?;
    if command.bodies.is_empty() || command.bodies.len() > MAX_LOCALES {
        return Err(Refusal::invalid("bodies", format!("must have 1 to {MAX_LOCALES} locales")));
    }
    let mut bodies = BTreeMap::new();
    for (locale, body) in command.bodies {
        let locale = profile::locale(Some(locale))?.ok_or_else(|| Refusal::invalid("locale", "must not be blank"))?;
        let body = text::exact("bodies", body, text::LONG)?;
        if body.trim().is_empty() {
            return Err(Refusal::invalid("bodies", "must not be blank"));
        }
        render::check(&body)?;
        if bodies.insert(locale, body).is_some() {
            return Err(Refusal::invalid("bodies", "has two texts for one locale"));
        }
    }
    let default_locale = match (profile::locale(command.default_locale)?, bodies.len()) {
        (Some(locale), _) if bodies.contains_key(&locale) => locale,
        (None, 1) => bodies.keys().next().cloned().unwrap_or_default(),
        _ => return Err(Refusal::invalid("default_locale", "must be one of the locales of its bodies")),
    };
    let texts = Texts { code, title, default_locale, bodies };
    if state.current.as_ref() == Some(&texts) {
        return Ok(vec![]);
    }
    let Texts { code, title, default_locale, bodies } = texts;
    let (title_key, revision) = (title.to_lowercase(), state.revision + 1);
    Ok(vec![context.now(CannedReplySaved { code, title, title_key, default_locale, bodies, revision })])
}

/// Removes a canned reply.
pub fn remove(state: &CannedReply, context: &Context<'_>) -> Decision<CannedReplyEvent> {
    let code = state.current.as_ref().ok_or_else(unknown)?.code.clone();
    Ok(vec![context.now(CannedReplyRemoved { code, revision: state.revision + 1 })])
}

/// The body of a message to a customer, and which canned reply it was made of. A body that the agent wrote counts; the
/// canned reply was where it began.
pub fn fill(
    reply: &CannedReply,
    wanted: &UseCannedReply,
    written: &str,
    customer: &Customer,
    channel: Channel,
) -> Result<(String, CannedUse), Refusal> {
    let texts = reply.current.as_ref().ok_or_else(unknown)?;
    let (locale, body) = texts.body(customer.profile.locale.as_deref()).ok_or_else(unknown)?;
    let assignee = customer.conversations.on(channel).and_then(|conversation| conversation.assignee.as_deref());
    let edited = !written.trim().is_empty();
    let body = if edited {
        written.to_owned()
    } else {
        render::render(body, Values { customer, agent: wanted.agent.as_deref().or(assignee) })?
    };
    let used = CannedUse { code: texts.code.clone(), revision: reply.revision, locale: locale.to_owned(), edited };
    Ok((body, used))
}

fn unknown() -> Refusal {
    let refusal = Refusal::new("CANNED_REPLY_UNKNOWN", "this canned reply does not exist");
    Refusal { field: Some("code".to_owned()), ..refusal }
}
