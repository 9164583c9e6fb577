//! What providers and messages have in common: which message, which way it left, and what became of it.

use serde::{Deserialize, Serialize};

use crate::domain::value::{Channel, Currency, words};
use crate::ids::{CampaignId, ConversationId, MessageId};

words! {
    /// Who probably made an open or a click.
    EngagementClass, "engagement class" {
        /// A person, as far as the rule can tell.
        Human = "human",
        /// A proxy, scanner or prefetcher.
        Machine = "machine",
    }
}

words! {
    /// What was done with a message.
    EngagementKind, "engagement" {
        /// It was opened or read.
        Opened = "opened",
        /// A link in it was followed.
        Clicked = "clicked",
    }
}

words! {
    /// Whether an address may work later.
    BounceKind, "bounce kind" {
        /// Full mailbox, greylisting: may work later.
        Soft = "soft",
        /// The address does not exist.
        Hard = "hard",
    }
}

words! {
    /// What to do about a provider's refusal.
    RetryClass, "retry class" {
        /// Never again with this message.
        Permanent = "permanent",
        /// Later.
        Transient = "transient",
        /// Slower.
        RateLimited = "rate_limited",
        /// Never again to this address on this channel.
        OptedOut = "opted_out",
        /// Not with this text.
        ContentRefused = "content_refused",
        /// Not before an operator mends the account.
        Configuration = "configuration",
    }
}

/// How the code of a refusal begins that says that the receiver's address does not exist: it bounces at once, as if the
/// provider had reported it later.
pub const NO_SUCH_ADDRESS: &str = "no_such_address";

words! {
    /// How far a message has come, in ascending rank: what a later word says outranks what an earlier one says, whatever
    /// the order of reports. `projections/messages.sql` computes it.
    MessageState, "message state" {
        /// It was asked for.
        Queued = "queued",
        /// It waits.
        Held = "held",
        /// It is not sent.
        Suppressed = "suppressed",
        /// It was taken back.
        Cancelled = "cancelled",
        /// A provider is being called.
        Dispatching = "dispatching",
        /// Nobody knows whether the provider took it.
        InDoubt = "in_doubt",
        /// The provider took it.
        Sent = "sent",
        /// The receiving side asked to wait.
        Deferred = "deferred",
        /// It could not be sent or delivered.
        Failed = "failed",
        /// It reached the device or mailbox.
        Delivered = "delivered",
        /// It came back. A hard bounce outranks a delivery, as the mailbox sent the message back; a soft one ranks just
        /// below [`Self::Failed`].
        Bounced = "bounced",
        /// It was opened or read.
        Opened = "opened",
        /// A link in it was followed.
        Clicked = "clicked",
        /// The customer answered.
        Replied = "replied",
        /// The receiver wants nothing more.
        OptedOut = "opted_out",
        /// It was reported as spam.
        Complained = "complained",
        /// It came in.
        Received = "received",
    }
}

words! {
    /// How a call ended.
    CallResult, "call result" {
        /// Somebody listened, as far as is known: without machine detection, or where it is not sure, anybody who picked up.
        Answered = "answered",
        /// A machine picked up, and the script was left on it.
        Voicemail = "voicemail",
        /// A machine or a fax picked up, and nothing was left on it.
        Machine = "machine",
        /// The line was busy, or the call was declined.
        Busy = "busy",
        /// Nobody picked up.
        NoAnswer = "no_answer",
        /// It could not be connected.
        Failed = "failed",
        /// It was taken back before anybody picked up.
        Cancelled = "cancelled",
    }
}

words! {
    /// Where a file of a message is.
    AttachmentState, "attachment state" {
        /// In the blob store.
        Stored = "stored",
        /// At the provider, to be fetched.
        Remote = "remote",
        /// Nowhere: it was left out, or could not be fetched.
        Missing = "missing",
    }
}

/// The topic that stands for a group of a provider's: what is said of the group says nothing of other topics.
#[must_use]
pub fn group_topic(group: &str) -> String {
    let group: String = group.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(60).collect();
    format!("group-{}", group.to_ascii_lowercase())
}

/// Which message an event is about, with what read models group by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageKey {
    /// The message.
    pub message_id: MessageId,
    /// The channel; a conversation has one.
    pub channel: Channel,
    /// The campaign that it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The campaign's variant.
    pub variant: Option<String>,
    /// The conversation that it belongs to.
    pub conversation_id: Option<ConversationId>,
}

/// Which way a message left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The provider's name, such as `twilio`.
    pub provider: String,
    /// The provider account's name.
    pub account: String,
    /// For email, the sending domain.
    pub domain: Option<String>,
}

/// What a provider tells about a message that it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// It was handed on to the receiving side.
    Sent {
        /// The provider's id of the message.
        provider_message_id: Option<String>,
        /// SMS segments; 1 on other channels.
        segments: u32,
        /// What it cost, in micros of `currency`.
        cost_micros: Option<i64>,
        /// Of which currency.
        currency: Option<Currency>,
        /// For email, the `Message-ID` that it left with, where the provider tells.
        #[serde(default)]
        mail_id: Option<String>,
    },
    /// It reached the device or mailbox.
    Delivered,
    /// The receiving side asked to wait.
    Deferred {
        /// The provider's code.
        code: Option<String>,
        /// The receiving server's words.
        #[serde(default)]
        detail: Option<String>,
    },
    /// It came back.
    Bounced {
        /// Whether the address may work later.
        bounce: BounceKind,
        /// Such as `5.1.1`.
        code: Option<String>,
        /// The receiving server's words.
        diagnostic: Option<String>,
    },
    /// It could not be delivered.
    Failed {
        /// What to do about it.
        class: RetryClass,
        /// The provider's code.
        code: Option<String>,
        /// The provider's words.
        detail: Option<String>,
    },
    /// It was opened or read.
    Opened {
        /// The likely cause: a person or a machine.
        class: EngagementClass,
        /// The rule that classed it and its version.
        rule: String,
        /// Whether the provider says that it was a machine; absent if it does not tell.
        #[serde(default)]
        flagged: Option<bool>,
        /// The IP address that asked for the pixel or link.
        ip: Option<String>,
        /// With what.
        user_agent: Option<String>,
    },
    /// A link in it was followed.
    Clicked {
        /// The likely cause: a person or a machine.
        class: EngagementClass,
        /// The rule that classed it and its version.
        rule: String,
        /// Whether the provider says that it was a machine; absent if it does not tell.
        #[serde(default)]
        flagged: Option<bool>,
        /// The link's URL as it stood in the message.
        url: Option<String>,
        /// The IP address that asked for the pixel or link.
        ip: Option<String>,
        /// With what.
        user_agent: Option<String>,
    },
    /// It was put away without being followed: a notification was swiped off, or a message in the product closed.
    Dismissed,
    /// It was reported as spam.
    Complained {
        /// Such as `abuse`.
        kind: Option<String>,
    },
    /// A call is over. Whether the script was heard is reported beside it, as delivered or failed.
    CallEnded {
        /// Answered, busy …
        result: CallResult,
        /// How long it lasted from the moment when it was picked up, in seconds.
        seconds: Option<u32>,
        /// Who picked up, in the provider's own word, where it tested that.
        answered_by: Option<String>,
        /// What it cost, in micros of `currency`.
        cost_micros: Option<i64>,
        /// Of which currency.
        currency: Option<Currency>,
    },
    /// The receiver wants nothing more on this channel at this address.
    OptedOut {
        /// How it was said: `keyword`, `key` (pressed in a call), `one_click`, `provider`.
        method: String,
        /// What about, if not about everything: a provider's group is a topic, see [`group_topic`].
        #[serde(default)]
        topic: Option<String>,
    },
    /// The receiver took an opt-out back, on a page of the provider's.
    OptedIn {
        /// How it was said, as above.
        method: String,
        /// The topic's name; `all` stands for every topic.
        topic: String,
    },
}
