use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Fault, FaultKind, Includes, Rendered, Values, compile};
use crate::domain::template::content::{Content, EmailTexts, LocalContent, Markup, SmsTexts, choose, clean};
use crate::domain::value::Channel;

fn sms(locale: &str, body: &str) -> LocalContent {
    LocalContent { locale: locale.to_owned(), content: Content::Sms(SmsTexts { body: body.to_owned() }) }
}

fn email(markup: Markup, source: &str) -> LocalContent {
    let (subject, source) = ("Hello {{ name }}".to_owned(), source.to_owned());
    let content = Content::Email(EmailTexts { subject, preheader: None, markup, source, text: None });
    LocalContent { locale: "en".to_owned(), content }
}

fn render(local: &LocalContent, values: &Value) -> Result<Rendered, Fault> {
    let values: BTreeMap<String, Value> = serde_json::from_value(values.clone()).expect("an object");
    compile(local, &Includes::new())?.render(&Values::given(&values, &BTreeMap::new()), Tz::Europe__Berlin)
}

fn says(body: &str, values: &Value) -> String {
    render(&sms("en", body), values).unwrap_or_else(|fault| panic!("{body}: {fault}")).body
}

#[test]
fn values_take_the_place_of_their_names() {
    let values = json!({ "name": "Ann", "customer": { "orders": [{ "number": "A1" }, { "number": "A2" }] } });
    assert_eq!(says("Hi {{ name }}!", &values), "Hi Ann!");
    assert_eq!(says("{% for o in customer.orders %}{{ o.number }};{% endfor %}", &values), "A1;A2;");
    assert_eq!(says("Hi {{ nick | default: \"there\" }}!", &values), "Hi there!");
}

#[test]
fn a_name_without_a_value_is_refused_at_its_line_and_column() {
    let fault = render(&sms("en", "Hi\nyou {{ nick }}"), &json!({})).expect_err("nobody gives it");
    assert_eq!(fault.kind, FaultKind::Undefined);
    let place = fault.place.expect("a place");
    assert_eq!((place.line, place.column), (2, 5));
}

#[test]
fn liquid_that_cannot_be_read_is_refused_at_its_place() {
    for body in ["Hi\n{{ name | nonsense }}", "Hi\n{% loop %}", "Hi\n{{ name"] {
        let fault = compile(&sms("en", body), &Includes::new()).expect_err(body);
        assert_eq!((fault.kind, fault.place.map(|place| place.line)), (FaultKind::Syntax, Some(2)), "{body}");
    }
}

#[test]
fn values_are_text_in_a_page_and_styles_are_inlined() {
    let source = "<html><head><style>p { color: red }</style></head><body><p>{{ name }}</p></body></html>";
    let mail = render(&email(Markup::Html, source), &json!({ "name": "<b>Ann & Co" })).expect("is rendered");
    let html = mail.html.expect("a page");
    assert!(html.contains("&lt;b&gt;Ann &amp; Co"), "{html}");
    assert!(html.contains("style=\"color:"), "{html}");
    assert_eq!(mail.subject.as_deref(), Some("Hello <b>Ann & Co"));
    assert!(mail.body.contains("<b>Ann & Co"), "{}", mail.body);
}

#[test]
fn a_script_is_not_sent() {
    let source = "<p onclick=\"steal()\">Hi</p><script>steal()</script>";
    let mail = render(&email(Markup::Html, source), &json!({ "name": "Ann" })).expect("is rendered");
    assert!(!mail.html.expect("a page").contains("steal"));
    let source = "<a href='JavaScript:steal()'>one</a> <a href='https://shop.example/?q=a:b'>two</a> <a href='mailto:a@b.example'>three</a>";
    let mail = render(&email(Markup::Html, source), &json!({ "name": "Ann" })).expect("is rendered");
    assert_eq!(mail.body.trim(), "one two (https://shop.example/?q=a:b) three (a@b.example)");
}

#[test]
fn values_in_an_address_are_parts_of_it() {
    let source = "<a href='https://shop.example/{{ name }}?{{ auth }}'>x</a> <img src='{{ pic }}' alt='{{ name }}'>";
    let values = json!({ "name": "Müller & Söhne", "auth": "key=a%2Fb&n=1", "pic": "https://i.example/a b.png" });
    let mail = render(&email(Markup::Html, source), &values).expect("is rendered");
    let html = mail.html.expect("a page");
    assert!(html.contains("href=\"https://shop.example/Müller%20&amp;%20Söhne?key=a%2Fb&amp;n=1\""), "{html}");
    assert!(
        html.contains("src=\"https://i.example/a%20b.png\"") && html.contains("alt=\"Müller &amp; Söhne\""),
        "{html}"
    );
    assert!(mail.body.contains("https://shop.example/Müller%20&%20Söhne?key=a%2Fb&n=1"), "{}", mail.body);
}

#[test]
fn quotes_that_an_editor_wrote_as_entities_are_named() {
    let source = "<a href=\"{{ u | default: &quot;https://d.example&quot; }}\">x</a>";
    let fault = compile(&email(Markup::Html, source), &Includes::new()).expect_err("is not Liquid");
    assert_eq!(fault.kind, FaultKind::Syntax);
    assert!(fault.to_string().contains("instead of &quot; in it"), "{fault}");
}

#[test]
fn mjml_becomes_a_page_and_wrong_mjml_is_refused() {
    let page =
        |text: &str| format!("<mjml><mj-body><mj-section><mj-column>{text}</mj-column></mj-section></mj-body></mjml>");
    let mail = render(&email(Markup::Mjml, &page("<mj-text>Dear {{ name }}</mj-text>")), &json!({ "name": "Ann" }));
    let mail = mail.expect("is rendered");
    assert!(mail.html.expect("a page").contains("Dear Ann"));
    assert!(mail.body.contains("Dear Ann"), "{}", mail.body);
    let fault = compile(&email(Markup::Mjml, &page("<mj-text>Dear")), &Includes::new()).expect_err("is not closed");
    assert_eq!(fault.kind, FaultKind::Markup);
}

#[test]
fn rendering_is_bounded() {
    let round = "{% for a in (1..1000) %}{% for b in (1..1000) %}x{% endfor %}{% endfor %}";
    let fault = render(&sms("en", round), &json!({})).expect_err("too many rounds");
    assert_eq!(fault.kind, FaultKind::Limit);
    let long = json!({ "long": "x".repeat(30_000) });
    let fault = render(&sms("en", &"{{ long }}".repeat(10)), &long).expect_err("too large");
    assert_eq!(fault.kind, FaultKind::Limit);
    let deep = format!("{}{}", "{% if true %}".repeat(1_000), "{% endif %}".repeat(1_000));
    compile(&sms("en", &deep), &Includes::new()).expect_err("too deep");
}

#[test]
fn money_and_dates_are_written_as_in_the_locale() {
    let values = json!({ "amount": "1234.5", "at": "2026-01-31T23:30:00Z" });
    let german = render(&sms("de", "{{ amount | money: \"EUR\" }} {{ at | date: \"%d.%m.%Y\" }}"), &values);
    let german = german.expect("is rendered").body;
    assert_eq!(german, "1.234,50 € 01.02.2026", "with the spaces of an SMS");
}

#[test]
fn a_locale_falls_back_to_its_language_and_then_to_the_default() {
    let texts = [sms("en", "Hello"), sms("de", "Hallo")];
    for (wanted, found) in [(Some("de-AT"), "de"), (Some("fr"), "en"), (None, "en")] {
        let chosen = choose(&texts, Channel::Sms, wanted, "en").map(|local| local.locale.as_str());
        assert_eq!(chosen, Some(found), "{wanted:?}");
    }
}

#[test]
fn two_megabytes_are_refused() {
    clean(vec![email(Markup::Html, &"x".repeat(2 * 1024 * 1024))]).expect_err("is too large");
}

#[test]
fn what_editors_do_to_templates_is_named_with_its_remedy() {
    let cases = [
        ("<p>\n<a href=\"https://x.example/?n=%7B%7B%20number%20%7d%7d\">x</a></p>", "encoded the braces", (2, 31)),
        ("<p>{{ name | default: “friend” }}</p>", "straight quotes", (1, 4)),
        ("<p>{{&nbsp;name }}</p>", "a space instead of &nbsp;", (1, 4)),
        ("<p>{{ <b>name</b> }}</p>", "around the braces", (1, 4)),
        ("<p>{% if name == &quot;x&quot; %}{% endif %}</p>", "instead of &quot;", (1, 4)),
    ];
    for (source, advice, place) in cases {
        let fault = compile(&email(Markup::Html, source), &Includes::new()).expect_err(source);
        assert!(fault.message.contains(advice), "{source}: {fault}");
        assert_eq!(fault.place.map(|at| (at.line, at.column)), Some(place), "{source}");
    }
    let raw = "<p>{% raw %}%7B%7B{% endraw %} 7 < 8</p>";
    assert!(compile(&email(Markup::Html, raw), &Includes::new()).is_ok());
}

#[test]
fn a_pages_title_is_no_text() {
    let source = "<html><head><title>Our news</title></head><body><p>Hello</p></body></html>";
    let mail = render(&email(Markup::Html, source), &json!({ "name": "Ann" })).expect("is rendered");
    assert_eq!(mail.body, "Hello");
    assert!(!mail.html.expect("a page").contains("Our news"));
}

#[test]
fn the_word_now_is_the_moment_at_which_the_message_is_made() {
    let now = "2026-11-28T23:30:00Z".parse().expect("a moment");
    let compiled =
        compile(&sms("en", "© {{ 'now' | date: '%Y' }}, {{ 'today' | date }}"), &Includes::new()).expect("reads");
    let values = Values::given(&BTreeMap::new(), &BTreeMap::new()).at(now);
    assert_eq!(compiled.render(&values, Tz::Europe__Berlin).expect("renders").body, "© 2026, 29 November 2026");
}

#[test]
fn whatever_parsers_make_of_a_page_there_is_room_for_it() {
    // Each hides from our own count how deep the elements nest.
    let hidden = [
        "<mj-preview>".to_owned() + &"<x>".repeat(19_000),
        "<svg><style>".to_owned() + &"<x>".repeat(19_000),
        "<x><xmp></x></xmp>".repeat(4_000),
        "<x><!--></x>-->".repeat(6_000),
        "<mjml><mj-body><mj-raw>".to_owned() + &"<x><![CDATA[ a> </x> ]]>".repeat(6_000),
        "<mjml><mj-body><mj-section><mj-column><mj-text><style>".to_owned() + &"<x>".repeat(19_000),
    ];
    for source in hidden {
        for markup in [Markup::Html, Markup::Mjml] {
            // Read or refused: the process goes on.
            if let Err(fault) = compile(&email(markup, &source), &Includes::new()) {
                assert!(!fault.message.is_empty());
            }
        }
    }
    let fault = compile(&email(Markup::Html, &"<i>".repeat(20_001)), &Includes::new()).expect_err("is refused");
    assert_eq!(fault.kind, FaultKind::Limit);
}

#[test]
fn a_value_leads_no_link_that_is_hidden_from_us() {
    let (values, link) = (json!({ "name": "Ann", "url": "javascript:alert(1)" }), "<a href=\"{{ url }}\">x</a>");
    let hidden = [
        (Markup::Html, format!("<mj-preview>News</mj-prev{link}")),
        (Markup::Html, format!("<p>x</p><mj-style>{link}")),
        (Markup::Mjml, format!("<mjml><mj-body><mj-raw><svg><title>{link}</title></svg></mj-raw></mj-body></mjml>")),
    ];
    for (markup, source) in hidden {
        if let Ok(mail) = render(&email(markup, &source), &values) {
            let html = mail.html.expect("a page");
            assert!(!html.contains("javascript:"), "{source}: {html}");
        }
    }
    let fault = render(&email(Markup::Html, &format!("<p>{link}</p>")), &values).expect_err("is refused");
    assert_eq!(fault.kind, FaultKind::Value);
}
