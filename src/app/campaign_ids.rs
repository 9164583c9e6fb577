//! The ids that a campaign's messages have, whoever asks for them and how often.
//!
//! All of them derive from the campaign and its recipient, and begin with the time at which the campaign was made. Recipients are
//! asked for in the order of their ids, so the ids that derive from them come in that order too: the indexes of a million messages
//! are written page by page.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::ids::{AddressId, CampaignId, CommandId, CustomerId, EventId, Label, MessageId, TenantSecret};

/// Campaigns that were made before this moment ask by ids without an order. A part in work during an upgrade is asked for once
/// more, by the same ids.
const COMMANDS_IN_ORDER_SINCE: DateTime<Utc> =
    DateTime::from_timestamp(1_796_076_000, 0).expect("2026-11-30 22:00 UTC");

/// What the ids of a campaign's messages derive from.
pub(super) struct CampaignIds<'a> {
    pub secret: &'a TenantSecret,
    pub campaign_id: CampaignId,
    /// When the campaign was made.
    pub made_at: DateTime<Utc>,
}

impl CampaignIds<'_> {
    /// The message to a person.
    pub fn message(&self, person: CustomerId) -> MessageId {
        MessageId(self.beside(person, Label::CampaignMessageId))
    }

    /// The command that asks for it: one message for each person.
    pub fn command(&self, person: CustomerId) -> CommandId {
        if self.made_at < COMMANDS_IN_ORDER_SINCE {
            let parts: [&[u8]; 2] = [self.campaign_id.0.as_bytes(), person.0.as_bytes()];
            return CommandId(self.secret.derive(Label::CampaignCommandId, &parts));
        }
        CommandId(self.beside(person, Label::CampaignCommandId))
    }

    /// The event that the message begins with: one message at each address.
    pub fn copy_event(&self, address: AddressId) -> EventId {
        let parts: [&[u8]; 2] = [self.campaign_id.0.as_bytes(), address.0.as_bytes()];
        EventId(self.secret.derive_ordered(self.made_at, Label::CampaignCopyEvent, &parts))
    }

    fn beside(&self, person: CustomerId, label: Label) -> Uuid {
        let parts: [&[u8]; 2] = [self.campaign_id.0.as_bytes(), person.0.as_bytes()];
        self.secret.derive_beside(self.made_at, person.0, label, &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_made_at(secret: &TenantSecret, made_at: DateTime<Utc>) -> CampaignIds<'_> {
        CampaignIds { secret, campaign_id: CampaignId(Uuid::from_u128(7)), made_at }
    }

    fn recipients() -> impl Iterator<Item = CustomerId> {
        (0..512_u128).map(|number| CustomerId(Uuid::from_u128(number << 119 | 0x8000_0000_0000_0000_0005)))
    }

    #[test]
    fn ids_of_messages_and_commands_come_in_the_order_of_the_recipients() {
        let secret = TenantSecret::new([7; 32]);
        let ids = ids_made_at(&secret, COMMANDS_IN_ORDER_SINCE);
        let made: Vec<_> = recipients().map(|person| (ids.message(person), ids.command(person))).collect();
        assert!(made.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1));
        assert_eq!(made, recipients().map(|person| (ids.message(person), ids.command(person))).collect::<Vec<_>>());
        assert!(made.iter().all(|one| one.0.0.get_version_num() == 8 && one.0.0 != one.1.0));
    }

    #[test]
    fn recipients_whose_ids_begin_alike_have_ids_of_their_own() {
        let secret = TenantSecret::new([7; 32]);
        let ids = ids_made_at(&secret, COMMANDS_IN_ORDER_SINCE);
        let made: std::collections::BTreeSet<_> =
            (0..1_000_u128).map(|number| ids.message(CustomerId(Uuid::from_u128(number)))).collect();
        assert_eq!(made.len(), 1_000);
    }

    #[test]
    fn a_campaign_that_is_older_asks_by_the_commands_that_it_began_with() {
        let secret = TenantSecret::new([7; 32]);
        let ids = ids_made_at(&secret, COMMANDS_IN_ORDER_SINCE - chrono::TimeDelta::milliseconds(1));
        let person = CustomerId(Uuid::from_u128(1));
        assert_eq!(ids.command(person).0.to_string(), "d8ce939f-c990-80d5-a1f1-b4312c57d9ed");
    }
}
