//! Commands on consent.

use serde::Serialize;

use crate::domain::consent::event::{ConsentChanged, ConsentChangedPersonal, ConsentState};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::text;
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId};

/// Records what a customer agreed to, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetConsent {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// For which channel.
    pub channel: Channel,
    /// For which topic; `all` stands for every topic of the channel.
    pub topic: String,
    /// Opted in, opted out, or asked and to be confirmed.
    pub state: ConsentState,
    /// How it was given: `form`, `keyword`, `one_click`, `provider`, `operator`.
    pub method: String,
    /// The wording that was shown.
    pub wording: Option<String>,
    /// From which IP address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
}

/// Records consent. The same state again is recorded again: its evidence is new.
pub fn set(state: &Customer, command: SetConsent, context: &Context<'_>) -> Decision<CustomerEvent> {
    state.must_exist()?;
    let (campaign_id, variant) = command.message_id.map(|id| state.campaign_of(id)).unwrap_or_default();
    let event = ConsentChanged {
        channel: command.channel,
        topic: text::word("topic", &command.topic)?,
        state: command.state,
        source: command.source,
        method: text::word("method", &command.method)?,
        message_id: command.message_id,
        campaign_id,
        variant,
        import_id: None,
        personal: Some(ConsentChangedPersonal {
            wording: text::optional("wording", command.wording, text::LONG)?,
            ip: text::optional("ip", command.ip, text::SHORT)?,
            user_agent: text::optional("user_agent", command.user_agent, text::LONG)?,
        }),
    };
    Ok(vec![context.now(event)])
}
