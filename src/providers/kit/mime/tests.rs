//! Mail of many programs.

use proptest::prelude::*;

use super::*;

#[test]
fn a_mail_with_files_and_encoded_names_is_taken_apart() {
    let mail = parse(
        "From: =?utf-8?q?Op=C3=A9rateur?= <a@example.org>\r\n\
        Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n =?utf-8?Q?_aus_K=C3=B6ln?= und mehr\r\n\
        Content-Type: multipart/mixed; boundary=\"=_a; b\"\r\n\r\npreamble\r\n\
        --=_a; b\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
        --inner\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Gr=FC=DFe, eine lange Zei=\r\nle\r\n--inner\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--inner--\r\n\
        --=_a; b\r\nContent-Type: application/pdf; name=\"x.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename*=utf-8''na%C3%AFve.pdf\r\n\r\naGVs\r\nbG8\r\n\
        --=_a; b\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\nPNG\r\n--=_a; b--\r\nepilogue"
            .as_bytes(),
    );
    assert_eq!(mail.headers.get("from"), Some("Opérateur <a@example.org>"));
    assert_eq!(mail.headers.get("subject"), Some("Grüße aus Köln und mehr"));
    assert_eq!(mail.text.as_deref(), Some("Grüße, eine lange Zeile"));
    assert_eq!(mail.html.as_deref(), Some("<p>x</p>"));
    let [pdf, logo] = &mail.files[..] else { panic!("{:?}", mail.files) };
    assert_eq!((pdf.name.as_deref(), pdf.content.as_deref()), (Some("naïve.pdf"), Some(&b"hello"[..])));
    assert_eq!((logo.content_id.as_deref(), logo.content_type.as_deref()), (Some("logo@x"), Some("image/png")));
}

/// As lettre, Thunderbird and Outlook write them (RFC 2231).
#[test]
fn a_name_in_several_pieces_is_put_together() {
    let name = |disposition: &str| {
        let mail = format!("Content-Type: text/plain\nContent-Disposition: attachment;\n {disposition}\n\nx");
        parse(mail.as_bytes()).files.pop().and_then(|file| file.name)
    };
    let cases = [
        ("filename*0*=utf-8''%C3%9Cber;\n filename*1*=sicht.txt", "Übersicht.txt"),
        ("filename*0*=utf-8''%C3;\n filename*1*=%9Cber; filename*2=\"sicht%20.txt\"", "Übersicht%20.txt"),
        ("filename*0=\"long \";\n filename*1=\"name.txt\"", "long name.txt"),
        ("filename*=iso-8859-1'de'%DCber.txt", "Über.txt"),
    ];
    for (written, expected) in cases {
        assert_eq!(name(written).as_deref(), Some(expected), "{written}");
    }
}

#[test]
fn a_files_name_that_is_too_long_for_a_line_is_joined() {
    let name = |parameters: &str| {
        let mail = parse(format!("Content-Disposition: attachment; {parameters}\r\n\r\nx").as_bytes());
        mail.files[0].name.clone().unwrap_or_default()
    };
    assert_eq!(
        name("filename*0*=utf-8''Gr%C3%BC;\r\n filename*1*=%C3%9Fe;\r\n filename*2=\" 100%.pdf\""),
        "Grüße 100%.pdf"
    );
    assert_eq!(name("filename*1=\"b.txt\"; filename*0=\"a''\""), "a''b.txt");
    // A letter may be cut in the middle.
    assert_eq!(name("filename*0*=utf-8'en'%C3; filename*1*=%BC.txt"), "ü.txt");
    assert_eq!(name("filename*0*=utf-8; filename=plain.txt"), "plain.txt");
    assert_eq!(name("filename*99999999999999999999=x; filename=plain.txt"), "plain.txt");
}

#[test]
fn mails_that_are_hardly_mails_give_what_they_hold() {
    assert_eq!(parse(b"just words").text.as_deref(), Some(""));
    assert_eq!(parse(b"\n\nwords").text.as_deref(), Some("\nwords"));
    assert_eq!(parse(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nno end").text.as_deref(), Some("no end"));
    let dates =
        ["Fri, 24 Jul 2020 16:43:46 UTC", "Fri, 24 Jul 2020 16:43:46 +0000 (UTC)", "24 Jul 2020 18:43:46 +0200"];
    for date in dates {
        let headers = Headers::parse(format!("Date: {date}").as_bytes());
        assert_eq!(headers.date().map(|at| at.timestamp()), Some(1_595_609_026), "{date}");
    }
}

#[test]
fn a_mail_of_mails_of_mails_is_not_followed_to_its_end() {
    let mut mail = "words".to_owned();
    for depth in 0..50 {
        mail = format!("Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n{mail}\n--b{depth}--\n");
    }
    assert_eq!(parse(mail.as_bytes()).text, None);
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(10_000));
    assert_eq!(parse(many.as_bytes()).text.map(|text| text.len()), Some(2 * (MAX_PARTS - 1) - 1));
}

#[test]
fn words_without_an_end_are_not_looked_for_to_the_end_of_the_mail() {
    // To the end for each, it would take minutes.
    let words = "=?a?Q?x".repeat(140_000);
    let headers = Headers::parse(format!("Subject: {words} =?utf-8?Q?=41?=\r\n\r\n").as_bytes());
    assert!(headers.get("subject").is_some_and(|subject| subject == format!("{words} A")), "the last word is read");
    assert_eq!(Headers::parse(&b"a: b\r\n".repeat(1_000_000)).get("a"), Some("b"));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in any::<Vec<u8>>(), text in "[-=?_:;/\"'*<>%a-zA-Z0-9 \r\n\t]{0,300}") {
        parse(&bytes);
        parse(text.as_bytes());
        parse(format!("Content-Type: multipart/mixed; boundary=b\nSubject: {text}\n\n--b\n{text}\n--b\n{text}").as_bytes());
        parse(format!("Content-Transfer-Encoding: quoted-printable\n\n{text}").as_bytes());
    }
}
