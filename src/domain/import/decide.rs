//! Commands on imports, and the rows that they take in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::activity::event::LineItem;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::decide::{AddressInput, ProfileInput};
use crate::domain::decision::{Context, Decision};
use crate::domain::import::event::{
    ImportCompleted, ImportEvent, ImportKind, ImportStarted, ImportStartedPersonal, ImportUndone,
};
use crate::domain::import::state::Import;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Channel;
use crate::ids::{ImportId, Label, Position, TenantSecret};

/// Begins the import of a file, or goes on with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StartImport {
    /// What the file holds.
    pub kind: ImportKind,
    /// SHA-256 of the file's bytes, in hex: the same file is the same import.
    pub file_digest: String,
    /// The file's name without its folder.
    pub file_name: String,
}

/// One run of an import, as chunks of rows are handed in under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRun {
    /// Names the batch: undo takes this id.
    pub import_id: ImportId,
    /// How often this file's import was undone before.
    pub run: u32,
    /// When it was started first: the time of facts that have none of their own.
    pub started_at: DateTime<Utc>,
    /// True if the same file was read to its end before: every fact should be known already.
    pub completed_before: bool,
    /// SHA-256 of the file's bytes, in hex.
    pub file_digest: String,
}

/// Ends an import's run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompleteImport {
    /// The import's id.
    pub import_id: ImportId,
    /// Lines read, without the header.
    pub lines: u64,
    /// Events that were appended.
    pub appended: u64,
    /// Facts that the log knew already.
    pub already: u64,
    /// Lines that were refused.
    pub refused: u64,
}

/// Undoes an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoImport {
    /// The import's id.
    pub import_id: ImportId,
}

/// What [`UndoImport`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoneImport {
    /// The import's id.
    pub import_id: ImportId,
    /// Facts that were taken back.
    pub retracted: u64,
    /// Facts that were left standing: opt-outs, and customers that had become more than imported.
    pub kept: u64,
}

/// An order with its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderRow {
    /// Its first line in the file, from 1; in reports about the row.
    pub line: u64,
    /// How many lines of the file it was made of.
    pub file_lines: u64,
    /// The customer's external id; absent: see [`OrderOptions::anonymous`].
    pub customer: Option<String>,
    /// The customer's addresses; without an external id, they identify the customer.
    pub addresses: Vec<AddressInput>,
    /// What the customer agreed to.
    pub consents: Vec<ConsentRow>,
    /// The order's number.
    pub reference: String,
    /// When it was placed.
    pub occurred_at: DateTime<Utc>,
    /// ISO 4217.
    pub currency: String,
    /// In micros; absent: the sum of the lines.
    pub amount_micros: Option<i64>,
    /// The tenant's own word.
    pub status: Option<String>,
    /// Line items.
    pub lines: Vec<LineItem>,
    /// Free attributes of the order.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// What is known of the customer, used if this order makes the customer known.
    pub customer_attributes: BTreeMap<String, serde_json::Value>,
}

/// How orders are imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderOptions {
    /// True: orders without a customer go to the tenant's one anonymous customer. False (the default): they are
    /// refused, because revenue that silently joins a made-up customer is found by nobody.
    pub anonymous: bool,
}

/// What to do when a customer already has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Collision {
    /// Leave the customer's value, and do not fill in blanks either.
    Never,
    /// Fill in what is blank.
    #[default]
    IfBlank,
    /// The file wins. A blank in the file never removes a value.
    Overwrite,
}

/// The collision rules of a customer import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerOptions {
    /// Of fields without a rule of their own.
    pub collision: Collision,
    /// By field name as in [`ProfileInput`]; `attributes.<name>` for free attributes, `tags`, `addresses`.
    pub by_field: BTreeMap<String, Collision>,
}

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is known; `external_id` tells which customer it is, otherwise the first address does.
    pub profile: ProfileInput,
    /// Where the customer can be reached.
    pub addresses: Vec<AddressInput>,
    /// What the customer agreed to. Never overwrites an opt-out.
    pub consents: Vec<ConsentRow>,
}

/// Consent as a file tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsentRow {
    /// For which channel.
    pub channel: Channel,
    /// For which topic.
    pub topic: String,
    /// Opted in, opted out, or asked and to be confirmed.
    pub state: ConsentState,
    /// When it was said; absent: the file does not say.
    pub said_at: Option<DateTime<Utc>>,
}

/// An inbound message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The customer's external id; absent: see [`MessageOptions::anonymous`].
    pub customer: Option<String>,
    /// The id that the file gives it; absent: file and line tell it apart.
    pub reference: Option<String>,
    /// The channel.
    pub channel: Channel,
    /// The customer's address.
    pub from: Option<String>,
    /// Our address.
    pub to: Option<String>,
    /// When it was written; absent: when the import was started.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The subject, for email.
    pub subject: Option<String>,
    /// The text, kept exactly.
    pub body: String,
}

/// A customer of a campaign of the past, and what became of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The customer's external id.
    pub customer: Option<String>,
    /// The customer's addresses; without an external id, they identify the customer.
    pub addresses: Vec<AddressInput>,
    /// What the customer agreed to.
    pub consents: Vec<ConsentRow>,
    /// What is known of the customer, used if this row makes the customer known.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// The variant that the customer got; absent: the customer was held out.
    pub variant: Option<String>,
    /// What the customer did.
    pub outcomes: Vec<ResultOutcome>,
}

/// Something that a customer did after a campaign of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultOutcome {
    /// What.
    pub kind: OutcomeKind,
    /// When; absent: right after the campaign's start.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// What a customer did after a campaign of the past.
#[derive(Debug, Clone, PartialEq)]
pub enum OutcomeKind {
    /// An activity.
    Activity {
        /// An activity kind, or the name of a custom activity.
        name: String,
        /// How often, where the file counts.
        times: u64,
    },
    /// An order.
    Order {
        /// In micros.
        amount_micros: i64,
        /// ISO 4217.
        currency: String,
    },
}

/// How messages are imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageOptions {
    /// True: messages without a customer go to the tenant's one anonymous customer. False: they are refused.
    pub anonymous: bool,
}

/// A row that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its (first) line in the file.
    pub line: u64,
    /// How many lines of the file are refused with it.
    pub file_lines: u64,
    /// The refusal, which names the field at fault.
    pub refusal: Refusal,
}

/// What became of a chunk of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedChunk {
    /// Events that were appended.
    pub appended: u64,
    /// Orders and messages that the log knew with another time, amount or text, and has as the file says now.
    pub corrected: u64,
    /// Rows that the log knew already, or that change nothing.
    pub already: u64,
    /// Customers who were registered.
    pub registered: u64,
    /// Ids that were assigned to customers who were found by an address.
    pub joined: u64,
    /// Opt-outs that were recorded.
    pub opt_outs: u64,
    /// Rows that were not taken in.
    pub refused: Vec<RefusedRow>,
    /// Position of the last appended event; the start if there was none.
    pub position: Position,
}

/// The id of run number `run` of a file's import: the same file is the same import, until it is undone.
#[must_use]
pub fn import_id(secret: &TenantSecret, kind: ImportKind, file_digest: &str, run: u32) -> ImportId {
    ImportId(secret.derive(Label::ImportId, &[kind.word().as_bytes(), file_digest.as_bytes(), &run.to_be_bytes()]))
}

/// Begins an import. One that was begun before goes on without an event.
pub fn start(state: &Import, command: StartImport, run: u32, context: &Context<'_>) -> Decision<ImportEvent> {
    let file_name = text::required("file_name", command.file_name, text::SHORT)?;
    let file_digest = digest(command.file_digest)?;
    if state.started_at.is_some() {
        return Ok(vec![]);
    }
    let import_id = import_id(context.secret, command.kind, &file_digest, run);
    let personal = Some(ImportStartedPersonal { file_name });
    Ok(vec![context.now(ImportStarted { import_id, kind: command.kind, file_digest, run, personal })])
}

/// Checks a file's digest.
pub fn digest(text: String) -> Result<String, Refusal> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(Refusal::invalid("file_digest", "must be a SHA-256 in 64 lower-case hexadecimal digits"));
    }
    Ok(text)
}

/// Ends a run. A file that was read before and brought nothing new changes nothing.
pub fn complete(state: &Import, command: &CompleteImport, context: &Context<'_>) -> Decision<ImportEvent> {
    must_exist(state)?;
    if state.undone.is_some() {
        return Err(Refusal::new("IMPORT_UNDONE", "the import has been undone"));
    }
    if state.completed && command.appended == 0 {
        return Ok(vec![]);
    }
    let CompleteImport { import_id, lines, appended, already, refused } = *command;
    Ok(vec![context.now(ImportCompleted { import_id, lines, appended, already, refused })])
}

/// Ends an undo; what was undone stays so.
pub fn undone(state: &Import, undone: UndoneImport, context: &Context<'_>) -> Decision<ImportEvent> {
    must_exist(state)?;
    if state.undone.is_some() {
        return Ok(vec![]);
    }
    let UndoneImport { import_id, retracted, kept } = undone;
    Ok(vec![context.now(ImportUndone { import_id, retracted, kept })])
}

fn must_exist(state: &Import) -> Result<(), Refusal> {
    match state.started_at {
        Some(_) => Ok(()),
        None => Err(Refusal::new("IMPORT_UNKNOWN", "this import does not exist")),
    }
}
