//! What Twilio reports, from signed requests; and what nobody should be able to parse.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::settings::tests::settings;
use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass, Report, RetryClass};
use crate::domain::value::{Channel, Keyword};

const URL: &str = "https://crm.example.com/hooks/twilio/";

/// Name, end of the URL, body, signature: fields as in Twilio's pages and the tests of nyaruka/courier.
const SAMPLES: &[(&str, &str, &str, &str)] = &[
    (
        "inbound sms",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&Body=Is+the+flat+on+5\
            th+still+open%3F&FromCity=CHICOPEE&FromState=MA&FromZip=01022&FromCountry=US&ToCity=&ToState=DC&ToZip=&\
            ToCountry=US",
        "n5IPV1o+y2Cz3d1uasPE2GOF/Ms=",
    ),
    (
        "inbound sms STOP via messaging service with advanced opt-out",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&MessagingServiceSid=M\
            G33333333333333333333333333333333&Body=Stop&OptOutType=STOP&FromCity=CHICOPEE&FromState=MA&FromZip=0102\
            2&FromCountry=US&ToCity=&ToState=DC&ToZip=&ToCountry=US",
        "x1W2hrLTHhAdHvmbOa5cLRxiPnY=",
    ),
    (
        "inbound sms HELP",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&MessagingServiceSid=M\
            G33333333333333333333333333333333&Body=help&OptOutType=HELP&FromCity=CHICOPEE&FromState=MA&FromZip=0102\
            2&FromCountry=US&ToCity=&ToState=DC&ToZip=&ToCountry=US",
        "X65+EpBJ8w+mDIvg2vPEKUfley4=",
    ),
    (
        "inbound sms keyword without OptOutType (default number-level handling)",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&Body=+UNSUBSCRIBE+&Fr\
            omCity=CHICOPEE&FromState=MA&FromZip=01022&FromCountry=US&ToCity=&ToState=DC&ToZip=&ToCountry=US",
        "bKVBiSz9uBvj4pzKq7vWRTj8nM0=",
    ),
    (
        "inbound sentence containing the word stop: not a keyword",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&Body=please+stop+by+a\
            t+5pm&FromCity=CHICOPEE&FromState=MA&FromZip=01022&FromCountry=US&ToCity=&ToState=DC&ToZip=&ToCountry=U\
            S",
        "bvUL1stK0adAMk3PwDD+cmPmDOQ=",
    ),
    (
        "inbound sms base64 concatenated body, last character cut",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B14155550101&To\
            =%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01&Body=QSBsb25nIG5vdGUg\
            c3BsaXQgb3ZlciBwYXJ0cyDigKbigJxRdW%2FigA%3D%3D&FromCity=CHICOPEE&FromState=MA&FromZip=01022&FromCountry\
            =US&ToCity=&ToState=DC&ToZip=&ToCountry=US",
        "Jn0dhmNEsPdqy+LTYJoDMIQh4Xc=",
    ),
    (
        "inbound whatsapp text",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3A%2B141\
            55550101&To=whatsapp%3A%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01\
            &ProfileName=Ana+Lima&WaId=14155550101&MessageType=text&ReferralNumMedia=0&ChannelMetadata=%7B%22type%2\
            2%3A%22whatsapp%22%2C%22data%22%3A%7B%22context%22%3A%7B%22ProfileName%22%3A%22Ana+Lima%22%2C%22WaId%22\
            %3A%2214155550101%22%7D%7D%7D&Body=Ol%C3%A1+%F0%9F%91%8B",
        "l+/T5OV/pF1oQx91rKIEK138rnk=",
    ),
    (
        "inbound whatsapp quick-reply button",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3A%2B141\
            55550101&To=whatsapp%3A%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01\
            &ProfileName=Ana+Lima&WaId=14155550101&MessageType=button&ReferralNumMedia=0&ChannelMetadata=%7B%22type\
            %22%3A%22whatsapp%22%2C%22data%22%3A%7B%22context%22%3A%7B%22ProfileName%22%3A%22Ana+Lima%22%2C%22WaId%\
            22%3A%2214155550101%22%7D%7D%7D&Body=Confirm&ButtonText=Confirm&ButtonPayload=visit%3Aconfirm&OriginalR\
            epliedMessageSid=SM99999999999999999999999999999999&OriginalRepliedMessageSender=whatsapp%3A%2B12025550\
            199",
        "Z4eOcQlKUFoFR7/D29Mhr8xZ1OE=",
    ),
    (
        "inbound whatsapp from a user without a phone number (BSUID)",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3AUS.134\
            91208655302741918&To=whatsapp%3A%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2\
            010-04-01&ProfileName=Ana+Lima&MessageType=text&ReferralNumMedia=0&ChannelMetadata=%7B%22type%22%3A%22w\
            hatsapp%22%2C%22data%22%3A%7B%22context%22%3A%7B%22ProfileName%22%3A%22Ana+Lima%22%2C%22WaId%22%3A%2214\
            155550101%22%7D%7D%7D&ExternalUserId=whatsapp%3AUS.13491208655302741918&Body=hi",
        "jupynf3Kgvhns0H58NGgFZ2w+zQ=",
    ),
    (
        "inbound whatsapp click-to-whatsapp ad",
        "sms",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&SmsMessageSid=\
            SM11111111111111111111111111111111&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3A%2B141\
            55550101&To=whatsapp%3A%2B12025550199&SmsStatus=received&NumMedia=0&NumSegments=1&ApiVersion=2010-04-01\
            &ProfileName=Ana+Lima&WaId=14155550101&MessageType=text&ReferralNumMedia=0&ChannelMetadata=%7B%22type%2\
            2%3A%22whatsapp%22%2C%22data%22%3A%7B%22context%22%3A%7B%22ProfileName%22%3A%22Ana+Lima%22%2C%22WaId%22\
            %3A%2214155550101%22%7D%7D%7D&Body=I+saw+the+ad&ReferralBody=Open+house&ReferralHeadline=Sunday&Referra\
            lSourceId=120212&ReferralSourceType=ad&ReferralSourceUrl=https%3A%2F%2Ffb.me%2Fx&CtwaClid=ARAkLk",
        "akBgfWz++w2ZlVXCnoDbJGM8hkU=",
    ),
    (
        "status sending",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=sending&SmsStatus=sending",
        "AAJGgg3R3diQeGkTV6LyvQQbK78=",
    ),
    (
        "status sent",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=sent&SmsStatus=sent",
        "6xd6sBRyoZWn9tvpUlskV/cyd18=",
    ),
    (
        "status undelivered 30003",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=undelivered&SmsStatus=undelivered&ErrorCode=30003",
        "4ouQ2lnfSIyGE6ZhDDVgRDTft9U=",
    ),
    (
        "status undelivered 30005",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=undelivered&SmsStatus=undelivered&ErrorCode=30005",
        "sTB2LWi0wQpqCQWPfX2s/g8O3Dg=",
    ),
    (
        "status undelivered 30007",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=undelivered&SmsStatus=undelivered&ErrorCode=30007",
        "hd7lrme6ut6h6weU93GY/RInm+M=",
    ),
    (
        "status failed 21610",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=failed&SmsStatus=failed&ErrorCode=21610",
        "r8bcdG6GmnB9O6SuqWoEfdgHyrQ=",
    ),
    (
        "status failed 30008",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=failed&SmsStatus=failed&ErrorCode=30008",
        "mZzLwVFYNz6lYtHWxgH33APaytU=",
    ),
    (
        "status failed 30034",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B12025550199&To=%2B14155550101&ApiVersion=2010-04-01&MessageStat\
            us=failed&SmsStatus=failed&ErrorCode=30034",
        "ouopJQt0uKaZm7LxJ//5WNKseMs=",
    ),
    (
        "whatsapp outside window",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3A%2B12025550199&To=whatsapp%3A%2B14155550101&ApiVersion=\
            2010-04-01&ChannelInstallSid=XE66666666666666666666666666666666&ChannelPrefix=whatsapp&MessageStatus=fa\
            iled&SmsStatus=failed&ErrorCode=63016&ChannelStatusMessage=...",
        "/fn2+UO4wANYAmThC8PGCEux9hw=",
    ),
    (
        "whatsapp rate limited",
        "status?ref=01JABCDEF",
        "MessageSid=SM11111111111111111111111111111111&SmsSid=SM11111111111111111111111111111111&AccountSid=ACa\
            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=whatsapp%3A%2B12025550199&To=whatsapp%3A%2B14155550101&ApiVersion=\
            2010-04-01&ChannelInstallSid=XE66666666666666666666666666666666&ChannelPrefix=whatsapp&MessageStatus=fa\
            iled&SmsStatus=failed&ErrorCode=63018",
        "WpYJBgV4GlHxJTKOPta8cFmpAVY=",
    ),
];

fn webhook() -> TwilioWebhook {
    TwilioWebhook::try_new(&settings()).expect("valid settings")
}

fn request(path: &str, body: impl Into<Bytes>, signature: &str) -> WebhookRequest {
    let headers = vec![
        ("content-type".to_owned(), Bytes::from_static(b"application/x-www-form-urlencoded")),
        ("x-twilio-signature".to_owned(), Bytes::copy_from_slice(signature.as_bytes())),
    ];
    WebhookRequest { method: "POST".to_owned(), url: format!("{URL}{path}"), headers, body: body.into() }
}

/// What a body says, believed or not.
fn parse(path: &str, body: impl Into<Bytes>) -> Vec<Notice> {
    let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
    futures::executor::block_on(webhook().parse(&request(path, body, ""), now))
}

fn sample(name: &str) -> NoticeKind {
    let (_, path, body, _) = SAMPLES.iter().find(|sample| sample.0 == name).unwrap_or_else(|| panic!("{name}"));
    let mut notices = parse(path, *body);
    assert_eq!(notices.len(), 1, "{name}");
    let notice = notices.remove(0);
    assert_eq!(notice.raw, *body);
    notice.kind
}

fn sample_inbound(name: &str) -> Inbound {
    match sample(name) {
        NoticeKind::Inbound(inbound) => *inbound,
        other => panic!("{name}: {other:?}"),
    }
}

fn status(written: &str) -> Option<Report> {
    match parse("status?token=abc", format!("MessageSid=SM1&To=%2B14155550101&{written}")).pop()?.kind {
        NoticeKind::Report { report, .. } => Some(report),
        other => panic!("{written}: {other:?}"),
    }
}

#[test]
fn every_sample_is_genuine_and_none_is_after_a_change() {
    let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
    for (name, path, body, signature) in SAMPLES {
        assert_eq!(webhook().verify(&request(path, *body, signature), now), Ok(()), "{name}");
        let changed = body.replacen("SM1", "SM2", 1);
        assert_eq!(webhook().verify(&request(path, changed, signature), now), Err(SignatureError::Forged), "{name}");
        let added = format!("{body}&To=x");
        assert_eq!(webhook().verify(&request(path, added, signature), now), Err(SignatureError::Forged), "{name}");
    }
}

#[test]
fn an_incoming_message_is_read_with_who_wrote_and_what() {
    let inbound = sample_inbound("inbound sms");
    assert_eq!(inbound.channel, Channel::Sms);
    assert_eq!(inbound.provider_message_id, format!("SM{}", "1".repeat(32)));
    assert_eq!((inbound.from.as_str(), inbound.to.as_deref()), ("+14155550101", Some("+12025550199")));
    assert_eq!(inbound.text, "Is the flat on 5th still open?");
    assert_eq!((inbound.opt_out, inbound.occurred_at, inbound.media.len()), (None, None, 0));
}

#[test]
fn only_twilio_says_that_twilio_acts_on_a_keyword() {
    let opt_out = |name| sample_inbound(name).opt_out;
    assert_eq!(opt_out("inbound sms STOP via messaging service with advanced opt-out"), Some(Keyword::Stop));
    assert_eq!(opt_out("inbound sms HELP"), Some(Keyword::Help));
    let plain = sample_inbound("inbound sms keyword without OptOutType (default number-level handling)");
    assert_eq!((plain.opt_out, plain.text.as_str()), (None, " UNSUBSCRIBE "));
    assert_eq!(opt_out("inbound sentence containing the word stop: not a keyword"), None);
}

#[test]
fn a_text_that_looks_like_base64_stays_as_it_was_written() {
    let body =
        "MessageSid=SM1&From=%2B14155550101&SmsStatus=received&Body=VGhpcyBpcyBteSBzZWNyZXQgdG9rZW4sIGtlZXAgaXQ%3D";
    let NoticeKind::Inbound(inbound) = parse("sms", body).remove(0).kind else { panic!() };
    assert_eq!(inbound.text, "VGhpcyBpcyBteSBzZWNyZXQgdG9rZW4sIGtlZXAgaXQ=");
    assert_eq!(inbound.original, body);
}

#[test]
fn a_shared_location_is_read_in_words_and_figures() {
    let body = "MessageSid=SM1&From=whatsapp%3A%2B14155550101&SmsStatus=received&Body=&ProfileName=Ana+Lima\
        &Latitude=48.2&Longitude=16.37&Label=Cafe&Address=Main+St+1";
    let NoticeKind::Inbound(inbound) = parse("sms", body).remove(0).kind else { panic!() };
    assert_eq!(inbound.sender_name.as_deref(), Some("Ana Lima"));
    assert_eq!(inbound.text, "Cafe\nMain St 1\n48.2, 16.37");
    assert_eq!(inbound.location.map(|location| location.latitude).as_deref(), Some("48.2"));
}

#[test]
fn whatsapp_comes_with_its_own_ids() {
    let inbound = sample_inbound("inbound whatsapp text");
    assert_eq!((inbound.channel, inbound.from.as_str()), (Channel::Whatsapp, "+14155550101"));
    assert_eq!(inbound.text, "Olá 👋");
    let button = sample_inbound("inbound whatsapp quick-reply button");
    assert_eq!(button.in_reply_to, Some(format!("SM{}", "9".repeat(32))));
    let nameless = sample_inbound("inbound whatsapp from a user without a phone number (BSUID)");
    assert_eq!(nameless.from, "US.13491208655302741918");
}

#[test]
fn media_are_noted_and_not_fetched_whatever_they_point_at() {
    let body = "MessageSid=MM1&From=%2B1415&Body=&SmsStatus=received&NumMedia=4000000000\
        &MediaUrl0=http%3A%2F%2F169.254.169.254%2Flatest&MediaContentType0=image%2Fpng&MediaUrl9=file%3A%2F%2F%2Fetc\
        &MediaUrl10=http%3A%2F%2Ftoo.many";
    let NoticeKind::Inbound(inbound) = parse("sms", body).remove(0).kind else { panic!() };
    let urls: Vec<_> = inbound.media.iter().filter_map(|media| media.url.as_deref()).collect();
    assert_eq!(urls, ["http://169.254.169.254/latest", "file:///etc"]);
    assert_eq!(inbound.media[0].content_type.as_deref(), Some("image/png"));
}

#[test]
fn a_status_becomes_a_report_with_our_token() {
    let kind = sample("status sent");
    let NoticeKind::Report { token, provider_message_id, to, occurred_at, provider_event_id, report, channel } = kind
    else {
        panic!()
    };
    assert_eq!(token, None, "this sample has another parameter");
    assert_eq!(provider_message_id, Some(format!("SM{}", "1".repeat(32))));
    assert_eq!((to.as_deref(), channel, occurred_at), (Some("+14155550101"), Channel::Sms, None));
    assert_eq!(provider_event_id, Some(format!("SM{}:sent:0", "1".repeat(32))));
    assert!(matches!(report, Report::Sent { segments: 1, cost_micros: None, .. }));
    let with_token = parse("x?a=b&token=t-o_k", "MessageSid=SM1&MessageStatus=delivered&RawDlrDoneDate=2611211200");
    let NoticeKind::Report { token, occurred_at, .. } = &with_token[0].kind else { panic!() };
    assert_eq!((token.as_deref(), *occurred_at), (Some("t-o_k"), None));
}

#[test]
fn repetitions_have_one_id_and_different_reports_have_two() {
    let id = |written: &str| match parse("s", format!("MessageSid=SM1&{written}")).remove(0).kind {
        NoticeKind::Report { provider_event_id, .. } => provider_event_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id("MessageStatus=failed&ErrorCode=30008"), id("ErrorCode=30008&SmsStatus=failed"));
    assert_ne!(id("MessageStatus=failed&ErrorCode=30008"), id("MessageStatus=failed&ErrorCode=30003"));
    assert_ne!(id("MessageStatus=sent"), id("MessageStatus=delivered"));
}

#[test]
fn each_status_means_what_it_means() {
    for silent in ["accepted", "scheduled", "queued", "sending", "receiving"] {
        assert_eq!(status(&format!("MessageStatus={silent}")), None, "{silent}");
    }
    assert_eq!(status("MessageStatus=delivered"), Some(Report::Delivered));
    assert_eq!(status("SmsStatus=Delivered"), Some(Report::Delivered));
    assert!(matches!(status("MessageStatus=read"), Some(Report::Opened { class: EngagementClass::Human, .. })));
    assert!(matches!(status("MessageStatus=canceled"), Some(Report::Failed { class: RetryClass::Permanent, .. })));
}

#[test]
fn failures_are_classed_by_their_code() {
    use RetryClass::{Configuration, ContentRefused, OptedOut, Permanent, RateLimited, Transient};
    let cases = [
        ("30003", Transient),
        ("30007", ContentRefused),
        ("30008", Transient),
        ("30034", Configuration),
        ("30004", Permanent),
        ("21610", OptedOut),
        ("63016", ContentRefused),
        ("63018", RateLimited),
    ];
    for (code, expected) in cases {
        for name in ["failed", "undelivered"] {
            let report = status(&format!("MessageStatus={name}&ErrorCode={code}"));
            let Some(Report::Failed { class, code: given, .. }) = report else { panic!("{code}") };
            assert_eq!((class, given.as_deref()), (expected, Some(code)));
        }
    }
    let dead = status("MessageStatus=undelivered&ErrorCode=30005");
    assert!(matches!(dead, Some(Report::Bounced { bounce: BounceKind::Hard, .. })));
    assert!(matches!(status("MessageStatus=failed"), Some(Report::Failed { class: Permanent, code: None, .. })));
}

#[test]
fn what_cannot_be_read_is_kept_and_said_so() {
    let long_status = format!("MessageSid=SM1&MessageStatus={}", "x".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("no message", b"a=b".to_vec()),
        ("an unknown status", b"MessageSid=SM1&MessageStatus=teleported".to_vec()),
        ("partly delivered", b"MessageSid=SM1&MessageStatus=partially_delivered".to_vec()),
        ("a code that is none", b"MessageSid=SM1&MessageStatus=failed&ErrorCode=many".to_vec()),
        ("a code too large", b"MessageSid=SM1&MessageStatus=failed&ErrorCode=99999999999999".to_vec()),
        ("no sender", b"MessageSid=SM1&SmsStatus=received&Body=x".to_vec()),
        ("another channel", b"MessageSid=SM1&SmsStatus=received&From=messenger%3A123&Body=x".to_vec()),
        ("bytes", vec![0xff, 0xfe, 0x00, b'=', 0xff]),
        ("a long status", long_status.into_bytes()),
    ];
    for (name, body) in cases {
        let notices = parse("sms", body.clone());
        assert!(matches!(&notices[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]), "{name}: {notices:?}");
        assert!(!notices[0].raw.contains('\0') && (body.is_empty() || !notices[0].raw.is_empty()), "{name}");
    }
}

#[test]
fn hostile_texts_are_taken_without_harm() {
    let text = |body: &str| match parse("sms", format!("MessageSid=SM1&From=%2B1&SmsStatus=received&{body}")).remove(0)
    {
        Notice { kind: NoticeKind::Inbound(inbound), .. } => inbound,
        other => panic!("{other:?}"),
    };
    assert_eq!(text("Body=a%00b").text, "a\u{FFFD}b");
    assert_eq!(text("Body=%FF%FE").text, "\u{FFFD}\u{FFFD}");
    assert_eq!(text(&format!("Body={}", "x".repeat(64 * 1024))).text.len(), 64 * 1024);
    let huge = text(&format!("Body={}", "x".repeat(1024 * 1024)));
    assert_eq!((huge.text.len(), huge.hints.is_cut), (100_000, true));
    assert_eq!(text("Body=first&Body=second").text, "first");
    assert_eq!(text("Body=%3Cscript%3E").text, "<script>");
    assert_eq!(text("").text, "");
}

#[test]
fn a_get_tells_by_its_query() {
    let mut get = request("sms?MessageSid=SM1&From=%2B1&SmsStatus=received&Body=hi", "", "");
    get.method = "GET".to_owned();
    let notices = futures::executor::block_on(webhook().parse(&get, DateTime::UNIX_EPOCH));
    assert!(matches!(&notices[0].kind, NoticeKind::Inbound(inbound) if inbound.text == "hi"));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        method in "GET|POST|get|.{0,4}",
        url in ".{0,80}",
        headers in proptest::collection::vec((".{0,20}", any::<Vec<u8>>()), 0..4),
        body in any::<Vec<u8>>(),
        fields in proptest::collection::vec(
            (
                "MessageSid|MessageStatus|SmsStatus|From|To|Body|ErrorCode|NumMedia|MediaUrl0|OptOutType|CallSid\
                    |CallStatus|AnsweredBy|Digits|Direction|Timestamp|MachineDetectionDuration|SipResponseCode",
                ".{0,40}",
            ),
            0..8,
        ),
    ) {
        let headers = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
        let mut request = WebhookRequest { method, url, headers, body: body.into() };
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        prop_assert!(webhook().verify(&request, now).is_err());
        futures::executor::block_on(webhook().parse(&request, now));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        request.body = form.into();
        request.method = "POST".to_owned();
        prop_assert!(futures::executor::block_on(webhook().parse(&request, now)).len() <= 2);
        futures::executor::block_on(webhook().answer_to(&request));
    }
}
