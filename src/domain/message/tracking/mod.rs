//! Our own tracking of opens and clicks: whether a message is tracked, and what its links become.
//!
//! A message is tracked if the tenant's settings say so, its topic is not among those that are left alone, and the customer
//! agrees: the word about the topic [`TRACKING`] on the message's channel counts, of the customer and of the address, as
//! for marketing; it is asked again when a link is followed, so that somebody who opts out later is recorded no more.
//! Otherwise nothing is changed, not even the parameters of links.
//!
//! A mail's links lead to `/t/c/<token>`, and its picture is `/t/o/<token>`: see [`token`]. A text message's links become
//! `/t/<code>`: see [`code`]. What is sent is rewritten as it leaves; the log keeps the message as it was written.

pub mod code;
pub mod links;
pub mod parameters;
pub mod token;

use crate::domain::address::state::Address;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::state::Customer;
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::tracking::{ParameterValue, Tracking};
use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::message::MessageKey;

/// The topic under which a customer's word about tracking stands.
pub const TRACKING: &str = "tracking";

/// What is done with a message's links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is tracked; of a text message, clicks are.
    pub tracks: Tracks,
    /// The links in a mail's plain text are treated as those of its HTML.
    pub text_links: bool,
    /// What links get in their query.
    pub parameters: Parameters,
    /// Where tracked links lead, if not to the installation's public URL.
    pub url: Option<String>,
}

/// What links get in their query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Names and values.
    pub pairs: Vec<(String, String)>,
    /// Only links to these hosts and their subdomains; none: all links.
    pub hosts: Vec<String>,
}

/// What is done with a message that is about to leave; [`None`]: nothing. `customer` is the person, and `address` where the
/// message goes.
#[must_use]
pub fn plan(
    customer: &Customer,
    address: &Address,
    message: (&MessageKey, MessageClass, &str),
    settings: &Tracking,
) -> Option<Plan> {
    let (key, class, topic) = message;
    let is_meant = class == MessageClass::Marketing || settings.transactional;
    if !is_meant || settings.untracked_topics.iter().any(|other| other == topic) {
        return None;
    }
    let (tracks, text_links, parameters) = match key.channel {
        Channel::Email => {
            let tracks = Tracks { opens: settings.opens, clicks: settings.clicks };
            (tracks, settings.text_links, Parameters::of(settings, key, topic))
        }
        // The parameters of a short link are added when it is followed: it stays short.
        Channel::Sms | Channel::Whatsapp => {
            (Tracks { opens: false, clicks: settings.short_links }, true, Parameters::default())
        }
        Channel::Voice | Channel::Push | Channel::InApp => return None,
    };
    let does_nothing = tracks == Tracks::default() && parameters.pairs.is_empty();
    if does_nothing || !is_agreed(customer, Some(address), key.channel, settings) {
        return None;
    }
    Some(Plan { tracks, text_links, parameters, url: settings.url.clone() })
}

/// Whether a customer may be tracked on a channel, by their own words and those at the address, where it is known.
#[must_use]
pub fn is_agreed(customer: &Customer, address: Option<&Address>, channel: Channel, settings: &Tracking) -> bool {
    if address.is_some_and(|address| address.words.opt_out(channel, TRACKING).is_some()) {
        return false;
    }
    let standing = customer.consents.effective(channel, TRACKING);
    match standing.map(|standing| standing.state) {
        // Who agrees to messages about everything has not agreed to be watched.
        Some(ConsentState::OptedIn) => {
            !settings.require_opt_in || standing.is_some_and(|standing| standing.topic == TRACKING)
        }
        Some(ConsentState::OptedOut | ConsentState::Pending) => false,
        Some(ConsentState::None) | None => !settings.require_opt_in,
    }
}

impl Parameters {
    /// Those of a message.
    #[must_use]
    pub fn of(settings: &Tracking, key: &MessageKey, topic: &str) -> Self {
        let value = |value: &ParameterValue| match value {
            ParameterValue::Text(text) => Some(text.clone()),
            ParameterValue::Campaign => key.campaign_id.map(|id| id.to_string()),
            ParameterValue::Variant => key.variant.clone(),
            ParameterValue::Topic => Some(topic.to_owned()),
            ParameterValue::Channel => Some(key.channel.word().to_owned()),
            ParameterValue::Message => Some(key.message_id.to_string()),
        };
        let pairs = settings.parameters.iter().filter_map(|parameter| {
            value(&parameter.value).filter(|value| !value.is_empty()).map(|value| (parameter.name.clone(), value))
        });
        Self { pairs: pairs.collect(), hosts: settings.parameter_hosts.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{Given, given, mailbox, registered, said};
    use crate::domain::tenant::tracking::LinkParameter;
    use crate::ids::{CampaignId, MessageId};
    use ConsentState::{OptedIn, OptedOut, Pending};

    fn key(channel: Channel) -> MessageKey {
        let campaign_id = Some(CampaignId(uuid::Uuid::from_u128(7)));
        let message_id = MessageId(uuid::Uuid::from_u128(1));
        MessageKey { message_id, channel, campaign_id, variant: None, conversation_id: None }
    }

    fn on() -> Tracking {
        let parameter = |name: &str, value| LinkParameter { name: name.to_owned(), value };
        Tracking {
            opens: true,
            clicks: true,
            short_links: true,
            untracked_topics: vec!["health".to_owned()],
            parameters: vec![
                parameter("utm_source", ParameterValue::Text("crm".to_owned())),
                parameter("utm_medium", ParameterValue::Channel),
                parameter("utm_campaign", ParameterValue::Campaign),
                parameter("utm_content", ParameterValue::Variant),
            ],
            ..Tracking::default()
        }
    }

    fn ada(history: &[(&str, ConsentState)]) -> Given {
        let said = history.iter().map(|(topic, state)| said(topic, *state));
        given([registered(), mailbox("ada@example.org", true)].into_iter().chain(said))
    }

    fn planned(given: &Given, class: MessageClass, topic: &str, settings: &Tracking) -> Option<Plan> {
        plan(&given.state, &Address::default(), (&key(Channel::Email), class, topic), settings)
    }

    #[test]
    fn nothing_is_tracked_by_default() {
        assert_eq!(planned(&ada(&[]), MessageClass::Marketing, "news", &Tracking::default()), None);
        let links_only = Tracking { text_links: true, transactional: true, ..Tracking::default() };
        assert_eq!(planned(&ada(&[]), MessageClass::Marketing, "news", &links_only), None);
    }

    #[test]
    fn topic_class_and_channel_decide() {
        let marketing = planned(&ada(&[]), MessageClass::Marketing, "news", &on()).expect("is tracked");
        assert_eq!(marketing.tracks, Tracks { opens: true, clicks: true });
        assert_eq!(planned(&ada(&[]), MessageClass::Marketing, "health", &on()), None);
        assert_eq!(planned(&ada(&[]), MessageClass::Transactional, "news", &on()), None);
        let all = Tracking { transactional: true, ..on() };
        assert!(planned(&ada(&[]), MessageClass::Transactional, "news", &all).is_some());
        let by = |channel| {
            let ada = ada(&[]);
            let message = (&key(channel), MessageClass::Marketing, "news");
            plan(&ada.state, &Address::default(), message, &on()).map(|plan| plan.tracks)
        };
        assert_eq!(by(Channel::Sms), Some(Tracks { opens: false, clicks: true }));
        assert_eq!(by(Channel::Voice), None);
        assert_eq!(by(Channel::Push), None);
    }

    #[test]
    fn who_opted_out_of_tracking_or_of_everything_is_left_alone() {
        let is_tracked = |history: &[(&str, ConsentState)], settings: &Tracking| {
            planned(&ada(history), MessageClass::Marketing, "news", settings).is_some()
        };
        assert!(is_tracked(&[("news", OptedOut)], &on()));
        assert!(!is_tracked(&[("tracking", OptedOut)], &on()));
        assert!(!is_tracked(&[("tracking", Pending)], &on()));
        assert!(!is_tracked(&[("all", OptedOut)], &on()));
        assert!(is_tracked(&[("all", OptedOut), ("tracking", OptedIn)], &on()));
        let strict = Tracking { require_opt_in: true, ..on() };
        assert!(!is_tracked(&[], &strict));
        assert!(!is_tracked(&[("all", OptedIn)], &strict));
        assert!(is_tracked(&[("tracking", OptedIn)], &strict));
        assert!(!is_tracked(&[("tracking", OptedIn), ("all", OptedOut)], &strict));
    }

    #[test]
    fn parameters_come_from_the_message_and_do_without_what_it_lacks() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let plan = planned(&ada(&[]), MessageClass::Marketing, "news", &on()).expect("is tracked");
        let campaign = pair("utm_campaign", "00000000-0000-0000-0000-000000000007");
        assert_eq!(plan.parameters.pairs, [pair("utm_source", "crm"), pair("utm_medium", "email"), campaign]);
        let parameters_only = Tracking { opens: false, clicks: false, ..on() };
        let plan = planned(&ada(&[]), MessageClass::Marketing, "news", &parameters_only).expect("links get parameters");
        assert_eq!(plan.tracks, Tracks::default());
    }
}
