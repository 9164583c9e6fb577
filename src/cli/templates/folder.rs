//! Files as templates, and templates as files. Pure: what is on disk, in the binary or in a test reads the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::disk::{Files, shown};
use super::names::{MANIFEST, Role, SAMPLE};
use super::origin::Origins;
use super::problem::{Problem, Spot};
use super::reader;
use crate::domain::template::content::{Content, LocalContent, choose};
use crate::domain::template::state::Draft;
use crate::domain::value::Channel;
use crate::rendering::lint::{Finding, Level};
use crate::rendering::{Fault, Place};

/// A template as its files say it.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderTemplate {
    /// What would be saved.
    pub draft: Draft,
    /// Its folder, below the one that was read.
    pub folder: String,
    pub(super) origins: BTreeMap<(Channel, String), Origins>,
}

/// Templates by code, and what is wrong with others.
#[derive(Debug, Default)]
pub struct Folder {
    /// The folder as it was given.
    pub root: PathBuf,
    /// Those that can be read.
    pub templates: BTreeMap<String, FolderTemplate>,
    /// Where templates are that cannot be read, by code.
    pub broken: BTreeMap<String, String>,
    /// Mistakes.
    pub problems: Vec<Problem>,
    /// Paths of files by the names that commlog gives them, by folder.
    paths: BTreeMap<String, BTreeMap<String, String>>,
    /// Values for previews, by the folder that they stand in.
    samples: BTreeMap<String, BTreeMap<String, Value>>,
    /// Values for previews that stand in folders above.
    pub(super) lent_values: BTreeMap<String, Value>,
    /// Partials that stand in folders around it: to be included, not to be looked at.
    pub(super) lent: BTreeMap<String, FolderTemplate>,
}

/// Reads files as templates. `code` is the root folder's own name.
#[must_use]
pub fn read(root: &Path, code: &str, files: &Files) -> Folder {
    let mut folder = Folder::at(root);
    let mut folders: BTreeMap<&str, BTreeMap<String, (&str, &[u8])>> = BTreeMap::new();
    for (path, bytes) in files {
        let (below, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(role) = Role::of(name) else { continue };
        let of_folder = folders.entry(below).or_default();
        if let Some((other, _)) = of_folder.insert(role.name(), (path, bytes)) {
            let message = format!("{} is the same file of the template; remove one", shown(root, other));
            folder.problems.push(Problem::error(shown(root, path), None, "FILE_TWICE", message));
        }
    }
    for (below, mut files) in folders {
        let paths = files.iter().map(|(name, (path, _))| (name.clone(), (*path).to_owned())).collect();
        folder.paths.insert(below.to_owned(), paths);
        if let Some((path, bytes)) = files.remove(SAMPLE) {
            match reader::sample(&shown(root, path), bytes) {
                Ok(values) => drop(folder.samples.insert(below.to_owned(), values)),
                Err(problem) => folder.problems.push(problem),
            }
        }
        if files.contains_key(MANIFEST) {
            let name = below.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(code);
            folder.add(below, name, &files);
        }
    }
    folder
}

/// The files that a draft is written as, by name.
#[must_use]
pub fn files_of(draft: &Draft) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([(MANIFEST.to_owned(), super::manifest::write(draft))]);
    for LocalContent { locale, content } in &draft.contents {
        // An editor ends a file with a line's end; reading takes one off again, and a mark of the encoding.
        let mark = |text: &str| if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
        let mut add = |role: Role, text: &str| drop(files.insert(role.name(), format!("{}{text}\n", mark(text))));
        match content {
            Content::Email(email) => {
                add(Role::Layout(email.markup, locale.clone()), &email.source);
                if let Some(text) = &email.text {
                    add(Role::Text(locale.clone()), text);
                }
            }
            Content::Sms(sms) => add(Role::Sms(locale.clone()), &sms.body),
            Content::Whatsapp(_) | Content::Voice(_) | Content::Push(_) | Content::InApp(_) => {}
        }
    }
    files
}

/// A draft as it comes back from its files: without what files cannot hold, such as the difference of line ends.
#[must_use]
pub fn through_files(draft: &Draft) -> Option<Draft> {
    let files = files_of(draft).into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let mut read = read(Path::new(""), &draft.code, &files);
    read.templates.remove(&draft.code).map(|template| template.draft)
}

/// Whether a draft of the store says what a draft of files says.
#[must_use]
pub fn is_same(stored: &Draft, in_files: &Draft) -> bool {
    stored == in_files || through_files(stored).as_ref() == Some(in_files)
}

/// The names of files by which two drafts differ.
#[must_use]
pub fn differing(one: &Draft, other: &Draft) -> Vec<String> {
    let (one, other) = (through_files(one).map(|draft| files_of(&draft)), files_of(other));
    let one = one.unwrap_or_default();
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    names.filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

impl Folder {
    /// An empty folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), ..Self::default() }
    }

    fn add(&mut self, below: &str, code: &str, files: &BTreeMap<String, (&str, &[u8])>) {
        let root = self.root.clone();
        let manifest = shown(&root, files[MANIFEST].0);
        let twice = (self.templates.get(code).map(|other| &other.folder)).or_else(|| self.broken.get(code)).cloned();
        if let Some(other) = twice {
            let message = format!("the folder {} has the same code", shown(&root, &other));
            self.problems.push(Problem::error(manifest, None, "TEMPLATE_TWICE", message));
            return;
        }
        match reader::template(&root, below, code, files) {
            Ok(template) => drop(self.templates.insert(code.to_owned(), template)),
            Err(problems) => {
                self.broken.insert(code.to_owned(), below.to_owned());
                self.problems.extend(problems);
            }
        }
    }

    /// The paths of a template folder's files, by the names that commlog gives them.
    #[must_use]
    pub fn files_in(&self, below: &str) -> BTreeMap<String, String> {
        self.paths.get(below).cloned().unwrap_or_default()
    }

    /// The code of the template whose own folder this is.
    #[must_use]
    pub fn single(&self) -> Option<&String> {
        let of_root = self.templates.iter().find(|(_, template)| template.folder.is_empty()).map(|(code, _)| code);
        of_root.or_else(|| self.broken.iter().find(|(_, folder)| folder.is_empty()).map(|(code, _)| code))
    }

    /// The values for previews of a template: those of its own folder, then those of the folders above it.
    #[must_use]
    pub fn samples_for(&self, template: &FolderTemplate) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        let mut below = Some(template.folder.as_str());
        while let Some(folder) = below {
            for (name, value) in self.samples.get(folder).into_iter().flatten() {
                values.entry(name.clone()).or_insert_with(|| value.clone());
            }
            below = if folder.is_empty() { None } else { Some(folder.rsplit_once('/').map_or("", |(above, _)| above)) };
        }
        for (name, value) in &self.lent_values {
            values.entry(name.clone()).or_insert_with(|| value.clone());
        }
        values
    }

    /// Whether templates have sample values, so that they can be rendered.
    #[must_use]
    pub fn has_samples(&self) -> bool {
        !self.samples.is_empty() || !self.lent_values.is_empty()
    }

    /// A finding with its place in a file.
    #[must_use]
    pub fn placed(&self, code: &str, finding: Finding) -> Problem {
        let Finding { level, code: finding_code, channel, locale, field, place, message } = finding;
        let (file, spot, before) = self.find(code, (channel, &locale), &field, place.as_ref());
        Problem { file, spot, level, code: finding_code, message: format!("{before}{message}") }
    }

    /// What cannot be compiled or rendered, with its place in a file.
    #[must_use]
    pub fn placed_fault(&self, code: &str, channel: Channel, locale: &str, fault: Fault) -> Problem {
        let Fault { field, place, message, .. } = fault.clone();
        let code_of_fault = crate::domain::refusal::Refusal::from(fault).code;
        let (locale, level) = (locale.to_owned(), Level::Error);
        self.placed(code, Finding { level, code: code_of_fault, channel, locale, field, place, message })
    }

    fn find(
        &self,
        code: &str,
        of: (Channel, &str),
        field: &str,
        place: Option<&Place>,
    ) -> (String, Option<Spot>, String) {
        let (channel, locale) = of;
        let found = |template: &FolderTemplate, locale: &str, field: &str| {
            let origins = template.origins.get(&(channel, locale.to_owned()))?;
            let (file, spot) = origins.of(field).find(place);
            Some((file.to_owned(), spot))
        };
        let partial = place.and_then(|place| place.partial.as_deref());
        let within = match partial {
            None => self.templates.get(code).and_then(|template| found(template, locale, field)),
            Some(partial) => self.templates.get(partial).or_else(|| self.lent.get(partial)).and_then(|template| {
                let draft = &template.draft;
                let chosen = choose(&draft.contents, channel, Some(locale), &draft.default_locale)?;
                // Plain text includes plain text.
                let field = match (channel, field) {
                    (_, "source") => "source",
                    (Channel::Email, _) => "text",
                    _ => "body",
                };
                found(template, &chosen.locale, field)
            }),
        };
        if let Some((file, spot)) = within {
            return (file, spot, String::new());
        }
        // A partial of the store: its place is not one of a file.
        let file = self.templates.get(code).map_or(String::new(), |template| shown(&self.root, &template.folder));
        let before = place.map(|place| {
            let partial = place.partial.as_deref().unwrap_or_default();
            format!("in the partial '{partial}', line {}, column {}: ", place.line, place.column)
        });
        (file, None, before.unwrap_or_default())
    }
}
