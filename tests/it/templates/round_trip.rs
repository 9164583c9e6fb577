//! Whatever a draft says: written as files and read again it is the same, and its files are.

use commlog::cli::templates::folder::{differing, files_of, is_same, through_files};
use commlog::domain::message::event::MessageClass;
use commlog::domain::template::content::{
    Approval, Content, EmailTexts, LocalContent, Markup, NotificationTexts, SmsTexts, Step, TemplateKind, VoiceScript,
    WhatsappTexts,
};
use commlog::domain::template::decide::{SaveTemplate, draft};
use commlog::domain::template::state::Draft;
use commlog::domain::value::script::{Key, KeyMeaning, OnMachine};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts with what TOML, editors and systems treat specially.
fn words() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        "{{ name }}",
        "#",
        "=",
        "[x]",
        "ü",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "\u{7f}",
        "\u{1b}",
        "\u{1}",
        "😀",
        "---",
        "$",
        "\\u0041",
    ]);
    prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

fn needed() -> impl Strategy<Value = String> {
    (words(), words()).prop_map(|(before, after)| format!("{before}x{after}"))
}

fn json_value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(1.0)),
        words().prop_map(Value::from),
    ];
    plain.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(words(), inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn content() -> impl Strategy<Value = Content> {
    let maybe = || prop::option::of(words());
    let steps =
        prop::collection::vec(prop_oneof![needed().prop_map(Step::Say), (1..60_u32).prop_map(Step::Pause)], 0..4);
    let key = (needed(), prop::sample::select(KeyMeaning::ALL));
    let keys = prop::collection::vec(key, 0..3).prop_map(|keys| {
        let key = |(digit, (say, meaning))| Key { digit, meaning, say };
        (0..).zip(keys).map(key).collect()
    });
    let notification =
        || (needed(), needed(), maybe()).prop_map(|(title, body, link)| NotificationTexts { title, body, link });
    prop_oneof![
        (needed(), maybe(), prop::sample::select(Markup::ALL), needed(), maybe()).prop_map(
            |(subject, preheader, markup, source, text)| {
                Content::Email(EmailTexts { subject, preheader, markup, source, text })
            }
        ),
        needed().prop_map(|body| Content::Sms(SmsTexts { body })),
        (needed(), prop::collection::vec(needed(), 0..3), needed(), prop::sample::select(Approval::ALL)).prop_map(
            |(provider_template, variables, body, approval)| {
                let language = "en_US".to_owned();
                Content::Whatsapp(WhatsappTexts { provider_template, language, variables, body, approval })
            }
        ),
        (maybe(), steps, needed(), prop::option::of(prop::sample::select(OnMachine::ALL)), keys).prop_map(
            |(voice, mut steps, said, machine, keys)| {
                steps.push(Step::Say(said));
                Content::Voice(VoiceScript { language: "de-DE".to_owned(), voice, steps, machine, keys })
            }
        ),
        notification().prop_map(Content::Push),
        notification().prop_map(Content::InApp),
    ]
}

fn drafts() -> impl Strategy<Value = Draft> {
    let locale = prop::sample::select(vec!["en", "de", "de-AT", "zh-Hant-TW"]);
    let contents = prop::collection::vec((locale, content()), 1..6);
    let variables = prop::collection::btree_map(needed(), json_value(), 0..4);
    let kinds = (prop::sample::select(TemplateKind::ALL), any::<bool>());
    (needed(), kinds, variables, contents).prop_filter_map(
        "is a draft",
        |(title, (kind, is_marketing), variables, texts)| {
            let mut contents: Vec<LocalContent> = vec![];
            for (locale, content) in texts {
                let is_taken = |one: &LocalContent| one.locale == locale && one.content.channel() == content.channel();
                if !contents.iter().any(is_taken) {
                    contents.push(LocalContent { locale: locale.to_owned(), content });
                }
            }
            let class = if is_marketing { MessageClass::Marketing } else { MessageClass::Transactional };
            let default_locale = Some(contents[0].locale.clone());
            let (code, kind) = ("welcome".to_owned(), kind);
            let command =
                SaveTemplate { code, title, kind, class, default_locale, variables, contents, revision: None };
            draft(command).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_draft_comes_back_from_its_files(draft in drafts()) {
        let read = through_files(&draft).expect("its own files are read");
        prop_assert!(is_same(&draft, &read));
        prop_assert!(is_same(&read, &read) && differing(&draft, &read).is_empty());
        prop_assert_eq!(files_of(&read), files_of(&through_files(&read).expect("they are read")));
        // What changes is found.
        let mut other = read.clone();
        other.title.push('!');
        prop_assert!(!is_same(&draft, &other));
        let found = differing(&draft, &other);
        prop_assert!(found.contains(&"template.toml".to_owned()), "{:?}", found);
    }
}
