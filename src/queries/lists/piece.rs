//! A piece of a query with its values.

use crate::sql::Value;

/// A piece of SQL with its values, whose `?` stand for them in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    pub text: String,
    pub values: Vec<Value>,
}

impl Piece {
    pub fn new(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self { text: text.into(), values: values.into_iter().collect() }
    }

    pub fn always() -> Self {
        Self::new("TRUE", [])
    }

    pub fn joined(pieces: Vec<Self>, sign: &str) -> Self {
        let mut all = Self::new("(", []);
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                all.text.push_str(sign);
            }
            all.text.push_str(&piece.text);
            all.values.extend(piece.values);
        }
        all.text.push(')');
        all
    }

    pub fn negated(self) -> Self {
        Self { text: format!("NOT COALESCE({}, FALSE)", self.text), values: self.values }
    }

    pub fn then(mut self, piece: Self) -> Self {
        self.text.push_str(&piece.text);
        self.values.extend(piece.values);
        self
    }

    pub fn and(mut self, text: &str, value: impl Into<Value>) -> Self {
        self.text.push_str(text);
        self.values.push(value.into());
        self
    }
}
