//! Handing a message to Twilio: SMS, MMS, WhatsApp.

use reqwest::Method;
use serde_json::Value;

use super::api::{callback_url, cost, refusal, request};
use super::settings::is_sid;
use super::{Twilio, TwilioSender, errors};
use crate::domain::value::form::ProviderTemplate;
use crate::domain::value::message::RetryClass;
use crate::domain::value::{Channel, sms};
use crate::providers::kit::client::call;
use crate::providers::kit::texts;
use crate::providers::{Accepted, Content, OutboundMessage, SendError, TextContent, WhatsappContent};

/// What stands before a number that is reached by WhatsApp.
pub(super) const WHATSAPP: &str = "whatsapp:";
/// The longest value of a template's placeholder, in characters.
const LONGEST_VALUE: usize = 255;

type Form = Vec<(&'static str, String)>;

pub(super) async fn send(twilio: &Twilio, message: &OutboundMessage) -> Result<Accepted, SendError> {
    let (form, body) = match &message.content {
        Content::Text(text) => (sms_form(twilio, message, text)?, &text.body),
        Content::Whatsapp(whatsapp) => (whatsapp_form(twilio, message, whatsapp)?, &whatsapp.body),
        Content::Email(_) | Content::Voice(_) | Content::Push(_) | Content::InApp(_) => {
            return Err(SendError::channel_not_served());
        }
    };
    let reply = call(request(twilio, Method::POST, "Messages.json")?.form(&form)).await?;
    if !(200..300).contains(&reply.status) {
        return Err(refusal(&reply, twilio));
    }
    let created = reply.json().filter(is_message).ok_or_else(|| reply.unproved())?;
    // It exists, and failed at once: it never left Twilio, and no callback follows about the state that is reported here.
    if created.get("status").and_then(Value::as_str) == Some("failed") {
        let code = created.get("error_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        let words = created.get("error_message").and_then(Value::as_str).unwrap_or_default();
        let class = errors::class(code.unwrap_or_default());
        return Err(SendError::refused(class, code.map(|code| code.to_string()), texts::bounded(words, 1_000)));
    }
    Ok(accepted(&created, message.key.channel, body))
}

fn sms_form(twilio: &Twilio, message: &OutboundMessage, text: &TextContent) -> Result<Form, SendError> {
    let sender = twilio.settings.sender.as_ref().ok_or_else(SendError::channel_not_served)?;
    let mut form = vec![("To", message.to.clone())];
    match (&message.from, sender) {
        (Some(from), _) | (None, TwilioSender::From(from)) => form.push(("From", from.clone())),
        (None, TwilioSender::Service(service)) => form.push(("MessagingServiceSid", service.clone())),
    }
    form.extend(words_and_media(&text.body, &text.media_urls));
    form.extend(status_callback(twilio, message));
    Ok(form)
}

/// Inside the customer service window words or a medium; outside of it a template, and nothing beside it.
fn whatsapp_form(twilio: &Twilio, message: &OutboundMessage, content: &WhatsappContent) -> Result<Form, SendError> {
    let sender = twilio.settings.whatsapp.as_ref().ok_or_else(SendError::channel_not_served)?;
    let mut form = vec![("To", format!("{WHATSAPP}{}", message.to))];
    match (&message.from, sender) {
        (Some(from), _) | (None, TwilioSender::From(from)) => form.push(("From", format!("{WHATSAPP}{from}"))),
        (None, TwilioSender::Service(service)) => form.push(("MessagingServiceSid", service.clone())),
    }
    match &content.template {
        Some(template) => form.extend(template_fields(template)?),
        None => form.extend(words_and_media(&content.body, &content.media_urls)),
    }
    form.extend(status_callback(twilio, message));
    Ok(form)
}

fn words_and_media(body: &str, media_urls: &[String]) -> Form {
    let words = (!body.is_empty() || media_urls.is_empty()).then(|| ("Body", body.to_owned()));
    words.into_iter().chain(media_urls.iter().map(|url| ("MediaUrl", url.clone()))).collect()
}

fn status_callback(twilio: &Twilio, message: &OutboundMessage) -> Option<(&'static str, String)> {
    let url = callback_url(twilio.settings.callback_url.as_ref(), message.token.as_deref());
    url.map(|url| ("StatusCallback", url))
}

/// A template by its SID, and the values for its placeholders as a text of JSON. What Twilio would refuse it for is refused
/// here, in the same class: an empty value among them, for which Meta fails the message later.
fn template_fields(template: &ProviderTemplate) -> Result<Form, SendError> {
    let refused = |class, code: &str, detail| Err(SendError::refused(class, Some(code.to_owned()), detail));
    if !is_sid(&template.template, "HX") {
        let detail = "the template's name at Twilio is its Content SID: HX and 32 hexadecimal digits";
        return refused(RetryClass::Configuration, "21655", detail);
    }
    if template.values.iter().any(|value| value.trim().is_empty() || value.chars().count() > LONGEST_VALUE) {
        return refused(
            RetryClass::ContentRefused,
            "21656",
            "a value of the template is empty or has over 255 characters",
        );
    }
    let mut form = vec![("ContentSid", template.template.clone())];
    if !template.values.is_empty() {
        let numbered =
            (1..).zip(&template.values).map(|(number, value): (usize, _)| (number.to_string(), value.as_str()));
        let values: serde_json::Map<_, _> = numbered.map(|(number, value)| (number, Value::from(value))).collect();
        form.push(("ContentVariables", Value::Object(values).to_string()));
    }
    Ok(form)
}

/// Whether an answer is a message, rather than some other document with status 200.
pub(super) fn is_message(value: &Value) -> bool {
    let sid = value.get("sid").and_then(Value::as_str).unwrap_or_default();
    (sid.starts_with("SM") || sid.starts_with("MM")) && sid.len() == 34
}

/// A message resource as the answer to the call that created it. Twilio writes numbers as text, a segment count of zero
/// until a messaging service has picked a sender.
pub(super) fn accepted(message: &Value, channel: Channel, body: &str) -> Accepted {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let told = text("num_segments").and_then(|count| count.parse().ok()).filter(|&count: &u32| count > 0);
    let segments = match channel {
        Channel::Sms => told.unwrap_or_else(|| sms::segments(body)),
        _ => 1,
    };
    Accepted { provider_message_id: text("sid").and_then(texts::short), segments, cost: cost(message) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_turn_their_sign_and_keep_every_micro() {
        let sid = format!("SM{}", "d".repeat(32));
        let message = json!({ "sid": sid, "num_segments": "2", "price": "-0.00750", "price_unit": "USD" });
        let accepted = accepted(&message, Channel::Sms, "");
        assert_eq!(accepted.cost, Some((7_500, "USD".parse().expect("a currency"))));
        assert_eq!(accepted.segments, 2);
    }

    #[test]
    fn segments_are_counted_here_until_twilio_reports_them() {
        let message = json!({ "sid": "SM", "num_segments": "0", "price": null, "price_unit": "USD" });
        let accepted = accepted(&message, Channel::Sms, &"a".repeat(161));
        assert_eq!((accepted.segments, accepted.cost), (2, None));
    }

    #[test]
    fn a_template_goes_by_its_sid_with_its_values_by_number() {
        let template = |values: &[&str]| ProviderTemplate {
            template: format!("HX{}", "7".repeat(32)),
            language: "en_US".to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let fields = template_fields(&template(&["I'm \"Ana\" & <co>", "10:30"])).expect("a form");
        let values: Value = serde_json::from_str(&fields[1].1).expect("JSON");
        assert_eq!((fields[0].0, fields[1].0), ("ContentSid", "ContentVariables"));
        assert_eq!(values, json!({ "1": "I'm \"Ana\" & <co>", "2": "10:30" }));
        assert_eq!(template_fields(&template(&[])).expect("a form").len(), 1);
        let class = |template: &ProviderTemplate| match template_fields(template) {
            Err(SendError::Refused { class, .. }) => Some(class),
            _ => None,
        };
        assert_eq!(class(&template(&["Ana", " "])), Some(RetryClass::ContentRefused));
        assert_eq!(class(&template(&[&"x".repeat(256)])), Some(RetryClass::ContentRefused));
        let named = ProviderTemplate { template: "welcome_1".to_owned(), ..template(&[]) };
        assert_eq!(class(&named), Some(RetryClass::Configuration));
    }
}
