//! Messages that are made of templates.

use async_graphql::{Context, InputObject, Result, SimpleObject};

use crate::app::TestMessage;
use crate::domain::message::origin::{Test, UseTemplate};
use crate::graphql::engine::guard::require;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Attributes;
use crate::graphql::engine::words::Channel;
use crate::graphql::template::preview::business;
use crate::ids::{ActivityId, CustomerId};
use crate::queries::messages::MessageRow;
use crate::rendering::Business;

/// The template that a message is made of.
#[derive(InputObject, Debug, Clone)]
pub struct MessageTemplateInput {
    /// The template's code.
    code: String,
    /// The published version; by default the newest.
    version: Option<u32>,
    /// The locale; by default the customer's.
    locale: Option<String>,
    /// Values of variables; they precede those of the customer.
    variables: Option<Attributes>,
    /// The order, invoice or other activity that `order` stands for.
    activity_id: Option<Of<ActivityId>>,
}

/// A test of a template.
#[derive(InputObject, Debug, Clone)]
pub struct TestMessageInput {
    /// The template's code.
    template: String,
    /// The published version; by default the draft.
    version: Option<u32>,
    /// The channel.
    channel: Channel,
    /// The address of the person who looks at the test: a customer on record.
    to: String,
    /// The customer whose values are shown; by default those of the receiver. Requires permission to see personal data.
    customer_id: Option<Of<CustomerId>>,
    /// The order, invoice or other activity that `order` stands for.
    activity_id: Option<Of<ActivityId>>,
    /// The locale; by default that of the customer whose values are shown.
    locale: Option<String>,
    /// Values of variables; they precede those of the customer.
    variables: Option<Attributes>,
}

/// The template that a message was made of.
#[derive(SimpleObject, Debug, Clone)]
pub struct MessageTemplate {
    /// The template's code.
    code: String,
    /// The published version; null for a draft that was tested.
    version: Option<i64>,
    /// The locale of the text.
    locale: Option<String>,
}

impl MessageTemplate {
    /// From a message's row.
    pub fn of(row: &MessageRow) -> Option<Self> {
        let code = row.template.clone()?;
        Some(Self { code, version: row.template_version, locale: row.template_locale.clone() })
    }
}

impl MessageTemplateInput {
    /// The command, and what is known of the customer's business.
    pub async fn read(self, ctx: &Context<'_>, customer: CustomerId) -> Result<(UseTemplate, Business)> {
        let activity_id = self.activity_id.map(|id| id.0);
        let wanted = UseTemplate {
            code: self.code,
            version: self.version,
            locale: self.locale,
            variables: self.variables.unwrap_or_default().0,
            activity_id,
            test: None,
        };
        Ok((wanted, known_business(ctx, customer, activity_id).await?))
    }
}

impl TestMessageInput {
    /// The command, and what is known of the business of the customer whose values are shown.
    pub async fn read(self, ctx: &Context<'_>) -> Result<(TestMessage, Business)> {
        let values_of = self.customer_id.map(|id| id.0);
        let activity_id = self.activity_id.map(|id| id.0);
        let known = match values_of {
            Some(customer) => {
                require(ctx, Permission::SeePersonal)?;
                known_business(ctx, customer, activity_id).await?
            }
            None => Business::default(),
        };
        let template = UseTemplate {
            code: self.template,
            version: self.version,
            locale: self.locale,
            variables: self.variables.unwrap_or_default().0,
            activity_id,
            test: Some(Test { values_of }),
        };
        Ok((TestMessage { channel: self.channel.into(), to: self.to, template }, known))
    }
}

/// What is known of a customer's business, with all that was recorded before this request.
async fn known_business(ctx: &Context<'_>, customer: CustomerId, activity: Option<ActivityId>) -> Result<Business> {
    let reading = Reading::of(ctx)?;
    let recorded = reading.api.app.end_of_log();
    reading.api.wait_for(Some(recorded.into())).await?;
    business(reading, customer, activity).await
}
