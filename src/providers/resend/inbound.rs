//! Mail that comes in. A webhook announces it without its texts; they are fetched at once, as the mail was written if that
//! can be had. If fetching fails, the notice is kept and parsed again: Resend keeps the mail.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::api::Api;
use super::events;
use crate::providers::kit::inbound::{Arrived, is_more_than_kept};
use crate::providers::kit::mime::{self, Headers};
use crate::providers::kit::texts;
use crate::providers::{Inbound, MediaError, MediaRef, NOT_FETCHED};

/// How many files are read of a list.
const MAX_LISTED: usize = 200;

/// Fetches the mail that an event announces; otherwise what is odd.
pub(super) async fn fetch(data: &Value, api: &Api, now: DateTime<Utc>) -> Result<Inbound, String> {
    let id = events::id_in(&data["email_id"]).ok_or("a mail that came in without an id")?;
    let mut said = match api.received(&id).await {
        Ok(said) => said,
        // One that is not there yet may come; which of the two it is, nobody says.
        Err(MediaError::Later(_) | MediaError::Never("gone")) => return Err(NOT_FETCHED.to_owned()),
        Err(MediaError::Never(why)) => return Err(format!("a mail that is not fetched: {why}")),
    };
    // The link opens the mail to everybody.
    let link = said.as_object_mut().and_then(|said| said.remove("raw")).unwrap_or_default();
    let whole = match link["download_url"].as_str() {
        None => None,
        Some(url) => match api.raw_mail(url).await {
            Ok(mail) => Some(mail),
            Err(MediaError::Later(_)) => return Err(NOT_FETCHED.to_owned()),
            // What the API says of it has all but the parts.
            Err(MediaError::Never(_)) => None,
        },
    };
    let mut arrived = match &whole {
        Some(mail) => Arrived::from(mime::parse(mail)),
        None => of_fields(&said, &id, api),
    };
    let list = |name: &str| match &data[name] {
        Value::String(one) => vec![one.clone()],
        list => list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    };
    let delivered: Vec<_> =
        [list("received_for"), list("bcc")].into_iter().find(|list| !list.is_empty()).unwrap_or_default();
    arrived.receivers = delivered.iter().map(|to| texts::address_in(to).to_owned()).collect();
    let original = match &whole {
        Some(mail) if arrived.is_cut || is_more_than_kept(&arrived.files) => {
            String::from_utf8_lossy(mail).replace('\0', "\u{FFFD}")
        }
        _ => said.to_string(),
    };
    let mut inbound = arrived.inbound(id, now).ok_or("an incoming mail without a sender")?;
    inbound.occurred_at = inbound.occurred_at.or_else(|| texts::plausible(events::time(&data["created_at"]), now));
    inbound.original = original;
    Ok(inbound)
}

/// A mail as the API has taken it apart.
fn of_fields(said: &Value, id: &str, api: &Api) -> Arrived {
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    let list = |name: &str| {
        let list = said[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then_some(list)
    };
    let mut pairs = vec![];
    // A header that is repeated is a list.
    for (name, value) in said["headers"].as_object().into_iter().flatten() {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        pairs.extend(values.iter().filter_map(Value::as_str).map(|value| (name.clone(), value.to_owned())));
    }
    if !pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case("message-id")) {
        pairs.extend(text("message_id").map(|id| ("message-id".to_owned(), id)));
    }
    let files = said["attachments"].as_array().into_iter().flatten().take(MAX_LISTED);
    let files = files.filter_map(|file| {
        let file_id = events::id_in(&file["id"])?;
        let short = |name: &str| file[name].as_str().and_then(texts::short);
        Some(MediaRef {
            url: api.url(&format!("/emails/receiving/{id}/attachments/{file_id}")).map(String::from),
            name: short("filename"),
            content_type: short("content_type"),
            content_id: short("content_id").map(|id| id.trim_matches(['<', '>']).to_owned()),
            content: None,
        })
    });
    Arrived {
        headers: Headers::of(pairs),
        from: text("from"),
        to: list("to"),
        cc: list("cc"),
        subject: text("subject").as_deref().and_then(texts::short),
        text: text("text").unwrap_or_default(),
        html: text("html"),
        files: files.collect(),
        ..Arrived::default()
    }
}

#[cfg(test)]
mod tests;
