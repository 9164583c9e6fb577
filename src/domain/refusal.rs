//! Why a command was refused, as data for the caller.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::value::{InvalidValue, time};

/// An expected "no". Holds no personal data: a message may repeat a word that was entered, such as a country code or the
/// name of a variable, but never a person's name, address or text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// For programs, such as `CUSTOMER_UNKNOWN`; never changes its meaning.
    pub code: &'static str,
    /// For people: what is wrong, and what would be right.
    pub message: String,
    /// The input field that it is about, in the words of the command.
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal that is not about a single field.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// Input that is not allowed in a field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let field = field.into();
        Self { code: "INVALID_INPUT", message: format!("{field}: {}", message.into()), field: Some(field) }
    }

    /// An idempotency key that came before with something else.
    #[must_use]
    pub fn key_reused() -> Self {
        Self {
            code: "IDEMPOTENCY_KEY_REUSED",
            message: "this idempotency key was already used for another command or other input".to_owned(),
            field: Some("idempotency_key".to_owned()),
        }
    }

    /// A value that could not be read, given in `field`.
    #[must_use]
    pub fn of_value(field: &str, invalid: &InvalidValue) -> Self {
        Self::invalid(field, invalid.reason.clone())
    }

    /// A moment given in `field`, if it is one that events can have.
    pub fn unless_bounded(field: &str, moment: Option<DateTime<Utc>>) -> Result<(), Self> {
        match moment.map(time::bounded) {
            Some(Err(invalid)) => Err(Self::of_value(field, &invalid)),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// The customer is not known to this tenant.
    #[must_use]
    pub fn customer_unknown() -> Self {
        Self::new("CUSTOMER_UNKNOWN", "this customer does not exist")
    }

    /// The customer was merged into a survivor. Use cases resolve that before they decide; a caller that sees this was
    /// overtaken by the merge.
    #[must_use]
    pub fn customer_merged() -> Self {
        Self::new(Self::MERGED, "the customer was merged into another one just now; try again")
    }

    /// The code of [`Self::customer_merged`].
    pub const MERGED: &'static str = "CUSTOMER_MERGED";

    /// The customer was forgotten; nothing about the person can be recorded any more.
    #[must_use]
    pub fn customer_forgotten() -> Self {
        Self::new("CUSTOMER_FORGOTTEN", "the customer was forgotten; nothing more can be recorded about the person")
    }

    /// An event would have more bytes than the log takes; `reason` says which and how many.
    pub fn too_large(reason: impl Into<String>) -> Self {
        Self::new("TOO_LARGE", reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
