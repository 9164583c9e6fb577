//! Commands on messages.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, WordsAt};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::persons::Thing;
use crate::app::{App, AppError, ArrivedFile, Caller, Done, Outcome};
use crate::domain::address::decide::{Said, start, stop, stop_at};
use crate::domain::address::event::{AddressEvent, SuppressionReason};
use crate::domain::address::outcomes::{self, AddressOutcome};
use crate::domain::address::state::Address;
use crate::domain::campaign::event::PauseCause;
use crate::domain::consent::event::{ConsentChanged, ConsentEvent};
use crate::domain::customer::decide::{AddressInput, ProfileInput, RegisterCustomer, Registration, id_of_sender};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided};
use crate::domain::message::attachment::ReceivedFile;
use crate::domain::message::decide::{
    self, CancelMessage, InboundMessage, ReceiveMessage, ReceivedMessage, RecordProviderFact,
};
use crate::domain::message::event::MessageEvent;
use crate::domain::message::report;
use crate::domain::refusal::Refusal;
use crate::domain::value::Keyword;
use crate::domain::value::message::{Report, RetryClass};
use crate::domain::value::token::Correlation;
use crate::domain::value::{AddressKind, Channel, address};
use crate::ids::{AddressId, CommandId, CustomerId, Label, MessageId, Position, TenantSecret};
use crate::log::{AppendError, CommandKey, ReadLimit};
use crate::traces;

impl App {
    /// Takes a message back that was not dispatched yet.
    pub async fn cancel_message(
        &self,
        caller: &Caller,
        command: CancelMessage,
    ) -> Result<Outcome<MessageId>, AppError> {
        let id = command.message_id;
        let is_held_by = move |state: &Customer| state.pending.get(id).is_some();
        let thing = Thing { customer_id: command.customer_id, is_held_by };
        let decide =
            |state: &Customer, command: CancelMessage, context: &Context<'_>| decide::cancel(state, &command, context);
        self.run_on_holder(caller, thing, command, decide, |_| Some(id)).await
    }

    /// Takes in a message that a customer wrote. A provider's message id is taken in once.
    pub async fn receive_message(
        &self,
        caller: &Caller,
        command: ReceiveMessage,
    ) -> Result<Outcome<ReceivedMessage>, AppError> {
        self.receive_with_files(caller, command, vec![]).await
    }

    /// As [`Self::receive_message`], with the files that came along.
    pub async fn receive_with_files(
        &self,
        caller: &Caller,
        command: ReceiveMessage,
        files: Vec<ArrivedFile>,
    ) -> Result<Outcome<ReceivedMessage>, AppError> {
        Stop::outcome(self.receive(caller, command, files).await)
    }

    async fn receive(
        &self,
        caller: &Caller,
        command: ReceiveMessage,
        files: Vec<ArrivedFile>,
    ) -> Result<Done<ReceivedMessage>, Stop> {
        let basis = self.basis(caller).await?;
        let key = received_key(caller, &basis.secret, &command)?;
        let message_id = self.received_id(&basis, key.as_ref(), command.occurred_at);
        let mut inbound = self.deciding(&basis, |context| InboundMessage::read(message_id, command, context));
        if inbound.keyword.is_some() && inbound.command.occurred_at.is_none() {
            // A word was said when it came in first, however often it comes in.
            inbound.command.occurred_at = self.first_arrival(caller, key.as_ref()).await?;
        }
        let customer_id = match inbound.command.customer_id {
            Some(id) => id,
            None => {
                let name = inbound.command.arrival.as_ref().and_then(|arrival| arrival.details.sender_name.clone());
                self.find_or_register_sender(caller, &basis, inbound.sender.as_ref(), name, key.as_ref()).await?
            }
        };
        let customer_id = self.survivor(caller, customer_id).await?;
        let at = inbound.command.occurred_at.unwrap_or_else(|| self.shared.ambient.now());
        let (keyword, source) = (inbound.keyword, inbound.command.source);
        let said = inbound.sender.as_ref().map(|sender| {
            let (address_id, kind) = (sender.id(&basis.secret), sender.kind());
            Said { address_id, kind, message_id, customer_id, at, source }
        });
        // A number that says STOP hears nothing more; who unsubscribes from mail still gets what is no marketing.
        let at_number = said.filter(|said| said.kind == AddressKind::Phone);
        // The address first: once a STOP is acknowledged, or lost half-way, nothing more is sent there.
        if let (Some(Keyword::Stop), Some(said)) = (keyword, at_number) {
            let run = CommandRun::new(caller, address_stream(caller.tenant, said.address_id), None);
            let stopped = self.decide::<Address>(&run, &basis, |state, context| stop(state, said, context)).await;
            // A refusal means that the same message was recorded before, with another of those who share the number.
            let _ = Stop::refusal(stopped)?;
        }
        inbound.files = self.store_arrived(caller, customer_id, message_id, files).await?;
        let words = said.map_or(WordsAt::All, |said| WordsAt::From(said.address_id));
        let made = self
            .decide_on_survivor(caller, &basis, customer_id, key, Some(words), |state, survivor, context| {
                decide::receive(state, survivor, inbound.clone(), context)
            })
            .await?;
        let stored = inbound.files.iter().filter_map(|file| match file {
            ReceivedFile::Stored(file) => Some(file.attachment_id),
            ReceivedFile::Remote { .. } | ReceivedFile::Missing { .. } => None,
        });
        self.keep_files(caller, customer_id, stored).await;
        // The evidence first: only a START that is on record lifts anything.
        if let (Some(Keyword::Start), Some(said)) = (keyword, at_number) {
            let run = CommandRun::new(caller, address_stream(caller.tenant, said.address_id), None);
            let started = self.decide::<Address>(&run, &basis, |state, context| start(state, said, context)).await;
            let _ = Stop::refusal(started)?;
        }
        if made.repeated {
            self.record_words(caller, &made, said.map(|said| said.address_id)).await?;
        }
        Ok(self.done(&made, received).await?)
    }

    /// When a message that is handed over again was taken in; [`None`] if it is new.
    async fn first_arrival(
        &self,
        caller: &Caller,
        key: Option<&CommandKey>,
    ) -> Result<Option<DateTime<Utc>>, AppError> {
        let Some(key) = key else { return Ok(None) };
        let backend = self.shared.journal.backend();
        let Some((_, appended)) = backend.find_command(caller.tenant, key.id).await? else { return Ok(None) };
        let before = appended.first_version.saturating_sub(1);
        let events = backend.read_stream(appended.stream, before, ReadLimit::events(1)).await?;
        Ok(events.first().map(|event| event.envelope.occurred_at))
    }

    /// The id of the address that a message came from or went to, as a provider writes it.
    pub async fn id_of_sender(
        &self,
        caller: &Caller,
        channel: Channel,
        from: &str,
    ) -> Result<Option<AddressId>, AppError> {
        let basis = self.basis(caller).await?;
        let sender = self.deciding(&basis, |context| decide::sender(channel, from, context));
        Ok(sender.map(|sender| sender.id(&basis.secret)))
    }

    /// The customers who have an address, by the time of their claims; nobody if the channel does not reach it.
    pub async fn who_has(&self, caller: &Caller, channel: Channel, from: &str) -> Result<Vec<CustomerId>, AppError> {
        let Some(address_id) = self.id_of_sender(caller, channel, from).await? else { return Ok(vec![]) };
        let stream = address_stream(caller.tenant, address_id);
        self.read_state::<Address, _>(stream, |loaded| loaded.state.claims.clone()).await
    }

    /// The id of an inbound message: derived where the message can be handed over again, so that what it leads to in
    /// other streams is recorded once.
    fn received_id(&self, basis: &Basis, key: Option<&CommandKey>, occurred_at: Option<DateTime<Utc>>) -> MessageId {
        MessageId(match (key, occurred_at) {
            (None, _) => self.shared.ambient.uuid(),
            (Some(key), Some(at)) => basis.secret.derive_ordered(at, Label::InboundMessageId, &[key.id.0.as_bytes()]),
            (Some(key), None) => basis.secret.derive(Label::InboundMessageId, &[key.id.0.as_bytes()]),
        })
    }

    /// The customer who has the address that a message came from, or a new one of whom only the address is known. Where
    /// several have it, the first who claimed it and still does: the order of claims is that of the address's stream, so
    /// every node finds the same one. A merged customer keeps its place, and the survivor is found by it. Who was forgotten
    /// and writes again is a new customer; a message that was taken in before that makes none.
    async fn find_or_register_sender(
        &self,
        caller: &Caller,
        basis: &Basis,
        sender: Option<&address::Address>,
        name: Option<String>,
        key: Option<&CommandKey>,
    ) -> Result<CustomerId, Stop> {
        let Some(sender) = sender else {
            let message = "must be an address that the channel reaches, or the customer must be named";
            return Err(Refusal::invalid("from", message).into());
        };
        let address_id = sender.id(&basis.secret);
        let stream = address_stream(caller.tenant, address_id);
        let owner = self.read_state::<Address, _>(stream, |loaded| loaded.state.claims.first().copied()).await?;
        if let Some(owner) = owner {
            return Ok(owner);
        }
        if let Some(key) = key
            && let Some((_, appended)) =
                self.shared.journal.backend().find_command(caller.tenant, key.id).await.map_err(AppError::from)?
        {
            return Ok(CustomerId(appended.stream.key));
        }
        let mut forgotten = 0;
        let id = loop {
            let id = id_of_sender(&basis.secret, address_id, forgotten);
            let stream = customer_stream(caller.tenant, id);
            if !self.read_fresh_state::<Customer, _>(stream, |loaded| loaded.state.is_forgotten()).await? {
                break id;
            }
            forgotten += 1;
        };
        let run = CommandRun::new(caller, customer_stream(caller.tenant, id), None);
        let made = self
            .decide::<Customer>(&run, basis, |state, context| {
                if state.must_be_known().is_ok() {
                    return Ok(vec![]);
                }
                let input = AddressInput {
                    kind: sender.kind(),
                    address: sender.text().to_owned(),
                    region: None,
                    label: None,
                    primary: true,
                };
                let command = RegisterCustomer {
                    profile: ProfileInput { name: name.clone(), ..ProfileInput::default() },
                    addresses: vec![input],
                    source: Source::Inbound,
                };
                crate::domain::customer::decide::register(state, command, Registration::default(), context)
            })
            .await?;
        self.follow_addresses(caller, &made).await?;
        Ok(id)
    }

    /// Records a provider's callback. Callbacks may come in any order, and repeatedly.
    pub async fn record_provider_fact(
        &self,
        caller: &Caller,
        command: RecordProviderFact,
    ) -> Result<Outcome<MessageId>, AppError> {
        let basis = self.basis(caller).await?;
        let Correlation { customer_id, ref key, .. } = command.correlation;
        let message_id = key.message_id;
        traces::concerns(message_id);
        let topic = match &command.report {
            // What the receiver had before their eyes.
            Report::OptedOut { topic: Some(_), .. } => {
                let stream = customer_stream(caller.tenant, customer_id);
                self.read_state::<Customer, _>(stream, |loaded| loaded.state.topic_of(message_id)).await?
            }
            _ => None,
        };
        let (events, suppression) =
            self.deciding(&basis, |context| report::events(&command, topic.as_deref(), context));
        // The address first: once this callback is acknowledged, nothing more may be sent there.
        let mut told = vec![];
        if let Some((address_id, event)) = suppression {
            let stream = address_stream(caller.tenant, address_id);
            let is_stop =
                matches!(&event.event, AddressEvent::AddressSuppressed(e) if e.reason == SuppressionReason::Stop);
            if is_stop {
                let run = CommandRun::new(caller, stream, None);
                let decide = |state: &Address, _: &Context<'_>| Ok(stop_at(state, event.clone()));
                // A refusal means that it was recorded before.
                let _ = Stop::refusal(self.decide::<Address>(&run, &basis, decide).await)?;
            } else {
                told.push(self.append_fact::<Address>(caller, stream, None, vec![event]).await);
            }
        }
        let reached = match report::outcome(&command) {
            Some(outcome) => self.record_outcome(caller, &basis, outcome).await?,
            None => None,
        };
        let stream = customer_stream(caller.tenant, customer_id);
        let words = words(&events);
        self.record_words_at(caller, customer_id, &events, command.correlation.address_id).await?;
        if !events.is_empty() {
            told.push(self.append_reported::<Customer>(caller, stream, events, command.raw.as_deref()).await);
        }
        // The message stays where it was sent; that its receiver wants no more counts for the whole person.
        let stands_at = match told.last() {
            Some(Ok(appended)) => Some(appended.last_version),
            // It was recorded before, in other words, and perhaps not passed on: wherever it stands.
            Some(Err(AppError::Append(AppendError::EventIdTaken { .. }))) => Some(u64::MAX),
            Some(Err(_)) | None => None,
        };
        let passed_on = match stands_at {
            Some(version) if !words.is_empty() => self.pass_on(caller, customer_id, version, words).await?,
            _ => None,
        };
        let mut made = Committed::<CustomerEvent> { stream, events: vec![], position: None, repeated: true };
        for appended in told {
            match appended {
                Ok(appended) => {
                    made.position = made.position.max(Some(appended.position));
                    made.repeated &= appended.already;
                }
                // The same callback in other words: the first one stands.
                Err(AppError::Append(AppendError::EventIdTaken { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        if !made.repeated
            && let Report::Failed { class: RetryClass::Configuration, code, .. } = &command.report
            && let Some(campaign_id) = command.correlation.key.campaign_id
        {
            // What an operator must mend, such as a template that was paused, meets all other recipients as well.
            let code = code.as_deref().unwrap_or("no code");
            let reason = format!("the provider failed a message until its settings are mended: {code}");
            self.stop_campaign(caller, campaign_id, PauseCause::Failure, &reason, None).await?;
        }
        made.position = made.position.max(reached).max(passed_on);
        Ok(Outcome::Done(self.done(&made, |_| Some(message_id)).await?))
    }

    /// Tells an address whether a message arrived, where that changes what is known of it: usually a delivery does not,
    /// and costs a look at the state in memory. The position of what was recorded.
    async fn record_outcome(
        &self,
        caller: &Caller,
        basis: &Basis,
        reported: AddressOutcome,
    ) -> Result<Option<Position>, AppError> {
        let stream = address_stream(caller.tenant, reported.address_id);
        if reported.outcome.delivered
            && !self.read_state::<Address, _>(stream, |loaded| loaded.state.outcomes.has_bounces()).await?
        {
            return Ok(None);
        }
        let run = CommandRun::new(caller, stream, None);
        let made =
            self.decide::<Address>(&run, basis, |state, context| outcomes::record(state, reported, context)).await;
        // A refusal means that it was recorded before, and forgotten since.
        Ok(Stop::refusal(made)?.ok().and_then(|made| made.position))
    }
}

/// What events say about being written to, and when it was said.
fn words(events: &[Decided<CustomerEvent>]) -> Vec<(DateTime<Utc>, ConsentChanged)> {
    let said = events.iter().filter_map(|decided| match &decided.event {
        CustomerEvent::Consent(ConsentEvent::ConsentChanged(changed)) => Some((decided.occurred_at, changed.clone())),
        _ => None,
    });
    said.collect()
}

/// A provider's message id identifies the message; otherwise the caller's idempotency key does.
fn received_key(
    caller: &Caller,
    secret: &TenantSecret,
    command: &ReceiveMessage,
) -> Result<Option<CommandKey>, Refusal> {
    let Some(id) = &command.provider_message_id else {
        return App::command_key(caller, secret, command);
    };
    // Mail programs of several senders give one id; of one sender, too (mikel/mail's fixtures): the content decides.
    let content = match command.channel {
        Channel::Email => {
            let mut digest = Sha256::new();
            for text in [command.subject.as_deref().unwrap_or_default(), &command.body] {
                digest.update((text.len() as u64).to_be_bytes());
                digest.update(text);
            }
            digest.finalize().to_vec()
        }
        Channel::Sms | Channel::Whatsapp | Channel::Voice | Channel::Push | Channel::InApp => vec![],
    };
    let from = command.from.as_deref().unwrap_or_default().trim().to_lowercase();
    let parts = [
        command.channel.word().as_bytes(),
        command.provider.as_bytes(),
        id.as_bytes(),
        from.as_bytes(),
        content.as_slice(),
    ];
    Ok(Some(CommandKey {
        id: CommandId(secret.derive(Label::InboundCommandId, &parts)),
        fingerprint: secret.fingerprint(Label::InboundCommandInput, &parts),
    }))
}

fn received(made: &Committed<CustomerEvent>) -> Option<ReceivedMessage> {
    made.events.iter().find_map(|decided| match &decided.event {
        CustomerEvent::Message(MessageEvent::MessageReceived(message)) => Some(ReceivedMessage {
            customer_id: CustomerId(made.stream.key),
            message_id: message.key.message_id,
            conversation_id: message.key.conversation_id,
        }),
        _ => None,
    })
}
