//! What a message needs beside its text, where its channel is not satisfied with a text.

use serde::{Deserialize, Serialize};

use crate::domain::value::script::VoiceScript;

/// What a message's channel needs beside its text; made of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Form {
    /// A WhatsApp message that may begin a conversation.
    Whatsapp(ProviderTemplate),
    /// What a call says, with all values filled in.
    Voice(VoiceScript),
}

/// A template that the provider keeps, with the values for its placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderTemplate {
    /// Its name or id at the provider.
    pub template: String,
    /// The language that it was submitted in, as WhatsApp writes it, such as `en_US`.
    pub language: String,
    /// The values of its placeholders, in order: of `{{1}}`, `{{2}}` …
    pub values: Vec<String>,
}
