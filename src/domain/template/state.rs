//! The fold of a template.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::decision::Meta;
use crate::domain::message::event::MessageClass;
use crate::domain::template::content::{LocalContent, TemplateKind};
use crate::domain::template::event::TemplateEvent;

/// A template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// What was saved last; absent before that.
    pub draft: Option<Draft>,
    /// Of the last change.
    pub revision: u32,
    /// True if it is not offered any more.
    pub archived: bool,
    /// Oldest first.
    pub versions: Vec<PublishedVersion>,
}

/// What a template says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Unique within the tenant.
    pub code: String,
    /// For its authors.
    pub title: String,
    /// Whether it is sent or included.
    pub kind: TemplateKind,
    /// Of the messages that are made of it.
    pub class: MessageClass,
    /// The locale of customers whose own has no text.
    pub default_locale: String,
    /// Values of variables that nobody else gives.
    pub variables: BTreeMap<String, Value>,
    /// By channel and locale.
    pub contents: Vec<LocalContent>,
}

/// Where a version is; its texts are in its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedVersion {
    /// From 1.
    pub version: u32,
    /// The revision of the draft that it was.
    pub revision: u32,
    /// SHA-256, in hex.
    pub content_hash: String,
    /// Of its `TemplatePublished` in the template's stream.
    pub stream_version: u64,
}

impl Template {
    /// Folds an event in.
    pub fn apply(&mut self, event: &TemplateEvent, meta: Meta) {
        match event {
            TemplateEvent::TemplateSaved(e) => {
                self.revision = e.revision;
                self.archived = false;
                self.draft = Some(Draft {
                    code: e.code.clone(),
                    title: e.title.clone(),
                    kind: e.kind,
                    class: e.class,
                    default_locale: e.default_locale.clone(),
                    variables: e.variables.clone(),
                    contents: e.contents.clone(),
                });
            }
            TemplateEvent::TemplatePublished(e) => self.versions.push(PublishedVersion {
                version: e.version,
                revision: e.revision,
                content_hash: e.content_hash.clone(),
                stream_version: meta.version,
            }),
            TemplateEvent::TemplateArchived(e) => {
                self.revision = e.revision;
                self.archived = true;
            }
        }
    }

    /// A published version; absent: the newest.
    #[must_use]
    pub fn published(&self, version: Option<u32>) -> Option<&PublishedVersion> {
        match version {
            Some(version) => self.versions.iter().find(|one| one.version == version),
            None => self.versions.last(),
        }
    }
}
