//! What customers decide themselves, by links in messages: unsubscribing, confirming, and their preferences.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::consent::event::{ConsentChanged, ConsentChangedPersonal, ConsentState};
use crate::domain::consent::state::Standing;
use crate::domain::consent::token::Token;
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision, Policy};
use crate::domain::message::tracking::{TRACKING, is_agreed};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId};

/// How many choices a preference page offers at most.
const MAX_CHOICES: usize = 100;

/// What proves a decision that was made on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// From which IP address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// The wording that was shown.
    pub wording: String,
}

/// Asks for a confirmation (double opt-in).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestOptIn {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// For which channel.
    pub channel: Channel,
    /// For which topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// The wording that was shown when the customer asked.
    pub wording: Option<String>,
    /// From which IP address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
}

/// One line of a preference page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Choice {
    /// The channel.
    pub channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// Whether marketing about it is sent now.
    pub chosen: bool,
}

/// What a preference page shows of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The channels and topics.
    pub choices: Vec<Choice>,
    /// The language of the customer's messages (BCP 47), if it is known.
    pub locale: Option<String>,
    /// IANA name, if it is known.
    pub time_zone: Option<String>,
    /// When the customer likes to be written to, if that is known.
    pub preferred_hours: Option<String>,
}

/// What a preference page's form says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Preferences {
    /// Nothing more, on any channel.
    Nothing,
    /// Of the lines that were shown, these are wanted.
    Lines {
        /// The lines that were shown, each with its wording.
        shown: BTreeMap<(Channel, String), String>,
        /// Those that are wanted.
        wanted: BTreeSet<(Channel, String)>,
    },
}

fn changed(
    about: (Channel, String),
    state: ConsentState,
    method: &str,
    source: Source,
    customer: &Customer,
    message_id: Option<MessageId>,
    evidence: &Evidence,
) -> ConsentChanged {
    let (campaign_id, variant) = message_id.map(|id| customer.campaign_of(id)).unwrap_or_default();
    // What a browser says is kept as far as an event holds it: nobody's opt-out is lost for a long header.
    let cut = |text: &str, max| text.replace('\0', "\u{FFFD}").chars().take(max).collect::<String>();
    ConsentChanged {
        channel: about.0,
        topic: about.1,
        state,
        source,
        method: method.to_owned(),
        message_id,
        campaign_id,
        variant,
        import_id: None,
        personal: Some(ConsentChangedPersonal {
            wording: Some(cut(&evidence.wording, text::LONG)).filter(|wording| !wording.is_empty()),
            ip: evidence.ip.as_deref().map(|ip| cut(ip, text::SHORT)),
            user_agent: evidence.user_agent.as_deref().map(|agent| cut(agent, text::LONG)),
        }),
    }
}

/// Whether an opt-out stands that no undoing of an import takes back.
fn is_out(customer: &Customer, channel: Channel, topic: &str) -> bool {
    let is_out =
        |standing: &Standing| standing.state == ConsentState::OptedOut && !standing.is_opt_out_of_other_imports(None);
    customer.consents.effective(channel, topic).is_some_and(is_out)
}

/// Ends messages about the token's channel and topic. Once ended, nothing happens.
pub fn unsubscribe(
    state: &Customer,
    token: &Token,
    evidence: &Evidence,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_exist()?;
    if is_out(state, token.channel, &token.topic) {
        return Ok(vec![]);
    }
    let about = (token.channel, token.topic.clone());
    let method = crate::domain::message::report::ONE_CLICK;
    Ok(vec![context.now(changed(
        about,
        ConsentState::OptedOut,
        method,
        Source::Customer,
        state,
        token.message_id,
        evidence,
    ))])
}

/// Records that a customer was asked to confirm. A customer who has opted in is not asked again.
pub fn request(state: &Customer, command: RequestOptIn, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let topic = text::word("topic", &command.topic)?;
    let standing = state.consents.effective(command.channel, &topic);
    if standing.is_some_and(|standing| standing.state == ConsentState::OptedIn) {
        return Err(Refusal::new("OPTED_IN_ALREADY", "the customer has already opted in; there is nothing to confirm"));
    }
    let evidence = Evidence {
        ip: text::optional("ip", command.ip, text::SHORT)?,
        user_agent: text::optional("user_agent", command.user_agent, text::LONG)?,
        wording: text::optional("wording", command.wording, text::LONG)?.unwrap_or_default(),
    };
    let asked = changed(
        (command.channel, topic),
        ConsentState::Pending,
        "double_opt_in",
        command.source,
        state,
        None,
        &evidence,
    );
    Ok(vec![context.now(asked)])
}

/// Confirms a pending opt-in. Once confirmed, nothing happens; an opt-out that came in between stands.
pub fn confirm(state: &Customer, token: &Token, evidence: &Evidence, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let about = (token.channel, token.topic.clone());
    match state.consents.effective(about.0, &about.1).map(|standing| standing.state) {
        Some(ConsentState::OptedIn) => Ok(vec![]),
        Some(ConsentState::Pending) => {
            let source = Source::Customer;
            Ok(vec![context.now(changed(
                about,
                ConsentState::OptedIn,
                "double_opt_in",
                source,
                state,
                token.message_id,
                evidence,
            ))])
        }
        Some(ConsentState::OptedOut | ConsentState::None) | None => {
            Err(Refusal::new("NOT_PENDING", "there is nothing left to confirm"))
        }
    }
}

/// What a customer can choose: every topic that is known of on each channel that reaches them, or the whole channel
/// where no topic is; and whether they are tracked, while the tenant tracks anybody.
#[must_use]
pub fn choices(state: &Customer, policy: &Policy) -> Vec<Choice> {
    let is_reached = |channel: Channel| state.addresses.iter().any(|own| own.kind == channel.address_kind());
    let mut known = BTreeSet::new();
    for standing in state.consents.all() {
        known.insert((standing.channel, standing.topic.clone()));
    }
    known.extend(state.recent.all().map(|contact| (contact.channel, contact.topic.clone())));
    known.retain(|(channel, topic)| topic != ALL_TOPICS && is_reached(*channel));
    for channel in Channel::ALL.iter().copied().filter(|channel| is_reached(*channel)) {
        // Without a topic and without a word about it, only the channels that marketing uses are worth a line.
        let is_usual = matches!(channel, Channel::Email | Channel::Sms | Channel::Whatsapp);
        let is_told = state.consents.of(channel, ALL_TOPICS).is_some();
        if (is_usual || is_told) && !known.iter().any(|(of, topic)| *of == channel && topic != TRACKING) {
            known.insert((channel, ALL_TOPICS.to_owned()));
        }
        if policy.tracking.is_on_for(channel) {
            known.insert((channel, TRACKING.to_owned()));
        }
    }
    let is_allowed =
        |channel, topic: &str| match state.consents.effective(channel, topic).map(|standing| standing.state) {
            Some(ConsentState::OptedIn) => true,
            Some(ConsentState::OptedOut | ConsentState::Pending) => false,
            Some(ConsentState::None) | None => !policy.require_opt_in,
        };
    let chosen = |channel, topic: &str| match topic {
        TRACKING if policy.tracking.is_on_for(channel) => is_agreed(state, None, channel, &policy.tracking),
        topic => is_allowed(channel, topic),
    };
    let lines = known.into_iter().take(MAX_CHOICES);
    lines.map(|(channel, topic)| Choice { chosen: chosen(channel, &topic), channel, topic }).collect()
}

/// Changes what differs from what the page showed, and nothing that it did not show. The wording of a change is the page's
/// question, in `evidence`, and below it the line's.
pub fn prefer(
    state: &Customer,
    token: &Token,
    preferences: &Preferences,
    evidence: &Evidence,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let event = |about, consent: ConsentState, evidence: &Evidence| -> Decided<CustomerEvent> {
        context.now(changed(about, consent, "preferences", Source::Customer, state, token.message_id, evidence))
    };
    let choices = choices(state, context.policy);
    match preferences {
        Preferences::Nothing => {
            let channels: BTreeSet<_> = choices.iter().map(|choice| choice.channel).collect();
            let is_ended = |channel: Channel| {
                is_out(state, channel, ALL_TOPICS)
                    && choices.iter().all(|choice| choice.channel != channel || !choice.chosen)
            };
            let ended = channels.into_iter().filter(|channel| !is_ended(*channel));
            let all = |channel| (channel, ALL_TOPICS.to_owned());
            Ok(ended.map(|channel| event(all(channel), ConsentState::OptedOut, evidence)).collect())
        }
        Preferences::Lines { shown, wanted } => {
            let differs = choices.into_iter().filter_map(|choice| {
                let line = (choice.channel, choice.topic);
                let wording = format!("{}\n{}", evidence.wording, shown.get(&line)?);
                let is_wanted = wanted.contains(&line);
                let consent = if is_wanted { ConsentState::OptedIn } else { ConsentState::OptedOut };
                let evidence = Evidence { wording, ..evidence.clone() };
                (is_wanted != choice.chosen).then(|| event(line, consent, &evidence))
            });
            Ok(differs.collect())
        }
    }
}

/// When a confirmation that was asked for at a time is no longer accepted.
#[must_use]
pub fn confirm_until(asked: DateTime<Utc>) -> DateTime<Utc> {
    asked + crate::domain::consent::token::CONFIRM_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::event::ConsentEvent;
    use crate::domain::consent::token::Purpose;
    use crate::domain::scenario::{ADA, Given, given, mailbox, registered, said};
    use crate::ids::TenantId;
    use ConsentState::{OptedIn, OptedOut, Pending};

    fn token(topic: &str) -> Token {
        Token {
            purpose: Purpose::Unsubscribe,
            tenant: TenantId(uuid::Uuid::nil()),
            customer_id: ADA,
            channel: Channel::Email,
            topic: topic.to_owned(),
            message_id: None,
            expires_at: None,
        }
    }

    fn ada(history: &[(&str, ConsentState)]) -> Given {
        let said = history.iter().map(|(topic, state)| said(topic, *state));
        given([registered(), mailbox("ada@example.org", true)].into_iter().chain(said))
    }

    fn preferred(given: &Given, preferences: &Preferences) -> Vec<(String, ConsentState)> {
        let evidence = Evidence::default();
        let then = given.when(|state, context| prefer(state, &token("all"), preferences, &evidence, context));
        let told = then.events().into_iter().filter_map(|event| match event {
            CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => Some((changed.topic, changed.state)),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn unsubscribing_counts_once() {
        let evidence = Evidence { wording: "Unsubscribe".to_owned(), ..Evidence::default() };
        let out = |given: Given| given.when(|state, context| unsubscribe(state, &token("news"), &evidence, context));
        out(ada(&[])).happens(&["ConsentChanged"]);
        out(ada(&[("news", OptedIn)])).happens(&["ConsentChanged"]);
        out(ada(&[("news", OptedOut)])).happens(&[]);
        out(ada(&[("all", OptedOut)])).happens(&[]);
    }

    #[test]
    fn only_what_is_pending_is_confirmed() {
        let evidence = Evidence::default();
        let confirmed = |given: Given| given.when(|state, context| confirm(state, &token("news"), &evidence, context));
        confirmed(ada(&[("news", Pending)])).happens(&["ConsentChanged"]);
        confirmed(ada(&[("news", OptedIn)])).happens(&[]);
        confirmed(ada(&[("news", Pending), ("news", OptedOut)])).refused_with("NOT_PENDING");
        confirmed(ada(&[("news", Pending), ("all", OptedOut)])).refused_with("NOT_PENDING");
        confirmed(ada(&[])).refused_with("NOT_PENDING");
    }

    #[test]
    fn only_lines_that_were_shown_and_differ_change() {
        let ada = ada(&[("news", OptedIn), ("offers", OptedIn), ("events", OptedOut)]);
        let line = |topic: &str| (Channel::Email, topic.to_owned());
        let shown = |topic: &str| (line(topic), format!("Emails\n{topic}"));
        let preferences = Preferences::Lines {
            shown: [shown("news"), shown("events"), shown("made-up")].into(),
            wanted: [line("events"), line("made-up")].into(),
        };
        let told = [("events".to_owned(), OptedIn), ("news".to_owned(), OptedOut)];
        assert_eq!(preferred(&ada, &preferences), told);
    }

    #[test]
    fn nothing_means_every_channel_and_counts_once() {
        let all = [("all".to_owned(), OptedOut)];
        assert_eq!(preferred(&ada(&[("news", OptedIn)]), &Preferences::Nothing), all);
        assert_eq!(preferred(&ada(&[("news", OptedIn), ("all", OptedOut)]), &Preferences::Nothing), []);
        let since = [("all", OptedOut), ("news", OptedIn)];
        assert_eq!(preferred(&ada(&since), &Preferences::Nothing), all);
    }
}
