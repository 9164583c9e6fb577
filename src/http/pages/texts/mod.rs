//! What the pages say, in a file per language. `{name}` and the like are places that are filled in.
//!
//! What somebody agrees to is kept as evidence in the words that were shown: as plain text, without markup.

mod de;
mod en;

use crate::domain::tenant::brand::Language;
use crate::domain::value::Channel;

use super::html::escape;

/// All that the pages say in a language. A `_title` heads a page; `{name}` is the tenant's name.
pub struct Texts {
    /// The messages of a channel, as people call them, within a sentence.
    pub messages: fn(Channel) -> &'static str,
    pub unsubscribe_title: &'static str,
    /// The question about a channel; has `{messages}` and `{name}`.
    pub unsubscribe_from_all: fn(Channel) -> &'static str,
    /// The question about a topic; has `{messages}`, `{topic}` and `{name}`.
    pub unsubscribe_from_topic: &'static str,
    pub unsubscribe: &'static str,
    pub unsubscribed_title: &'static str,
    pub unsubscribed: &'static str,
    pub confirm_title: &'static str,
    /// The question about a channel; has `{messages}` and `{name}`.
    pub confirm_all: &'static str,
    /// The question about a topic; has `{messages}`, `{topic}` and `{name}`.
    pub confirm_topic: &'static str,
    pub confirm: &'static str,
    pub confirmed_title: &'static str,
    pub confirmed: &'static str,
    pub preferences_title: &'static str,
    /// The question above all lines; has `{name}`.
    pub preferences_question: &'static str,
    /// The line of a channel without topics; has `{messages}`.
    pub all_messages: &'static str,
    /// The line about tracking of emails; has `{name}`.
    pub tracking_of_emails: &'static str,
    /// The line about tracking of other messages; has `{messages}` and `{name}`.
    pub tracking_of_links: &'static str,
    pub nothing_to_choose: &'static str,
    pub profile: &'static str,
    pub language: &'static str,
    pub time_zone: &'static str,
    pub time_zone_hint: &'static str,
    pub hours: &'static str,
    pub hours_from: &'static str,
    pub hours_until: &'static str,
    pub hours_hint: &'static str,
    /// Monday first.
    pub weekdays: [&'static str; 7],
    pub not_chosen: &'static str,
    /// The parts of the world, in the order of [`super::zones::REGIONS`].
    pub regions: [&'static str; 10],
    pub save: &'static str,
    pub saved: &'static str,
    pub unsubscribe_from_everything: &'static str,
    pub bad_link_title: &'static str,
    pub bad_link: &'static str,
    pub expired_title: &'static str,
    pub expired: &'static str,
    pub gone_title: &'static str,
    pub gone: &'static str,
    pub failed_title: &'static str,
    /// Where something would have been recorded; has `{id}`.
    pub failed_to_record: &'static str,
    /// Has `{id}`.
    pub failed: &'static str,
    pub privacy: &'static str,
}

/// What the pages say in a language.
pub const fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &en::TEXTS,
        Language::German => &de::TEXTS,
    }
}

/// A text with its places filled in, as plain text.
pub fn plain(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    fill(text, values, |part| match part {
        Part::Text(text) | Part::Value(text) => filled.push_str(text),
    });
    filled
}

/// A text with its places filled in, as HTML: a value reads in its own direction and never changes that of the text around it.
pub fn html(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    fill(text, values, |part| match part {
        Part::Text(text) => filled.push_str(&escape(text)),
        Part::Value(value) => {
            filled.push_str("<bdi>");
            filled.push_str(&escape(value));
            filled.push_str("</bdi>");
        }
    });
    filled
}

enum Part<'a> {
    Text(&'a str),
    Value(&'a str),
}

/// Takes a text apart. What a value says is not a place, whatever it looks like.
fn fill<'a>(mut text: &'a str, values: &[(&str, &'a str)], mut take: impl FnMut(Part<'a>)) {
    while let Some((before, rest)) = text.split_once('{') {
        let place = rest.split_once('}').and_then(|(name, rest)| {
            let value = values.iter().find(|(known, _)| *known == name)?;
            Some((value.1, rest))
        });
        let Some((value, rest)) = place else { break };
        take(Part::Text(before));
        take(Part::Value(value));
        text = rest;
    }
    take(Part::Text(text));
}

/// A text as the beginning of a line.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_they_are_and_never_read_as_places() {
        let values = [("name", "{topic}<b>"), ("topic", "A & B")];
        assert_eq!(plain("About {topic} of {name}?", &values), "About A & B of {topic}<b>?");
        assert_eq!(
            html("About “{topic}” of {name} & Co?", &values),
            "About “<bdi>A &amp; B</bdi>” of <bdi>{topic}&lt;b&gt;</bdi> &amp; Co?"
        );
        assert_eq!(plain("a { b } c {unknown}", &values), "a { b } c {unknown}");
        assert_eq!(plain("", &values), "");
    }

    /// The places of a text.
    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_language_says_everything_about_the_same_things() {
        let (about_channel, about_topic) = (vec!["messages", "name"], vec!["messages", "name", "topic"]);
        for language in Language::ALL {
            let texts = texts(*language);
            for channel in Channel::ALL {
                assert!(!(texts.messages)(*channel).is_empty());
                assert_eq!(places((texts.unsubscribe_from_all)(*channel)), about_channel, "{language} {channel}");
            }
            for text in [texts.unsubscribe_from_topic, texts.confirm_topic] {
                assert_eq!(places(text), about_topic, "{text}");
            }
            for text in [texts.confirm_all, texts.tracking_of_links] {
                assert_eq!(places(text), about_channel, "{text}");
            }
            for text in [texts.preferences_question, texts.tracking_of_emails] {
                assert_eq!(places(text), ["name"], "{text}");
            }
            assert_eq!(places(texts.all_messages), ["messages"]);
            for text in [texts.failed, texts.failed_to_record] {
                assert_eq!(places(text), ["id"], "{text}");
            }
        }
    }

    #[test]
    fn each_channel_is_asked_about_in_its_own_words() {
        let values = |channel| [("messages", (en::TEXTS.messages)(channel)), ("name", "Vineyard")];
        let asked = |channel| plain((en::TEXTS.unsubscribe_from_all)(channel), &values(channel));
        assert_eq!(asked(Channel::Email), "Unsubscribe from all emails from Vineyard?");
        assert_eq!(asked(Channel::Sms), "Stop all text messages from Vineyard?");
        assert_eq!(asked(Channel::Voice), "Stop all phone calls from Vineyard?");
        assert_eq!(asked(Channel::Push), "Turn off all push notifications from Vineyard?");
        assert_eq!(capitalised((en::TEXTS.messages)(Channel::Email)), "Emails");
        assert_eq!(capitalised("été"), "Été");
    }
}
