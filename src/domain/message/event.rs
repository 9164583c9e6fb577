//! Events of messages, in the customer's stream.
//!
//! Every event names message, channel, campaign and variant (and, once dispatched, the route), so that metrics and
//! states are computed from events alone, without a look-up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::campaign::schedule::Reason as Timing;
use crate::domain::canned::decide::CannedUse;
use crate::domain::event::{event, stream_events};
use crate::domain::message::attachment::{AttachmentFetched, AttachmentMissed, MessageAttached};
use crate::domain::message::origin::TemplateUse;
use crate::domain::message::routing::RouteChoice;
use crate::domain::value::Keyword;
use crate::domain::value::form::Form;
use crate::domain::value::inbound::{Automatic, Details};
pub use crate::domain::value::message::{
    BounceKind, CallResult, EngagementClass, EngagementKind, MessageKey, RetryClass, Route,
};
use crate::domain::value::{Currency, words};
use crate::ids::{AddressId, EventId, ImportId, MessageId};

words! {
    /// What a message is for; transactional ones need no marketing consent.
    MessageClass, "message class" {
        /// Advertising, newsletters.
        Marketing = "marketing",
        /// Order confirmations, answers, reminders.
        Transactional = "transactional",
    }
}

event! {
    /// A message was asked for. Always the first event of an outbound message, whatever is decided about it.
    MessageQueued 2 {
        #[serde(flatten)]
        key: MessageKey,
        class: MessageClass,
        /// The topic that consent is judged for.
        topic: String,
        /// The customer's address that it goes to.
        address_id: Option<AddressId>,
        /// The customer's primary number, where checks led to another one: one that takes SMS.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<AddressId>,
        /// Not before this time.
        send_at: Option<DateTime<Utc>>,
        /// The message that it answers.
        in_reply_to: Option<MessageId>,
        /// The canned reply that it was made of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canned_reply: Option<CannedUse>,
        /// The template that it was made of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateUse>,
        /// Why a campaign's schedule gives this customer that time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timing: Option<Box<Timing>>,
        /// The import of a past campaign that brought it: it was sent elsewhere, and is never sent from here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        import_id: Option<ImportId>,
    }
    personal MessageQueuedPersonal {
        /// The address, normalised.
        to: Option<String>,
        subject: Option<String>,
        /// Plain text.
        body: String,
        /// The same as a page, for email.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        html: Option<String>,
        /// The values that were given to its template for this message.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        variables: BTreeMap<String, serde_json::Value>,
        /// What its channel needs beside the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Box<Form>>,
    }
}

impl MessageQueued {
    /// Whether its text is made when it is sent: of a campaign's mail, only the template and its values are kept.
    #[must_use]
    pub fn is_made_late(&self) -> bool {
        self.template.is_some() && self.personal.as_ref().is_some_and(|personal| personal.body.is_empty())
    }
}

event! {
    /// It waits: quiet hours, a cap, a planned time.
    MessageHeld 1 {
        #[serde(flatten)]
        key: MessageKey,
        until: DateTime<Utc>,
        rule: String,
        /// What the rule looked at.
        inputs: serde_json::Value,
    }
}

event! {
    /// It is not sent, and this is why.
    MessageSuppressed 1 {
        #[serde(flatten)]
        key: MessageKey,
        rule: String,
        /// What the rule looked at.
        inputs: serde_json::Value,
    }
}

event! {
    /// The hold has ended.
    MessageReleased 1 {
        #[serde(flatten)]
        key: MessageKey,
        rule: String,
    }
}

event! {
    /// It was taken back before it was dispatched.
    MessageCancelled 1 {
        #[serde(flatten)]
        key: MessageKey,
        reason: String,
    }
}

event! {
    /// The provider is about to be called. Between this and the outcome, the message is in doubt.
    DispatchStarted 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        /// From 1.
        attempt: u32,
        /// The version of the address's stream at which it was judged.
        address_version: u64,
        /// SHA-256 of what was rendered, in hex.
        content_hash: String,
        /// Why this account was called, where several serve the channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<Box<RouteChoice>>,
    }
}

event! {
    /// The provider refused definitely.
    DispatchFailed 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        attempt: u32,
        class: RetryClass,
        /// The provider's code.
        code: Option<String>,
        /// When it is tried again; absent if it is not.
        retry_at: Option<DateTime<Utc>>,
    }
    personal DispatchFailedPersonal {
        /// The provider's words.
        detail: String,
    }
}

event! {
    /// Nobody knows whether the provider took it: a time-out, a crash. Only evidence resolves this.
    DispatchInDoubt 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        attempt: u32,
        /// `timeout`, `crash`, `connection_lost`.
        cause: String,
    }
}

event! {
    /// The provider took it.
    MessageSent 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        /// The provider's id of the message.
        provider_message_id: Option<String>,
        /// SMS segments; 1 on other channels.
        segments: u32,
        cost_micros: Option<i64>,
        currency: Option<Currency>,
        /// Stands for the `Message-ID` that it left with, where that is not the one that we gave it
        /// ([`crate::domain::value::token::mail_id_fingerprint`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail_id: Option<uuid::Uuid>,
    }
}

event! {
    /// It reached the device or mailbox.
    MessageDelivered 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
    }
}

event! {
    /// The receiving side asked to wait; the provider tries again.
    MessageDeferred 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        code: Option<String>,
    }
    personal MessageDeferredPersonal {
        /// The receiving server's words.
        detail: Option<String>,
    }
}

event! {
    /// It came back.
    MessageBounced 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        bounce: BounceKind,
        /// Such as `5.1.1`.
        code: Option<String>,
    }
    personal MessageBouncedPersonal {
        /// The receiving server's words.
        diagnostic: Option<String>,
    }
}

event! {
    /// The provider took it but could not deliver it.
    MessageFailed 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        class: RetryClass,
        code: Option<String>,
    }
    personal MessageFailedPersonal {
        detail: Option<String>,
    }
}

event! {
    /// It was opened or read.
    MessageOpened 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        class: EngagementClass,
        /// The rule and its version that classed it, such as `engagement/1`.
        rule: String,
        /// Whether the provider said that it was a machine; absent if it did not tell.
        #[serde(default)]
        flagged: Option<bool>,
    }
    personal MessageOpenedPersonal {
        ip: Option<String>,
        user_agent: Option<String>,
    }
}

event! {
    /// A link in it was followed.
    MessageClicked 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        class: EngagementClass,
        rule: String,
        #[serde(default)]
        flagged: Option<bool>,
    }
    personal MessageClickedPersonal {
        url: Option<String>,
        ip: Option<String>,
        user_agent: Option<String>,
    }
}

event! {
    /// A rule judged an open or click otherwise than it was classed before. Happened when the open or click did, which it
    /// corrects; the recorded time tells when that was found.
    ///
    /// It stands at the stream's version at which it was decided, so it tells the resulting figures: of all opens (or
    /// clicks) of the message before it in the log, how many are whose, and when the first of a person was.
    EngagementReclassified 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        engagement: EngagementKind,
        /// The event that told of it.
        corrects: EventId,
        /// From now on.
        class: EngagementClass,
        rule: String,
        /// Until now.
        previous_class: EngagementClass,
        previous_rule: String,
        human_count: u64,
        machine_count: u64,
        first_human_at: Option<DateTime<Utc>>,
    }
}

event! {
    /// It was put away: a notification was swiped off, or a message in the product closed. It says that the message arrived, not
    /// that anybody read it.
    MessageDismissed 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
    }
}

event! {
    /// It was reported as spam.
    MessageComplained 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        /// Such as `abuse`.
        kind: Option<String>,
    }
}

event! {
    /// A call is over: how, and how long it was.
    CallEnded 1 {
        #[serde(flatten)]
        key: MessageKey,
        #[serde(flatten)]
        route: Route,
        result: CallResult,
        /// From the moment when it was picked up, in seconds.
        seconds: Option<u32>,
        /// Who picked up, in the provider's own word, where it tested that.
        answered_by: Option<String>,
        cost_micros: Option<i64>,
        currency: Option<Currency>,
    }
}

event! {
    /// The customer wrote.
    MessageReceived 1 {
        #[serde(flatten)]
        key: MessageKey,
        /// The customer's address that it came from.
        address_id: Option<AddressId>,
        /// Our message that it answers.
        in_reply_to: Option<MessageId>,
        /// Who handed it over: a provider's name, `import`.
        provider: String,
        /// The keyword that the whole message is, on channels that have keywords.
        #[serde(default)]
        keyword: Option<Keyword>,
        import_id: Option<ImportId>,
        /// The provider's account that heard it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// What kind of machine wrote it; absent: a person, as far as is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        automatic: Option<Automatic>,
        /// Our message that a machine's mail is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<MessageId>,
    }
    personal MessageReceivedPersonal {
        from: Option<String>,
        to: Option<String>,
        subject: Option<String>,
        body: String,
        /// What else is known of it.
        #[serde(default)]
        details: Box<Details>,
        /// As it came, unless that is stored as a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raw: Option<String>,
    }
}

event! {
    /// The import that brought the message was undone.
    MessageRetracted 1 {
        #[serde(flatten)]
        key: MessageKey,
        import_id: ImportId,
    }
}

stream_events! {
    /// What happens with messages, in the customer's stream.
    MessageEvent {
        MessageQueued,
        MessageHeld,
        MessageSuppressed,
        MessageReleased,
        MessageCancelled,
        DispatchStarted,
        DispatchFailed,
        DispatchInDoubt,
        MessageSent,
        MessageDelivered,
        MessageDeferred,
        MessageBounced,
        MessageFailed,
        MessageOpened,
        MessageClicked,
        EngagementReclassified,
        MessageDismissed,
        MessageComplained,
        CallEnded,
        MessageReceived,
        MessageRetracted,
        MessageAttached,
        AttachmentFetched,
        AttachmentMissed,
    }
}
