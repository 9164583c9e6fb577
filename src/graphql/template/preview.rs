//! Previews of templates.

use async_graphql::{Context, InputObject, OneofObject, Result, SimpleObject};

use super::content::VoiceStep;
use super::object::TemplateInput;
use crate::app::templates::{PreviewTemplate, Previewed, TemplatePreview as Shown};
use crate::campaigns::business::find_business;
use crate::domain::value::{Channel as Way, sms};
use crate::graphql::engine::failure::{field_refused, opaque};
use crate::graphql::engine::guard::require;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Refusal, caller};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Attributes;
use crate::graphql::engine::words::Channel;
use crate::ids::{ActivityId, CustomerId};
use crate::rendering::Business;

/// A saved template.
#[derive(InputObject, Debug, Clone)]
pub struct TemplateVersionInput {
    /// The template's code.
    code: String,
    /// A published version; by default the newest.
    version: Option<u32>,
}

/// The template to preview; exactly one field.
#[derive(OneofObject, Debug, Clone)]
pub enum PreviewedTemplateInput {
    /// The draft of the template with this code.
    Draft(String),
    /// A published version.
    Published(TemplateVersionInput),
    /// A template that is not saved.
    Unsaved(TemplateInput),
}

impl From<PreviewedTemplateInput> for Previewed {
    fn from(input: PreviewedTemplateInput) -> Self {
        match input {
            PreviewedTemplateInput::Draft(code) => Self::Draft { code },
            PreviewedTemplateInput::Published(TemplateVersionInput { code, version }) => {
                Self::Version { code, version }
            }
            PreviewedTemplateInput::Unsaved(input) => Self::Unsaved(input.into()),
        }
    }
}

/// What to preview.
#[derive(InputObject, Debug, Clone)]
pub struct PreviewTemplateInput {
    /// The template.
    template: PreviewedTemplateInput,
    /// The channel.
    channel: Channel,
    /// The customer who would get it; by default nobody, and only `variables` have values. Requires permission to see
    /// personal data.
    customer_id: Option<Of<CustomerId>>,
    /// The order, invoice or other activity that `order` stands for.
    activity_id: Option<Of<ActivityId>>,
    /// The locale; by default the customer's.
    locale: Option<String>,
    /// Values of variables; they precede those of the customer.
    variables: Option<Attributes>,
}

/// A rendered template.
#[derive(SimpleObject, Debug, Clone)]
pub struct TemplatePreview {
    /// The locale of the text.
    locale: String,
    /// The published version; null for a draft.
    version: Option<u32>,
    /// The subject of an email, the title of a notification.
    subject: Option<String>,
    /// The plain text.
    body: String,
    /// The HTML of an email.
    html: Option<String>,
    /// The size of the HTML in bytes; Gmail cuts an email off at 102 KB.
    html_bytes: Option<i32>,
    /// The address that a notification opens.
    link: Option<String>,
    /// The number of SMS segments, as the sender counts them; null on other channels.
    segments: Option<u32>,
    /// Whether the SMS needs UCS-2, whose segments hold 70 characters instead of 160; null on other channels.
    ucs2: Option<bool>,
    /// The values for a template that WhatsApp keeps, in order.
    variables: Vec<String>,
    /// The steps of a call.
    steps: Vec<VoiceStep>,
}

/// The result of `previewTemplate`.
#[derive(SimpleObject, Debug, Clone)]
pub struct TemplatePreviewResult {
    /// The preview; null if it is refused.
    preview: Option<TemplatePreview>,
    /// Why there is no preview, with line and column.
    refusal: Option<Refusal>,
}

impl TemplatePreview {
    fn new(shown: Shown, channel: Way) -> Self {
        let Shown { locale, version, rendered } = shown;
        let is_sms = channel == Way::Sms;
        let (variables, steps) = (rendered.variables().to_vec(), rendered.steps().to_vec());
        Self {
            locale,
            version,
            subject: rendered.subject,
            html_bytes: rendered.html.as_ref().map(|html| i32::try_from(html.len()).unwrap_or(i32::MAX)),
            html: rendered.html,
            link: rendered.link,
            segments: is_sms.then(|| sms::segments(&rendered.body)),
            ucs2: is_sms.then(|| !rendered.body.chars().all(sms::is_gsm)),
            body: rendered.body,
            variables,
            steps: steps.into_iter().map(VoiceStep::of).collect(),
        }
    }
}

/// Renders a template as it would be sent.
pub async fn preview(ctx: &Context<'_>, input: PreviewTemplateInput) -> Result<TemplatePreviewResult> {
    let reading = Reading::of(ctx)?;
    let business = match input.customer_id {
        Some(Of(customer)) => {
            require(ctx, Permission::SeePersonal)?;
            business(reading, customer, input.activity_id.map(|id| id.0)).await?
        }
        None if input.activity_id.is_some() => {
            return Err(field_refused("BAD_ARGUMENT", "activityId needs the customerId that it belongs to"));
        }
        None => Business::default(),
    };
    let channel: Way = input.channel.into();
    let command = PreviewTemplate {
        template: input.template.into(),
        channel,
        locale: input.locale,
        customer_id: input.customer_id.map(|id| id.0),
        business,
        variables: input.variables.unwrap_or_default().0,
    };
    let shown = reading.api.app.preview_template(&caller(ctx, None)?, command).await;
    Ok(match shown.map_err(|error| opaque(reading.api.ambient(), &error))? {
        Ok(shown) => TemplatePreviewResult { preview: Some(TemplatePreview::new(shown, channel)), refusal: None },
        Err(refusal) => TemplatePreviewResult { preview: None, refusal: Some(refusal.into()) },
    })
}

/// What is known of a customer's business: the newest orders, and the activity that a message is about.
pub async fn business(reading: Reading<'_>, customer: CustomerId, activity: Option<ActivityId>) -> Result<Business> {
    let (db, tenant) = (reading.api.reads.db(), reading.session.principal.tenant);
    let found = find_business(&db, tenant, customer, activity).await.map_err(|error| reading.api.failed(&error))?;
    found.ok_or_else(|| field_refused("BAD_ARGUMENT", "activityId: this customer has no such activity"))
}
