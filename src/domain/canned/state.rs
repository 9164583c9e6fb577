//! The fold of a canned reply.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::canned::event::CannedReplyEvent;
use crate::domain::decision::Meta;

/// A canned reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedReply {
    /// What it says; absent before it was made, and once it was removed.
    pub current: Option<Texts>,
    /// Of the last change.
    pub revision: u32,
}

/// What a canned reply says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// What agents type to find it.
    pub code: String,
    /// For agents.
    pub title: String,
    /// The locale of customers whose own has no text.
    pub default_locale: String,
    /// By locale.
    pub bodies: BTreeMap<String, String>,
}

impl CannedReply {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CannedReplyEvent, _meta: Meta) {
        match event {
            CannedReplyEvent::CannedReplySaved(e) => {
                self.revision = e.revision;
                self.current = Some(Texts {
                    code: e.code.clone(),
                    title: e.title.clone(),
                    default_locale: e.default_locale.clone(),
                    bodies: e.bodies.clone(),
                });
            }
            CannedReplyEvent::CannedReplyRemoved(e) => {
                self.revision = e.revision;
                self.current = None;
            }
        }
    }
}

impl Texts {
    /// The text for a locale, and which one it is: the locale itself, else its language, else the default.
    #[must_use]
    pub fn body(&self, locale: Option<&str>) -> Option<(&str, &str)> {
        let language = locale.and_then(|locale| locale.split('-').next());
        [locale, language, Some(self.default_locale.as_str())]
            .into_iter()
            .flatten()
            .find_map(|wanted| self.bodies.get_key_value(wanted))
            .map(|(locale, body)| (locale.as_str(), body.as_str()))
    }
}
