//! What a provider is handed: the message as its channel carries it.

use crate::accounts::Account;
use crate::app::Ticket;
use crate::domain::value::Channel;
use crate::domain::value::form::Form;
use crate::domain::value::token;
use crate::providers::{Attachment, Content};

/// What a provider is handed of a message's files.
#[derive(Default)]
pub(super) struct Files {
    pub attachments: Vec<Attachment>,
    pub media_urls: Vec<String>,
}

/// What the recipient gets.
pub(super) fn content(account: &Account, channel: Channel, ticket: &Ticket, files: Files) -> Content {
    let mut content = Content::of(channel, ticket.content.subject.clone(), ticket.content.body.clone());
    match &mut content {
        Content::Email(email) => {
            let reply_domain = account.terms.reply_domain.as_deref();
            email.reply_to = reply_domain.map(|domain| token::reply_address(&ticket.reply_token, domain));
            email.html.clone_from(&ticket.content.html);
            email.headers = mail_headers(ticket);
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

fn mail_headers(ticket: &Ticket) -> Vec<(String, String)> {
    let domain = ticket.attempt.route.domain.as_deref();
    let id = domain.map(|domain| ("Message-ID".to_owned(), token::mail_id(&ticket.reply_token, domain)));
    let unsubscribe = ticket.unsubscribe.iter().flat_map(|links| {
        [
            ("List-Unsubscribe".to_owned(), links.list_unsubscribe.clone()),
            ("List-Unsubscribe-Post".to_owned(), links.list_unsubscribe_post.to_owned()),
        ]
    });
    id.into_iter().chain(unsubscribe).collect()
}

/// Whether the provider keeps the template that the message is made of.
pub(super) fn is_kept_template(ticket: &Ticket) -> bool {
    matches!(ticket.content.form.as_deref(), Some(Form::Whatsapp(_)))
}
