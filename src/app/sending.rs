//! Messages that are asked for, and what their texts are made of.

use std::borrow::Cow;
use std::sync::Arc;

use crate::app::addresses::address_stream;
use crate::app::approvals::must_be_approved;
use crate::app::canned::WantedReply;
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{CommandRun, Committed, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::policies::Basis;
use crate::app::templates::{Loaded, Previewed, zone};
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::state::Address;
use crate::domain::canned::decide::UseCannedReply;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::message::attachment::StoredFile;
use crate::domain::message::decide::{self, SendMessage, SendRequest, SentMessage};
use crate::domain::message::event::{MessageClass, MessageEvent};
use crate::domain::message::limits;
use crate::domain::message::origin::{FromTemplate, Origin, TEST_TOPIC, TemplateUse, UseTemplate};
use crate::domain::message::recipient::{self, Line, Number, Receiver};
use crate::domain::refusal::Refusal;
use crate::domain::value::Channel;
use crate::domain::value::limits::Limits;
use crate::ids::{AddressId, CustomerId, MessageId};
use crate::log::CommandKey;
use crate::rendering::{Business, Values};

/// Sends a template to somebody who looks at it.
#[derive(Debug, Clone, PartialEq)]
pub struct TestMessage {
    /// The channel.
    pub channel: Channel,
    /// The address of a customer on record.
    pub to: String,
    /// The template, as a test.
    pub template: UseTemplate,
}

/// What a message is made of.
pub(super) enum Source {
    Written,
    Canned(WantedReply),
    Template(Box<WantedTemplate>),
}

/// A template that a message is to be made of.
pub(super) struct WantedTemplate {
    pub wanted: UseTemplate,
    pub loaded: Arc<Loaded>,
    pub business: Business,
    /// Whose values, if not the receiver's.
    pub values_of: Option<Customer>,
}

/// A message that is to be decided on, with all that the decision needs beside its receiver.
pub(super) struct Prepared {
    pub address: Address,
    /// The number that takes the place of the primary one.
    pub chosen: Option<AddressId>,
    /// The records that were merged into the receiver's.
    merged: Vec<Customer>,
    limits: Limits,
}

impl Prepared {
    /// The receiver with the messages of all records that were merged into the receiver's.
    pub fn person<'a>(&self, state: &'a Customer) -> Cow<'a, Customer> {
        match self.merged.is_empty() {
            true => Cow::Borrowed(state),
            false => Cow::Owned(state.with_messages_of(state, &self.merged)),
        }
    }
}

impl App {
    /// Asks for a message to be sent, perhaps with a canned reply for a body, whose revision the message then pins. The
    /// answer says whether it is queued, held or suppressed.
    pub async fn send_message(
        &self,
        caller: &Caller,
        command: SendMessage,
        canned: Option<UseCannedReply>,
    ) -> Result<Outcome<SentMessage>, AppError> {
        let request = SendRequest { message: command, canned_reply: canned, template: None };
        Stop::outcome(self.send(caller, request, Business::default()).await)
    }

    /// Asks for a message that a template is made into, with what is known of the customer's business. The message keeps
    /// what was made: a later version of the template does not change it.
    pub async fn send_from_template(
        &self,
        caller: &Caller,
        command: SendMessage,
        template: UseTemplate,
        business: Business,
    ) -> Result<Outcome<SentMessage>, AppError> {
        let request = SendRequest { message: command, canned_reply: None, template: Some(template) };
        Stop::outcome(self.send(caller, request, business).await)
    }

    /// Sends a template, or its draft, to one of the customers on record, who looks at it. It is a message like any other,
    /// except that it needs no consent, and that its subject says what it is.
    pub async fn send_test(
        &self,
        caller: &Caller,
        test: TestMessage,
        business: Business,
    ) -> Result<Outcome<SentMessage>, AppError> {
        let address_id = self.id_of_sender(caller, test.channel, &test.to).await?;
        let receiver = self.who_has(caller, test.channel, &test.to).await?.first().copied();
        let (Some(customer_id), Some(address_id)) = (receiver, address_id) else {
            let message =
                "tests go to customers on record, and none has this address: register whoever is to look at it";
            return Ok(Outcome::Refused(Refusal {
                field: Some("to".to_owned()),
                ..Refusal::new("TEST_RECEIVER_UNKNOWN", message)
            }));
        };
        let command = SendMessage {
            customer_id,
            channel: test.channel,
            class: MessageClass::Transactional,
            topic: TEST_TOPIC.to_owned(),
            address_id: Some(address_id),
            subject: None,
            body: String::new(),
            send_at: None,
            in_reply_to: None,
            campaign_id: None,
            variant: None,
            attachments: vec![],
        };
        self.send_from_template(caller, command, test.template, business).await
    }

    async fn send(&self, caller: &Caller, request: SendRequest, business: Business) -> Result<Done<SentMessage>, Stop> {
        let basis = self.basis(caller).await?;
        let key = Self::command_key(caller, &basis.secret, &request)?;
        let (message, source) = self.source(caller, request, business).await?;
        for _ in 0..MAX_ATTEMPTS {
            let customer_id = self.survivor(caller, message.customer_id).await?;
            let command = SendMessage { customer_id, ..message.clone() };
            let files = self.uploads(caller, customer_id, &command.attachments).await?;
            match self.send_to(caller, &basis, key, &command, &files, &source).await {
                // Merged between the look and the decision: look again.
                Err(Stop::Refused(refusal)) if refusal.code == Refusal::MERGED => {}
                Err(stop) => return Err(stop),
                Ok(made) => {
                    self.keep_files(caller, customer_id, files.iter().map(|file| file.attachment_id)).await;
                    return Ok(self.done(&made, |made| self.sent(made)).await?);
                }
            }
        }
        Err(Refusal::customer_merged().into())
    }

    /// The message that is asked for, and what it is made of.
    pub(super) async fn source(
        &self,
        caller: &Caller,
        request: SendRequest,
        business: Business,
    ) -> Result<(SendMessage, Source), Stop> {
        let SendRequest { message, canned_reply, template } = request;
        let source = match (canned_reply, template) {
            (Some(wanted), _) => Source::Canned(self.canned_reply(caller, wanted).await?),
            (None, Some(wanted)) => Source::Template(self.wanted_template(caller, &message, wanted, business).await?),
            (None, None) => Source::Written,
        };
        let message = match source {
            Source::Template(_) => message,
            Source::Canned(_) | Source::Written => self.with_subject(caller, message).await?,
        };
        Ok((message, source))
    }

    async fn send_to(
        &self,
        caller: &Caller,
        basis: &Basis,
        key: Option<CommandKey>,
        command: &SendMessage,
        files: &[StoredFile],
        source: &Source,
    ) -> Result<Committed<CustomerEvent>, Stop> {
        let stream = customer_stream(caller.tenant, command.customer_id);
        let prepared = self.prepare(caller, command).await?;
        self.decide(&CommandRun::new(caller, stream, key), basis, |state: &Customer, context| {
            self.decide_on(caller, basis, command, files, source, &prepared, context.id(), state, context)
        })
        .await
    }

    /// Gathers what a decision needs. Refusals about the recipient come from the decision itself.
    pub(super) async fn prepare(&self, caller: &Caller, command: &SendMessage) -> Result<Prepared, AppError> {
        let stream = customer_stream(caller.tenant, command.customer_id);
        let chosen = self.chosen_number(caller, command).await?;
        let (recipient, absorbed) = self
            .read_state::<Customer, _>(stream, |loaded| {
                let recipient = command.recipient(&loaded.state, chosen).ok().flatten().map(|own| own.address_id);
                (recipient, loaded.state.absorbed.clone())
            })
            .await?;
        let address = match recipient {
            Some(id) => {
                let stream = address_stream(caller.tenant, id);
                let known = self.read_state::<Address, _>(stream, |loaded| loaded.state.clone()).await?;
                // Another process may have lifted what stands against the message. What speaks for it is judged again
                // when it is dispatched.
                match known.may_be_refused(self.shared.ambient.now()) {
                    true => self.read_fresh_state::<Address, _>(stream, |loaded| loaded.state.clone()).await?,
                    false => known,
                }
            }
            None => Address::default(),
        };
        // What all merged records were sent counts too; when it is dispatched, everything is judged again.
        let merged = self.merged_records(caller, &absorbed).await?;
        let merged = merged.into_iter().map(|record| record.state).collect();
        Ok(Prepared { address, chosen, merged, limits: self.limits(caller.tenant, command.channel) })
    }

    /// The number that an SMS goes to instead of the primary one, by what checks found of the customer's numbers.
    async fn chosen_number(&self, caller: &Caller, command: &SendMessage) -> Result<Option<AddressId>, AppError> {
        if command.address_id.is_some() || !recipient::prefers_mobile(command.channel) {
            return Ok(None);
        }
        let (stream, kind) = (customer_stream(caller.tenant, command.customer_id), command.channel.address_kind());
        let own = |state: &Customer| -> Vec<(AddressId, bool)> {
            let of_kind = state.addresses.iter().filter(|own| own.kind == kind);
            of_kind.map(|own| (own.address_id, own.primary)).collect()
        };
        let own = self.read_state::<Customer, _>(stream, |loaded| own(&loaded.state)).await?;
        if own.len() < 2 {
            return Ok(None);
        }
        let (now, mut numbers) = (self.shared.ambient.now(), Vec::with_capacity(own.len()));
        for (address_id, primary) in own {
            let stream = address_stream(caller.tenant, address_id);
            let look = |address: &Address| Line::of(address.validation.as_ref(), now);
            let line = self.read_state::<Address, _>(stream, |loaded| look(&loaded.state)).await?;
            numbers.push(Number { address_id, primary, line });
        }
        Ok(recipient::choose(&numbers))
    }

    /// Makes a message and decides on it.
    #[expect(clippy::too_many_arguments, reason = "all of them are read, and none belongs to another")]
    pub(super) fn decide_on(
        &self,
        caller: &Caller,
        basis: &Basis,
        command: &SendMessage,
        files: &[StoredFile],
        source: &Source,
        prepared: &Prepared,
        message_id: MessageId,
        state: &Customer,
        context: &Context<'_>,
    ) -> Decision<CustomerEvent> {
        let (command, origin) = match source {
            Source::Written => (command.clone(), Origin::default()),
            Source::Canned(wanted) => {
                let (command, used) = wanted.fill(state, command.clone())?;
                (command, Origin { canned_reply: Some(used), template: None })
            }
            Source::Template(wanted) => {
                let filled = self.fill(caller, basis, wanted, state, command, message_id, context);
                let (command, made) = filled?;
                (command, Origin { canned_reply: None, template: Some(made) })
            }
        };
        let Prepared { address, chosen, limits, .. } = prepared;
        let receiver = Receiver { address, chosen: *chosen };
        let to = command.recipient(state, *chosen).ok().flatten().and_then(|own| own.address.as_deref());
        let page = origin.template.as_ref().and_then(|made| made.html.as_ref()).map_or(0, String::len);
        limits::check(limits, &command, page, to, files)?;
        let person = prepared.person(state);
        decide::send(&person, receiver, message_id, command, files.to_vec(), origin, context)
    }

    /// The answer to a command that sends. The text of what is queued is kept for its dispatch.
    pub(super) fn sent(&self, made: &Committed<CustomerEvent>) -> Option<SentMessage> {
        for decided in &made.events {
            if let CustomerEvent::Message(MessageEvent::MessageQueued(queued)) = &decided.event
                && let Some(content) = &queued.personal
                && !queued.is_made_late()
            {
                self.shared.queued.insert(queued.key.message_id, Arc::new(content.clone()));
            }
        }
        let events: Vec<_> = made.events.iter().map(|decided| decided.event.clone()).collect();
        SentMessage::from_events(&events)
    }

    /// A template, checked and compiled, to make a message of.
    async fn wanted_template(
        &self,
        caller: &Caller,
        message: &SendMessage,
        wanted: UseTemplate,
        business: Business,
    ) -> Result<Box<WantedTemplate>, Stop> {
        let code = wanted.code.clone();
        let template = match (&wanted.test, wanted.version) {
            (Some(_), None) => Previewed::Draft { code },
            (_, version) => Previewed::Version { code, version },
        };
        let loaded = self.previewed(caller, template).await.map_err(in_template)?;
        wanted.check(message, &loaded.draft)?;
        let values_of = match wanted.test.as_ref().and_then(|test| test.values_of) {
            Some(id) => Some(self.known_customer(caller, id).await?),
            None => None,
        };
        let own = match &values_of {
            Some(customer) => customer.profile.locale.clone(),
            None => {
                let stream = customer_stream(caller.tenant, self.survivor(caller, message.customer_id).await?);
                self.read_state::<Customer, _>(stream, |loaded| loaded.state.profile.locale.clone()).await?
            }
        };
        // Deciding finds it compiled, unless the customer's locale changes in between.
        let locale = wanted.locale.as_deref().or(own.as_deref());
        self.compile(caller.tenant, &loaded, message.channel, locale).await.map_err(refused_in_template)?;
        Ok(Box::new(WantedTemplate { wanted, loaded: Arc::new(loaded), business, values_of }))
    }

    /// The record that stands for a customer.
    pub(super) async fn known_customer(&self, caller: &Caller, id: CustomerId) -> Result<Customer, Stop> {
        let stream = customer_stream(caller.tenant, self.survivor(caller, id).await?);
        let customer = self.read_state::<Customer, _>(stream, |loaded| loaded.state.clone()).await?;
        customer.must_exist()?;
        Ok(customer)
    }

    /// Makes a message of a template, for a customer as it is decided on.
    #[expect(clippy::too_many_arguments, reason = "all of them are read, and none belongs to another")]
    fn fill(
        &self,
        caller: &Caller,
        basis: &Basis,
        template: &WantedTemplate,
        state: &Customer,
        command: &SendMessage,
        message_id: MessageId,
        context: &Context<'_>,
    ) -> Result<(SendMessage, FromTemplate), Refusal> {
        state.must_exist()?;
        let WantedTemplate { wanted, loaded, business, values_of } = template;
        let shown = values_of.as_ref().unwrap_or(state);
        let locale = wanted.locale.as_deref().or(shown.profile.locale.as_deref());
        let compiled = self.compiled(caller.tenant, loaded, command.channel, locale).map_err(refused_in_template)?;
        must_be_approved(compiled.approval()).map_err(refused_in_template)?;
        let values = Values::for_customer(&wanted.variables, shown, business, &loaded.draft.variables, context.now);
        let links =
            self.links_in_message(caller, basis, command.customer_id, command.channel, &command.topic, message_id);
        let values = links.iter().fold(values, |values, (name, url)| values.with(name, url));
        let rendered = compiled.render(&values, zone(&basis.policy, Some(shown)));
        let rendered = rendered.map_err(Refusal::from).map_err(refused_in_template)?;
        let subject = match &wanted.test {
            Some(_) => rendered.subject.map(|subject| format!("[Test] {subject}")),
            None => rendered.subject,
        };
        let used = TemplateUse {
            code: loaded.draft.code.clone(),
            version: loaded.version,
            locale: compiled.locale.clone(),
            content_hash: loaded.hash.clone(),
        };
        let form = rendered.form.map(Box::new);
        let made = FromTemplate { used, html: rendered.html, form, variables: wanted.variables.clone() };
        Ok((SendMessage { subject, body: rendered.body, ..command.clone() }, made))
    }
}

pub(super) fn in_template(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusal) => Stop::Refused(refused_in_template(refusal)),
        Stop::Failed(error) => Stop::Failed(error),
    }
}

/// A refusal of a template, in the words of the message that was to be made of it.
pub(super) fn refused_in_template(refusal: Refusal) -> Refusal {
    Refusal { field: Some("template".to_owned()), ..refusal }
}
