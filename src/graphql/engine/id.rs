//! Global ids: `<type>:<uuid>`, such as `Customer:0190a5e2-…`. Arguments that name their type also take the bare UUID.
//!
//! An id names one object, so that a client's cache can file objects by it. What is each customer's own although several
//! share it (an address with its label) names the customer too: `CustomerAddress:<customer>:<address>`. An object read as of
//! an earlier moment is another object than the present one: its id ends in `@<moment>~<customer whose history was read>`.

use std::borrow::Cow;
use std::fmt::Display;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
};
use chrono::{DateTime, SecondsFormat};
use uuid::Uuid;

use super::reading::{AsOfInput, Tables};
use super::scalar::Cursor;
use crate::ids;
use crate::ids::{CustomerId, Position};

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
    ListId "List",
    AttachmentId "Attachment",
    ApiKeyId "ApiKey",
    EventId "Event",
}

/// Runs that a node carries out beside requests have ids that no event names.
macro_rules! run_ids {
    ($($(#[$doc:meta])* $id:ident $type:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $id(pub Uuid);

        impl From<Uuid> for $id {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl Global for $id {
            const TYPE: &'static str = $type;

            fn uuid(self) -> Uuid {
                self.0
            }
        }
    )*};
}

run_ids! {
    /// A run of an import.
    ImportRunId "ImportRun",
    /// An export.
    ExportId "Export",
    /// A verification of the log.
    VerificationId "Verification",
}

/// The global id of an object.
#[must_use]
pub fn global<T: Global>(id: T) -> ID {
    ID(format!("{}:{}", T::TYPE, id.uuid()))
}

/// The global id of an object of a type, by what names it among its kind, as some tables show it.
#[must_use]
pub fn global_in(type_name: &str, key: impl Display, tables: &Tables) -> ID {
    ID(match tables {
        Tables::Live => format!("{type_name}:{key}"),
        Tables::AsOf(past) => {
            let moment = match past.moment {
                // Every digit that the log keeps.
                AsOfInput::Time(time) => time.to_rfc3339_opts(SecondsFormat::Micros, true),
                AsOfInput::Position(position) => position.0.to_string(),
            };
            format!("{type_name}:{key}@{moment}~{}", past.customer)
        }
    })
}

/// A global id, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The object's type.
    pub type_name: &'a str,
    /// What names it among its kind.
    pub key: &'a str,
    /// The moment as of which it was read, and the customer whose history that was.
    pub as_of: Option<(AsOfInput, CustomerId)>,
}

impl<'a> Parts<'a> {
    /// Takes a global id apart; absent if it is not one.
    #[must_use]
    pub fn of(id: &'a str) -> Option<Self> {
        let (type_name, rest) = id.split_once(':')?;
        let Some((key, past)) = rest.split_once('@') else { return Some(Self { type_name, key: rest, as_of: None }) };
        let (moment, customer) = past.split_once('~')?;
        let moment = match moment.parse::<Position>() {
            Ok(position) => AsOfInput::Position(Cursor(position)),
            Err(_) => AsOfInput::Time(DateTime::parse_from_rfc3339(moment).ok()?.to_utc()),
        };
        Some(Self { type_name, key, as_of: Some((moment, Uuid::try_parse(customer).ok()?.into())) })
    }

    /// The id of an object that a UUID names.
    #[must_use]
    pub fn uuid<T: Global>(self) -> Option<T> {
        Uuid::try_parse(self.key).ok().map(T::from)
    }
}

/// An argument that holds the id of an object of one type. In the schema it is an `ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Of<T>(pub T);

impl<T: Global + Send + Sync> Of<T> {
    fn of_value(value: &Value) -> InputValueResult<Self> {
        let uuid = match value {
            // An argument names the object, whichever moment it was read as of.
            Value::String(text) => match Parts::of(text) {
                Some(parts) => Some(parts).filter(|parts| parts.type_name == T::TYPE).and_then(Parts::uuid),
                None => Uuid::try_parse(text).ok().map(T::from),
            },
            _ => None,
        };
        let wrong =
            || InputValueError::custom(format!("must be the id of one {0}, {0}:<uuid> or the bare UUID", T::TYPE));
        uuid.map(Self).ok_or_else(wrong)
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
    fn an_id_as_of_a_moment_keeps_the_moment_and_still_names_the_object() {
        let position = Position::from_counter(77);
        for moment in [position.to_string(), "2026-05-04T03:02:01.000009Z".to_owned()] {
            let text = format!("Customer:{}@{moment}~{}", Uuid::from_u128(5), Uuid::from_u128(6));
            let parts = Parts::of(&text).expect("a global id");
            let (as_of, customer) = parts.as_of.expect("a moment");
            let shown = match as_of {
                AsOfInput::Position(position) => position.0.to_string(),
                AsOfInput::Time(time) => time.to_rfc3339_opts(SecondsFormat::Micros, true),
            };
            assert_eq!((shown, customer), (moment, CustomerId(Uuid::from_u128(6))));
            assert_eq!(read(text), Some(CustomerId(Uuid::from_u128(5))));
        }
        assert!(Parts::of("Customer:5@yesterday~6").is_none());
        assert!(Parts::of("Customer").is_none());
    }

    #[test]
    fn an_id_of_another_type_is_refused() {
        assert_eq!(read(global(MessageId(Uuid::from_u128(5))).0), None);
        assert_eq!(read("Customer:5".to_owned()), None);
        assert_eq!(read(String::new()), None);
    }
}
