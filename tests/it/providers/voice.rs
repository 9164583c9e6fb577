//! Calls by Twilio against its double.

use std::sync::Arc;

use chrono::TimeDelta;
use commlog::domain::value::Channel;
use commlog::domain::value::message::{CallResult, Report, RetryClass};
use commlog::domain::value::script::{Key, KeyMeaning, OnMachine, Step, VoiceScript};
use commlog::domain::value::token::open;
use commlog::providers::twilio::{Twilio, TwilioSettings, TwilioWebhook};
use commlog::providers::{
    Content, NoticeKind, OutboundMessage, Provider, SendError, Unconfirmed, VoiceContent, Webhook,
};

use super::{ambient, cause_of, class_of, client, correlation, message, now, secret};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{NUMBER, TwilioCall, TwilioDouble};

const CALLBACK: &str = "https://crm.example.com/hooks/twilio/main";

fn provider(settings: TwilioSettings) -> Twilio {
    Twilio::try_new(settings, client(), ambient(1)).expect("valid settings")
}

async fn start() -> (TwilioDouble, Arc<Twilio>, TwilioWebhook) {
    let double = TwilioDouble::start(ambient(2)).await;
    let settings = double.settings(CALLBACK);
    let webhook = TwilioWebhook::try_new(&settings).expect("valid settings");
    let twilio = Arc::new(provider(settings));
    let webhook = webhook.ending_calls(Arc::clone(&twilio));
    (double, twilio, webhook)
}

fn script(machine: Option<OnMachine>) -> VoiceScript {
    let key = |digit, meaning, say: &str| Key { digit, meaning, say: say.to_owned() };
    VoiceScript {
        language: "en-GB".to_owned(),
        voice: Some("Polly.Amy".to_owned()),
        steps: vec![Step::Say("Your wine & cheese is ready.".to_owned()), Step::Pause(1)],
        machine,
        keys: vec![key(9, KeyMeaning::OptOut, "No more calls."), key(1, KeyMeaning::Answer, "Thank you.")],
    }
}

fn call(machine: Option<OnMachine>) -> OutboundMessage {
    let mut message = message(Channel::Voice, 9);
    message.content = Content::Voice(VoiceContent { script: String::new(), steps: Some(script(machine)) });
    message
}

async fn made(twilio: &Twilio, double: &TwilioDouble, machine: Option<OnMachine>) -> TwilioCall {
    let accepted = twilio.send(call(machine)).await.expect("taken");
    let call = double.calls_taken().pop().expect("a call");
    assert_eq!((accepted.provider_message_id, accepted.segments), (Some(call.sid.clone()), 1));
    call
}

#[tokio::test]
async fn a_call_carries_its_script_its_keys_and_where_its_ends_are_reported() {
    let (double, twilio, _) = start().await;
    let call = made(&twilio, &double, None).await;
    assert_eq!((call.field("To"), call.field("From")), (Some("+14155550101"), Some(NUMBER)));
    let document = call.field("Twiml").expect("a document");
    let said = "<Say language=\"en-GB\" voice=\"Polly.Amy\">\
        Your wine &amp; cheese is ready.</Say><Pause length=\"1\"/></Gather>";
    assert!(document.contains(said), "{document}");
    let events: Vec<_> =
        call.form.iter().filter(|(name, _)| name == "StatusCallbackEvent").map(|(_, event)| event).collect();
    assert_eq!(events, ["initiated", "completed"]);
    assert!(call.field("StatusCallback").is_some_and(|url| url.starts_with(CALLBACK)));
    // Nothing is recorded, and nobody is tested, unless it is asked for.
    assert_eq!((call.field("Record"), call.field("MachineDetection")), (None, None));
    let mut settings = double.settings(CALLBACK);
    if let Some(voice) = &mut settings.voice {
        voice.records = true;
    }
    let recorded = made(&provider(settings), &double, Some(OnMachine::LeaveMessage)).await;
    assert_eq!(
        (recorded.field("Record"), recorded.field("MachineDetection")),
        (Some("true"), Some("DetectMessageEnd"))
    );
}

#[tokio::test]
async fn words_of_nobodys_template_are_read_in_the_accounts_language() {
    let (double, twilio, _) = start().await;
    twilio.send(message(Channel::Voice, 9)).await.expect("taken");
    let call = double.calls_taken().remove(0);
    assert!(
        call.field("Twiml").is_some_and(|document| document.contains("<Response><Say language=\"en-US\">Hello</Say>"))
    );
}

#[tokio::test]
async fn a_call_that_a_machine_picks_up_is_ended_once_and_a_persons_is_not() {
    let (double, twilio, webhook) = start().await;
    let call = made(&twilio, &double, Some(OnMachine::HangUp)).await;
    assert_eq!((call.field("MachineDetection"), call.field("AsyncAmd")), (Some("Enable"), Some("true")));
    for (answered_by, ended) in [("human", 0), ("unknown", 0), ("machine_start", 1), ("machine_start", 1), ("fax", 1)] {
        let request = TwilioDouble::verdict(&call, answered_by).request();
        assert_eq!(webhook.verify(&request, now()), Ok(()));
        assert_eq!(webhook.parse(&request, now()).await, []);
        assert_eq!(webhook.answer_to(&request).await, None);
        assert_eq!(double.calls_ended().len(), ended, "{answered_by}");
    }
    let request = TwilioDouble::call_status(&call, "completed", &[("AnsweredBy", "machine_start")]).request();
    let told = webhook.parse(&request, now()).await;
    assert!(matches!(
        &told[0].kind,
        NoticeKind::Report { report: Report::CallEnded { result: CallResult::Machine, .. }, .. }
    ));
}

#[tokio::test]
async fn a_pressed_key_opts_out_and_hears_that_it_did() {
    let (double, twilio, webhook) = start().await;
    let call = made(&twilio, &double, None).await;
    let request = TwilioDouble::pressed(&call, "9").request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let NoticeKind::Report { token, report, .. } = webhook.parse(&request, now()).await.remove(0).kind else {
        panic!()
    };
    assert_eq!(open(&token.expect("our token"), &secret()), Some(correlation(Channel::Voice, 9)));
    assert_eq!(report, Report::OptedOut { method: "key".to_owned(), topic: None });
    let said = webhook.answer_to(&request).await.expect("words");
    assert!(said.contains("<Say language=\"en-GB\" voice=\"Polly.Amy\">No more calls.</Say><Hangup/>"), "{said}");
    // Somebody else's words in the same place are not believed.
    let mut forged = request.clone();
    forged.url = forged.url.replace("9%3Aopt_out", "9%3Aanswer");
    assert!(webhook.verify(&forged, now()).is_err());
}

#[tokio::test]
async fn how_a_call_ended_comes_back_to_us_with_its_length() {
    let (double, twilio, webhook) = start().await;
    let call = made(&twilio, &double, Some(OnMachine::LeaveMessage)).await;
    let more = [("AnsweredBy", "machine_end_beep"), ("CallDuration", "31"), ("Duration", "1")];
    let request = TwilioDouble::call_status(&call, "completed", &more).request();
    assert_eq!(webhook.verify(&request, now()), Ok(()));
    let told = webhook.parse(&request, now()).await;
    let reports: Vec<_> = told
        .into_iter()
        .map(|notice| match notice.kind {
            NoticeKind::Report { report, token, .. } => {
                assert_eq!(open(&token.expect("our token"), &secret()), Some(correlation(Channel::Voice, 9)));
                report
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let ended = Report::CallEnded {
        result: CallResult::Voicemail,
        seconds: Some(31),
        answered_by: Some("machine_end_beep".to_owned()),
        cost_micros: None,
        currency: None,
    };
    assert_eq!(reports, [ended, Report::Delivered]);
}

#[tokio::test]
async fn what_twilio_refuses_a_call_for_is_refused_for_its_reason() {
    use RetryClass::{Configuration, ContentRefused, Permanent, RateLimited};
    let (double, twilio, _) = start().await;
    let refused = async |change: fn(&mut OutboundMessage)| {
        let mut message = call(None);
        change(&mut message);
        match twilio.send(message).await.expect_err("refused") {
            SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
            ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
        }
    };
    assert_eq!(refused(|message| message.to = "+1x".to_owned()).await, (Permanent, "21211".to_owned()));
    let foreign = refused(|message| message.from = Some("+12025550000".to_owned())).await;
    assert_eq!(foreign, (Configuration, "21210".to_owned()));
    let long = refused(|message| {
        message.content = Content::Voice(VoiceContent { script: "a".repeat(4_000), steps: None });
    });
    assert_eq!(long.await, (ContentRefused, "32018".to_owned()));
    let busy = serde_json::json!({ "code": 10004, "message": "Too many calls", "status": 429 });
    double.script_calls([Act::Refuse(429, vec![], busy)]);
    assert_eq!(refused(|_| {}).await, (RateLimited, "10004".to_owned()));
    let mut settings = double.settings(CALLBACK);
    settings.callback_url = None;
    let deaf = provider(settings).send(call(None)).await.expect_err("nobody would hear the key");
    assert_eq!((class_of(&deaf), double.calls_taken().len()), (Some(Configuration), 0));
}

#[tokio::test]
async fn a_call_in_doubt_is_found_by_number_and_time_if_it_is_the_only_one() {
    let (double, twilio, _) = start().await;
    let doubts = [
        Act::ServerError { status: 500, taken: true },
        Act::Half { taken: false },
        Act::Html { taken: false },
        Act::OkWithError { taken: false },
    ];
    for act in doubts {
        double.script_calls([act]);
        assert!(cause_of(&twilio.send(call(None)).await.expect_err("unclear")).is_some());
    }
    let mut asked = Unconfirmed {
        key: call(None).key,
        token: call(None).token,
        to: call(None).to,
        subject: None,
        body: "Your wine".to_owned(),
        called_at: now(),
        given_up_at: now() + TimeDelta::seconds(30),
        claimed: vec![],
    };
    let sid = double.calls_taken().remove(0).sid;
    let found = twilio.find(&asked).await.expect("it answers").expect("found");
    assert_eq!((found.accepted.provider_message_id, found.report), (Some(sid.clone()), None));
    let other = TwilioCall {
        sid: format!("CA{}", "5".repeat(32)),
        form: [("To", "+14155550101"), ("From", NUMBER)].map(|(name, value)| (name.into(), value.into())).to_vec(),
        created: now(),
        status: "completed".to_owned(),
        answered_by: Some("machine_start".to_owned()),
        price: Some("-0.01400".to_owned()),
    };
    double.plant_call(other);
    assert_eq!(twilio.find(&asked).await, Ok(None), "either may be it");
    asked.claimed = vec![sid];
    let found = twilio.find(&asked).await.expect("it answers").expect("found");
    assert_eq!(found.accepted.cost.map(|(micros, _)| micros), Some(14_000));
    assert!(matches!(found.report, Some(Report::Failed { class: RetryClass::Transient, .. })));
    asked.given_up_at = now() - TimeDelta::hours(1);
    assert_eq!(twilio.find(&asked).await, Ok(None));
    assert_eq!(double.most_calls_per_token(), 1);
}
