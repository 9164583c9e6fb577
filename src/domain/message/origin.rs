//! What the text of a message was made of, where nobody wrote it for this message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::canned::decide::CannedUse;
use crate::domain::message::decide::SendMessage;
use crate::domain::message::event::MessageClass;
use crate::domain::refusal::Refusal;
use crate::domain::template::content::TemplateKind;
use crate::domain::template::state::Draft;
use crate::domain::value::Channel;
use crate::domain::value::form::Form;
use crate::ids::{ActivityId, CustomerId};

/// Makes a message of a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UseTemplate {
    /// The template's code.
    pub code: String,
    /// The published version; absent: the newest one, or in a test the draft.
    pub version: Option<u32>,
    /// Instead of the customer's locale.
    pub locale: Option<String>,
    /// Values that stand before those of the customer.
    pub variables: BTreeMap<String, Value>,
    /// The order, invoice or the like that it is about.
    pub activity_id: Option<ActivityId>,
    /// For authors, who see what others would get.
    pub test: Option<Test>,
}

/// A test of a template: it goes to its author, with the values of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Test {
    /// Whose values; absent: those of the receiver.
    pub values_of: Option<CustomerId>,
}

/// The template that a message was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateUse {
    /// The template's code.
    pub code: String,
    /// The published version; absent: a draft that was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The locale of the text.
    pub locale: String,
    /// SHA-256 of the template's texts and of the versions that it includes, in hex.
    pub content_hash: String,
}

/// What a template gave, beside subject and text.
#[derive(Debug, Clone, PartialEq)]
pub struct FromTemplate {
    /// The template.
    pub used: TemplateUse,
    /// A mail's page.
    pub html: Option<String>,
    /// What its channel needs beside the text.
    pub form: Option<Box<Form>>,
    /// The values that were given for this message.
    pub variables: BTreeMap<String, Value>,
}

/// What the text of a message was made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// A canned reply.
    pub canned_reply: Option<CannedUse>,
    /// A template.
    pub template: Option<FromTemplate>,
}

/// The topic of tests.
pub const TEST_TOPIC: &str = "test";

impl UseTemplate {
    /// Checks that a message can be made of a template.
    pub fn check(&self, message: &SendMessage, draft: &Draft) -> Result<(), Refusal> {
        if message.subject.is_some() || !message.body.trim().is_empty() {
            return Err(Refusal::invalid("template", "gives subject and text: leave both out"));
        }
        if draft.kind == TemplateKind::Partial {
            return Err(Refusal::invalid("template", "is a partial, which other templates include"));
        }
        if matches!(message.channel, Channel::Push | Channel::InApp) {
            let words = "messages are made of templates on EMAIL, SMS, WHATSAPP and VOICE only";
            return Err(Refusal::invalid("channel", words));
        }
        let is_marketing = draft.class == MessageClass::Marketing;
        if self.test.is_none() && is_marketing && message.class == MessageClass::Transactional {
            return Err(Refusal::invalid("class", "the template is for marketing, which needs consent"));
        }
        Ok(())
    }
}
