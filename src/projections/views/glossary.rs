//! Columns that mean the same in every table. What a projection file says of a column comes before it.

/// What `person_id` means.
pub const PERSON: &str = "the survivor, which acts for the customer: the same for all merged records of one person";

const COMMON: &[(&str, &str)] = &[
    ("account", "the provider account"),
    ("activity_id", "the activity's id"),
    ("actor", "who did it: an API key, a user, a provider, the command line or the system"),
    ("address_id", "the address's id, the same wherever the tenant uses the address"),
    ("assignee", "the colleague who is responsible; empty for nobody"),
    ("campaign_id", "the campaign's id"),
    ("channel", "email, sms, whatsapp, voice, push or in_app"),
    ("conversation_id", "the conversation's id"),
    ("currency", "ISO 4217, such as EUR"),
    ("customer_id", "the customer's record"),
    ("event_id", "the id of the event in the log"),
    ("import_id", "the import that it came with"),
    ("message_id", "the message's id"),
    ("occurred_at", "when it happened"),
    ("position", "its place in the log; a later one is greater"),
    ("provider", "the provider, such as twilio"),
    ("recorded_at", "when the log recorded it"),
    ("source", "how it was recorded: api, import, inbound, provider, customer or demo"),
    ("team", "the team that is responsible; empty for none"),
    ("tenant_id", "the tenant's id"),
    ("topic", "what it is about, such as newsletter"),
    ("variant", "the campaign's variant; empty without one"),
    ("version", "version of the stream that the row shows"),
];

/// What a column of this name means in every table.
pub fn meaning(column: &str) -> Option<&'static str> {
    COMMON.iter().find(|(name, _)| *name == column).map(|(_, meaning)| *meaning)
}
