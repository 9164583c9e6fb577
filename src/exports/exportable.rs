//! What can be exported, as those who choose see it.

use super::{ReadModel, events};
use crate::projections::views::View;

/// Something that can be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exportable {
    /// Its name.
    pub name: String,
    /// The question that its rows answer; nothing if its file does not say.
    pub question: Option<String>,
    /// The columns of CSV and JSON lines, in order.
    pub columns: Vec<String>,
    /// The columns of Parquet, in order.
    pub typed_columns: Vec<TypedColumn>,
}

/// A column of a file of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedColumn {
    /// Its name.
    pub name: String,
    /// Whether it is left out of an export without personal data.
    pub is_personal: bool,
}

impl Exportable {
    /// The events of the log.
    pub(super) fn events() -> Self {
        let columns = events::COLUMNS.map(str::to_owned).to_vec();
        let typed = |name: &String| TypedColumn { name: name.clone(), is_personal: name == events::PERSONAL };
        Self {
            name: events::EVENTS.to_owned(),
            question: Some(events::QUESTION.to_owned()),
            typed_columns: columns.iter().map(typed).collect(),
            columns,
        }
    }

    /// A read model, with the view for analysts over it, if there is one.
    pub(super) fn model(model: &ReadModel, view: Option<&View>) -> Self {
        let columns = view.into_iter().flat_map(|view| &view.columns);
        let typed = columns.map(|column| TypedColumn { name: column.name.clone(), is_personal: column.is_personal });
        Self {
            name: model.name().to_owned(),
            question: model.question().map(str::to_owned),
            columns: model.columns(),
            typed_columns: typed.collect(),
        }
    }
}
