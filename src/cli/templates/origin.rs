//! Where each text of a template was written, so that what is wrong in it is reported there.

use std::collections::BTreeMap;

use super::manifest::Line;
use super::problem::Spot;
use crate::rendering::Place;

/// Where a text was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The whole of a file.
    File(String),
    /// A value of `template.toml`: where it begins, and whether its letters are those of the text, without escapes.
    Value { file: String, begin: Spot, is_exact: bool },
}

impl Origin {
    /// A text of `template.toml`, which has the text `source`.
    pub fn of(file: &str, source: &str, line: &Line) -> Self {
        let span = line.span();
        let raw = source.get(span.clone()).unwrap_or_default();
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| raw.starts_with(quote)).unwrap_or_default();
        let within = raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or_default();
        let first = if quote.len() == 3 && within.starts_with('\n') { quote.len() + 1 } else { quote.len() };
        let is_exact = raw.get(first..raw.len().saturating_sub(quote.len())) == Some(line.get_ref().as_str());
        let begin = if is_exact { span.start + first } else { span.start };
        Self::Value { file: file.to_owned(), begin: Spot::of(source, begin), is_exact }
    }

    /// A value that is not a text, or of which only the beginning is known.
    pub fn at(file: &str, source: &str, offset: usize) -> Self {
        Self::Value { file: file.to_owned(), begin: Spot::of(source, offset), is_exact: false }
    }

    /// The file, and the place in it of a place in the text.
    pub fn find(&self, place: Option<&Place>) -> (&str, Option<Spot>) {
        let spot = place.map(|place| Spot { line: place.line, column: place.column });
        match self {
            Self::File(file) => (file, spot),
            Self::Value { file, begin, is_exact: false } => (file, Some(*begin)),
            Self::Value { file, begin, is_exact: true } => {
                let Some(spot) = spot else { return (file, Some(*begin)) };
                let column = if spot.line == 1 { begin.column + spot.column - 1 } else { spot.column };
                (file, Some(Spot { line: begin.line + spot.line - 1, column }))
            }
        }
    }
}

/// Where the texts of a channel and locale were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    /// By the field's name in the command, such as `subject` or `steps[2]`.
    fields: BTreeMap<String, Origin>,
    /// What stands for fields without a place of their own.
    whole: Origin,
}

impl Origins {
    pub fn new(whole: Origin) -> Self {
        Self { fields: BTreeMap::new(), whole }
    }

    pub fn with(mut self, field: impl Into<String>, origin: Option<Origin>) -> Self {
        self.fields.extend(origin.map(|origin| (field.into(), origin)));
        self
    }

    pub fn of(&self, field: &str) -> &Origin {
        self.fields.get(field).unwrap_or(&self.whole)
    }
}
