//! What Twilio reports of calls: that they exist, how they ended, who picked up, and which key was pressed.
//!
//! All ends are reported by one callback. It becomes two reports: how the call ended, and whether the script was heard, as of any
//! message. `Duration` is in billed minutes and is not read; `CallDuration` is in seconds.

use chrono::{DateTime, Utc};

use super::Form;
use crate::domain::value::Channel;
use crate::domain::value::message::{CallResult, Report, RetryClass};
use crate::domain::value::script::KeyMeaning;
use crate::providers::kit::texts;
use crate::providers::twilio::{api, errors, keys};
use crate::providers::{Inbound, NoticeKind, WebhookRequest};

/// The method of an opt-out by a key.
const BY_KEY: &str = "key";

pub(super) fn notices(
    form: &Form<'_>,
    request: &WebhookRequest,
    sid: &str,
    now: DateTime<Utc>,
) -> Result<Vec<NoticeKind>, String> {
    if is_incoming(form) {
        return Err("a call that came in; none are taken".to_owned());
    }
    let about = About { form, request, sid, now };
    if let Some(digits) = form.get("Digits") {
        return about.key(digits).map(|kind| vec![kind]);
    }
    let status = form.any(&["CallStatus"]).unwrap_or_default().to_ascii_lowercase();
    match status.as_str() {
        // Twilio says `in-progress` of the event `answered`; those who speak its language say either.
        "queued" | "ringing" | "in-progress" | "answered" => Ok(vec![]),
        "initiated" => {
            let sent = Report::Sent {
                provider_message_id: Some(sid.to_owned()),
                segments: 1,
                cost_micros: None,
                currency: None,
                mail_id: None,
            };
            Ok(vec![about.report("initiated", sent)])
        }
        // Who picked up is told again when the call ends.
        "" if form.get("AnsweredBy").is_some() => Ok(vec![]),
        status => about.end(status),
    }
}

/// Whether somebody called us.
pub(super) fn is_incoming(form: &Form<'_>) -> bool {
    form.get("Direction").is_some_and(|direction| direction.eq_ignore_ascii_case("inbound"))
}

/// Whether it is reported, beside a call under way, that a machine or a fax has picked up.
pub(super) fn is_verdict_of_machine(form: &Form<'_>) -> bool {
    let is_verdict = form.get("MachineDetectionDuration").is_some() && form.get("CallbackSource").is_none();
    is_verdict && form.get("AnsweredBy").is_some_and(|by| by.starts_with("machine") || by == "fax")
}

/// How a call ended, and what became of its script; [`None`] if it is under way. `sip` is the network's last word.
pub(in crate::providers::twilio) fn ended(
    status: &str,
    answered_by: Option<&str>,
    sip: Option<u16>,
) -> Option<(CallResult, Report)> {
    let failed = |class, code: &str| Report::Failed { class, code: Some(code.to_owned()), detail: None };
    Some(match (status, answered_by.unwrap_or_default()) {
        // The script is left after a greeting; where only its start was awaited, the call was ended.
        ("completed", by) if by.starts_with("machine_end") => (CallResult::Voicemail, Report::Delivered),
        ("completed", by) if by.starts_with("machine") => {
            (CallResult::Machine, failed(RetryClass::Transient, "machine"))
        }
        ("completed", "fax") => (CallResult::Machine, failed(RetryClass::Permanent, "fax")),
        ("completed", _) => (CallResult::Answered, Report::Delivered),
        ("busy", _) => (CallResult::Busy, failed(RetryClass::Transient, "busy")),
        ("no-answer", _) => (CallResult::NoAnswer, failed(RetryClass::Transient, "no-answer")),
        ("canceled", _) => (CallResult::Cancelled, failed(RetryClass::Permanent, "canceled")),
        ("failed", _) => {
            let class = match sip {
                Some(500..600) => RetryClass::Transient,
                _ => RetryClass::Permanent,
            };
            let code = sip.map_or_else(|| "failed".to_owned(), |sip| format!("sip_{sip}"));
            (CallResult::Failed, failed(class, &code))
        }
        _ => return None,
    })
}

/// A callback about a call of ours.
struct About<'a> {
    form: &'a Form<'a>,
    request: &'a WebhookRequest,
    sid: &'a str,
    now: DateTime<Utc>,
}

impl About<'_> {
    fn end(&self, status: &str) -> Result<Vec<NoticeKind>, String> {
        let number = |name: &str| self.form.any(&[name]).and_then(|text| text.parse::<u32>().ok());
        let answered_by = self.form.any(&["AnsweredBy"]);
        let sip = number("SipResponseCode").and_then(|code| u16::try_from(code).ok());
        let (result, mut heard) = ended(status, answered_by.as_deref(), sip)
            .ok_or_else(|| format!("an unknown state of a call: {}", texts::bounded(status, 40)))?;
        // Not documented for calls, and seen: the reason of a failure by its number.
        if let (Some(error), Report::Failed { class, code, .. }) =
            (number("ErrorCode").filter(|&code| code > 0), &mut heard)
        {
            (*class, *code) = (errors::class(error), Some(error.to_string()));
        }
        let seconds = number("CallDuration").filter(|_| matches!(heard, Report::Delivered) || status == "completed");
        let ended = Report::CallEnded { result, seconds, answered_by, cost_micros: None, currency: None };
        Ok(vec![self.report("ended", ended), self.report(status, heard)])
    }

    /// A key was pressed. What it means stands in the URL; one that means nothing is only kept.
    fn key(&self, digits: &str) -> Result<NoticeKind, String> {
        let key = keys::pressed(self.request, digits).ok_or("a key was pressed that means nothing")?;
        Ok(match key.meaning {
            KeyMeaning::OptOut => self.report("opt_out", Report::OptedOut { method: BY_KEY.to_owned(), topic: None }),
            KeyMeaning::Answer => {
                let from = self.called().ok_or("a key was pressed by nobody who is named")?;
                let id = format!("{}:key:{digits}", self.sid);
                let mut answer = Inbound::new(Channel::Voice, id, from, digits.to_owned());
                answer.in_reply_to = Some(self.sid.to_owned());
                answer.to = self.form.any(&["From", "Caller"]);
                NoticeKind::Inbound(Box::new(answer))
            }
        })
    }

    fn called(&self) -> Option<String> {
        self.form.any(&["To", "Called"])
    }

    fn report(&self, event: &str, report: Report) -> NoticeKind {
        let told = self.form.any(&["Timestamp"]).and_then(|text| DateTime::parse_from_rfc2822(&text).ok());
        NoticeKind::Report {
            token: self.request.query_parameter(api::TOKEN).and_then(|token| texts::short(&token)),
            provider_message_id: Some(self.sid.to_owned()),
            to: self.called(),
            channel: Channel::Voice,
            occurred_at: texts::plausible(told.map(|told| told.to_utc()), self.now),
            provider_event_id: Some(format!("{}:{event}", self.sid)),
            report,
        }
    }
}

#[cfg(test)]
mod tests;
