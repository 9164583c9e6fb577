//! What the templates of a folder include: partials of the folder, of the folders around it, and of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::disk;
use super::folder::{Folder, FolderTemplate, read};
use super::names::{MANIFEST, SAMPLE};
use super::problem::Problem;
use super::reader;
use crate::app::{App, Caller};
use crate::boot::{BootError, Stores};
use crate::cli::failure::Outcome;
use crate::cli::{Session, TenantArg};
use crate::domain::template::content::{LocalContent, TemplateKind};
use crate::rendering::{Included, Includes, MAX_INCLUDES, includes_of};

/// How far above a template's own folder its partials and sample values are looked for.
const ABOVE: usize = 3;
/// Templates that one includes at most, those of its partials among them.
const MOST: usize = 100;

/// A folder with what its templates include.
#[derive(Debug, Default)]
pub struct Library {
    /// The folder.
    pub folder: Folder,
    /// What in the folder is not of a template.
    pub ignored: Vec<String>,
    /// When it is looked at: the value of `now`.
    pub now: Option<DateTime<Utc>>,
    /// Partials of the store that the folder does not have.
    stored: Includes,
}

/// Reads a folder.
pub fn open(path: &Path) -> Outcome<Library> {
    let mut disk = disk::load(path)?;
    let mut folder = read(&disk.root, &disk.code, &disk.files);
    folder.problems.append(&mut disk.problems);
    Ok(Library { folder, ignored: disk.ignored, ..Library::default() })
}

/// Reads a folder to look at it. For a template's own folder, partials and sample values may stand in folders above.
pub fn open_with_surroundings(path: &Path) -> Outcome<Library> {
    let mut library = open(path)?;
    let root = &library.folder.root;
    let real = std::fs::canonicalize(root).unwrap_or_else(|_| root.clone());
    let above: Vec<&Path> = real.ancestors().skip(1).take(ABOVE).collect();
    if library.folder.templates.values().any(|template| template.folder.is_empty()) {
        for folder in &above {
            library.folder.lend_sample(&folder.join(SAMPLE));
        }
        while let Some(found) = library.missing().iter().find_map(|code| partial_near(&above, code)) {
            let disk = disk::load(&found)?;
            let Some(partial) = read(&disk.root, &disk.code, &disk.files).templates.into_values().next() else { break };
            library.folder.lent.insert(disk.code, partial);
        }
    }
    Ok(library)
}

/// The folder of a partial beside folders, or in a folder that is beside them.
fn partial_near(above: &[&Path], code: &str) -> Option<PathBuf> {
    let has = |folder: &PathBuf| folder.join(MANIFEST).is_file();
    above.iter().find_map(|folder| {
        let beside = folder.join(code);
        if has(&beside) {
            return Some(beside);
        }
        let groups = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
        groups.map(|group| group.path().join(code)).find(has)
    })
}

impl Library {
    /// A library of templates that include nothing else.
    #[must_use]
    pub fn of(folder: Folder) -> Self {
        Self { folder, ..Self::default() }
    }

    fn partial(&self, code: &str) -> Option<&FolderTemplate> {
        let found = self.folder.templates.get(code).or_else(|| self.folder.lent.get(code));
        found.filter(|template| template.draft.kind == TemplateKind::Partial)
    }

    /// The codes that are included but not here.
    fn missing(&self) -> BTreeSet<String> {
        let templates = self.folder.templates.values().chain(self.folder.lent.values());
        let codes = templates.flat_map(|template| includes_of(&template.draft.contents).unwrap_or_default());
        let is_here = |code: &String| {
            self.folder.templates.contains_key(code)
                || self.folder.lent.contains_key(code)
                || self.stored.contains_key(code)
        };
        codes.filter(|code| !is_here(code)).collect()
    }

    /// Adds the partials of the store that are missing, if there is a store.
    pub async fn complete(&mut self, session: &Session, tenant: &TenantArg) -> Outcome {
        if self.missing().is_empty() {
            return Ok(());
        }
        match Stores::open_existing(&session.config, &session.ambient).await {
            Ok(stores) => self.complete_from(&stores.app, &session.caller(tenant)).await,
            Err(BootError::NoLog { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds the partials of the store that are missing.
    pub async fn complete_from(&mut self, app: &App, caller: &Caller) -> Outcome {
        for code in self.missing() {
            if let Some(included) = app.published_partial(caller, &code).await? {
                self.stored.insert(code, included);
            }
        }
        Ok(())
    }

    /// What texts include.
    #[must_use]
    pub fn includes(&self, contents: &[LocalContent]) -> Includes {
        self.included(contents, 0, &mut MOST.clone())
    }

    fn included(&self, contents: &[LocalContent], depth: usize, left: &mut usize) -> Includes {
        let mut includes = Includes::new();
        if depth > MAX_INCLUDES {
            return includes;
        }
        for code in includes_of(contents).unwrap_or_default() {
            if *left == 0 {
                break;
            }
            *left -= 1;
            if let Some(partial) = self.partial(&code) {
                let draft = &partial.draft;
                let own = Included {
                    version: 0,
                    default_locale: draft.default_locale.clone(),
                    contents: draft.contents.clone(),
                    includes: self.included(&draft.contents, depth + 1, left),
                };
                includes.insert(code, own);
            } else if let Some(stored) = self.stored.get(&code) {
                includes.insert(code, stored.clone());
            }
        }
        includes
    }

    /// The version of a partial of the store.
    #[must_use]
    pub fn stored_version(&self, code: &str) -> Option<u32> {
        self.stored.get(code).map(|included| included.version)
    }

    /// The codes of the folder's templates, each after those that it includes; or those that include themselves.
    pub fn in_order(&self) -> Result<Vec<String>, Vec<Problem>> {
        let mut needs: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (code, template) in &self.folder.templates {
            let includes = includes_of(&template.draft.contents).unwrap_or_default();
            let here = includes.into_iter().filter(|included| self.folder.templates.contains_key(included));
            needs.insert(code, here.collect());
        }
        let mut order: Vec<String> = vec![];
        while order.len() < self.folder.templates.len() {
            let is_ready = |needed: &Vec<String>| needed.iter().all(|code| order.contains(code));
            let ready: Vec<String> =
                needs.iter().filter(|(_, needed)| is_ready(needed)).map(|(code, _)| (*code).clone()).collect();
            if ready.is_empty() {
                let stuck = needs.keys().map(|code| self.circle(code)).collect();
                return Err(stuck);
            }
            needs.retain(|code, _| !ready.contains(code));
            order.extend(ready);
        }
        Ok(order)
    }

    fn circle(&self, code: &str) -> Problem {
        let folder = self.folder.templates.get(code).map_or("", |template| template.folder.as_str());
        let message = "templates include each other in a circle, or include one of such a circle";
        Problem::error(disk::shown(&self.folder.root, folder), None, "TEMPLATE_INCLUDE", message)
    }
}

impl Folder {
    fn lend_sample(&mut self, file: &Path) {
        let Ok(bytes) = std::fs::read(file) else { return };
        match reader::sample(&file.display().to_string(), &bytes) {
            Ok(values) => values.into_iter().for_each(|(name, value)| {
                self.lent_values.entry(name).or_insert(value);
            }),
            Err(problem) => self.problems.push(problem),
        }
    }
}
