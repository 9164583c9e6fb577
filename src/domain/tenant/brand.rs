//! How a tenant appears to its customers on the pages behind links in messages: data only. All of it may be left out: the pages
//! then show the tenant's name, in plain colours.

use serde::{Deserialize, Serialize};

use crate::domain::value::colour::Colour;
use crate::domain::value::picture::PictureType;
use crate::domain::value::words;

words! {
    /// A language that the pages are written in.
    Language, "language" {
        /// English.
        English = "en",
        /// German.
        German = "de",
    }
}

/// A tenant's settings of its appearance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Brand {
    /// The name that customers know; absent: the tenant's.
    pub name: Option<String>,
    /// The colour of buttons, links and marks.
    pub accent: Option<Colour>,
    /// The colour behind logo or name, at the top of a page; absent: that of the page.
    pub banner: Option<Colour>,
    /// Shown instead of the name.
    pub logo: Option<Logo>,
    /// Who the sender is, as the law asks for it: firm, address. Lines are kept.
    pub imprint: Option<String>,
    /// Where the tenant says what becomes of personal data.
    pub privacy_url: Option<String>,
    /// The language for customers and browsers that ask for none of ours.
    pub language: Language,
    /// What topics are called on the pages.
    pub topics: Vec<TopicName>,
}

/// A picture that stands in the pages themselves, so that they load nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// What its bytes are.
    pub media_type: PictureType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its bytes in base64.
    pub content: String,
}

/// What a topic is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicName {
    /// The topic's word, as messages and consents name it.
    pub topic: String,
    /// In this language; absent: in each that has no name of its own.
    pub language: Option<Language>,
    /// As it is shown.
    pub name: String,
}

/// A tenant as its customers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance {
    /// The brand's name, or else the tenant's.
    pub name: String,
    /// The settings.
    pub brand: Brand,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: None,
            accent: None,
            banner: None,
            logo: None,
            imprint: None,
            privacy_url: None,
            language: Language::English,
            topics: vec![],
        }
    }
}

impl Language {
    /// The language of a tag such as `de-AT` (BCP 47), if the pages are written in it.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().trim();
        Self::ALL.iter().copied().find(|language| language.word().eq_ignore_ascii_case(primary))
    }

    /// What its speakers call it.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }
}

impl Brand {
    /// What a topic is called in a language; its word, if it has no name.
    #[must_use]
    pub fn topic_name<'a>(&'a self, topic: &'a str, language: Language) -> &'a str {
        let named = |wanted: Option<Language>| {
            self.topics
                .iter()
                .find(|name| name.topic == topic && name.language == wanted)
                .map(|name| name.name.as_str())
        };
        named(Some(language)).or_else(|| named(None)).unwrap_or(topic)
    }
}

impl Logo {
    /// The picture as a URL that holds it.
    #[must_use]
    pub fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.media_type, self.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_the_first_part_of_its_tag() {
        for (tag, language) in [("de", Language::German), ("DE-at", Language::German), ("en_GB", Language::English)] {
            assert_eq!(Language::of_tag(tag), Some(language), "{tag}");
        }
        for tag in ["", "fr-FR", "deu", "*", "-de"] {
            assert_eq!(Language::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_topic_has_a_name_for_each_language_one_for_all_or_its_word() {
        let name =
            |topic: &str, language, name: &str| TopicName { topic: topic.to_owned(), language, name: name.to_owned() };
        let topics = vec![
            name("news", None, "Cellar news"),
            name("news", Some(Language::German), "Neues aus dem Keller"),
            name("offers", Some(Language::German), "Angebote"),
        ];
        let brand = Brand { topics, ..Brand::default() };
        assert_eq!(brand.topic_name("news", Language::English), "Cellar news");
        assert_eq!(brand.topic_name("news", Language::German), "Neues aus dem Keller");
        assert_eq!(brand.topic_name("offers", Language::English), "offers");
        assert_eq!(brand.topic_name("events", Language::German), "events");
    }
}
