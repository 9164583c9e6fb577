//! What is known of a message that came in, beside its text.

use serde::{Deserialize, Serialize};

use crate::domain::value::words;
use crate::ids::MessageId;

words! {
    /// What kind of machine wrote a mail. None of them is a reply of a person's.
    Automatic, "kind of automatic mail" {
        /// An out-of-office note or another automatic answer (RFC 3834).
        Reply = "reply",
        /// A delivery status notification, or an older kind of bounce (RFC 3464).
        Bounce = "bounce",
        /// A complaint that a mailbox provider passes on (RFC 5965).
        Feedback = "feedback",
        /// A newsletter or a post to a mailing list.
        List = "list",
    }
}

/// How a message arrived, as its provider handed it over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Arrival {
    /// The provider's account that heard it.
    pub account: Option<String>,
    /// What kind of machine wrote it; absent: a person, as far as is known.
    pub automatic: Option<Automatic>,
    /// Our message that a machine's mail is about.
    pub about: Option<MessageId>,
    /// What else is known.
    pub details: Details,
    /// The request or its part as it came, unless it is stored as a file.
    pub raw: Option<String>,
}

/// Where somebody is who shared it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// In degrees, as the provider writes it.
    pub latitude: String,
    /// In degrees, as the provider writes it.
    pub longitude: String,
    /// The street address, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the place is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What is known of an inbound message beside sender, receiver, subject and text. All of it is personal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The name that stands before the sender's address, or that of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// The HTML as it came: never to be shown without cleaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The mailboxes in Cc.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// All of our addresses that it was delivered to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
    /// The `Message-ID` of a mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_id: Option<String>,
    /// The provider's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// The result of SPF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spf: Option<String>,
    /// The results of DKIM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dkim: Option<String>,
    /// The provider's spam score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spam_score: Option<String>,
    /// A shared location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Text or HTML were longer than is kept beside the message; the whole is in its original.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// The text was made from the HTML.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_text_of_html: bool,
}
