//! What a provider is handed: the message as its channel carries it.

use crate::accounts::Account;
use crate::app::Ticket;
use crate::domain::value::Channel;
use crate::domain::value::form::Form;
use crate::domain::value::token;
use crate::ids::TenantId;
use crate::providers::{Attachment, Content};

/// What a provider is handed of a message's files.
#[derive(Default)]
pub(super) struct Files {
    pub attachments: Vec<Attachment>,
    pub media_urls: Vec<String>,
}

/// How much of a campaign's variant stands in a header.
const LONGEST_VARIANT: usize = 40;

/// What the recipient gets.
pub(super) fn content(tenant: TenantId, account: &Account, channel: Channel, ticket: &Ticket, files: Files) -> Content {
    let mut content = Content::of(channel, ticket.content.subject.clone(), ticket.content.body.clone());
    match &mut content {
        Content::Email(email) => {
            let reply_domain = account.terms.reply_domain.as_deref();
            email.reply_to = reply_domain.map(|domain| token::reply_address(&ticket.reply_token, domain));
            email.html.clone_from(&ticket.content.html);
            email.headers = mail_headers(tenant, ticket);
            email.attachments = files.attachments;
            email.tracked = ticket.tracked;
        }
        Content::Text(text) => text.media_urls = files.media_urls,
        Content::Whatsapp(whatsapp) => {
            whatsapp.media_urls = files.media_urls;
            if let Some(Form::Whatsapp(template)) = ticket.content.form.as_deref() {
                whatsapp.template = Some(template.clone());
            }
        }
        Content::Voice(call) => {
            if let Some(Form::Voice(script)) = ticket.content.form.as_deref() {
                call.steps = Some(script.clone());
            }
        }
        // A file for a channel that has no place for one was refused before.
        Content::Push(_) | Content::InApp(_) => {}
    }
    content
}

fn mail_headers(tenant: TenantId, ticket: &Ticket) -> Vec<(String, String)> {
    let domain = ticket.attempt.route.domain.as_deref();
    let id = domain.map(|domain| ("Message-ID".to_owned(), token::mail_id(&ticket.reply_token, domain)));
    let unsubscribe = ticket.unsubscribe.iter().flat_map(|links| {
        [
            ("List-Unsubscribe".to_owned(), links.list_unsubscribe.clone()),
            ("List-Unsubscribe-Post".to_owned(), links.list_unsubscribe_post.to_owned()),
        ]
    });
    let answers = ticket.thread.last().into_iter().flat_map(|answered| {
        [("In-Reply-To".to_owned(), answered.clone()), ("References".to_owned(), ticket.thread.join(" "))]
    });
    let feedback = ("Feedback-ID".to_owned(), feedback_id(tenant, ticket));
    id.into_iter().chain(answers).chain(unsubscribe).chain([feedback]).collect()
}

/// What mailbox providers report complaints by: campaign, variant, class, and the sender, who is the same in all mail
/// (`support.google.com/mail/answer/6254652`). Nothing in it belongs to one receiver.
fn feedback_id(tenant: TenantId, ticket: &Ticket) -> String {
    let key = &ticket.attempt.key;
    let campaign = key.campaign_id.map_or_else(|| "none".to_owned(), |id| id.0.simple().to_string());
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let variant: String =
        key.variant.iter().flat_map(|name| name.chars()).filter(is_plain).take(LONGEST_VARIANT).collect();
    let variant = if variant.is_empty() { "none" } else { &variant };
    let class = if ticket.unsubscribe.is_some() { "marketing" } else { "transactional" };
    // 5 to 15 letters: the end of the id is random.
    let sender = tenant.0.simple().to_string();
    format!("{campaign}:{variant}:{class}:{}", &sender[sender.len() - 12..])
}

/// Whether the provider keeps the template that the message is made of.
pub(super) fn is_kept_template(ticket: &Ticket) -> bool {
    matches!(ticket.content.form.as_deref(), Some(Form::Whatsapp(_)))
}
