//! What SendGrid's events report, and what comes of damaged ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::value::message::{BounceKind, EngagementClass, RetryClass};

/// A POST that SendGrid's own test of a webhook made, byte by byte (`StrongGrid`, `WebhookParserTests.cs`).
pub(in crate::providers::sendgrid) const BATCH: &str = "[{\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd\
    -555\\u003e\",\"event\":\"processed\",\"category\":[\"cat facts\"],\"sg_event_id\":\"m-8gndi_kLAVOUXWX79vdg=\
    =\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"deferred\",\"category\":[\"cat facts\"],\"sg_event_id\":\"Xkjq_rPYT2IV1ZTNPx2gGQ==\
    \",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"response\":\"400 try again la\
    ter\",\"attempt\":\"5\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"delivered\",\"category\":[\"cat facts\"],\"sg_event_id\":\"lNsPF9LUYT70RfvIabpolA==\
    \",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"response\":\"250 OK\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"open\",\"category\":[\"cat facts\"],\"sg_event_id\":\"WElX21DXbk0bn2S1p_E_gA==\",\
    \"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"useragent\":\"Mozilla/4.0 (compa\
    tible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)\",\"ip\":\"255.255.255.255\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"click\",\"category\":[\"cat facts\"],\"sg_event_id\":\"BC5Jcj5IdtB5JzctXdF7jQ==\",\
    \"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"useragent\":\"Mozilla/4.0 (compa\
    tible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)\",\"ip\":\"255.255.255.255\",\"url\":\"h\
    ttp://www.sendgrid.com/\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"bounce\",\"category\":[\"cat facts\"],\"sg_event_id\":\"1jABOEVCpBNStQg2Ji-Pvw==\",\
    \"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"reason\":\"500 unknown recipient\
    \",\"status\":\"5.0.0\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"dropped\",\"category\":[\"cat facts\"],\"sg_event_id\":\"N0_KKSkckt9hUtasadYffA==\
    \",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"reason\":\"Bounced Address\",\
    \"status\":\"5.0.0\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"spamreport\",\"category\":[\"cat facts\"],\"sg_event_id\":\"ZvWbMhp8tWTEFUqe4J4FHg=\
    =\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"unsubscribe\",\"category\":[\"cat facts\"],\"sg_event_id\":\"CWoMUe_SCatUCphHVjbLUw\
    ==\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\"},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"group_unsubscribe\",\"category\":[\"cat facts\"],\"sg_event_id\":\"oGga2Bjm_hPpr7Ws\
    7U6z7Q==\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"useragent\":\"Mozilla\
    /4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)\",\"ip\":\"255.255.255.255\",\
    \"url\":\"http://www.sendgrid.com/\",\"asm_group_id\":10},\r\n\
    {\"email\":\"example@test.com\",\"timestamp\":1606575333,\"smtp-id\":\"\\u003c14c5d75ce93.dfd.64b469@ismtpd-\
    555\\u003e\",\"event\":\"group_resubscribe\",\"category\":[\"cat facts\"],\"sg_event_id\":\"h5eCKbTzFfA7vy8L\
    1teZIg==\",\"sg_message_id\":\"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0\",\"useragent\":\"Mozilla\
    /4.0 (compatible; MSIE 6.1; Windows XP; .NET CLR 1.1.4322; .NET CLR 2.0.50727)\",\"ip\":\"255.255.255.255\",\
    \"url\":\"http://www.sendgrid.com/\",\"asm_group_id\":10}]\r\n";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
}

fn notice(event: &Value) -> NoticeKind {
    let body = json!([event]).to_string();
    let mut notices = parse(body.as_bytes(), now());
    assert_eq!(notices.len(), 1);
    notices.remove(0).kind
}

fn report(event: &Value) -> Report {
    match notice(event) {
        NoticeKind::Report { report, .. } => report,
        other => panic!("{event}: {other:?}"),
    }
}

fn open(extra: &Value) -> EngagementClass {
    let mut event = json!({ "event": "open", "sg_event_id": "x" });
    event.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    match report(&event) {
        Report::Opened { class, rule, .. } => {
            assert_eq!(rule, "engagement/1");
            class
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_of_every_event_is_read_item_by_item() {
    let notices = parse(BATCH.as_bytes(), now());
    let names: Vec<_> = notices
        .iter()
        .map(|notice| match &notice.kind {
            NoticeKind::Report { report, .. } => match report {
                Report::Sent { .. } => "sent",
                Report::Deferred { .. } => "deferred",
                Report::Delivered => "delivered",
                Report::Opened { .. } => "opened",
                Report::Clicked { .. } => "clicked",
                Report::Bounced { bounce: BounceKind::Hard, .. } => "bounced",
                Report::Complained { .. } => "complained",
                Report::OptedOut { .. } => "opted_out",
                Report::OptedIn { .. } => "opted_in",
                _ => "other",
            },
            NoticeKind::Resubscribed { .. } => "resubscribed",
            _ => "?",
        })
        .collect();
    // The second of the bounced ones was dropped, for its address had bounced before.
    let expected = [
        "sent",
        "deferred",
        "delivered",
        "opened",
        "clicked",
        "bounced",
        "bounced",
        "complained",
        "opted_out",
        "opted_out",
        "resubscribed",
    ];
    assert_eq!(names, expected);
    let NoticeKind::Report { provider_message_id, occurred_at, provider_event_id, token, to, channel, .. } =
        &notices[1].kind
    else {
        panic!()
    };
    assert_eq!(provider_message_id.as_deref(), Some("14c5d75ce93"));
    assert_eq!(occurred_at.map(|at| at.timestamp()), Some(1_606_575_333));
    assert_eq!(provider_event_id.as_deref(), Some("Xkjq_rPYT2IV1ZTNPx2gGQ=="));
    assert_eq!((token.as_deref(), to.as_deref(), *channel), (None, Some("example@test.com"), Channel::Email));
    assert!(notices[1].raw.starts_with("{\"email\"") && notices[1].raw.contains("\\u003c14c5d75ce93"));
}

#[test]
fn our_token_comes_back_beside_the_events_own_fields() {
    let event = json!({ "event": "delivered", "commlog_token": "t", "sg_message_id": "AbC.recvd-1.2", "timestamp": "1600000000" });
    let NoticeKind::Report { token, provider_message_id, occurred_at, .. } = notice(&event) else { panic!() };
    assert_eq!((token.as_deref(), provider_message_id.as_deref()), (Some("t"), Some("AbC")));
    assert_eq!(occurred_at.map(|at| at.timestamp()), Some(1_600_000_000));
}

#[test]
fn late_bounces_without_a_message_id_still_carry_the_token() {
    let event =
        json!({ "event": "bounce", "type": "blocked", "commlog_token": "t", "reason": "full", "status": "4.2.2" });
    let NoticeKind::Report { token, provider_message_id, report, .. } = notice(&event) else { panic!() };
    assert_eq!((token.as_deref(), provider_message_id), (Some("t"), None));
    assert!(matches!(report, Report::Bounced { bounce: BounceKind::Soft, .. }));
}

#[test]
fn machines_that_open_are_told_from_people() {
    let person =
        json!({ "useragent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) AppleWebKit/605", "sg_machine_open": false });
    assert_eq!(open(&person), EngagementClass::Human);
    assert_eq!(open(&json!({ "sg_machine_open": true })), EngagementClass::Machine);
    assert_eq!(open(&json!({ "useragent": "Mozilla/5.0" })), EngagementClass::Machine);
    assert_eq!(open(&json!({ "useragent": "x GoogleImageProxy" })), EngagementClass::Machine);
}

#[test]
fn drops_and_opt_outs_say_what_they_mean_for_the_address() {
    let dropped = report(&json!({ "event": "dropped", "reason": "Unsubscribed Address" }));
    assert!(matches!(dropped, Report::Failed { class: RetryClass::OptedOut, .. }));
    let unsubscribed = report(&json!({ "event": "unsubscribe" }));
    assert_eq!(unsubscribed, Report::OptedOut { method: "one_click".to_owned(), topic: None });
    let kind = notice(&json!({ "event": "group_resubscribe", "asm_group_id": 10, "email": "a@b.example" }));
    assert!(matches!(kind, NoticeKind::Resubscribed { group: Some(group), .. } if group == "10"));
}

#[test]
fn a_bad_item_does_not_hide_the_others() {
    let body = r#"[{"event":"delivered"}, 7, null, "x", {"event":7}, {}, {"event":"wormhole"},
        {"type":"account_status_change"}, {"event":"open","ip":{"a":1},"useragent":[]}, {"event":"click"}]"#;
    let notices = parse(body.as_bytes(), now());
    let is_clear: Vec<_> = notices.iter().map(|notice| !matches!(notice.kind, NoticeKind::Unclear { .. })).collect();
    assert_eq!(is_clear, [true, false, false, false, false, false, false, false, true, true]);
    assert_eq!(notices[6].raw, "{\"event\":\"wormhole\"}");
}

#[test]
fn hostile_bodies_are_kept_and_harm_nobody() {
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    let deep_item = format!("[{{\"event\":\"open\",\"x\":{}{}}}]", "[".repeat(1_000), "]".repeat(1_000));
    let cases: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"null".to_vec(),
        b"[{\"event\":\"open\"".to_vec(),
        b"<html>".to_vec(),
        vec![0xff, 0xfe, 0],
        deep.into_bytes(),
        deep_item.into_bytes(),
    ];
    for body in cases {
        let notices = parse(&body, now());
        assert!(
            matches!(&notices[..], [Notice { kind: NoticeKind::Unclear { .. }, .. }]),
            "{:?}",
            &body[..body.len().min(20)]
        );
        assert!(notices[0].raw.len() <= texts::MAX_RAW);
    }
    assert_eq!(parse(b"[]", now()), vec![]);
    let nul = notice(&json!({ "event": "bounce", "reason": "a\u{0}b", "status": "5.1.1" }));
    assert!(
        matches!(nul, NoticeKind::Report { report: Report::Bounced { diagnostic: Some(words), .. }, .. } if words == "a\u{FFFD}b")
    );
    let times = [json!(-1), json!(1e300), json!(i64::MAX), json!("soon"), json!(null), json!(99_999_999_999_i64)];
    for time in times {
        let kind = notice(&json!({ "event": "delivered", "timestamp": time }));
        assert!(matches!(kind, NoticeKind::Report { occurred_at: None, .. }), "{time}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(body in any::<Vec<u8>>(), event in "[a-z_]{0,12}", text in ".{0,60}") {
        parse(&body, now());
        parse(text.as_bytes(), now());
        let event = json!([{
            "event": event, "timestamp": text, "sg_message_id": text, "response": text, "reason": text, "status": text,
        }]);
        prop_assert_eq!(parse(event.to_string().as_bytes(), now()).len(), 1);
    }
}
