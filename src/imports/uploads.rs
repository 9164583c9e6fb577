//! Files that were uploaded to be imported. Each lies in a folder of its own, under its own name, until it is imported or a
//! day old: it holds personal data in clear.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::clock::Ambient;
use crate::files::source::{FileError, Source};
use crate::ids::TenantId;

/// The largest file, in bytes.
pub const LARGEST: u64 = 2 << 30;
/// How long a file is kept that is not imported.
const KEPT: Duration = Duration::from_hours(24);
/// The longest name, in bytes: what file systems take.
const LONGEST_NAME: usize = 200;

/// Where uploaded files lie. On a node of several, a file is known to the node that took it.
#[derive(Clone)]
pub struct Uploads {
    folder: PathBuf,
    ambient: Ambient,
}

/// A file that was uploaded.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// Its id.
    pub id: Uuid,
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was complete.
    pub uploaded_at: DateTime<Utc>,
    /// Where it lies.
    path: PathBuf,
}

/// Why a file cannot be taken or found.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The folder cannot be written or read.
    #[error("cannot keep uploaded files in {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A file on its way in. What is not finished is thrown away.
pub struct Upload {
    uploads: Uploads,
    id: Uuid,
    name: String,
    folder: PathBuf,
    file: File,
    bytes: u64,
    is_finished: bool,
}

impl Uploads {
    /// Files in `folder`, which is made when the first one comes.
    #[must_use]
    pub fn new(folder: PathBuf, ambient: Ambient) -> Self {
        Self { folder, ambient }
    }

    /// Begins to take a file in.
    pub async fn begin(&self, tenant: TenantId, name: &str) -> Result<Upload, UploadError> {
        self.sweep().await?;
        let (id, name) = (self.ambient.uuid(), plain(name));
        let folder = self.folder_of(tenant, id);
        fs::create_dir_all(&folder).await.map_err(|source| self.failed(source))?;
        // Complete files have no such ending.
        let file = File::create_new(folder.join(PART)).await.map_err(|source| self.failed(source))?;
        Ok(Upload { uploads: self.clone(), id, name, folder, file, bytes: 0, is_finished: false })
    }

    /// A file of a tenant; nothing if there is none, or none any more.
    pub async fn find(&self, tenant: TenantId, id: Uuid) -> Result<Option<Uploaded>, UploadError> {
        let mut entries = match fs::read_dir(self.folder_of(tenant, id)).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed(source)),
        };
        while let Some(entry) = entries.next_entry().await.map_err(|source| self.failed(source))? {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name == PART {
                continue;
            }
            let about = entry.metadata().await.map_err(|source| self.failed(source))?;
            let uploaded_at = about.modified().map_err(|source| self.failed(source))?.into();
            return Ok(Some(Uploaded { id, name, bytes: about.len(), uploaded_at, path: entry.path() }));
        }
        Ok(None)
    }

    /// Throws a file away.
    pub async fn remove(&self, tenant: TenantId, id: Uuid) -> Result<(), UploadError> {
        match fs::remove_dir_all(self.folder_of(tenant, id)).await {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(self.failed(source)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Throws away what is older than a day.
    pub async fn sweep(&self) -> Result<(), UploadError> {
        let oldest = self.ambient.now() - KEPT;
        for tenant in self.entries(&self.folder).await? {
            for folder in self.entries(&tenant).await? {
                let about = match fs::metadata(&folder).await {
                    Ok(about) => about,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(source) => return Err(self.failed(source)),
                };
                let changed: DateTime<Utc> = about.modified().map_err(|source| self.failed(source))?.into();
                if changed < oldest {
                    match fs::remove_dir_all(&folder).await {
                        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(self.failed(source)),
                        Ok(()) | Err(_) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Where the refused lines of a run lie.
    pub(super) fn refused_of(&self, tenant: TenantId, run: Uuid) -> PathBuf {
        self.folder_of(tenant, run).join("refused.csv")
    }

    async fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, UploadError> {
        let mut entries = match fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(source) => return Err(self.failed(source)),
        };
        let mut found = vec![];
        while let Some(entry) = entries.next_entry().await.map_err(|source| self.failed(source))? {
            found.push(entry.path());
        }
        Ok(found)
    }

    fn folder_of(&self, tenant: TenantId, id: Uuid) -> PathBuf {
        self.folder.join(tenant.to_string()).join(id.to_string())
    }

    pub(super) fn failed(&self, source: io::Error) -> UploadError {
        UploadError::Folder { folder: self.folder.clone(), source }
    }
}

/// The name of a file that is not complete.
const PART: &str = ".part";

impl Upload {
    /// Takes more of it; false if it becomes too large.
    pub async fn push(&mut self, data: &[u8]) -> Result<bool, UploadError> {
        self.bytes += data.len() as u64;
        if self.bytes > LARGEST {
            return Ok(false);
        }
        self.file.write_all(data).await.map_err(|source| self.uploads.failed(source))?;
        Ok(true)
    }

    /// Ends it.
    pub async fn finish(mut self) -> Result<Uploaded, UploadError> {
        self.file.flush().await.map_err(|source| self.uploads.failed(source))?;
        let path = self.folder.join(&self.name);
        fs::rename(self.folder.join(PART), &path).await.map_err(|source| self.uploads.failed(source))?;
        self.is_finished = true;
        let uploaded_at = self.uploads.ambient.now();
        Ok(Uploaded { id: self.id, name: self.name.clone(), bytes: self.bytes, uploaded_at, path })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_finished {
            // Otherwise the sweep does it, a day later.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Uploaded {
    /// The file as imports read it.
    pub fn source(&self) -> Result<Source, FileError> {
        Source::open(&self.path)
    }
}

/// A name that is one file's: without folders, control characters and leading dots, and not too long.
fn plain(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control() && !matches!(letter, ':' | '*')).collect();
    let name = name.trim().trim_start_matches('.');
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let room = LONGEST_NAME.saturating_sub(ending.len().min(20) + 1);
    let cut = stem.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= room).last();
    let stem = &stem[..cut.unwrap_or_default()];
    match (stem.is_empty(), ending.is_empty() || ending.len() > 20) {
        (true, _) => "file.csv".to_owned(),
        (false, true) => stem.to_owned(),
        (false, false) => format!("{stem}.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_files() {
        for (given, kept) in [
            ("crm.csv", "crm.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Jo\\Kunden Österreich.tsv", "Kunden Österreich.tsv"),
            ("..", "file.csv"),
            ("", "file.csv"),
            (".part", "part"),
            ("a\0b\n.csv", "ab.csv"),
        ] {
            assert_eq!(plain(given), kept, "{given:?}");
        }
        let long = plain(&format!("{}.csv", "ä".repeat(300)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with("ä.csv"), "{long}");
    }

    #[tokio::test]
    async fn what_is_complete_is_found_by_its_own_tenant_and_the_rest_is_thrown_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let uploads = Uploads::new(folder.path().join("uploads"), Ambient::system());
        let [own, other] = [TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2))];
        let mut upload = uploads.begin(own, "crm.csv").await.expect("is taken");
        let id = upload.id;
        assert!(upload.push(b"id,name\n").await.expect("is taken"));
        assert!(uploads.find(own, id).await.expect("answers").is_none());
        let uploaded = upload.finish().await.expect("is taken");
        assert_eq!((uploaded.name.as_str(), uploaded.bytes), ("crm.csv", 8));
        let found = uploads.find(own, id).await.expect("answers").expect("is there");
        assert_eq!((found.name, found.bytes), (uploaded.name, 8));
        assert!(uploads.find(other, id).await.expect("answers").is_none());
        drop(uploads.begin(own, "half.csv").await.expect("is taken"));
        uploads.remove(own, id).await.expect("is removed");
        assert!(uploads.find(own, id).await.expect("answers").is_none());
        let left = std::fs::read_dir(folder.path().join("uploads").join(own.to_string())).expect("a folder");
        assert_eq!(left.count(), 0);
    }
}
