//! Rewriting what leaves.

use crate::app::addresses::address_stream;
use crate::app::customers::customer_stream;
use crate::app::{App, AppError, Caller, Ticket};
use crate::domain::address::state::Address;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Policy;
use crate::domain::event::Event;
use crate::domain::message::event::{DispatchStarted, MessageEvent, MessageQueuedPersonal};
use crate::domain::message::state::PendingMessage;
use crate::domain::message::tracking::token::{self, Dispatch};
use crate::domain::message::tracking::{Plan, code, links, plan};
use crate::domain::value::engagement::Tracks;
use crate::domain::value::{Channel, sms};
use crate::ids::{CustomerId, MessageId, Position, TenantId, TenantSecret};
use crate::log::StreamId;
use crate::rendering::track;

impl App {
    /// Rewrites a message that is about to be handed to a provider, as the tenant's settings and the customer's consent
    /// want it; what the provider tracks is left to it.
    pub async fn track(&self, caller: &Caller, ticket: &mut Ticket, by_provider: Tracks) -> Result<(), AppError> {
        let message_id = ticket.attempt.key.message_id;
        if let Some((channel, mut plan)) = self.tracking_plan(caller, ticket.customer_id, message_id).await? {
            plan.tracks.opens &= !by_provider.opens;
            plan.tracks.clicks &= !by_provider.clicks;
            let writing = self.writing(caller, message_id, ticket.position, &plan).await?;
            ticket.tracked = writing.rewrite(channel, &mut ticket.content);
        }
        Ok(())
    }

    /// Rewrites what was handed to a provider by a call whose answer was lost, as [`Self::track`] did if settings and consent
    /// are still the same. Mails are not looked for by their texts.
    pub(in crate::app) async fn track_as_sent(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
        content: &mut MessageQueuedPersonal,
    ) -> Result<(), AppError> {
        let Some((channel, plan)) = self.tracking_plan(caller, customer_id, message_id).await? else { return Ok(()) };
        let stream = customer_stream(caller.tenant, customer_id);
        if channel != Channel::Email
            && let Some(position) = self.last_dispatch(stream, message_id).await?
        {
            self.writing(caller, message_id, position, &plan).await?.rewrite(channel, content);
        }
        Ok(())
    }

    async fn writing<'a>(
        &'a self,
        caller: &Caller,
        message_id: MessageId,
        position: Position,
        plan: &'a Plan,
    ) -> Result<Writing<'a>, AppError> {
        let secret = self.basis(caller).await?.secret;
        let public_url = self.public_url();
        let base = plan.url.as_deref().unwrap_or(public_url);
        Ok(Writing { tenant: caller.tenant, position, message_id, base, public_url, plan, secret })
    }

    async fn tracking_plan(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<Option<(Channel, Plan)>, AppError> {
        let policy = self.policy(caller.tenant).await?;
        if policy.tracking == Policy::default().tracking {
            return Ok(None);
        }
        let stream = customer_stream(caller.tenant, customer_id);
        let pending =
            self.read_state::<Customer, _>(stream, |loaded| loaded.state.pending.get(message_id).cloned()).await?;
        let Some(PendingMessage { key, class, topic, address_id, .. }) = pending else { return Ok(None) };
        let address = match address_id {
            None => Address::default(),
            Some(id) => {
                let stream = address_stream(caller.tenant, id);
                self.read_state::<Address, _>(stream, |loaded| loaded.state.clone()).await?
            }
        };
        let survivor = customer_stream(caller.tenant, self.survivor(caller, customer_id).await?);
        let plan_for = |person: &Customer| plan(person, &address, (&key, class, &topic), &policy.tracking);
        let plan = self.read_state::<Customer, _>(survivor, |loaded| plan_for(&loaded.state)).await?;
        Ok(plan.map(|plan| (key.channel, plan)))
    }

    /// The position of the last call that was made for a message.
    async fn last_dispatch(&self, stream: StreamId, message_id: MessageId) -> Result<Option<Position>, AppError> {
        let found = |event: &CustomerEvent| match event {
            CustomerEvent::Message(MessageEvent::DispatchStarted(e)) if e.key.message_id == message_id => Some(()),
            _ => None,
        };
        Ok(self.last_of(stream, None, DispatchStarted::TYPE, found).await?.map(|(position, ())| position))
    }
}

/// What the links of one message become.
struct Writing<'a> {
    tenant: TenantId,
    position: Position,
    message_id: MessageId,
    /// What tracked links begin with.
    base: &'a str,
    public_url: &'a str,
    plan: &'a Plan,
    secret: TenantSecret,
}

impl Writing<'_> {
    /// Rewrites the content; what of it is tracked by us then.
    fn rewrite(&self, channel: Channel, content: &mut MessageQueuedPersonal) -> Tracks {
        match channel {
            Channel::Email => self.rewrite_mail(content),
            Channel::Sms | Channel::Whatsapp if self.plan.tracks.clicks => {
                let shortened = links::replace_in_text(&content.body, |address| self.short(address));
                // Never at the price of another segment.
                if channel == Channel::Whatsapp || sms::segments(&shortened) <= sms::segments(&content.body) {
                    content.body = shortened;
                }
                Tracks { opens: false, clicks: true }
            }
            Channel::Sms | Channel::Whatsapp | Channel::Voice | Channel::Push | Channel::InApp => Tracks::default(),
        }
    }

    fn rewrite_mail(&self, content: &mut MessageQueuedPersonal) -> Tracks {
        let dispatch = Dispatch::new(self.position, self.message_id);
        let link = |address: &str| self.link(dispatch, address);
        if self.plan.text_links {
            content.body = links::replace_in_text(&content.body, link);
        }
        let Some(html) = &content.html else { return Tracks { opens: false, ..self.plan.tracks } };
        let picture = self
            .plan
            .tracks
            .opens
            .then(|| format!("{}/t/o/{}", self.base, token::seal(self.tenant, dispatch, None, &self.secret)));
        content.html = Some(track::rewrite(html, link, picture.as_deref()));
        self.plan.tracks
    }

    /// What a link of a mail becomes; nothing if it stays.
    fn link(&self, dispatch: Dispatch, address: &str) -> Option<String> {
        let target = links::target(address, &[self.public_url, self.base])?;
        let leading = self.plan.parameters.add_to(&target);
        if self.plan.tracks.clicks && leading.len() <= links::MAX_LINK_BYTES {
            let token = token::seal(self.tenant, dispatch, Some(&leading), &self.secret);
            return Some(format!("{}/t/c/{token}", self.base));
        }
        (leading != target).then(|| leading.into_owned())
    }

    fn short(&self, address: &str) -> Option<String> {
        links::target(address, &[self.public_url, self.base])?;
        Some(format!("{}/t/{}", self.base, code::write(self.position, self.message_id, address, &self.secret)))
    }
}
