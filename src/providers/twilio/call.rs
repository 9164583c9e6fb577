//! Making a call, and ending it.
//!
//! The script travels in the call that makes it, as `TwiML`. Who picks up is tested in one of two ways: while the line waits for the
//! end of a greeting, so that the script is left after it; or beside the script, which people then hear at once, and a call that a
//! machine has picked up is ended as soon as Twilio reports it.

use reqwest::Method;
use serde_json::Value;

use super::api::{callback_url, cost, refusal, request};
use super::settings::is_sid;
use super::twiml::{self, Speech};
use super::{Twilio, TwilioVoice, keys};
use crate::domain::value::message::RetryClass;
use crate::domain::value::script::OnMachine;
use crate::providers::kit::client::call;
use crate::providers::kit::texts;
use crate::providers::{Accepted, OutboundMessage, SendError, VoiceContent};

/// The code with which Twilio says that a call is over already.
const OVER: &str = "21220";

pub(super) async fn make(
    twilio: &Twilio,
    message: &OutboundMessage,
    content: &VoiceContent,
) -> Result<Accepted, SendError> {
    let voice = twilio.settings.voice.as_ref().ok_or_else(SendError::channel_not_served)?;
    let form = form(twilio, voice, message, content)?;
    let reply = call(request(twilio, Method::POST, "Calls.json")?.form(&form)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, twilio));
    }
    let created = reply.json().filter(is_call).ok_or_else(|| reply.unproved())?;
    Ok(accepted(&created))
}

/// Ends a call. One that is over already is no error.
pub(super) async fn hang_up(twilio: &Twilio, sid: &str) -> Result<(), SendError> {
    if !is_sid(sid, "CA") {
        return Ok(());
    }
    let request = request(twilio, Method::POST, &format!("Calls/{sid}.json"))?.form(&[("Status", "completed")]);
    let reply = call(request).await?;
    if (200..300).contains(&reply.status) {
        return Ok(());
    }
    match refusal(&reply, twilio) {
        SendError::Refused { code: Some(code), .. } if code == OVER => Ok(()),
        error => Err(error),
    }
}

/// Whether an answer is a call, rather than some other document with status 200.
pub(super) fn is_call(value: &Value) -> bool {
    value.get("sid").and_then(Value::as_str).is_some_and(|sid| is_sid(sid, "CA"))
}

pub(super) fn accepted(made: &Value) -> Accepted {
    let sid = made.get("sid").and_then(Value::as_str).and_then(texts::short);
    Accepted { provider_message_id: sid, segments: 1, cost: cost(made) }
}

fn form(
    twilio: &Twilio,
    voice: &TwilioVoice,
    message: &OutboundMessage,
    content: &VoiceContent,
) -> Result<Vec<(&'static str, String)>, SendError> {
    let script = content.steps.as_ref();
    let speech = Speech {
        language: script.map_or(voice.language.as_str(), |script| script.language.as_str()),
        voice: script.and_then(|script| script.voice.as_deref()).or(voice.voice.as_deref()),
    };
    let hook = twilio.settings.callback_url.as_ref();
    let has_keys = script.is_some_and(|script| !script.keys.is_empty());
    let machine = script.and_then(|script| script.machine);
    if hook.is_none() && (has_keys || machine == Some(OnMachine::HangUp)) {
        // A script that promises a key must hear it.
        let detail =
            "the call has keys or ends at machines, and this server has no public URL where Twilio reports them";
        return Err(SendError::refused(RetryClass::Configuration, Some("no_public_url".to_owned()), detail));
    }
    let action = hook.zip(script).and_then(|(url, script)| keys::action(url, message.token.as_deref(), script, speech));
    let document = twiml::script(content, speech, action.as_deref()).map_err(|code| {
        let detail = "the script is too long for a call";
        SendError::refused(RetryClass::ContentRefused, Some(code.to_owned()), detail)
    })?;
    let from = message.from.as_ref().unwrap_or(&voice.from).clone();
    let mut form = vec![("To", message.to.clone()), ("From", from), ("Twiml", document)];
    let callback = callback_url(hook, message.token.as_deref());
    if let Some(url) = &callback {
        // The first one proves that the call exists; all ends are reported under the name of the last one.
        form.push(("StatusCallback", url.clone()));
        form.extend(["initiated", "completed"].map(|event| ("StatusCallbackEvent", event.to_owned())));
    }
    match (machine, callback) {
        (Some(OnMachine::LeaveMessage), _) => form.push(("MachineDetection", "DetectMessageEnd".to_owned())),
        (Some(OnMachine::HangUp), Some(url)) => form.extend([
            ("MachineDetection", "Enable".to_owned()),
            ("AsyncAmd", "true".to_owned()),
            ("AsyncAmdStatusCallback", url),
        ]),
        (Some(OnMachine::HangUp) | None, _) => {}
    }
    if voice.records {
        form.push(("Record", "true".to_owned()));
    }
    Ok(form)
}
