//! Handing a mail to Mailgun.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{Mailgun, TOKEN, errors};
use crate::domain::value::message::RetryClass;
use crate::providers::kit::client::{Reply, call};
use crate::providers::kit::mail::{Mailbox, checked, is_mailbox};
use crate::providers::kit::texts;
use crate::providers::{Accepted, Attachment, Content, EmailContent, OutboundMessage, SendError};

/// What a file is called that has no name: Mailgun drops a part without one, and says nothing.
const UNNAMED: &str = "file";
/// What stands before the refusals that a domain of the other region gets.
const REGION: &str = "the key or the domain is not known here; a domain of the EU needs the region eu, another one us";

pub(super) async fn send(mailgun: &Mailgun, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let Content::Email(email) = &message.content else { return Err(SendError::channel_not_served()) };
    let form = form(mailgun, message, email)?;
    let request = mailgun.api.request(Method::POST, &format!("/v3/{}/messages", mailgun.settings.domain))?;
    let reply = call(request.multipart(form)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, mailgun));
    }
    let id = reply.json().and_then(|answer| bare_id(answer.get("id")?.as_str()?));
    let provider_message_id = Some(id.ok_or_else(|| reply.unproved())?);
    Ok(Accepted { provider_message_id, segments: 1, cost: None })
}

/// Asks for the domain. A domain's sending key may not do that: then a mail without a receiver is posted, which Mailgun
/// refuses for just that reason if the key may send.
pub(super) async fn check(mailgun: &Mailgun) -> Result<(), SendError> {
    let domain = &mailgun.settings.domain;
    let reply = call(mailgun.api.request(Method::GET, &format!("/v3/domains/{domain}"))?).await?;
    match reply.status {
        200 => {
            let answer = reply.json().ok_or_else(|| reply.unproved())?;
            match answer["domain"]["state"].as_str() {
                Some("active") => Ok(()),
                Some(state) => {
                    let detail = format!("the domain is {}", texts::bounded(state, 40));
                    Err(SendError::refused(RetryClass::Configuration, Some("domain".to_owned()), detail))
                }
                None => Err(reply.unproved()),
            }
        }
        401 | 403 => {
            let request = mailgun.api.request(Method::POST, &format!("/v3/{domain}/messages"))?;
            let probe = Form::new().text("from", mailgun.settings.from.written()).text("o:testmode", "yes");
            let reply = call(request.multipart(probe)).await?;
            let is_refused_for_it = reply.status == 400 && words(&reply).is_some();
            if is_refused_for_it { Ok(()) } else { Err(refusal(&reply, mailgun)) }
        }
        _ => Err(refusal(&reply, mailgun)),
    }
}

/// One receiver, so that every event says whose it is, and nobody sees another one's address.
fn form(mailgun: &Mailgun, message: &OutboundMessage, email: &EmailContent) -> Result<Form, SendError> {
    let settings = &mailgun.settings;
    // A comma would make two receivers of it.
    if !is_mailbox(&message.to) {
        let detail = "the receiver is not one address";
        return Err(SendError::refused(RetryClass::Permanent, Some("to".to_owned()), detail));
    }
    let from = message.from.as_deref().map_or_else(|| settings.from.clone(), Mailbox::read);
    // Names of files go as they are, in UTF-8: a file whose name is encoded (RFC 2231) is dropped, and nothing said.
    let mut form = Form::new().percent_encode_noop();
    let mut put = |name: String, value: String| form = std::mem::take(&mut form).text(name, value);
    put("from".to_owned(), from.written());
    put("to".to_owned(), message.to.clone());
    put("subject".to_owned(), texts::one_line(email.subject.as_deref().unwrap_or_default()));
    if !email.text.is_empty() || email.html.is_none() {
        put("text".to_owned(), email.text.clone());
    }
    if let Some(html) = &email.html {
        put("html".to_owned(), html.clone());
    }
    if let Some(reply_to) = &email.reply_to {
        put("h:Reply-To".to_owned(), Mailbox::read(reply_to).written());
    }
    for (name, value) in checked(&email.headers)? {
        put(format!("h:{name}"), value.clone());
    }
    if let Some(token) = &message.token {
        put(format!("v:{TOKEN}"), token.clone());
    }
    // What is tracked already is not tracked again, however the domain is set up there.
    let clicks = if email.tracked.clicks { Some(false) } else { settings.track_clicks };
    let opens = if email.tracked.opens { Some(false) } else { settings.track_opens };
    for (name, setting) in [("o:tracking-clicks", clicks), ("o:tracking-opens", opens)] {
        if let Some(is_on) = setting {
            put(name.to_owned(), if is_on { "yes" } else { "no" }.to_owned());
        }
    }
    if settings.is_test {
        put("o:testmode".to_owned(), "yes".to_owned());
    }
    Ok(email.attachments.iter().fold(form, |form, attachment| {
        let (field, part) = part(attachment);
        form.part(field, part)
    }))
}

/// A file. HTML shows one inline by its name, so that such a one is called by its content id.
fn part(attachment: &Attachment) -> (&'static str, Part) {
    let Attachment { name, content_type, content_id, content } = attachment;
    let (field, name) = match content_id {
        Some(id) => ("inline", id),
        None => ("attachment", name),
    };
    let name = texts::one_line(name);
    let name = if name.trim().is_empty() { UNNAMED.to_owned() } else { name };
    let part = || Part::stream(content.clone()).file_name(name.clone());
    (field, part().mime_str(content_type).unwrap_or_else(|_| part()))
}

/// An id as events have it: without the angle brackets of the answer.
pub(super) fn bare_id(id: &str) -> Option<String> {
    texts::short(id.trim().trim_start_matches('<').trim_end_matches('>'))
}

/// What Mailgun says of a refusal; that of a wrong key is a bare word, and no JSON.
fn words(reply: &Reply) -> Option<String> {
    let answer = reply.json()?;
    let words = answer.get("message").or_else(|| answer.get("Reason")).and_then(Value::as_str)?;
    Some(texts::bounded(words, 1_000))
}

pub(super) fn refusal(reply: &Reply, mailgun: &Mailgun) -> SendError {
    let said = words(reply).unwrap_or_default();
    let pause = errors::pause_in(&said);
    let class = if pause.is_some() { Some(RetryClass::RateLimited) } else { errors::class(reply.status, &said) };
    let detail = match reply.status {
        401 | 404 if said.is_empty() => REGION.to_owned(),
        401 | 404 => format!("{REGION}: {said}"),
        _ => said,
    };
    match reply.refusal(class, None, detail, mailgun.ambient.now()) {
        SendError::Refused { class, code, detail, retry_after } => {
            SendError::Refused { class, code, detail, retry_after: retry_after.or(pause) }
        }
        ambiguous @ SendError::Ambiguous { .. } => ambiguous,
    }
}
