use super::*;

fn email(text: &str) -> Address {
    Address::parse(AddressKind::Email, text, None).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn phone(text: &str, region: Option<&str>) -> Address {
    Address::parse(AddressKind::Phone, text, region).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn sender(text: &str) -> Address {
    Address::of_sender(AddressKind::Phone, text, Some("DE")).expect("a sender")
}

fn refused(kind: AddressKind, text: &str) {
    let error = Address::parse(kind, text, None).expect_err(text);
    assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
}

#[test]
fn a_mailbox_keeps_its_name_and_gets_a_lower_case_domain() {
    assert_eq!(email(" Ada.Lovelace@Example.COM ").text(), "Ada.Lovelace@example.com");
    assert_eq!(email("x@BÜCHER.example").text(), "x@xn--bcher-kva.example");
    assert_eq!(email("用户@例子.广告").text(), "用户@xn--fsqu00a.xn--4rr70v");
}

#[test]
fn a_mailbox_is_one_in_every_spelling_and_dress() {
    let spellings = [
        "Nora.Varga@X.example",
        "NORA.VARGA@x.EXAMPLE",
        "\u{200B}nora.varga@x.example",
        "nora.va\u{200B}rga@x.example",
        "nora.varga@x.example\u{200B}",
        "\u{FEFF}nora.varga@x.example",
        "\u{202A}nora.varga@x.example\u{202C}",
        "nora.varga@x.example\u{A0}",
        "nora.var\u{AD}ga@x.exa\u{AD}mple",
        "n\u{202E}ora.varga@x.example",
        "nora.varga\u{2060}@x.example",
        "mailto:nora.varga@x.example",
        "MailTo:nora.varga@x.example?subject=Hello",
        "<mailto:nora.varga@x.example>",
        "“nora.varga@x.example”",
        "«nora.varga@x.example»",
        "'nora.varga@x.example'",
        "'nora.varga@x.example",
        "\"nora.varga@x.example\"",
        "(nora.varga@x.example",
        "[nora.varga@x.example]",
        "<nora.varga@x.example>",
        "Nora Varga <nora.varga@x.example>",
        "\"Varga, Nora\" <Nora.Varga@x.example>;",
        "nora.varga@x.example,",
        "nora.varga@x.example.",
        "nora.varga＠x.example",
    ];
    for spelling in spellings {
        assert_eq!(email(spelling), email("nora.varga@x.example"), "{spelling:?}");
    }
    assert_ne!(email("nora.varga@x.example"), email("noravarga@x.example"));
}

#[test]
fn the_odd_dots_of_japans_carriers_are_taken_there_only() {
    assert_eq!(email("hana..ko@docomo.ne.jp").text(), "hana..ko@docomo.ne.jp");
    assert_eq!(email("taro.@ezweb.ne.jp").text(), "taro.@ezweb.ne.jp");
    assert_eq!(email("\"hana..ko\"@docomo.ne.jp"), email("hana..ko@docomo.ne.jp"));
    refused(AddressKind::Email, "hana..ko@x.example");
    refused(AddressKind::Email, "taro.@x.example");
}

#[test]
fn what_no_mail_system_takes_is_refused_without_repeating_it() {
    let odd = [
        "ada",
        "@x.example",
        "a b@x.example",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@-x.example",
        "a@b@c.de",
        "test(comment)test@iana.org",
        "(anna)x@x.example",
        "anna:x@x.example",
        "anna@exa%6dple.com",
        ".anna@x.example",
        "an”na@x.example",
        "anna@x.1",
        "anna@x\u{1F600}y@z",
    ];
    for text in odd {
        refused(AddressKind::Email, text);
    }
    for text in ["", "12", "hello", "+999 123", "02079460018", "+123456", "+1 415 555 26711"] {
        refused(AddressKind::Phone, text);
    }
}

#[test]
fn a_number_becomes_e164_in_the_region_or_its_own() {
    let gb = Some("GB");
    assert_eq!(phone("020 7946 0018", gb).text(), "+442079460018");
    assert_eq!(phone("+1 (415) 555-2671", gb).text(), "+14155552671");
    assert_eq!(phone("0044 20 7946 0018", gb).text(), "+442079460018");
    assert_eq!(phone("0044 20 7946 0018", Some("US")).text(), "+442079460018");
    assert_eq!(phone("0044 20 7946 0018", None).text(), "+442079460018");
    assert_eq!(phone("011 44 20 7946 0018", Some("US")).text(), "+442079460018");
    assert_eq!(phone("tel:+1-201-555-0123;ext=5", gb).text(), "+12015550123");
    assert_eq!(phone("whatsapp:+44 (0)20 7946 0018", Some("US")).text(), "+442079460018");
    assert_eq!(phone("\u{202A}+442079460018\u{202C}", None).text(), "+442079460018");
    assert_eq!(phone("55 1234 5678", Some("mx")).text(), "+525512345678");
}

#[test]
fn a_number_with_its_country_code_keeps_it_in_every_region() {
    let numbers = [
        "+4915220337000",
        "+8619380615850",
        "+60142631212",
        "+431252691868",
        "+390394023218",
        "+33145678910",
        "+551132654321",
        "+442079460018",
        "+79123456789",
        "+22507080910",
        "+2250707080910",
    ];
    for number in numbers {
        for region in [None, Some("US"), Some("GB"), Some("RU"), Some("DE"), Some("IT"), Some("MX"), Some("AU")] {
            assert_eq!(phone(number, region).text(), number, "{region:?}");
            let abroad = format!("00{}", &number[1..]);
            if number != "+22507080910" {
                assert_eq!(phone(&abroad, region).text(), number, "{abroad} {region:?}");
            }
        }
    }
}

#[test]
fn known_variants_of_a_number_are_one() {
    let same =
        [("+5215512345678", "+525512345678"), ("+551181234567", "+5511981234567"), ("+5491123456789", "+541123456789")];
    for (one, other) in same {
        assert_eq!(phone(one, None), phone(other, None), "{one} {other}");
        assert_eq!(phone(one, None).text(), one, "what is sent to stays as it was written");
    }
    assert_ne!(phone("+551132654321", None), phone("+5511932654321", None), "a landline has no ninth digit");
}

#[test]
fn a_sender_who_is_no_number_is_still_a_sender() {
    for text in ["22395", "AMAZON", "HM4DEALS22", "+266696687", "Anonymous", "+86282452253"] {
        assert_eq!(sender(text).text(), text);
        assert_eq!(Address::of_sender(AddressKind::Phone, sender(text).text(), None), Some(sender(text)), "{text}");
    }
    assert_eq!(sender("Amazon"), sender("AMAZON"));
    assert_ne!(sender("22395"), sender("22396"));
    assert_eq!(sender("whatsapp:+4915220337000").text(), "+4915220337000");
    assert_eq!(Address::of_sender(AddressKind::Phone, " \u{200B} ", None), None);
    assert_eq!(Address::of_sender(AddressKind::Email, "MAILER-DAEMON", None).expect("a sender").domain(), None);
}

#[test]
fn spellings_of_one_address_have_one_id_and_tenants_share_none() {
    let secret = TenantSecret::new([1; 32]);
    let id = |text| phone(text, Some("GB")).id(&secret);
    assert_eq!(id("020 7946 0018"), id("+44 20 79460018"));
    assert_eq!(email("Nora@x.example").id(&secret), email("nora@x.example").id(&secret));
    let other = TenantSecret::new([2; 32]);
    assert_ne!(phone("+442079460018", None).id(&secret), phone("+442079460018", None).id(&other));
}
