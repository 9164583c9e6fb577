//! Where a subscription that reports entries one by one continues.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
};

use super::scalar::Cursor;
use crate::ids::{ParseIdError, Position};

/// Where a subscription continues: after a position, and after the first entries that the next event changed. In the
/// schema it is a `Position`. One event can change several entries, which are reported one by one; a connection may end
/// between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Everything up to here was reported.
    pub after: Position,
    /// The number of entries of the next event that were reported too.
    pub entries: usize,
}

impl Resume {
    /// Reads a position as a client holds it. The error says what is wrong.
    pub fn of(value: &Value) -> Result<Self, String> {
        let Value::String(text) = value else { return Err("must be a string".to_owned()) };
        let (position, entries) = text.split_once('/').unwrap_or((text, "0"));
        let after = position.parse().map_err(|error: ParseIdError| error.to_string())?;
        let entries = entries.parse().map_err(|_| "is not a position".to_owned())?;
        Ok(Self { after, entries })
    }

    fn text(self) -> String {
        let Self { after, entries } = self;
        if entries == 0 { after.to_string() } else { format!("{after}/{entries}") }
    }
}

impl From<Position> for Resume {
    fn from(after: Position) -> Self {
        Self { after, entries: 0 }
    }
}

impl InputType for Resume {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <Cursor as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Cursor as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Self::of(&value.unwrap_or_default()).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.text())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl OutputType for Resume {
    fn type_name() -> Cow<'static, str> {
        <Cursor as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Cursor as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.text()))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ScalarType;

    use super::*;

    #[test]
    fn where_a_subscription_continues_is_a_position_too() {
        let resume = Resume { after: Position::from_counter(77), entries: 2 };
        let text = InputType::to_value(&resume);
        assert_eq!(<Resume as InputType>::parse(Some(text.clone())).ok(), Some(resume));
        assert_eq!(<Cursor as ScalarType>::parse(text.clone()).ok(), Some(Cursor(resume.after)));
        let (Value::String(within), Value::String(next)) =
            (text, ScalarType::to_value(&Cursor(Position::from_counter(78))))
        else {
            panic!("positions are strings");
        };
        assert!(resume.after.to_string() < within && within < next);
        for wrong in [Value::from("77/1"), Value::from(format!("{}/x", resume.after)), Value::from(7)] {
            assert!(<Resume as InputType>::parse(Some(wrong)).is_err());
        }
    }
}
