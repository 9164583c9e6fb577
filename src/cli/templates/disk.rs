//! Folders of templates on disk. Links that lead out of the folder are not followed, and unknown files are not read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::names::{self, Role};
use super::problem::Problem;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::domain::template::content::Markup;

/// The most bytes of a file. A template takes fewer; one in UTF-16 may take twice as many.
const LARGEST: u64 = 1024 * 1024;
/// How deep folders are looked into.
const DEEPEST: usize = 8;
/// How many files and folders are looked at.
const MOST: usize = 20_000;

/// Files by their path below the folder, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a folder holds.
#[derive(Debug, Default)]
pub struct OnDisk {
    /// The folder as it was given.
    pub root: PathBuf,
    /// The folder's own name: the code, if it is a template's.
    pub code: String,
    /// The files that are a template's.
    pub files: Files,
    /// What cannot be read.
    pub problems: Vec<Problem>,
    /// What is not of a template, and stays as it is.
    pub ignored: Vec<String>,
    looked_at: usize,
    /// The folder without links.
    real: PathBuf,
}

/// A path below a folder, as it is shown.
#[must_use]
pub fn shown(root: &Path, relative: &str) -> String {
    if relative.is_empty() { root.display().to_string() } else { root.join(relative).display().to_string() }
}

/// Reads a folder: a template's, or one of such folders, however they are grouped.
pub fn load(folder: &Path) -> Outcome<OnDisk> {
    let root = match folder.file_name().and_then(|name| name.to_str()).and_then(Role::of) {
        Some(Role::Manifest) if folder.is_file() => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    let cannot = |error| Failure::doing(Exit::Unavailable, format!("cannot read the folder {}", root.display()), error);
    let real = fs::canonicalize(root).map_err(cannot)?;
    fs::read_dir(&real).map_err(cannot)?;
    let code = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut disk = OnDisk { root: root.to_owned(), code, real, ..OnDisk::default() };
    disk.walk("", 0)?;
    Ok(disk)
}

impl OnDisk {
    fn problem(&mut self, relative: &str, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem::error(shown(&self.root, relative), None, code, message));
    }

    fn walk(&mut self, below: &str, depth: usize) -> Outcome {
        let folder = self.real.join(below);
        let entries = match fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => {
                self.problem(below, "UNREADABLE", format!("the folder cannot be read: {error}"));
                return Ok(());
            }
        };
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        let is_template = names.iter().any(|name| Role::of(name) == Some(Role::Manifest));
        for name in names.iter().filter(|name| !names::is_litter(name)) {
            self.looked_at += 1;
            if self.looked_at > MOST {
                let message = format!("{} holds more than {MOST} files and folders", self.root.display());
                return Err(Failure::new(Exit::Refused, message));
            }
            let relative = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let path = folder.join(name);
            let Ok(kind) = fs::symlink_metadata(&path).map(|metadata| metadata.file_type()) else {
                // Names that are not UTF-8 lead here: they are nobody's template.
                self.ignored.push(relative);
                continue;
            };
            match Role::of(name) {
                _ if kind.is_dir() && depth < DEEPEST => self.walk(&relative, depth + 1)?,
                Some(role) if !kind.is_dir() && (is_template || role == Role::Sample) => self.read(relative, &path),
                Some(Role::Layout(Markup::Mjml, _)) if !kind.is_dir() => {
                    self.problem(&relative, "NO_MANIFEST", "there is no template.toml beside it");
                }
                _ => self.ignored.push(relative),
            }
        }
        Ok(())
    }

    fn read(&mut self, relative: String, path: &Path) {
        let real = match fs::canonicalize(path) {
            Ok(real) if real.starts_with(&self.real) => real,
            Ok(_) => return self.problem(&relative, "LINK_OUTSIDE", "the link leads out of the folder"),
            Err(error) => return self.problem(&relative, "UNREADABLE", format!("the file cannot be read: {error}")),
        };
        let content = fs::metadata(&real).and_then(|metadata| match metadata.len() {
            _ if !metadata.is_file() => Ok(Err("it is not a file".to_owned())),
            length if length > LARGEST => {
                Ok(Err(format!("it has {length} bytes; at most {LARGEST} are read, and a template takes fewer")))
            }
            _ => fs::read(&real).map(Ok),
        });
        match content {
            Ok(Ok(bytes)) => drop(self.files.insert(relative, bytes)),
            Ok(Err(reason)) => self.problem(&relative, "UNREADABLE", reason),
            Err(error) => self.problem(&relative, "UNREADABLE", format!("the file cannot be read: {error}")),
        }
    }
}

/// Writes a file below a folder as a whole, and makes the folders that it needs. A link in its place is replaced, one on the
/// way to it is refused.
pub fn write(root: &Path, relative: &str, content: &str) -> Outcome {
    let path = root.join(relative);
    let made = || -> io::Result<()> {
        let mut folder = root.to_owned();
        fs::create_dir_all(&folder)?;
        let parts: Vec<&str> = relative.split('/').collect();
        for part in &parts[..parts.len() - 1] {
            folder.push(part);
            match fs::symlink_metadata(&folder) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Err(io::Error::new(io::ErrorKind::NotADirectory, "the folder's place is taken")),
                Err(_) => fs::create_dir(&folder)?,
            }
        }
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(content.as_bytes())?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    made().map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot write {}", path.display()), error))
}

/// Removes a file below a folder; one that is not there is fine.
pub fn remove(root: &Path, relative: &str) -> Outcome {
    let path = root.join(relative);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::doing(Exit::Unavailable, format!("cannot remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}
