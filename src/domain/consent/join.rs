//! The consent of a person with two records: on each channel and topic, the stricter of the two. Silence is not a
//! statement: it yields to any consent.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::consent::state::{Consents, Standing};
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Channel;

/// What a survivor's stream has to say, in this order, so that what holds for the whole is what the survivor's own
/// consents say.
///
/// What was said of a topic is kept beside a later opt-out of everything that covers it, in that order: a START, which
/// takes the opt-out of everything back, then gives the same topics back as it would have without the merge.
#[must_use]
pub fn joined(survivor: &Consents, merged: &Consents) -> Vec<ConsentChanged> {
    let mut said = vec![];
    for &channel in Channel::ALL {
        join_channel(channel, survivor, merged, &mut said);
    }
    said
}

/// The method of what a merge joins.
pub const MERGED: &str = "merge";

/// When the newest word about a channel was said by either: what is joined is as new as that.
#[must_use]
pub fn said_at(channel: Channel, survivor: &Consents, merged: &Consents) -> Option<DateTime<Utc>> {
    let standings = survivor.all().iter().chain(merged.all());
    standings.filter(|standing| standing.channel == channel).map(|standing| standing.said_at).max()
}

fn join_channel(channel: Channel, survivor: &Consents, merged: &Consents, said: &mut Vec<ConsentChanged>) {
    let stands = |topic: &str, state| survivor.of(channel, topic).is_some_and(|own| own.state == state);
    let all = stricter(survivor.of(channel, ALL_TOPICS), merged.of(channel, ALL_TOPICS));
    let is_out = |standing: Option<&Standing>| standing.is_some_and(|it| it.state == ConsentState::OptedOut);
    let mut covered = vec![];
    let mut others = vec![];
    for topic in topics(channel, survivor, merged) {
        let holds = stricter(survivor.effective(channel, topic), merged.effective(channel, topic));
        if is_out(all) && is_out(holds) {
            covered.extend(stricter(survivor.of(channel, topic), merged.of(channel, topic)).map(|own| (topic, own)));
        } else {
            others.extend(holds.map(|holds| (topic, holds)));
        }
    }
    // The opt-out of everything must be the later word on each topic that it covers.
    let is_later = |&(topic, own): &(&str, &Standing)| {
        own.state == ConsentState::OptedOut || (stands(topic, own.state) && is_out(survivor.effective(channel, topic)))
    };
    let tells_all = all.filter(|all| !stands(ALL_TOPICS, all.state) || !covered.iter().all(is_later));
    let differs = |&(topic, standing): &(&str, &Standing)| !stands(topic, standing.state);
    said.extend(covered.into_iter().filter(differs).map(|(topic, standing)| says(topic, standing)));
    said.extend(tells_all.map(|all| says(ALL_TOPICS, all)));
    // What holds in spite of an opt-out of everything must come after it.
    let overtaken = is_out(tells_all);
    said.extend(
        others.into_iter().filter(|it| overtaken || differs(it)).map(|(topic, standing)| says(topic, standing)),
    );
}

/// The topics that either of them said something about.
fn topics<'a>(channel: Channel, survivor: &'a Consents, merged: &'a Consents) -> BTreeSet<&'a str> {
    let standings = survivor.all().iter().chain(merged.all());
    let topics = standings.filter(|standing| standing.channel == channel).map(|standing| standing.topic.as_str());
    topics.filter(|topic| *topic != ALL_TOPICS).collect()
}

/// The stricter of two; of equal ones the first. None if nothing was said.
fn stricter<'a>(one: Option<&'a Standing>, other: Option<&'a Standing>) -> Option<&'a Standing> {
    let is_said = |standing: &&Standing| standing.state != ConsentState::None;
    match (one.filter(is_said), other.filter(is_said)) {
        (Some(one), Some(other)) if rank(other.state) > rank(one.state) => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

const fn rank(state: ConsentState) -> u8 {
    match state {
        ConsentState::None => 0,
        ConsentState::OptedIn => 1,
        ConsentState::Pending => 2,
        ConsentState::OptedOut => 3,
    }
}

/// That a standing now holds for the survivor. The evidence stays in the stream of the record that gave it.
fn says(topic: &str, standing: &Standing) -> ConsentChanged {
    ConsentChanged {
        channel: standing.channel,
        topic: topic.to_owned(),
        state: standing.state,
        source: standing.source,
        method: MERGED.to_owned(),
        message_id: None,
        campaign_id: None,
        variant: None,
        import_id: standing.import_id,
        personal: None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::customer::event::Source;
    use crate::domain::decision::Meta;
    use crate::ids::EventId;
    use ConsentState::{None as Nothing, OptedIn, OptedOut, Pending};

    const TOPICS: [&str; 3] = ["news", "offers", ALL_TOPICS];

    fn apply(consents: &mut Consents, version: u64, event: &ConsentChanged) {
        consents.apply(event, Meta { id: EventId(uuid::Uuid::nil()), version, occurred_at: DateTime::UNIX_EPOCH });
    }

    fn said(history: &[(&str, ConsentState)]) -> Consents {
        let mut consents = Consents::default();
        for (version, (topic, state)) in (1..).zip(history) {
            let standing = Standing {
                channel: Channel::Sms,
                topic: String::new(),
                state: *state,
                source: Source::Api,
                import_id: None,
                said_at: DateTime::UNIX_EPOCH,
                version,
                before: None,
            };
            apply(&mut consents, version, &says(topic, &standing));
        }
        consents
    }

    fn whole(survivor: &Consents, merged: &Consents) -> Consents {
        let mut whole = survivor.clone();
        let first = 1 + survivor.all().iter().map(|standing| standing.version).max().unwrap_or(0);
        for (version, event) in (first..).zip(joined(survivor, merged)) {
            apply(&mut whole, version, &event);
        }
        whole
    }

    fn holds(consents: &Consents, topic: &str) -> ConsentState {
        consents.effective(Channel::Sms, topic).map_or(Nothing, |standing| standing.state)
    }

    /// What stands, whenever it was said.
    fn rows(consents: &Consents) -> BTreeSet<(String, u8)> {
        consents.all().iter().map(|standing| (standing.topic.clone(), rank(standing.state))).collect()
    }

    #[test]
    fn the_stricter_one_wins_and_silence_is_no_statement() {
        for (one, other, both) in [
            (vec![("news", OptedIn)], vec![("news", OptedOut)], OptedOut),
            (vec![("news", OptedOut)], vec![("news", OptedIn)], OptedOut),
            (vec![("news", OptedIn)], vec![("news", Pending)], Pending),
            (vec![], vec![("news", OptedIn)], OptedIn),
            (vec![("news", OptedIn)], vec![], OptedIn),
            (vec![("news", OptedIn)], vec![("all", OptedOut)], OptedOut),
            (vec![("all", OptedOut)], vec![("news", OptedIn)], OptedOut),
            (vec![("all", OptedOut), ("news", OptedIn)], vec![("news", OptedIn)], OptedIn),
            (vec![("all", OptedOut), ("news", OptedIn)], vec![("news", OptedIn), ("all", OptedOut)], OptedOut),
        ] {
            let joined = whole(&said(&one), &said(&other));
            assert_eq!(holds(&joined, "news"), both, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn nothing_new_is_not_told() {
        let survivor = said(&[("news", OptedOut), ("offers", OptedIn)]);
        assert_eq!(joined(&survivor, &said(&[("offers", OptedIn)])), []);
        assert_eq!(joined(&survivor, &Consents::default()), []);
    }

    #[test]
    fn a_start_gives_back_what_an_opt_out_of_everything_covered() {
        let mut joined = whole(&said(&[("all", OptedOut)]), &said(&[("news", OptedIn)]));
        assert_eq!(holds(&joined, "news"), OptedOut);
        let start = Standing { state: OptedIn, ..joined.of(Channel::Sms, ALL_TOPICS).expect("stands").clone() };
        apply(&mut joined, 99, &says(ALL_TOPICS, &start));
        assert_eq!(holds(&joined, "news"), OptedIn);
    }

    fn histories() -> impl Strategy<Value = Vec<(&'static str, ConsentState)>> {
        // Nobody is asked to confirm "everything" and a topic of it at once.
        let word = (prop::sample::select(TOPICS.to_vec()), prop::sample::select(vec![OptedIn, OptedOut, Pending]));
        let word = word.prop_map(|(topic, state)| match (topic, state) {
            (ALL_TOPICS, Pending) => (topic, OptedIn),
            other => other,
        });
        prop::collection::vec(word, 0..6)
    }

    proptest! {
        #[test]
        fn what_holds_for_the_whole_is_the_stricter_for_each_topic(one in histories(), other in histories()) {
            let (one, other) = (said(&one), said(&other));
            let joined = whole(&one, &other);
            for topic in TOPICS.into_iter().chain(["never heard of"]) {
                let of = |consents: &Consents| {
                    // A topic that neither names follows what was said of everything.
                    if topic == ALL_TOPICS { consents.of(Channel::Sms, topic).map_or(Nothing, |it| it.state) }
                    else { holds(consents, topic) }
                };
                let expected = if rank(of(&other)) > rank(of(&one)) { of(&other) } else { of(&one) };
                prop_assert_eq!(of(&joined), expected, "{}", topic);
            }
        }

        #[test]
        fn neither_order_nor_grouping_matters(a in histories(), b in histories(), c in histories()) {
            let (a, b, c) = (said(&a), said(&b), said(&c));
            let one_by_one = whole(&whole(&a, &b), &c);
            for other in [whole(&whole(&a, &c), &b), whole(&a, &whole(&b, &c)), whole(&a, &whole(&c, &b))] {
                prop_assert_eq!(rows(&one_by_one), rows(&other));
                for topic in TOPICS {
                    prop_assert_eq!(holds(&one_by_one, topic), holds(&other, topic), "{}", topic);
                }
            }
        }
    }
}
