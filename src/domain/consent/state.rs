//! Consent as it stands, and what is known of an address.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::customer::event::Source;
use crate::domain::decision::Meta;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Channel;
use crate::ids::ImportId;

/// The method of what undoing an import restores.
pub const UNDONE: &str = "undo";
/// How many words that imports said one above the other are remembered, so that any of them can be undone.
const MAX_BELOW: usize = 8;

/// What a customer last said about one channel and topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The channel.
    pub channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// Opted in, opted out, or asked and to be confirmed.
    pub state: ConsentState,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
    /// The import that brought it.
    pub import_id: Option<ImportId>,
    /// When it was said. Of two words the later said one holds, whatever the order in which they came in.
    pub said_at: DateTime<Utc>,
    /// The version of the event that says so.
    pub version: u64,
    /// What stood before an import said this, so that undoing the import restores it; several imports may have said
    /// something one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Standing>>,
}

impl Standing {
    /// Whether this was said after something else; what was said in the same moment counts in the order of the stream.
    #[must_use]
    pub fn is_later_than(&self, other: &Self) -> bool {
        (self.said_at, self.version) > (other.said_at, other.version)
    }

    /// What stood below, the newest first.
    pub fn below(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.before.as_deref(), |standing| standing.before.as_deref())
    }

    /// Whether this is an opt-out that imports alone have said, `import_id` not among them. What else says it, says
    /// something new: the imports may be undone.
    #[must_use]
    pub fn is_opt_out_of_other_imports(&self, import_id: Option<ImportId>) -> bool {
        let is_of_import = |standing: &Self| standing.import_id.is_some() && standing.state == ConsentState::OptedOut;
        let mut opt_outs = std::iter::once(self).chain(self.below()).take_while(|standing| is_of_import(standing));
        is_of_import(self) && opt_outs.all(|standing| standing.import_id != import_id)
    }

    fn without_what_is_below(mut self, depth: usize) -> Self {
        self.before = match (self.before, depth) {
            (None, _) | (Some(_), 0) => None,
            (Some(before), depth) => Some(Box::new(before.without_what_is_below(depth - 1))),
        };
        self
    }
}

/// Everything that a customer said about being written to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Consents(Vec<Standing>);

impl Consents {
    /// All standings.
    #[must_use]
    pub fn all(&self) -> &[Standing] {
        &self.0
    }

    /// What was last said about exactly this channel and topic.
    #[must_use]
    pub fn of(&self, channel: Channel, topic: &str) -> Option<&Standing> {
        self.0.iter().find(|standing| standing.channel == channel && standing.topic == topic)
    }

    /// What holds for a topic: an opt-out, of the topic or of everything, until something later contradicts it for this
    /// topic; otherwise the topic's own standing before that of everything.
    #[must_use]
    pub fn effective(&self, channel: Channel, topic: &str) -> Option<&Standing> {
        let own = self.of(channel, topic);
        let all = self.of(channel, ALL_TOPICS);
        match (own, all) {
            (Some(own), Some(all)) if all.state == ConsentState::OptedOut && all.is_later_than(own) => Some(all),
            (Some(own), Some(all)) if own.state == ConsentState::None && !own.is_later_than(all) => Some(all),
            (Some(own), _) => Some(own),
            (None, all) => all,
        }
    }

    /// Folds a change in. What was said before what stands changes nothing.
    pub fn apply(&mut self, event: &ConsentChanged, meta: Meta) {
        let is_it = |standing: &Standing| standing.channel == event.channel && standing.topic == event.topic;
        let index = self.0.iter().position(is_it);
        if index.is_some_and(|index| self.0[index].said_at > meta.occurred_at) {
            return;
        }
        let former = index.map(|index| self.0.remove(index));
        let before = if event.method == UNDONE {
            let restored = former.as_ref().and_then(|former| {
                former.below().find(|below| below.import_id == event.import_id && below.state == event.state)
            });
            restored.and_then(|restored| restored.before.clone())
        } else {
            let imported = former.filter(|_| event.import_id.is_some());
            imported.map(|former| Box::new(former.without_what_is_below(MAX_BELOW)))
        };
        self.0.push(Standing {
            channel: event.channel,
            topic: event.topic.clone(),
            state: event.state,
            source: event.source,
            import_id: event.import_id,
            said_at: meta.occurred_at,
            version: meta.version,
            before,
        });
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::ids::EventId;

    fn said(history: &[(&str, ConsentState)]) -> Consents {
        let mut consents = Consents::default();
        for (version, (topic, state)) in (1..).zip(history) {
            let event = ConsentChanged {
                channel: Channel::Email,
                topic: (*topic).to_owned(),
                state: *state,
                source: Source::Api,
                method: "form".to_owned(),
                message_id: None,
                campaign_id: None,
                variant: None,
                import_id: None,
                personal: None,
            };
            consents.apply(&event, Meta { id: EventId(uuid::Uuid::nil()), version, occurred_at: DateTime::UNIX_EPOCH });
        }
        consents
    }

    fn effective(history: &[(&str, ConsentState)]) -> Option<ConsentState> {
        said(history).effective(Channel::Email, "news").map(|standing| standing.state)
    }

    #[test]
    fn nothing_said_is_nothing_known() {
        assert_eq!(effective(&[]), None);
        assert_eq!(said(&[("news", ConsentState::OptedIn)]).effective(Channel::Sms, "news"), None);
    }

    #[test]
    fn opting_out_of_everything_ends_an_earlier_opt_in_to_a_topic() {
        use ConsentState::{OptedIn, OptedOut};
        assert_eq!(effective(&[("news", OptedIn), ("all", OptedOut)]), Some(OptedOut));
    }

    #[test]
    fn opting_in_to_a_topic_after_opting_out_of_everything_holds_for_the_topic() {
        use ConsentState::{OptedIn, OptedOut};
        assert_eq!(effective(&[("all", OptedOut), ("news", OptedIn)]), Some(OptedIn));
    }

    #[test]
    fn opting_in_to_everything_does_not_end_an_opt_out_of_a_topic() {
        use ConsentState::{OptedIn, OptedOut};
        assert_eq!(effective(&[("news", OptedOut), ("all", OptedIn)]), Some(OptedOut));
    }
}
