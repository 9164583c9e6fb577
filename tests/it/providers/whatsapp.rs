//! WhatsApp by Twilio against its double.

use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::form::ProviderTemplate;
use commlog::domain::value::message::{EngagementClass, Report, RetryClass};
use commlog::domain::value::token::open;
use commlog::providers::twilio::{Twilio, TwilioSender, TwilioSettings, TwilioWebhook};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, SendError, Unconfirmed, Webhook, WhatsappContent,
};
use serde_json::{Value, json};

use super::{ambient, cause_of, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{NUMBER, TEMPLATE, TwilioDouble};

const CALLBACK: &str = "https://crm.example.com/hooks/twilio/main";
const TO: &str = "whatsapp:+14155550101";

fn provider(settings: TwilioSettings) -> Twilio {
    Twilio::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (TwilioDouble, Twilio) {
    let double = TwilioDouble::start(ambient(2)).await;
    let twilio = provider(double.settings(CALLBACK));
    (double, twilio)
}

fn words() -> OutboundMessage {
    message(Channel::Whatsapp, 9)
}

fn content(message: &mut OutboundMessage) -> &mut WhatsappContent {
    let Content::Whatsapp(content) = &mut message.content else { panic!("no WhatsApp message") };
    content
}

fn of_template(template: &str, values: &[&str]) -> OutboundMessage {
    let mut message = words();
    content(&mut message).template = Some(ProviderTemplate {
        template: template.to_owned(),
        language: "en_US".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    });
    message
}

#[tokio::test]
async fn words_and_a_medium_go_by_the_whatsapp_sender() {
    let (double, twilio) = start().await;
    let mut picture = words();
    content(&mut picture).media_urls = vec!["https://shop.example/a.png".to_owned()];
    let accepted = twilio.send(picture).await.expect("taken");
    let taken = double.taken().remove(0);
    let from = format!("whatsapp:{NUMBER}");
    assert_eq!((taken.field("To"), taken.field("From")), (Some(TO), Some(from.as_str())));
    assert_eq!((taken.field("Body"), taken.field("MediaUrl")), (Some("Hello"), Some("https://shop.example/a.png")));
    assert_eq!((accepted.segments, accepted.provider_message_id), (1, Some(taken.sid.clone())));
    assert_eq!(double.times(&words().token.expect("a token")), 1);
}

#[tokio::test]
async fn a_template_goes_with_its_values_and_nothing_beside_it() {
    let (double, twilio) = start().await;
    twilio.send(of_template(TEMPLATE, &["Ana", "10:30"])).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!((taken.field("ContentSid"), taken.field("Body")), (Some(TEMPLATE), None));
    let values: Value = serde_json::from_str(taken.field("ContentVariables").expect("values")).expect("JSON");
    assert_eq!(values, json!({ "1": "Ana", "2": "10:30" }));
}

#[tokio::test]
async fn a_service_may_pick_the_sender_and_an_account_without_one_serves_no_whatsapp() {
    let double = TwilioDouble::start(ambient(2)).await;
    let service = format!("MG{}", "3".repeat(32));
    let mut settings = double.settings(CALLBACK);
    settings.whatsapp = Some(TwilioSender::Service(service.clone()));
    provider(settings).send(words()).await.expect("taken");
    let taken = double.taken().remove(0);
    assert_eq!((taken.field("MessagingServiceSid"), taken.field("From")), (Some(service.as_str()), None));
    let mut settings = double.settings(CALLBACK);
    settings.whatsapp = None;
    let twilio = provider(settings);
    assert_eq!(twilio.channels(), [Channel::Sms, Channel::Voice]);
    let error = twilio.send(words()).await.expect_err("refused");
    assert_eq!((class_of(&error), double.taken().len()), (Some(RetryClass::Configuration), 1));
}

#[tokio::test]
async fn a_template_that_is_unknown_or_badly_filled_is_refused_for_its_reason() {
    use RetryClass::{Configuration, ContentRefused};
    let (double, twilio) = start().await;
    let cases = [
        (of_template(&format!("HX{}", "8".repeat(32)), &[]), Configuration, "21655"),
        (of_template("welcome_1", &[]), Configuration, "21655"),
        (of_template(TEMPLATE, &["Ana", ""]), ContentRefused, "21656"),
    ];
    for (message, class, code) in cases {
        match twilio.send(message).await.expect_err("refused") {
            SendError::Refused { class: given, code: Some(said), .. } => {
                assert_eq!((given, said.as_str()), (class, code));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
    assert_eq!(double.taken().len(), 0);
}

#[tokio::test]
async fn an_unclear_answer_leaves_doubt_and_a_message_in_doubt_is_found_by_its_words() {
    let (double, twilio) = start().await;
    for act in
        [Act::ServerError { status: 503, taken: true }, Act::Html { taken: false }, Act::OkWithError { taken: false }]
    {
        double.script([act]);
        assert!(cause_of(&twilio.send(of_template(TEMPLATE, &["Ana"])).await.expect_err("unclear")).is_some());
    }
    let sent = double.taken().remove(0);
    // A template stands in the list as the customer reads it; the double keeps no texts of templates.
    let mut asked = Unconfirmed {
        key: words().key,
        token: words().token,
        to: words().to,
        subject: None,
        body: String::new(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    };
    let found = twilio.find(&asked).await.expect("it answers").expect("found");
    assert_eq!((found.accepted.provider_message_id, found.accepted.segments), (Some(sent.sid), 1));
    asked.key.channel = Channel::Sms;
    assert_eq!(twilio.find(&asked).await, Ok(None), "an SMS to the number is another message");
}

#[tokio::test]
async fn what_whatsapp_reports_comes_back_by_its_class() {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited, Transient};
    let (double, twilio) = start().await;
    twilio.send(words()).await.expect("taken");
    let sent = double.taken().remove(0);
    let webhook = TwilioWebhook::try_new(&double.settings(CALLBACK)).expect("valid settings");
    let report = async |status: &str, code: Option<u32>| {
        let request = TwilioDouble::status(&sent, status, code).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()), "{status}");
        let told = webhook.parse(&request, now()).await.remove(0);
        let NoticeKind::Report { token, channel, report, to, .. } = told.kind else { panic!("{status}") };
        assert_eq!(open(&token.expect("our token"), &secret()), Some(correlation(Channel::Whatsapp, 9)));
        assert_eq!((channel, to.as_deref()), (Channel::Whatsapp, Some("+14155550101")));
        report
    };
    assert!(matches!(report("read", None).await, Report::Opened { class: EngagementClass::Human, .. }));
    assert_eq!(report("delivered", None).await, Report::Delivered);
    let cases = [
        (63016, ContentRefused),
        (63018, RateLimited),
        (63033, OptedOut),
        (63003, Permanent),
        (63049, Permanent),
        (63012, Transient),
        (63040, Configuration),
        (63041, Configuration),
        (63042, Configuration),
        (63027, Configuration),
    ];
    for (code, class) in cases {
        let Report::Failed { class: given, .. } = report("failed", Some(code)).await else { panic!("{code}") };
        assert_eq!(given, class, "{code}");
    }
}
