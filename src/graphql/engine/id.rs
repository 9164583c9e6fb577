//! Global ids: `<type>:<uuid>`, such as `Customer:0190a5e2-…`. Arguments that name their type also take the bare UUID.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
};
use uuid::Uuid;

use crate::ids;

/// A kind of object that has a global id.
pub trait Global: Copy + From<Uuid> {
    /// The object's type in the schema.
    const TYPE: &'static str;

    /// The bare id.
    fn uuid(self) -> Uuid;
}

macro_rules! global_ids {
    ($($id:ident $type:literal,)*) => {$(
        impl Global for ids::$id {
            const TYPE: &'static str = $type;

            fn uuid(self) -> Uuid {
                self.0
            }
        }
    )*};
}

global_ids! {
    CustomerId "Customer",
    AddressId "Address",
    MessageId "Message",
    ConversationId "Conversation",
    CampaignId "Campaign",
    ActivityId "Activity",
    NoteId "Note",
    ImportId "Import",
    AttachmentId "Attachment",
    ApiKeyId "ApiKey",
    EventId "Event",
}

/// The global id of an object.
#[must_use]
pub fn global<T: Global>(id: T) -> ID {
    ID(format!("{}:{}", T::TYPE, id.uuid()))
}

/// Takes a global id apart.
#[must_use]
pub fn parts(id: &str) -> Option<(&str, Uuid)> {
    let (type_name, uuid) = id.split_once(':')?;
    Some((type_name, Uuid::try_parse(uuid).ok()?))
}

/// An argument that holds the id of an object of one type. In the schema it is an `ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Of<T>(pub T);

impl<T: Global + Send + Sync> Of<T> {
    fn of_value(value: &Value) -> InputValueResult<Self> {
        let uuid = match value {
            Value::String(text) => match parts(text) {
                Some((type_name, uuid)) => (type_name == T::TYPE).then_some(uuid),
                None => Uuid::try_parse(text).ok(),
            },
            _ => None,
        };
        let wrong =
            || InputValueError::custom(format!("must be the id of one {0}, {0}:<uuid> or the bare UUID", T::TYPE));
        uuid.map(|uuid| Self(T::from(uuid))).ok_or_else(wrong)
    }
}

impl<T: Global + Send + Sync> InputType for Of<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Self::of_value(&value.unwrap_or_default())
    }

    fn to_value(&self) -> Value {
        Value::String(global(self.0).0)
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T: Global + Send + Sync> OutputType for Of<T> {
    fn type_name() -> Cow<'static, str> {
        <ID as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(global(self.0).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, MessageId};

    fn read(text: String) -> Option<CustomerId> {
        <Of<CustomerId> as InputType>::parse(Some(Value::String(text))).ok().map(|id| id.0)
    }

    #[test]
    fn a_global_id_and_the_bare_uuid_name_the_same_object() {
        let id = CustomerId(Uuid::from_u128(5));
        assert_eq!(read(global(id).0), Some(id));
        assert_eq!(read(id.to_string()), Some(id));
    }

    #[test]
    fn an_id_of_another_type_is_refused() {
        assert_eq!(read(global(MessageId(Uuid::from_u128(5))).0), None);
        assert_eq!(read("Customer:5".to_owned()), None);
        assert_eq!(read(String::new()), None);
    }
}
