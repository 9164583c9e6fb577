//! All projection files that a generation is made of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::source::{Projection, Source, SourceError};
use super::staging;
use crate::sql::Engine;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/projections");

/// Why projection files could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file breaks a rule.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file or its folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file that could not be read.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// Two projections declare a table of the same name.
    #[error("table {table} is declared by projection {first} and by projection {second}")]
    TableTwice {
        /// The table.
        table: String,
        /// One of them.
        first: String,
        /// The other one.
        second: String,
    },
}

/// Projection files by name.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sources: BTreeMap<String, Source>,
}

impl Registry {
    /// The files that this binary carries: `projections/*.sql`, read once.
    pub fn builtin() -> Result<Self, RegistryError> {
        static READ: OnceLock<Registry> = OnceLock::new();
        if let Some(registry) = READ.get() {
            return Ok(registry.clone());
        }
        let texts = BUILTIN.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
        let registry = Self::from_texts(texts.filter(|(name, _)| is_sql(Path::new(name))))?;
        Ok(READ.get_or_init(|| registry).clone())
    }

    /// Reads files by name and text; a later one replaces an earlier one of the same name.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RegistryError> {
        let mut registry = Self::default();
        for (file, text) in texts {
            registry.add(file, text)?;
        }
        registry.check()?;
        Ok(registry)
    }

    /// The files that this binary carries, and those of a folder; a file of a known name replaces that projection.
    pub fn load_dir(folder: &Path) -> Result<Self, RegistryError> {
        let mut registry = Self::builtin()?;
        let unreadable = |path: &Path, source| RegistryError::Read { path: path.to_owned(), source };
        let entries = std::fs::read_dir(folder).map_err(|source| unreadable(folder, source))?;
        for entry in entries {
            let path = entry.map_err(|source| unreadable(folder, source))?.path();
            if let Some(file) = path.file_name().and_then(|name| name.to_str()).filter(|_| is_sql(&path)) {
                let text = std::fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
                registry.add(file, &text)?;
            }
        }
        registry.check()?;
        Ok(registry)
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), RegistryError> {
        let source = Source::parse(file, text)?;
        self.sources.insert(source.name.clone(), source);
        Ok(())
    }

    fn check(&self) -> Result<(), RegistryError> {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for source in self.sources.values() {
            for table in source.tables() {
                if let Some(first) = owners.insert(&table.name, &source.name) {
                    return Err(RegistryError::TableTwice {
                        table: table.name.clone(),
                        first: first.to_owned(),
                        second: source.name.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The files, by name.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// Everything ready to run on an engine, by name.
    #[must_use]
    pub fn compile(&self, engine: Engine) -> Vec<Projection> {
        self.sources.values().map(|source| source.compile(engine)).collect()
    }

    /// Only the files that `keep` wants.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&Source) -> bool) -> Self {
        let sources = self.sources.iter().filter(|(_, source)| keep(source));
        Self { sources: sources.map(|(name, source)| (name.clone(), source.clone())).collect() }
    }
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

/// What distinguishes one set of projections from another: SHA-256, in hex, over everything that shapes the tables' contents.
/// Comments and layout of the files do not count.
#[must_use]
pub fn fingerprint(projections: &[Projection]) -> String {
    let mut digest = Sha256::new();
    digest.update(staging::REVISION.to_be_bytes());
    for projection in projections {
        digest.update(projection.version.to_be_bytes());
        let statements = projection.apply.iter().map(|statement| &statement.sql).chain(&projection.forget);
        let indexes = projection.indexes.iter().map(|index| &index.sql);
        for text in std::iter::once(&projection.name).chain(&projection.create).chain(indexes).chain(statements) {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    }
    hex::encode(digest.finalize())
}
