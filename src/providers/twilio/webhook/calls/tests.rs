//! What Twilio reports of calls, from signed requests; and what nobody should be able to make of one.

use bytes::Bytes;

use super::super::super::settings::tests::settings;
use super::super::TwilioWebhook;
use super::*;
use crate::providers::{Notice, Webhook};

const URL: &str = "https://crm.example.com/hooks/twilio/";

/// Name, end of the URL, body, signature: fields as in Twilio's pages on calls and machine detection.
const SAMPLES: &[(&str, &str, &str, &str)] = &[
    (
        "call initiated",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=initiated&SequenceNumber=\
            0&Timestamp=Thu%2C+01+Jan+2026+14%3A00%3A00+%2B0000",
        "F+U6Arhzuio2xAl20xNszU4Ms6w=",
    ),
    (
        "call ringing",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=ringing&SequenceNumber=1&\
            Timestamp=Thu%2C+01+Jan+2026+14%3A00%3A01+%2B0000",
        "OE3N0hiKvEvX6+rq2WLciWj9Qy0=",
    ),
    (
        "call completed",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=completed&SequenceNumber=\
            3&Timestamp=Thu%2C+01+Jan+2026+14%3A00%3A03+%2B0000&Duration=1&CallDuration=49&AnsweredBy=human&\
            SipResponseCode=200",
        "o4YsGhAx21sXoyC/qFYr3vKeit8=",
    ),
    (
        "call no-answer",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=no-answer&SequenceNumber=\
            2&Timestamp=Thu%2C+01+Jan+2026+14%3A00%3A05+%2B0000&CallDuration=0&Duration=0&SipResponseCode=48\
            7",
        "BA3IxZs+XNBvHNruWgOUkCwUwUM=",
    ),
    (
        "call failed",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=failed&SequenceNumber=2&T\
            imestamp=Thu%2C+01+Jan+2026+14%3A00%3A05+%2B0000&CallDuration=0&Duration=0&SipResponseCode=404",
        "4n8KVk36mm3mlxQXM2H2aSkJ/qM=",
    ),
    (
        "call canceled",
        "call-status?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B12025550199&To=%2B14155550101&Caller=%2B12025550199&Called=%2B14155550101&Direction=outbound-ap\
            i&ApiVersion=2010-04-01&CallbackSource=call-progress-events&CallStatus=canceled&SequenceNumber=2\
            &Timestamp=Thu%2C+01+Jan+2026+14%3A00%3A05+%2B0000&CallDuration=0&Duration=0&SipResponseCode=487",
        "E1cCxsTAe5kXGnQRH1guM+ryOXo=",
    ),
    (
        "async amd machine_start",
        "amd?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&Answere\
            dBy=machine_start&MachineDetectionDuration=4120",
        "4hyxbaalV+srPC3dRBjBNI7ApD0=",
    ),
    (
        "async amd machine_end_beep",
        "amd?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&Answere\
            dBy=machine_end_beep&MachineDetectionDuration=4120",
        "eRvLDZ1jRUBWX+jCXXRyUOlMGKU=",
    ),
    (
        "async amd machine_end_other",
        "amd?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&Answere\
            dBy=machine_end_other&MachineDetectionDuration=4120",
        "Vdey/Cvxgj1q5m/pZxYJ6Iy9cAc=",
    ),
    (
        "async amd fax",
        "amd?ref=01JCALL",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&Answere\
            dBy=fax&MachineDetectionDuration=4120",
        "3TPe2ea8np8OwyBls9gk4NrRO4E=",
    ),
    (
        "inbound call",
        "voice",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B14155550101&To=%2B12025550199&Caller=%2B14155550101&Called=%2B12025550199&CallStatus=ringing&Di\
            rection=inbound&ApiVersion=2010-04-01&StirVerstat=TN-Validation-Passed-A&CallerName=&FromCity=CH\
            ICOPEE&FromState=MA&FromCountry=US",
        "Rkh8YRuChty4EFF3UTLZhEvp8o8=",
    ),
    (
        "inbound anonymous call",
        "voice",
        "CallSid=CA22222222222222222222222222222222&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2\
            B266696687&To=%2B12025550199&Caller=%2B266696687&Called=%2B12025550199&CallStatus=ringing&Direct\
            ion=inbound&ApiVersion=2010-04-01",
        "KMrH+k9V3LwY0EzW8I03QJR36yY=",
    ),
];

fn webhook() -> TwilioWebhook {
    TwilioWebhook::try_new(&settings()).expect("valid settings")
}

fn now() -> DateTime<Utc> {
    "2026-01-01T15:00:00Z".parse().expect("a time")
}

fn request(path: &str, body: &str, signature: &str) -> WebhookRequest {
    let headers = vec![
        ("content-type".to_owned(), Bytes::from_static(b"application/x-www-form-urlencoded")),
        ("x-twilio-signature".to_owned(), Bytes::copy_from_slice(signature.as_bytes())),
    ];
    WebhookRequest {
        method: "POST".to_owned(),
        url: format!("{URL}{path}"),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn parse(path: &str, body: &str) -> Vec<Notice> {
    futures::executor::block_on(webhook().parse(&request(path, body, ""), now()))
}

fn reports(path: &str, body: &str) -> Vec<Report> {
    let report = |notice: Notice| match notice.kind {
        NoticeKind::Report { report, .. } => report,
        other => panic!("{other:?}"),
    };
    parse(path, body).into_iter().map(report).collect()
}

fn sample(name: &str) -> Vec<Report> {
    let (_, path, body, _) = SAMPLES.iter().find(|sample| sample.0 == name).unwrap_or_else(|| panic!("{name}"));
    reports(path, body)
}

fn answer(path: &str, body: &str) -> Option<String> {
    futures::executor::block_on(webhook().answer_to(&request(path, body, "")))
}

#[test]
fn every_sample_of_a_call_is_genuine_and_none_is_after_a_change() {
    for (name, path, body, signature) in SAMPLES {
        assert_eq!(webhook().verify(&request(path, body, signature), now()), Ok(()), "{name}");
        let changed = body.replacen("CallSid=CA2", "CallSid=CA3", 1);
        assert!(webhook().verify(&request(path, &changed, signature), now()).is_err(), "{name}");
        assert!(webhook().verify(&request(&format!("{path}&x=1"), body, signature), now()).is_err(), "{name}");
    }
}

#[test]
fn a_call_that_somebody_answered_is_delivered_and_its_length_is_in_seconds() {
    let [ended, delivered] = &sample("call completed")[..] else { panic!() };
    assert_eq!(*delivered, Report::Delivered);
    let Report::CallEnded { result, seconds, answered_by, .. } = ended else { panic!("{ended:?}") };
    assert_eq!((*result, *seconds, answered_by.as_deref()), (CallResult::Answered, Some(49), Some("human")));
}

#[test]
fn a_call_says_when_it_happened_and_repeats_under_one_id() {
    let (_, path, body, _) = SAMPLES.iter().find(|sample| sample.0 == "call completed").expect("a sample");
    let ids = || {
        let id = |notice: Notice| match notice.kind {
            NoticeKind::Report { provider_event_id, occurred_at, channel, to, .. } => {
                assert_eq!(occurred_at, "2026-01-01T14:00:03Z".parse().ok());
                assert_eq!((channel, to.as_deref()), (Channel::Voice, Some("+14155550101")));
                provider_event_id.expect("an id")
            }
            other => panic!("{other:?}"),
        };
        parse(path, body).into_iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ids());
    assert_ne!(ids()[0], ids()[1]);
}

#[test]
fn the_first_report_proves_that_the_call_exists_and_what_follows_changes_nothing() {
    let sid = format!("CA{}", "2".repeat(32));
    let [Report::Sent { provider_message_id, .. }] = &sample("call initiated")[..] else { panic!() };
    assert_eq!(*provider_message_id, Some(sid));
    for silent in ["call ringing", "async amd machine_start", "async amd machine_end_beep", "async amd fax"] {
        assert_eq!(sample(silent), [], "{silent}");
    }
    assert_eq!(reports("x", "CallSid=CA1&CallStatus=in-progress"), []);
    assert_eq!(reports("x", "CallSid=CA1&CallStatus=queued"), []);
    assert_eq!(reports("x", "CallSid=CA1&CallStatus=answered"), []);
}

#[test]
fn each_end_of_a_call_is_what_it_is() {
    use CallResult::{Answered, Busy, Cancelled, Failed, Machine, NoAnswer, Voicemail};
    use RetryClass::{Permanent, Transient};
    let end = |written: &str| match &reports("x", &format!("CallSid=CA1&{written}"))[..] {
        [Report::CallEnded { result, .. }, Report::Failed { class, .. }] => (*result, Some(*class)),
        [Report::CallEnded { result, .. }, Report::Delivered] => (*result, None),
        other => panic!("{written}: {other:?}"),
    };
    let cases = [
        ("CallStatus=completed", Answered, None),
        ("CallStatus=completed&AnsweredBy=unknown", Answered, None),
        ("CallStatus=completed&AnsweredBy=machine_end_beep", Voicemail, None),
        ("CallStatus=completed&AnsweredBy=machine_end_silence", Voicemail, None),
        ("CallStatus=completed&AnsweredBy=machine_end_other", Voicemail, None),
        ("CallStatus=completed&AnsweredBy=machine_start", Machine, Some(Transient)),
        ("CallStatus=completed&AnsweredBy=fax", Machine, Some(Permanent)),
        ("CallStatus=busy&SipResponseCode=486", Busy, Some(Transient)),
        ("CallStatus=no-answer", NoAnswer, Some(Transient)),
        ("CallStatus=Canceled", Cancelled, Some(Permanent)),
        ("CallStatus=failed&SipResponseCode=404", Failed, Some(Permanent)),
        ("CallStatus=failed&SipResponseCode=503", Failed, Some(Transient)),
        ("CallStatus=failed&SipResponseCode=many", Failed, Some(Permanent)),
        ("CallStatus=failed&ErrorCode=13227", Failed, Some(RetryClass::Configuration)),
    ];
    for (written, result, class) in cases {
        assert_eq!(end(written), (result, class), "{written}");
    }
}

#[test]
fn a_key_opts_out_or_answers_and_who_pressed_it_hears_words() {
    let path = "main?token=t-k&language=de-DE&key=9%3Aopt_out%3AGut+%26+Ende&key=1%3Aanswer%3ADanke";
    let pressed =
        |digits: &str| format!("CallSid=CA1&CallStatus=in-progress&To=%2B14155550101&From=%2B1202&Digits={digits}");
    let [Notice { kind: NoticeKind::Report { token, report, channel, .. }, .. }] = &parse(path, &pressed("9"))[..]
    else {
        panic!()
    };
    assert_eq!((token.as_deref(), *channel), (Some("t-k"), Channel::Voice));
    assert_eq!(*report, Report::OptedOut { method: "key".to_owned(), topic: None });
    let said = answer(path, &pressed("9")).expect("words");
    assert!(said.ends_with("<Say language=\"de-DE\">Gut &amp; Ende</Say><Hangup/></Response>"), "{said}");
    let NoticeKind::Inbound(inbound) = parse(path, &pressed("1")).remove(0).kind else { panic!() };
    assert_eq!((inbound.text.as_str(), inbound.from.as_str()), ("1", "+14155550101"));
    assert_eq!((inbound.in_reply_to.as_deref(), inbound.provider_message_id.as_str()), (Some("CA1"), "CA1:key:1"));
    // Another key means nothing, and ends the call.
    assert!(matches!(parse(path, &pressed("5"))[0].kind, NoticeKind::Unclear { .. }));
    assert_eq!(answer(path, &pressed("5")).as_deref(), Some(crate::providers::twilio::twiml::HANG_UP));
}

#[test]
fn who_calls_us_is_not_taken_and_it_is_kept_that_somebody_called() {
    for name in ["inbound call", "inbound anonymous call"] {
        let (_, path, body, _) = SAMPLES.iter().find(|sample| sample.0 == name).expect("a sample");
        assert!(matches!(&parse(path, body)[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]), "{name}");
        assert!(answer(path, body).is_some_and(|document| document.contains("<Reject/>")), "{name}");
    }
}

#[test]
fn only_a_machines_verdict_ends_a_call() {
    let is_verdict = |body: &str| is_verdict_of_machine(&Form::read(body.as_bytes()));
    assert!(is_verdict("CallSid=CA1&AnsweredBy=machine_start&MachineDetectionDuration=4120"));
    assert!(is_verdict("CallSid=CA1&AnsweredBy=fax&MachineDetectionDuration=4120"));
    assert!(!is_verdict("CallSid=CA1&AnsweredBy=human&MachineDetectionDuration=4120"));
    assert!(!is_verdict("CallSid=CA1&AnsweredBy=unknown&MachineDetectionDuration=4120"));
    let status = "CallSid=CA1&AnsweredBy=machine_start&MachineDetectionDuration=4&CallbackSource=call-progress-events";
    assert!(!is_verdict(status));
}

#[test]
fn what_cannot_be_read_of_a_call_is_kept() {
    for body in ["CallSid=CA1", "CallSid=CA1&CallStatus=teleported", "CallSid=CA1&CallStatus=", "CallSid=CA1&Digits=9"]
    {
        assert!(matches!(&parse("main", body)[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]), "{body}");
    }
}
