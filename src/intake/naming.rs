//! Which message of ours a report is about.

use super::threading::PATIENCE;
use super::{Intake, IntakeError};
use crate::accounts::Account;
use crate::domain::value::message::{MessageKey, Route};
use crate::domain::value::token::Correlation;
use crate::ids::{MessageId, TenantId};
use crate::queries::messages;
use crate::queries::messages::MessageRow;

/// Why a report is kept that names a message which the read tables do not show yet. It is looked at again when they do.
pub(super) const UNSEEN: &str = "the message that it is about cannot be read yet";

/// The message that a token names.
pub(super) enum Named {
    Known(Box<Correlation>),
    /// None of ours, or none of this account's provider.
    Unknown,
    /// The read tables may show it later: they are behind the log.
    NotYet,
}

impl From<Option<Correlation>> for Named {
    fn from(correlation: Option<Correlation>) -> Self {
        correlation.map_or(Self::Unknown, |known| Self::Known(Box::new(known)))
    }
}

impl Intake {
    /// What a token says, if it is ours and of this account. Where a provider has no room for a token, the message's id stands
    /// in for it: the provider's signature then vouches for it.
    pub(super) async fn correlated(&self, account: &Account, token: Option<&str>) -> Result<Named, IntakeError> {
        let Some(token) = token else { return Ok(Named::Unknown) };
        if let Ok(message_id) = token.parse::<MessageId>() {
            return self.by_message_id(account, message_id).await;
        }
        let Some(correlation) = self.app.open_token(token).await? else { return Ok(Named::Unknown) };
        let own = account.terms.tenant.is_none_or(|tenant| tenant == correlation.tenant);
        let is_ours = own && correlation.route.provider == account.route().provider;
        Ok(Some(correlation).filter(|_| is_ours).into())
    }

    /// The message of an id, if it is with this account's provider. A token says so itself; an id leaves it to the read tables,
    /// which the report may have overtaken, and to the log: the tables name the provider of a message that was sent, and of
    /// one in doubt the report may be all that will ever be heard.
    async fn by_message_id(&self, account: &Account, message_id: MessageId) -> Result<Named, IntakeError> {
        let tenant = account.terms.tenant.unwrap_or(self.tenant);
        let end = self.app.end().await?;
        if let Some(correlation) = self.look_for(account, tenant, message_id).await? {
            return Ok(Some(correlation).into());
        }
        if *self.reads.applied().borrow() >= end {
            return Ok(Named::Unknown);
        }
        match self.reads.wait_for(end, PATIENCE).await {
            Ok(()) => Ok(self.look_for(account, tenant, message_id).await?.into()),
            Err(error) => {
                tracing::warn!(%error, "a report is kept until its message can be seen");
                Ok(Named::NotYet)
            }
        }
    }

    async fn look_for(
        &self,
        account: &Account,
        tenant: TenantId,
        message_id: MessageId,
    ) -> Result<Option<Correlation>, IntakeError> {
        let Some(row) = messages::by_id(&self.reads.db(), tenant, message_id).await? else { return Ok(None) };
        let provider = account.route().provider.as_str();
        if let Some(known) = &row.provider {
            return Ok(correlation_of(account, &row).filter(|_| known == provider));
        }
        let called = self.app.called_route(tenant, row.customer_id, message_id).await?;
        let called = called.filter(|route| route.provider == provider);
        Ok(called.and_then(|route| Some(Correlation { route, ..correlation_of(account, &row)? })))
    }

    pub(super) async fn by_provider_id(
        &self,
        account: &Account,
        id: Option<&str>,
    ) -> Result<Option<MessageRow>, IntakeError> {
        let Some(id) = id else { return Ok(None) };
        let tenant = account.terms.tenant.unwrap_or(self.tenant);
        Ok(messages::by_provider_id(&self.reads.db(), tenant, &account.route().provider, id).await?)
    }
}

/// The read table's row of a message, as its token would say it.
pub(super) fn correlation_of(account: &Account, row: &MessageRow) -> Option<Correlation> {
    let route = account.route();
    Some(Correlation {
        tenant: row.tenant_id,
        customer_id: row.customer_id,
        key: MessageKey {
            message_id: row.message_id,
            channel: row.channel,
            campaign_id: row.campaign_id,
            variant: row.variant.clone(),
            conversation_id: row.conversation_id,
        },
        address_id: row.address_id,
        route: Route {
            provider: route.provider.clone(),
            account: row.account.clone().unwrap_or_else(|| route.account.clone()),
            domain: row.domain.clone(),
        },
        called_at: row.dispatching_at.unwrap_or(row.created_at),
    })
}
