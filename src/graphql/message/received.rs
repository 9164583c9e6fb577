//! What is known of a message that came in.

use async_graphql::{Enum, SimpleObject};

use crate::domain::value::inbound::{Details, Location};

/// The kind of machine that wrote a mail.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::value::inbound::Automatic")]
pub enum AutomaticKind {
    /// An out-of-office note or another automatic answer.
    Reply,
    /// A mail server's note that a message was not delivered.
    Bounce,
    /// A complaint that a mailbox provider passes on.
    Feedback,
    /// A newsletter or a post to a mailing list.
    List,
}

/// What is known of an inbound message beside sender, receiver, subject and text.
#[derive(SimpleObject, Clone)]
pub struct Received {
    /// The name that stands before the sender's address, or that of the profile.
    sender_name: Option<String>,
    /// The HTML as it came: never show it without cleaning.
    html: Option<String>,
    /// The email addresses in Cc.
    cc: Vec<String>,
    /// All of our addresses that it was delivered to.
    receivers: Vec<String>,
    /// The `Message-ID` of a mail.
    mail_id: Option<String>,
    /// The result of SPF, such as `pass`.
    spf: Option<String>,
    /// The results of DKIM, as the provider writes them.
    dkim: Option<String>,
    /// The provider's spam score.
    spam_score: Option<String>,
    /// A shared location.
    location: Option<SharedLocation>,
    /// True if text or HTML were longer than is kept here; the whole is in its original.
    is_cut: bool,
    /// True if the text was made from the HTML, because the mail brought none.
    is_text_of_html: bool,
}

/// Where somebody is who shared it.
#[derive(SimpleObject, Clone)]
pub struct SharedLocation {
    /// In degrees.
    latitude: String,
    /// In degrees.
    longitude: String,
    /// The street address.
    address: Option<String>,
    /// What the place is called.
    label: Option<String>,
}

impl From<Details> for Received {
    fn from(details: Details) -> Self {
        let located =
            |Location { latitude, longitude, address, label }| SharedLocation { latitude, longitude, address, label };
        Self {
            sender_name: details.sender_name,
            html: details.html,
            cc: details.cc,
            receivers: details.receivers,
            mail_id: details.mail_id,
            spf: details.spf,
            dkim: details.dkim,
            spam_score: details.spam_score,
            location: details.location.map(located),
            is_cut: details.is_cut,
            is_text_of_html: details.is_text_of_html,
        }
    }
}
