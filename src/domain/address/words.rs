//! What was said about messages to one address, by anybody who has it: the word that was said last holds for everybody.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::address::event::{AddressEvent, AddressOptedIn, AddressOptedOut, AddressWordsRetracted};
use crate::domain::consent::event::{ConsentChanged, ConsentEvent, ConsentState};
use crate::domain::consent::join::MERGED;
use crate::domain::consent::state::UNDONE;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::decision::{Context, Decided};
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::{Channel, Source};
use crate::ids::{AddressId, CustomerId, EventId, ImportId, Label};

/// One word about a channel and topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The channel.
    pub channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// Whether messages are not wanted; otherwise they are.
    pub is_opt_out: bool,
    /// When it was said.
    pub said_at: DateTime<Utc>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
    /// The import that brought it, which may be undone.
    pub import_id: Option<ImportId>,
}

/// The newest word for each channel, topic and import: of those that can be taken back separately, none covers another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(Vec<Word>);

impl Words {
    /// How many words are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a word in, in any order. Of two that were said in the same moment the opt-out holds.
    pub fn apply(&mut self, word: Word) {
        let is_about_it = |known: &&mut Word| {
            known.channel == word.channel && known.topic == word.topic && known.import_id == word.import_id
        };
        match self.0.iter_mut().find(is_about_it) {
            Some(known) if rank(&word) > rank(known) => *known = word,
            Some(_) => {}
            None => self.0.push(word),
        }
    }

    /// Whether any word is an opt-out.
    #[must_use]
    pub fn has_opt_outs(&self) -> bool {
        self.0.iter().any(|word| word.is_opt_out)
    }

    /// Whether an import said something.
    #[must_use]
    pub fn has_of(&self, import_id: ImportId) -> bool {
        self.0.iter().any(|word| word.import_id == Some(import_id))
    }

    /// Forgets what an import said.
    pub fn retract(&mut self, import_id: ImportId) {
        self.0.retain(|word| word.import_id != Some(import_id));
    }

    /// The opt-out that holds for a topic of a channel, of the topic or of everything; [`None`] if none does. As with a
    /// customer's consent, an opt-in to everything does not end an opt-out of a topic.
    #[must_use]
    pub fn opt_out(&self, channel: Channel, topic: &str) -> Option<&Word> {
        let last = |topic: &str| {
            let words = self.0.iter().filter(|word| word.channel == channel && word.topic == topic);
            words.max_by_key(|word| rank(word))
        };
        let (own, all) = (last(topic), last(ALL_TOPICS));
        match (own, all) {
            (Some(own), _) if own.is_opt_out => Some(own),
            (Some(own), Some(all)) => (all.is_opt_out && rank(all) > rank(own)).then_some(all),
            (Some(_), None) => None,
            (None, all) => all.filter(|all| all.is_opt_out),
        }
    }
}

/// What an event of a customer's says about messages to the customer's addresses; [`None`] if it says nothing of them:
/// what follows from a merge or an undoing was said before, and an import opts no address in, unless with a message that was
/// sent from there.
#[must_use]
pub fn word_of(decided: &Decided<CustomerEvent>) -> Option<&ConsentChanged> {
    let CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) = &decided.event else { return None };
    let is_said = !matches!(changed.method.as_str(), MERGED | UNDONE);
    let counts = match changed.state {
        ConsentState::OptedOut => true,
        ConsentState::OptedIn => changed.source != Source::Import || changed.message_id.is_some(),
        ConsentState::Pending | ConsentState::None => false,
    };
    (is_said && counts).then_some(changed)
}

/// The event that records a word at an address. Its id derives from the customer's event.
#[must_use]
pub fn at_address(
    decided: &Decided<CustomerEvent>,
    word: &ConsentChanged,
    customer_id: CustomerId,
    address_id: AddressId,
    context: &Context<'_>,
) -> Decided<AddressEvent> {
    let kind = word.channel.address_kind();
    let (channel, topic, source) = (word.channel, word.topic.clone(), word.source);
    let (method, message_id) = (word.method.clone(), word.message_id);
    let import_id = word.import_id;
    let event: AddressEvent = if word.state == ConsentState::OptedOut {
        AddressOptedOut { address_id, kind, channel, topic, source, method, customer_id, message_id, import_id }.into()
    } else {
        AddressOptedIn { address_id, kind, channel, topic, source, method, customer_id, message_id, import_id }.into()
    };
    let parts = [decided.id.0.as_bytes().as_slice(), address_id.0.as_bytes()];
    let id = EventId(context.secret.derive(Label::AddressWordEvent, &parts));
    Decided { id, occurred_at: decided.occurred_at, event }
}

/// The event that takes back what an undone import said at an address.
#[must_use]
pub fn retracted(address_id: AddressId, import_id: ImportId, context: &Context<'_>) -> Decided<AddressEvent> {
    let parts = [import_id.0.as_bytes().as_slice(), address_id.0.as_bytes()];
    let id = EventId(context.secret.derive(Label::AddressWordsRetractedEvent, &parts));
    Decided { id, occurred_at: context.now, event: AddressWordsRetracted { address_id, import_id }.into() }
}

/// The later word ranks higher.
fn rank(word: &Word) -> (DateTime<Utc>, bool) {
    (word.said_at, word.is_opt_out)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn word(topic: &str, is_opt_out: bool, second: i64) -> Word {
        Word {
            channel: Channel::Email,
            topic: topic.to_owned(),
            is_opt_out,
            said_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
            source: Source::Customer,
            import_id: None,
        }
    }

    fn heard(words: impl IntoIterator<Item = Word>) -> Words {
        let mut heard = Words::default();
        words.into_iter().for_each(|word| heard.apply(word));
        heard
    }

    #[test]
    fn an_opt_out_of_everything_holds_for_each_topic_until_something_later_contradicts_it() {
        let is_out = |words: &[(&str, bool, i64)]| {
            let words = heard(words.iter().map(|&(topic, is_out, second)| word(topic, is_out, second)));
            words.opt_out(Channel::Email, "news").is_some()
        };
        assert!(is_out(&[("all", true, 1)]));
        assert!(is_out(&[("news", false, 1), ("all", true, 2)]));
        assert!(!is_out(&[("all", true, 1), ("news", false, 2)]));
        assert!(is_out(&[("news", true, 1), ("all", false, 2)]));
        assert!(!is_out(&[("offers", true, 1)]));
        assert!(!is_out(&[("all", true, 1), ("all", false, 2)]));
        assert!(is_out(&[("all", false, 1), ("all", true, 1)]), "of two in the same moment the opt-out holds");
    }

    #[test]
    fn undoing_an_import_restores_what_was_said_otherwise() {
        let import_id = ImportId(Uuid::from_u128(7));
        let imported = Word { import_id: Some(import_id), ..word("all", true, 5) };
        for (before, is_out) in
            [(vec![], false), (vec![word("all", false, 1)], false), (vec![word("all", true, 1)], true)]
        {
            let mut words = heard(before.into_iter().chain([imported.clone()]));
            assert!(words.opt_out(Channel::Email, "all").is_some());
            words.retract(import_id);
            assert_eq!(words.opt_out(Channel::Email, "all").is_some(), is_out);
        }
    }

    proptest! {
        #[test]
        fn order_and_repetition_change_nothing_and_the_last_said_word_holds(
            said in prop::collection::vec((any::<bool>(), 0i64..1_000), 1..12),
            shuffled in any::<u64>(),
        ) {
            let words: Vec<_> = said.iter().map(|&(is_out, second)| word("all", is_out, second)).collect();
            let mut other = words.clone();
            other.extend(words.iter().take(3).cloned());
            let steps = usize::try_from(shuffled % other.len() as u64).unwrap_or_default();
            other.rotate_left(steps);
            other.reverse();
            let last = words.iter().max_by_key(|word| rank(word)).is_some_and(|word| word.is_opt_out);
            for heard in [heard(words), heard(other)] {
                prop_assert_eq!(heard.opt_out(Channel::Email, "news").is_some(), last);
            }
        }
    }
}
