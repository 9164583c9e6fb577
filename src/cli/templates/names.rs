//! The names of files in a template's folder.

use crate::domain::customer::profile;
use crate::domain::template::content::Markup;

/// What every template's folder holds.
pub const MANIFEST: &str = "template.toml";
/// Values for previews of what is in the folder, and below it.
pub const SAMPLE: &str = "sample.toml";

/// What a file is to a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// All that is not a text of its own.
    Manifest,
    /// Values for previews; not a part of the template.
    Sample,
    /// The layout of a mail, in a locale.
    Layout(Markup, String),
    /// The plain text of a mail.
    Text(String),
    /// An SMS.
    Sms(String),
}

impl Role {
    /// The role of a file by its name, in any case; [`None`]: it is not of commlog.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let small = name.to_lowercase();
        if small == MANIFEST {
            return Some(Self::Manifest);
        }
        if small == SAMPLE {
            return Some(Self::Sample);
        }
        let locale = |stem: &str| profile::locale(Some(stem.to_owned())).ok().flatten();
        if let Some(stem) = small.strip_suffix(".sms.txt") {
            return locale(stem).map(Self::Sms);
        }
        let (stem, extension) = small.rsplit_once('.')?;
        match extension {
            "mjml" => locale(stem).map(|locale| Self::Layout(Markup::Mjml, locale)),
            "html" | "htm" => locale(stem).map(|locale| Self::Layout(Markup::Html, locale)),
            "txt" => locale(stem).map(Self::Text),
            _ => None,
        }
    }

    /// The name that commlog gives to a file.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Manifest => MANIFEST.to_owned(),
            Self::Sample => SAMPLE.to_owned(),
            Self::Layout(markup, locale) => format!("{locale}.{markup}"),
            Self::Text(locale) => format!("{locale}.txt"),
            Self::Sms(locale) => format!("{locale}.sms.txt"),
        }
    }
}

/// Whether an editor, a system or a version control left a file or folder, so that nobody needs to hear of it.
#[must_use]
pub fn is_litter(name: &str) -> bool {
    let small = name.to_lowercase();
    let ends = ["~", ".swp", ".swo", ".bak", ".orig", ".rej", ".tmp"];
    name.starts_with(['.', '#'])
        || ends.iter().any(|end| small.ends_with(end))
        || ["thumbs.db", "desktop.ini", "node_modules"].contains(&small.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_written_in_the_usual_one() {
        let usual = |name: &str| Role::of(name).map(|role| role.name());
        assert_eq!(usual("EN.MJML").as_deref(), Some("en.mjml"));
        assert_eq!(usual("de_at.sms.TXT").as_deref(), Some("de-AT.sms.txt"));
        assert_eq!(usual("Template.toml").as_deref(), Some("template.toml"));
        assert_eq!(usual("zh-hant.htm").as_deref(), Some("zh-Hant.html"));
        for other in ["README.md", "readme.txt", "logo.png", "welcome.mjml", ".mjml", "mjml", "en.email.txt"] {
            assert_eq!(usual(other), None, "{other}");
        }
    }

    #[test]
    fn what_editors_leave_is_litter() {
        for name in ["en.mjml~", ".en.mjml.swp", ".DS_Store", "#en.mjml#", "en.mjml.orig", "Thumbs.db", ".git"] {
            assert!(is_litter(name), "{name}");
        }
        assert!(!is_litter("en.mjml") && !is_litter("README.md"));
    }
}
