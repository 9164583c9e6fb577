//! Messages in the product: who may read a customer's, and what became of them there.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::app::customers::customer_stream;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::customer::state::Customer;
use crate::domain::customer::token::{CustomerToken, LIVES};
use crate::domain::message::decide::RecordProviderFact;
use crate::domain::refusal::Refusal;
use crate::domain::value::message::{EngagementClass, Report};
use crate::domain::value::token::Correlation;
use crate::ids::{CustomerId, Position};
use crate::log::AppendError;

/// The rule that classes what a page of the product reports: somebody is signed in there, and sees or clicks it. No proxy looks
/// at such a message, and no scanner follows its links.
const RULE: &str = "in_app/1";

/// What became of a message in the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InAppReport {
    /// It was handed to a page.
    Delivered,
    /// It was shown.
    Seen,
    /// Its link was followed.
    Clicked {
        /// The link's URL.
        url: Option<String>,
    },
    /// It was put away.
    Dismissed,
}

impl InAppReport {
    /// What tells it from other reports of the message: each is recorded once, whichever page says it first.
    fn identity(&self) -> String {
        match self {
            Self::Delivered => "delivered".to_owned(),
            Self::Seen => "seen".to_owned(),
            Self::Clicked { .. } => "clicked".to_owned(),
            Self::Dismissed => "dismissed".to_owned(),
        }
    }

    fn report(self) -> Report {
        let (class, rule) = (EngagementClass::Human, RULE.to_owned());
        match self {
            Self::Delivered => Report::Delivered,
            Self::Seen => Report::Opened { class, rule, flagged: None, ip: None, user_agent: None },
            Self::Clicked { url } => Report::Clicked { class, rule, flagged: None, url, ip: None, user_agent: None },
            Self::Dismissed => Report::Dismissed,
        }
    }
}

impl App {
    /// A token for a customer's own program, which lives for so long; with when it ends. Refused for a customer who does not
    /// exist, or was forgotten.
    pub async fn customer_token(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        life: TimeDelta,
    ) -> Result<Result<(String, DateTime<Utc>), Refusal>, AppError> {
        let (shortest, longest) = LIVES;
        if life < shortest || life > longest {
            return Ok(Err(Refusal::invalid("minutes", "must be from 1 to 1440 (a day)")));
        }
        if !self.is_there(caller, customer_id).await? {
            return Ok(Err(Refusal::new("CUSTOMER_UNKNOWN", "this customer does not exist")));
        }
        let secret = self.basis(caller).await?.secret;
        let expires_at = (self.shared.ambient.now() + life).trunc_subsecs(0);
        let token = CustomerToken { tenant: caller.tenant, customer_id, expires_at };
        Ok(Ok((token.seal(&secret), expires_at)))
    }

    /// What a token says; [`None`] if it is not one of ours, has ended, or its customer was forgotten.
    pub async fn open_customer_token(&self, text: &str) -> Result<Option<CustomerToken>, AppError> {
        let Some(tenant) = CustomerToken::claimed_tenant(text) else { return Ok(None) };
        // Asking for the secret of a tenant makes one: not for everybody who makes up an id.
        if !self.is_tenant(tenant).await? {
            return Ok(None);
        }
        let caller = Caller::new(tenant, "token");
        let secret = self.basis(&caller).await?.secret;
        let Some(token) = CustomerToken::open(text, &secret, self.shared.ambient.now()) else { return Ok(None) };
        Ok(self.is_there(&caller, token.customer_id).await?.then_some(token))
    }

    async fn is_there(&self, caller: &Caller, customer_id: CustomerId) -> Result<bool, AppError> {
        let survivor = customer_stream(caller.tenant, self.survivor(caller, customer_id).await?);
        let is_there = |customer: &Customer| customer.must_exist().is_ok();
        self.read_state::<Customer, _>(survivor, |loaded| is_there(&loaded.state)).await
    }

    /// Records what became of a message in the product; the position of the last event. Each report counts once, and none of a
    /// customer who was forgotten.
    pub async fn report_in_app(
        &self,
        caller: &Caller,
        correlation: Correlation,
        report: InAppReport,
    ) -> Result<Option<Position>, AppError> {
        let fact = RecordProviderFact {
            correlation,
            occurred_at: self.shared.ambient.now(),
            provider_event_id: Some(report.identity()),
            report: report.report(),
            raw: None,
        };
        match self.record_provider_fact(caller, fact).await {
            Ok(Outcome::Done(done)) => Ok(Some(done.position)),
            Ok(Outcome::Refused(_)) | Err(AppError::Append(AppendError::SubjectErased { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
