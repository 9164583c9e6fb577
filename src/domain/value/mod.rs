//! Values that several nouns share.

pub mod address;
pub mod colour;
pub mod engagement;
pub mod form;
pub mod inbound;
pub mod limits;
pub mod media;
pub mod message;
pub mod money;
pub mod picture;
pub mod place;
pub mod preferred_hours;
pub mod routing;
pub mod script;
pub mod secret;
pub mod sms;
pub mod time;
pub mod token;
pub mod validation;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Input that is not a value of the kind it was given for. Says what is allowed; holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct InvalidValue {
    /// The kind of value, in the words of the API: "currency", "phone number".
    pub what: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl InvalidValue {
    /// Says that input is no value of the kind `what`.
    pub fn new(what: &'static str, reason: impl Into<String>) -> Self {
        Self { what, reason: reason.into() }
    }
}

/// Declares an enum whose values are written in `snake_case` in JSON, SQL and CSV.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in JSON, SQL and CSV.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::value::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::domain::value::InvalidValue::new($what, concat!("must be one of", $(" ", $word),*))),
                }
            }
        }

        impl $crate::ids::Newtype for $name {
            type Raw = String;
            type Error = $crate::domain::value::InvalidValue;

            fn try_from_raw(word: String) -> Result<Self, Self::Error> {
                word.parse()
            }

            fn into_raw(self) -> String {
                self.word().to_owned()
            }
        }
    };
}

pub(crate) use words;

words! {
    /// How a message travels.
    Channel, "channel" {
        /// Email.
        Email = "email",
        /// SMS and MMS.
        Sms = "sms",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// A phone call.
        Voice = "voice",
        /// A push notification on a device.
        Push = "push",
        /// A message inside the product.
        InApp = "in_app",
    }
}

words! {
    /// Which way a message went.
    Direction, "direction" {
        /// From the customer to us.
        Inbound = "inbound",
        /// From us to the customer.
        Outbound = "outbound",
    }
}

words! {
    /// What an address is; one phone number serves SMS, WhatsApp and voice.
    AddressKind, "address kind" {
        /// A mailbox.
        Email = "email",
        /// A number in E.164.
        Phone = "phone",
        /// A device's push token.
        PushToken = "push_token",
        /// A user of the product.
        InApp = "in_app",
    }
}

words! {
    /// Where a fact came from.
    Source, "source" {
        /// The GraphQL API.
        Api = "api",
        /// A file.
        Import = "import",
        /// A provider's callback.
        Provider = "provider",
        /// An inbound message from an address that nobody claimed.
        Inbound = "inbound",
        /// The customer, on one of our pages.
        Customer = "customer",
        /// The demo's sample data.
        Demo = "demo",
    }
}

words! {
    /// What a whole message can ask for in one word.
    Keyword, "keyword" {
        /// Nothing more to this number.
        Stop = "stop",
        /// Messages again.
        Start = "start",
        /// Who this is, and how to end it.
        Help = "help",
    }
}

/// The topic that stands for every topic of a channel.
pub const ALL_TOPICS: &str = "all";

impl Channel {
    /// The kind of address that this channel reaches.
    #[must_use]
    pub const fn address_kind(self) -> AddressKind {
        match self {
            Self::Email => AddressKind::Email,
            Self::Sms | Self::Whatsapp | Self::Voice => AddressKind::Phone,
            Self::Push => AddressKind::PushToken,
            Self::InApp => AddressKind::InApp,
        }
    }
}

/// An ISO 4217 code: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl FromStr for Currency {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(InvalidValue::new("currency", "must be an ISO 4217 code of three capital letters, such as EUR")),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&letter| fmt::Write::write_char(f, char::from(letter)))
    }
}

/// An amount of money: integer micros (millionths) of the currency's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Millionths of the unit; negative for what is returned.
    pub micros: i64,
    /// Of which currency.
    pub currency: Currency,
}
