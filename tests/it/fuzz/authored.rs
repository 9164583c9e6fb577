//! What marketers write: templates and criteria of lists.

use std::collections::BTreeMap;

use commlog::domain::list::criteria;
use commlog::domain::template::content::{Content, EmailTexts, LocalContent, Markup, SmsTexts};
use commlog::rendering::lint::{self, Purpose};
use commlog::rendering::{Includes, Values, compile};
use serde_json::{Value, json};

/// Bytes of a mail at most: its page and its text.
const MAX_OUTPUT: usize = 400 * 1024;

/// A text compiles or is refused with its place, ends within its steps, and makes no more than a mail; whatever it writes out of
/// a value is no markup.
pub(super) fn template(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mail = |markup| {
        Content::Email(EmailTexts {
            subject: text.chars().take(200).collect(),
            preheader: None,
            markup,
            source: text.clone().into_owned(),
            text: None,
        })
    };
    let contents = [mail(Markup::Html), mail(Markup::Mjml), Content::Sms(SmsTexts { body: text.clone().into_owned() })];
    let given: BTreeMap<String, Value> = [
        ("name".to_owned(), json!("<script>alert(1)</script>{{ name }}")),
        ("list".to_owned(), json!((0..200).collect::<Vec<_>>())),
        ("url".to_owned(), json!("javascript:alert(2)")),
        (
            "order".to_owned(),
            json!({ "number": "7", "total": "12.50", "date": "2026-01-31T10:00:00Z", "lines": [{}, {}] }),
        ),
    ]
    .into();
    let values = Values::given(&given, &BTreeMap::new());
    for content in contents {
        let local = LocalContent { locale: "de".to_owned(), content };
        let purpose = Purpose { is_marketing: true, is_partial: false };
        let findings = lint::lint(&local, &Includes::new(), purpose);
        assert!(findings.iter().all(|finding| !finding.message.is_empty()));
        let Ok(compiled) = compile(&local, &Includes::new()) else { continue };
        let Ok(rendered) = compiled.render(&values, chrono_tz::Tz::Europe__Vienna) else { continue };
        assert!(rendered.body.len() + rendered.html.as_ref().map_or(0, String::len) <= MAX_OUTPUT);
        if let Some(html) = rendered.html {
            let lower = html.to_ascii_lowercase();
            assert!(!lower.contains("<script"), "a script in {html}");
            assert!(!lower.contains("href=\"javascript:"), "a script in {html}");
        }
        assert!(rendered.subject.is_none_or(|subject| !subject.contains(['\n', '\r'])));
    }
}

/// Criteria that are taken are written and read again as they were.
pub(super) fn list(input: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let Ok(read) = criteria::read(&value) else { return };
    let written = serde_json::to_value(&read).expect("criteria are written");
    assert_eq!(criteria::read(&written).as_ref(), Ok(&read), "{written}");
}
