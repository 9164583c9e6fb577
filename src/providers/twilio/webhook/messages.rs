//! What Twilio reports of messages: their status, and those that come in.

use super::Form;
use crate::domain::value::inbound::Location;
use crate::domain::value::message::{BounceKind, EngagementClass, Report, RetryClass};
use crate::domain::value::{Channel, Keyword, engagement};
use crate::providers::kit::texts;
use crate::providers::twilio::{api, errors};
use crate::providers::{Inbound, MediaRef, NoticeKind, WebhookRequest};

/// How many files a message has at most.
const MAX_MEDIA: usize = 10;

pub(super) fn notice(form: &Form<'_>, request: &WebhookRequest, sid: String) -> Result<Option<NoticeKind>, String> {
    let status = form.any(&["MessageStatus", "SmsStatus"]).unwrap_or_default().to_ascii_lowercase();
    match status.as_str() {
        "receiving" => Ok(None),
        "received" => inbound(form, sid).map(|inbound| Some(NoticeKind::Inbound(Box::new(inbound)))),
        // Older and forwarded webhooks of incoming messages lack the status.
        "" if form.get("From").is_some() && form.get("Body").is_some() => {
            inbound(form, sid).map(|inbound| Some(NoticeKind::Inbound(Box::new(inbound))))
        }
        status => about_ours(form, request, sid, status),
    }
}

fn about_ours(
    form: &Form<'_>,
    request: &WebhookRequest,
    sid: String,
    status: &str,
) -> Result<Option<NoticeKind>, String> {
    let written_code = form.any(&["ErrorCode"]);
    let code = match &written_code {
        Some(code) => {
            Some(code.parse::<u32>().map_err(|_| "an error code that is not a number")?).filter(|&code| code > 0)
        }
        None => None,
    };
    let words = form.any(&["ErrorMessage", "ChannelStatusMessage"]);
    let Some(report) = report(status, code, Some(sid.clone()), words)? else { return Ok(None) };
    let to = form.any(&["To"]);
    let channel = to.as_deref().and_then(channel_of).unwrap_or(Channel::Sms);
    Ok(Some(NoticeKind::Report {
        token: request.query_parameter(api::TOKEN).and_then(|token| texts::short(&token)),
        provider_event_id: Some(format!("{sid}:{status}:{}", code.unwrap_or_default())),
        provider_message_id: Some(sid),
        to: to.map(|to| without_prefix(&to).to_owned()),
        channel,
        occurred_at: None,
        report,
    }))
}

/// What a status says of a message; [`None`] if it changes nothing for us.
pub(in crate::providers::twilio) fn report(
    status: &str,
    code: Option<u32>,
    provider_message_id: Option<String>,
    words: Option<String>,
) -> Result<Option<Report>, String> {
    Ok(Some(match status {
        "accepted" | "scheduled" | "queued" | "sending" => return Ok(None),
        "sent" => Report::Sent { provider_message_id, segments: 1, cost_micros: None, currency: None, mail_id: None },
        "delivered" => Report::Delivered,
        // A read receipt of a channel that has them: nothing but a person's device sends one.
        "read" => Report::Opened {
            class: EngagementClass::Human,
            rule: engagement::CURRENT.name.to_owned(),
            flagged: None,
            ip: None,
            user_agent: None,
        },
        "undelivered" | "failed" => not_delivered(code, words),
        "canceled" => Report::Failed { class: RetryClass::Permanent, code: Some("canceled".to_owned()), detail: words },
        other => return Err(format!("an unknown status: {}", texts::bounded(other, 40))),
    }))
}

fn not_delivered(code: Option<u32>, words: Option<String>) -> Report {
    let number = code.unwrap_or_default();
    let code = code.map(|code| code.to_string());
    if errors::is_dead_number(number) {
        return Report::Bounced { bounce: BounceKind::Hard, code, diagnostic: words };
    }
    Report::Failed { class: errors::class(number), code, detail: words }
}

fn inbound(form: &Form<'_>, sid: String) -> Result<Inbound, String> {
    let from = form.any(&["From"]).ok_or("an incoming message without a sender")?;
    let channel = channel_of(&from).ok_or("an incoming message of an unknown channel")?;
    let written = form.get("Body").unwrap_or_default();
    let location = location(form);
    let text = match &location {
        Some(location) if written.trim().is_empty() => in_words(location),
        _ => texts::bounded(written, texts::MAX_BODY),
    };
    let mut inbound = Inbound::new(channel, sid, without_prefix(&from).to_owned(), text);
    inbound.hints.is_cut = written.chars().count() > texts::MAX_BODY;
    inbound.sender_name = form.any(&["ProfileName"]);
    inbound.location = location;
    inbound.to = form.any(&["To"]).map(|to| without_prefix(&to).to_owned());
    inbound.in_reply_to = form.any(&["OriginalRepliedMessageSid"]);
    inbound.opt_out = match form.get("OptOutType").unwrap_or_default().to_ascii_uppercase().as_str() {
        "STOP" => Some(Keyword::Stop),
        "START" => Some(Keyword::Start),
        "HELP" => Some(Keyword::Help),
        _ => None,
    };
    // `NumMedia` may lie; the URLs are what counts.
    inbound.media = (0..MAX_MEDIA)
        .filter_map(|number| {
            Some(MediaRef {
                url: Some(form.any(&[&format!("MediaUrl{number}")])?),
                name: None,
                content_type: form.any(&[&format!("MediaContentType{number}")]),
                content_id: None,
                content: None,
            })
        })
        .collect();
    Ok(inbound)
}

fn location(form: &Form<'_>) -> Option<Location> {
    Some(Location {
        latitude: form.any(&["Latitude"])?,
        longitude: form.any(&["Longitude"])?,
        address: form.any(&["Address"]),
        label: form.any(&["Label"]),
    })
}

/// A location that came without words.
fn in_words(location: &Location) -> String {
    let place = [&location.label, &location.address].into_iter().flatten().cloned();
    let degrees = format!("{}, {}", location.latitude, location.longitude);
    place.chain([degrees]).collect::<Vec<_>>().join("\n")
}

fn channel_of(address: &str) -> Option<Channel> {
    match address.split_once(':') {
        None | Some(("rcs", _)) => Some(Channel::Sms),
        Some(("whatsapp", _)) => Some(Channel::Whatsapp),
        Some(_) => None,
    }
}

fn without_prefix(address: &str) -> &str {
    address.split_once(':').map_or(address, |(_, address)| address)
}
