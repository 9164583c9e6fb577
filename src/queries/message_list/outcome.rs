//! What became of a campaign's recipients, as lists of messages are found by it.

use crate::domain::value::message::MessageState;
use crate::domain::value::words;

words! {
    /// What became of a recipient. What a person did afterwards does not take a recipient out of `sent` to `replied`; the
    /// others are where the message stands.
    Outcome, "outcome" {
        /// It waits to be handed to a provider.
        Queued = "queued",
        /// A rule holds it until a time.
        Held = "held",
        /// A rule stopped it.
        Suppressed = "suppressed",
        /// It was cancelled before it was sent.
        Cancelled = "cancelled",
        /// Nobody knows whether a provider took it.
        InDoubt = "in_doubt",
        /// It was refused for good, or could not be delivered.
        Failed = "failed",
        /// It came back, and no person is known to have read it.
        Bounced = "bounced",
        /// A provider took it.
        Sent = "sent",
        /// It arrived by any evidence: delivered, opened or clicked by whoever, replied to, reported or opted out of.
        Delivered = "delivered",
        /// A person opened it.
        Opened = "opened",
        /// A person followed a link in it.
        Clicked = "clicked",
        /// The customer replied.
        Replied = "replied",
        /// It led to an opt-out.
        OptedOut = "opted_out",
        /// It was reported as spam.
        Complained = "complained",
        /// An order belongs to it.
        Converted = "converted",
    }
}

impl Outcome {
    /// The states of its messages, which indexes find; none for what no state tells.
    pub(super) const fn states(self) -> &'static [MessageState] {
        use MessageState as S;
        match self {
            Self::Queued => &[S::Queued, S::Dispatching],
            Self::Held => &[S::Held],
            Self::Suppressed => &[S::Suppressed],
            Self::Cancelled => &[S::Cancelled],
            Self::InDoubt => &[S::InDoubt],
            Self::Failed => &[S::Failed],
            Self::Bounced => &[S::Bounced],
            Self::Sent => &[
                S::Sent,
                S::Deferred,
                S::Failed,
                S::Delivered,
                S::Bounced,
                S::Opened,
                S::Clicked,
                S::Replied,
                S::OptedOut,
                S::Complained,
            ],
            Self::Delivered => {
                &[S::Delivered, S::Bounced, S::Opened, S::Clicked, S::Replied, S::OptedOut, S::Complained]
            }
            Self::Opened => &[S::Opened, S::Clicked, S::Replied, S::OptedOut, S::Complained],
            Self::Clicked => &[S::Clicked, S::Replied, S::OptedOut, S::Complained],
            Self::Replied => &[S::Replied, S::OptedOut, S::Complained],
            Self::OptedOut => &[S::OptedOut, S::Complained],
            Self::Complained => &[S::Complained],
            Self::Converted => &[],
        }
    }

    /// What else holds of them, beside a state.
    pub(super) const fn condition(self) -> Option<&'static str> {
        match self {
            Self::Sent => Some("(m.state || '' <> 'failed' OR m.failed_count > 0)"),
            Self::Delivered => {
                Some("(m.state || '' <> 'bounced' OR m.delivered_count + m.opened_count + m.clicked_count > 0)")
            }
            Self::Opened => Some("m.opened_human_count > 0"),
            Self::Clicked => Some("m.clicked_human_count > 0"),
            Self::Replied => Some("m.replied_count > 0"),
            Self::OptedOut => Some("m.opted_out_count > 0"),
            _ => None,
        }
    }
}
