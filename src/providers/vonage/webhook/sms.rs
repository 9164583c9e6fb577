//! Webhooks of the SMS API: receipts, one for each part of a long text, and incoming texts.
//!
//! The parts of a long incoming text come one by one, in any order, and the last one may never come. Joining them would need
//! a memory that outlives this process, and to acknowledge what is in no log yet; so each is a message, which says its place.
//! The Messages API joins them at Vonage.

use chrono::{DateTime, Utc};

use super::super::{errors, times};
use crate::domain::value::Channel;
use crate::domain::value::message::{Report, RetryClass};
use crate::providers::kit::parameters::Parameters;
use crate::providers::kit::{numbers, texts};
use crate::providers::{Inbound, NoticeKind, WebhookRequest};

pub(super) fn notice(request: &WebhookRequest, now: DateTime<Utc>) -> Result<Option<NoticeKind>, String> {
    let parameters = Parameters::of(request);
    let id = parameters.any(&["messageId", "message-id"]).ok_or("no message is named")?;
    match parameters.any(&["status"]) {
        Some(status) => receipt(&parameters, id, &status.to_ascii_lowercase(), now),
        None => inbound(&parameters, id, now).map(|inbound| Some(NoticeKind::Inbound(Box::new(inbound)))),
    }
}

fn receipt(
    parameters: &Parameters,
    id: String,
    status: &str,
    now: DateTime<Utc>,
) -> Result<Option<NoticeKind>, String> {
    let written_code = parameters.any(&["err-code"]);
    let code = match &written_code {
        Some(code) => Some(code.parse::<u32>().map_err(|_| "an error code that is not a number")?),
        None => None,
    };
    let report = match status {
        "accepted" => Report::Sent {
            provider_message_id: Some(id.clone()),
            segments: 1,
            cost_micros: None,
            currency: None,
            mail_id: None,
        },
        "buffered" => Report::Deferred { code: written_code.clone().filter(|code| code != "0"), detail: None },
        "delivered" => Report::Delivered,
        "expired" | "failed" => errors::not_delivered(code, RetryClass::Transient, None),
        "rejected" => errors::not_delivered(code, RetryClass::Permanent, None),
        "deleted" => Report::Failed { class: RetryClass::Permanent, code: Some("deleted".to_owned()), detail: None },
        // The carrier says nothing, and will not.
        "unknown" => return Ok(None),
        other => return Err(format!("an unknown status: {}", texts::bounded(other, 40))),
    };
    Ok(Some(NoticeKind::Report {
        token: parameters.any(&["client-ref"]),
        provider_event_id: Some(format!("{id}:{status}:{}", code.unwrap_or_default())),
        provider_message_id: Some(id),
        // To Vonage, `to` is the sender of what it reports on.
        to: parameters.any(&["msisdn"]).map(|to| numbers::e164(&to)),
        channel: Channel::Sms,
        occurred_at: texts::plausible(occurred_at(parameters), now),
        report,
    }))
}

fn occurred_at(parameters: &Parameters) -> Option<DateTime<Utc>> {
    let said = parameters.get("message-timestamp").and_then(times::date);
    said.or_else(|| parameters.get("scts").and_then(times::minute))
}

fn inbound(parameters: &Parameters, id: String, now: DateTime<Utc>) -> Result<Inbound, String> {
    let from = parameters.any(&["msisdn"]).ok_or("an incoming message without a sender")?;
    let written = match (parameters.get("text"), parameters.get("data")) {
        (Some(text), _) => text,
        (None, Some(_)) => return Err("a binary message".to_owned()),
        (None, None) => return Err("an incoming message without a text".to_owned()),
    };
    let marked = match place(parameters) {
        Some(place) => format!("{place} {written}"),
        None => written.to_owned(),
    };
    let mut inbound = Inbound::new(Channel::Sms, id, numbers::e164(&from), texts::bounded(&marked, texts::MAX_BODY));
    inbound.hints.is_cut = marked.chars().count() > texts::MAX_BODY;
    inbound.to = parameters.any(&["to"]).map(|to| numbers::e164(&to));
    inbound.occurred_at = texts::plausible(parameters.get("message-timestamp").and_then(times::date), now);
    Ok(inbound)
}

/// `(2/3)`, of a part of a long text. A part is never a keyword, whatever words it was cut at.
fn place(parameters: &Parameters) -> Option<String> {
    let is_part = parameters.get("concat").is_some_and(|is| is.eq_ignore_ascii_case("true"));
    let number = |name| parameters.get(name)?.trim().parse::<u8>().ok();
    let (part, total) = (number("concat-part")?, number("concat-total")?);
    (is_part && total > 1).then(|| format!("({part}/{total})"))
}
