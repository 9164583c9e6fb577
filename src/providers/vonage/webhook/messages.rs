//! Webhooks of the Messages API: the status of messages, and messages that come in on any of its channels.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::{TOKEN, errors};
use crate::domain::value::inbound::Location;
use crate::domain::value::message::{EngagementClass, Report};
use crate::domain::value::{Channel, engagement};
use crate::providers::kit::{numbers, texts, values};
use crate::providers::vonage::messages::code_in;
use crate::providers::{Inbound, MediaRef, NoticeKind, WebhookRequest};

/// How many files a message has at most.
const MAX_MEDIA: usize = 10;
/// The members that hold a file.
const MEDIA: &[&str] = &["image", "audio", "video", "file", "vcard", "sticker"];

pub(super) fn notice(request: &WebhookRequest, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
    let event: Value = serde_json::from_slice(&request.body).map_err(|_| "no JSON")?;
    let id = values::text(&event, "message_uuid").ok_or("no message is named")?;
    let channel = match values::text(&event, "channel").unwrap_or_default().to_ascii_lowercase().as_str() {
        "sms" | "mms" | "rcs" => Channel::Sms,
        "whatsapp" => Channel::Whatsapp,
        _ => return Err("a message of an unknown channel".to_owned()),
    };
    let occurred_at = values::text(&event, "timestamp").and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
    let occurred_at = texts::plausible(occurred_at.map(|time| time.to_utc()), now);
    let Some(status) = values::text(&event, "status") else {
        let inbound = inbound(&event, channel, id)?;
        return Ok(Some(NoticeKind::Inbound(Box::new(Inbound { occurred_at, ..inbound }))));
    };
    let status = status.to_ascii_lowercase();
    let (report, code) = report(&event, &id, &status)?;
    let token = request.query_parameter(TOKEN).and_then(|token| texts::short(&token));
    Ok(Some(NoticeKind::Report {
        token: token.or_else(|| values::text(&event, "client_ref")),
        provider_event_id: Some(format!("{id}:{status}:{}", code.unwrap_or_default())),
        provider_message_id: Some(id),
        to: values::text(&event, "to").map(|to| numbers::e164(&to)),
        channel,
        occurred_at,
        report,
    }))
}

/// What a status says, and the code of its error.
fn report(event: &Value, id: &str, status: &str) -> Result<(Report, Option<String>), String> {
    let null = Value::Null;
    let member = |name: &str| event.get(name).unwrap_or(&null);
    let price = || {
        let usage = member("usage");
        values::price(values::text(usage, "price").as_deref(), values::text(usage, "currency").as_deref())
    };
    let report = match status {
        "submitted" => {
            let segments = values::text(member("sms"), "count_total").and_then(|count| count.parse().ok());
            let price = price();
            Report::Sent {
                provider_message_id: Some(id.to_owned()),
                segments: segments.filter(|&count: &u32| count > 0).unwrap_or(1),
                cost_micros: price.map(|(micros, _)| micros),
                currency: price.map(|(_, currency)| currency),
                mail_id: None,
            }
        }
        "delivered" => Report::Delivered,
        // Only a person's device says so.
        "read" => Report::Opened {
            class: EngagementClass::Human,
            rule: engagement::CURRENT.name.to_owned(),
            flagged: None,
            ip: None,
            user_agent: None,
        },
        "rejected" | "undeliverable" => {
            let error = member("error");
            // A title is the code itself, as a number or a text, or words; the type ends with the code.
            let title = values::text(error, "title");
            let is_code = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
            let code = title.clone().filter(is_code).or_else(|| code_in(&values::text(error, "type")?));
            let words: Vec<_> =
                title.filter(|title| !is_code(title)).into_iter().chain(values::text(error, "detail")).collect();
            let detail = texts::short(&words.join(": "));
            let class = errors::status_class(status, code.as_deref(), detail.as_deref());
            return Ok((Report::Failed { class, code: code.clone(), detail }, code));
        }
        other => return Err(format!("an unknown status: {}", texts::bounded(other, 40))),
    };
    Ok((report, None))
}

fn inbound(event: &Value, channel: Channel, id: String) -> Result<Inbound, String> {
    let from = values::text(event, "from").ok_or("an incoming message without a sender")?;
    let kind = values::text(event, "message_type").unwrap_or_default();
    let location = location(event);
    let media = media(event);
    let written = written(event, &media.captions, location.as_ref());
    if written.is_empty() && media.files.is_empty() {
        return Err(format!("a message without a text, of the type {}", texts::bounded(&kind, 40)));
    }
    let mut inbound = Inbound::new(channel, id, numbers::e164(&from), texts::bounded(&written, texts::MAX_BODY));
    inbound.hints.is_cut = written.chars().count() > texts::MAX_BODY;
    inbound.to = values::text(event, "to").map(|to| numbers::e164(&to));
    inbound.sender_name = event.get("profile").and_then(|profile| values::text(profile, "name"));
    inbound.in_reply_to = event.get("context").and_then(|context| values::text(context, "message_uuid"));
    inbound.location = location;
    inbound.media = media.files;
    Ok(inbound)
}

/// The words of a message: its text, the button or line that was chosen, an emoji, what stands below pictures, a place.
fn written(event: &Value, captions: &[String], location: Option<&Location>) -> String {
    let inner = |object: &str, name: &str| event.get(object)?.get(name).and_then(values::of);
    let said = event.get("text").and_then(values::of);
    let chosen = || inner("button", "text").or_else(|| inner("reply", "title")).or_else(|| inner("reaction", "emoji"));
    if let Some(text) = said.or_else(chosen).filter(|text| !text.trim().is_empty()) {
        return text;
    }
    match location {
        Some(location) => {
            let place = [&location.label, &location.address].into_iter().flatten().cloned();
            place.chain([format!("{}, {}", location.latitude, location.longitude)]).collect::<Vec<_>>().join("\n")
        }
        None => captions.join("\n"),
    }
}

#[derive(Default)]
struct Media {
    files: Vec<MediaRef>,
    captions: Vec<String>,
}

/// The file of a message, or the several of an MMS, which stand in `content` beside texts.
fn media(event: &Value) -> Media {
    let mut media = Media::default();
    let single = MEDIA.iter().filter_map(|name| event.get(*name));
    let several = event.get("content").and_then(Value::as_array).into_iter().flatten();
    for file in single.chain(several) {
        media.captions.extend(["caption", "text"].iter().find_map(|name| values::text(file, name)));
        if let Some(url) = values::text(file, "url")
            && media.files.len() < MAX_MEDIA
        {
            let name = values::text(file, "name");
            media.files.push(MediaRef { url: Some(url), name, ..MediaRef::default() });
        }
    }
    media
}

fn location(event: &Value) -> Option<Location> {
    let location = event.get("location")?;
    Some(Location {
        latitude: values::text(location, "lat")?,
        longitude: values::text(location, "long")?,
        address: values::text(location, "address"),
        label: values::text(location, "name"),
    })
}
