//! What is wrong with a template, and where.

use std::fmt;

use crate::domain::refusal::Refusal;

/// A place in what the author wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template that it stands in, where that is an included one.
    pub partial: Option<String>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The Liquid cannot be read.
    Syntax,
    /// The layout cannot be read.
    Markup,
    /// What is included does not exist, or includes itself.
    Include,
    /// A variable has no value.
    Undefined,
    /// A value is not what a filter or link needs.
    Value,
    /// It takes more steps, or becomes larger, than a template may.
    Limit,
}

/// What is wrong. Names what the author wrote, never a value of a customer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// What kind of mistake it is.
    pub kind: FaultKind,
    /// The text that it is in: `subject`, `source`, `text`, `body`, …
    pub field: String,
    /// Where in that text.
    pub place: Option<Place>,
    /// For people.
    pub message: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, place: Option<Place>, message: impl Into<String>) -> Self {
        Self { kind, field: String::new(), place, message: message.into() }
    }

    pub(super) fn at(kind: FaultKind, place: &Place, message: impl Into<String>) -> Self {
        Self::new(kind, Some(place.clone()), message)
    }

    pub(super) fn in_field(self, field: &str) -> Self {
        if self.field.is_empty() { Self { field: field.to_owned(), ..self } } else { self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            f.write_str(&self.field)?;
        }
        if let Some(place) = &self.place {
            if let Some(partial) = &place.partial {
                write!(f, " in '{partial}'")?;
            }
            write!(f, ", line {}, column {}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { field: Some(fault.field.clone()), ..refusal(fault.kind, fault.to_string()) }
    }
}

fn refusal(kind: FaultKind, message: String) -> Refusal {
    match kind {
        FaultKind::Syntax => Refusal::new("TEMPLATE_SYNTAX", message),
        FaultKind::Markup => Refusal::new("TEMPLATE_MARKUP", message),
        FaultKind::Include => Refusal::new("TEMPLATE_INCLUDE", message),
        FaultKind::Undefined => Refusal::new("TEMPLATE_VALUE_MISSING", message),
        FaultKind::Value => Refusal::new("TEMPLATE_VALUE_WRONG", message),
        FaultKind::Limit => Refusal::new("TEMPLATE_LIMIT", message),
    }
}
