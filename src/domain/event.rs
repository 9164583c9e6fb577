//! How an event's payload is written: `data` without, `personal` with what a person could be read from.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A payload as the log takes it: JSON in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The type's name.
    pub event_type: &'static str,
    /// The schema version that the bytes have.
    pub schema_version: u16,
    /// JSON object without personal data.
    pub data: Vec<u8>,
    /// JSON object with the personal data, to be sealed.
    pub personal: Option<Vec<u8>>,
}

/// One type of event.
pub trait Event: Serialize + DeserializeOwned {
    /// Its name in the log; never reused for something else, never removed.
    const TYPE: &'static str;
    /// The newest version of its schema. A change of meaning or shape raises it and brings an upcaster.
    const SCHEMA_VERSION: u16;

    /// The fields of its personal part that people search customers by.
    const SEARCHABLE: &'static [&'static str] = &[];

    /// Writes the payload.
    fn encode(&self) -> Payload;

    /// Reads a payload of [`Self::SCHEMA_VERSION`]. `personal` is absent if the person was forgotten.
    fn decode(data: &[u8], personal: Option<&[u8]>) -> Result<Self, serde_json::Error>;
}

/// Why a stored payload could not be read as an event of its stream.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The JSON is not that of the type.
    #[error("the payload of a {event_type} cannot be read")]
    Payload {
        /// The type.
        event_type: String,
        /// Where the JSON is off.
        #[source]
        source: serde_json::Error,
    },
    /// The type does not belong to this kind of stream.
    #[error("{event_type} is not an event of this stream")]
    UnknownType {
        /// The type.
        event_type: String,
    },
}

/// Declares an event: `Name version { fields of data } personal PersonalName { fields of personal }`. The personal
/// struct is reached through a field `personal`, [`None`] once the person was forgotten. `searchable { fields }` names
/// the personal fields that people search customers by.
macro_rules! event {
    (
        $(#[$doc:meta])*
        $name:ident $version:literal { $($(#[$fmeta:meta])* $field:ident : $type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }

        impl $crate::domain::event::Event for $name {
            const TYPE: &'static str = stringify!($name);
            const SCHEMA_VERSION: u16 = $version;

            fn encode(&self) -> $crate::domain::event::Payload {
                $crate::domain::event::Payload {
                    event_type: Self::TYPE,
                    schema_version: $version,
                    data: $crate::domain::event::to_json(self),
                    personal: None,
                }
            }

            fn decode(data: &[u8], _personal: Option<&[u8]>) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(data)
            }
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident $version:literal { $($(#[$fmeta:meta])* $field:ident : $type:ty,)* }
        personal $personal:ident { $($(#[$pmeta:meta])* $pfield:ident : $ptype:ty,)* }
        $(searchable { $($searchable:ident,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$fmeta])* pub $field: $type,)*
            /// What is sealed with the subject's key; absent once the person was forgotten.
            #[serde(skip)]
            pub personal: Option<$personal>,
        }

        #[doc = concat!("The sealed part of [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $personal { $($(#[$pmeta])* pub $pfield: $ptype,)* }

        impl $crate::domain::event::Event for $name {
            const TYPE: &'static str = stringify!($name);
            const SCHEMA_VERSION: u16 = $version;
            $(const SEARCHABLE: &'static [&'static str] = &[$(stringify!($searchable),)*];)?

            fn encode(&self) -> $crate::domain::event::Payload {
                $crate::domain::event::Payload {
                    event_type: Self::TYPE,
                    schema_version: $version,
                    data: $crate::domain::event::to_json(self),
                    personal: self.personal.as_ref().map($crate::domain::event::to_json),
                }
            }

            fn decode(data: &[u8], personal: Option<&[u8]>) -> Result<Self, serde_json::Error> {
                let mut event: Self = serde_json::from_slice(data)?;
                event.personal = personal.map(serde_json::from_slice).transpose()?;
                Ok(event)
            }
        }
    };
}

/// Declares the enum of all events of one kind of stream, with `encode` and `decode` over them.
macro_rules! stream_events {
    ($(#[$doc:meta])* $name:ident { $($event:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "events are few at a time, and a box would cost each of them more")]
        pub enum $name { $(#[doc = concat!("See [`", stringify!($event), "`].")] $event($event),)* }

        $(impl From<$event> for $name {
            fn from(event: $event) -> Self {
                Self::$event(event)
            }
        })*

        impl $name {
            /// The names and newest schema versions of all types of this stream.
            pub const TYPES: &'static [(&'static str, u16)] = &[$((
                <$event as $crate::domain::event::Event>::TYPE,
                <$event as $crate::domain::event::Event>::SCHEMA_VERSION,
            ),)*];

            /// The personal fields that customers are searched by, for each type that has some.
            pub fn searchable(event_type: &str) -> &'static [&'static str] {
                $(if event_type == <$event as $crate::domain::event::Event>::TYPE {
                    return <$event as $crate::domain::event::Event>::SEARCHABLE;
                })*
                &[]
            }

            /// Writes the payload.
            #[must_use]
            pub fn encode(&self) -> $crate::domain::event::Payload {
                match self { $(Self::$event(event) => $crate::domain::event::Event::encode(event),)* }
            }

            /// Reads a payload in its newest schema version; `personal` is absent if the person was forgotten.
            pub fn decode(
                event_type: &str,
                data: &[u8],
                personal: Option<&[u8]>,
            ) -> Result<Self, $crate::domain::event::DecodeError> {
                Self::decode_own(event_type, data, personal)?
                    .ok_or_else(|| $crate::domain::event::DecodeError::UnknownType { event_type: event_type.to_owned() })
            }

            /// As [`Self::decode`]; [`None`] for a type that is not one of these.
            pub fn decode_own(
                event_type: &str,
                data: &[u8],
                personal: Option<&[u8]>,
            ) -> Result<Option<Self>, $crate::domain::event::DecodeError> {
                match event_type {
                    $(stringify!($event) => <$event as $crate::domain::event::Event>::decode(data, personal)
                        .map(|event| Some(Self::$event(event)))
                        .map_err(|source| $crate::domain::event::DecodeError::Payload {
                            event_type: event_type.to_owned(),
                            source,
                        }),)*
                    _ => Ok(None),
                }
            }
        }

        $(impl $crate::domain::event::Member for $event {
            type Group = $name;
        })*
    };
}

/// Declares the enum of the events of a stream that several nouns share: a variant for the events of each noun.
macro_rules! grouped_events {
    ($(#[$doc:meta])* $name:ident by $part:ident { $($(#[$vdoc:meta])* $group:ident($events:ident),)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($(#[$vdoc])* $group($events),)* }

        /// The events of one noun among those of the stream.
        pub trait $part {
            /// The event as one of the stream.
            fn in_stream(self) -> $name;
        }

        $(impl $part for $events {
            fn in_stream(self) -> $name {
                $name::$group(self)
            }
        })*

        impl<E> From<E> for $name
        where
            E: $crate::domain::event::Member,
            E::Group: $part,
        {
            fn from(event: E) -> Self {
                E::Group::from(event).in_stream()
            }
        }

        impl $name {
            /// The names and newest schema versions of all types of this stream.
            pub const TYPES: &'static [(&'static str, u16)] =
                &$crate::domain::event::concat::<{ 0 $(+ $events::TYPES.len())* }>(&[$($events::TYPES),*]);

            /// The personal fields that customers are searched by, of a type.
            pub fn searchable(event_type: &str) -> &'static [&'static str] {
                let fields = [$($events::searchable(event_type)),*];
                fields.into_iter().find(|fields| !fields.is_empty()).unwrap_or_default()
            }

            /// Writes the payload.
            #[must_use]
            pub fn encode(&self) -> $crate::domain::event::Payload {
                match self { $(Self::$group(event) => event.encode(),)* }
            }

            /// Reads a payload in its newest schema version; `personal` is absent if the person was forgotten.
            pub fn decode(
                event_type: &str,
                data: &[u8],
                personal: Option<&[u8]>,
            ) -> Result<Self, $crate::domain::event::DecodeError> {
                $(if let Some(event) = $events::decode_own(event_type, data, personal)? {
                    return Ok(Self::$group(event));
                })*
                Err($crate::domain::event::DecodeError::UnknownType { event_type: event_type.to_owned() })
            }
        }
    };
}

/// An event that belongs to one enum of events.
pub trait Member: Sized {
    /// That enum.
    type Group: From<Self>;
}

/// Lists as one; `N` is the sum of their lengths.
pub const fn concat<const N: usize>(lists: &[&[(&'static str, u16)]]) -> [(&'static str, u16); N] {
    let mut all = [("", 0); N];
    let (mut list, mut next) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            all[next] = lists[list][index];
            next += 1;
            index += 1;
        }
        list += 1;
    }
    all
}

pub(crate) use {event, grouped_events, stream_events};

/// Payload structs hold only strings, numbers, lists and maps with text keys, which always have a JSON form.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("an event's payload has a JSON form")
}
