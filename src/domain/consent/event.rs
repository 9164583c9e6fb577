//! Events of consent, in the customer's stream.

use crate::domain::event::{event, stream_events};
use crate::domain::value::{Channel, Source, words};
use crate::ids::{ImportId, MessageId};

words! {
    /// What a customer agreed to, for one channel and topic.
    ConsentState, "consent state" {
        /// Agreed.
        OptedIn = "opted_in",
        /// Refused or withdrawn.
        OptedOut = "opted_out",
        /// Asked, to be confirmed (double opt-in).
        Pending = "pending",
        /// Nothing is known.
        None = "none",
    }
}

event! {
    /// The state of consent for a channel and topic, as it now is.
    ConsentChanged 1 {
        channel: Channel,
        /// A topic's name; `all` stands for every topic of the channel.
        topic: String,
        state: ConsentState,
        source: Source,
        /// How it was given: `form`, `keyword`, `one_click`, `preferences`, `double_opt_in`, `provider`, `operator`, `import`,
        /// `merge`, `undo`, or a word that the API was given.
        method: String,
        /// The message that led to it: an opt-out counts for that message and its campaign.
        message_id: Option<MessageId>,
        campaign_id: Option<crate::ids::CampaignId>,
        variant: Option<String>,
        import_id: Option<ImportId>,
    }
    personal ConsentChangedPersonal {
        /// The wording that was shown, or the keyword that the customer wrote.
        wording: Option<String>,
        ip: Option<String>,
        user_agent: Option<String>,
    }
}

stream_events! {
    /// What happens with consent, in the customer's stream.
    ConsentEvent {
        ConsentChanged,
    }
}
