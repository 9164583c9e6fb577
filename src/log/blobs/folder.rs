//! The blob store in a folder: a file for each blob.
//!
//! `new/<tenant>.<subject>.<blob>` until it is kept, `kept/<tenant>/<subject>/<blob>` afterwards; what is being written ends
//! in `.part`. So the young ones are found without a walk through all, and one person's are one folder. A file's time of
//! change is the time at which it was touched last.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use uuid::Uuid;

use super::{BlobError, BlobRef, BlobStore, FRAME, FrameWriter, failed};
use crate::ids::{SubjectId, TenantId};
use crate::log::durable::sync_folder;
use crate::log::format::{self, FORMAT};

const PART: &str = "part";
/// The file that says which format the store has.
const MARK: &str = "format";

/// A blob store in a folder.
pub struct FolderBlobStore(Arc<Inner>);

struct Inner {
    root: PathBuf,
    url: String,
    /// Held by who makes a blob young and by who collects: what is touched is not collected.
    gate: Mutex<()>,
}

impl FolderBlobStore {
    /// Opens the store in a folder; makes it if there is none, for this user alone.
    ///
    /// # Errors
    /// [`BlobError::Foreign`] if the folder was written in another format.
    pub async fn open(root: &Path) -> Result<Self, BlobError> {
        let inner = Inner { root: root.to_owned(), url: format!("file:{}", root.display()), gate: Mutex::default() };
        let store = Self(Arc::new(inner));
        let refusal = store
            .run("be made", |inner| {
                if let Some(refusal) = inner.mark()? {
                    return Ok(Some(refusal));
                }
                inner.make(&inner.root.join("new"))?;
                inner.make(&inner.root.join("kept"))?;
                Ok(None)
            })
            .await?;
        match refusal {
            None => Ok(store),
            Some(reason) => Err(BlobError::Foreign { url: store.0.url.clone(), reason }),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        run(&self.0, doing, work).await
    }
}

async fn run<T: Send + 'static>(
    inner: &Arc<Inner>,
    doing: &'static str,
    work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let working = Arc::clone(inner);
    let done = tokio::task::spawn_blocking(move || work(&working)).await;
    done.map_err(failed(&inner.url, doing))?.map_err(failed(&inner.url, doing))
}

impl Inner {
    fn new_path(&self, blob: BlobRef) -> PathBuf {
        self.root.join("new").join(format!("{}.{}.{}", blob.tenant, blob.subject, blob.id))
    }

    fn kept_folder(&self, tenant: TenantId, subject: SubjectId) -> PathBuf {
        self.root.join("kept").join(tenant.to_string()).join(subject.to_string())
    }

    fn kept_path(&self, blob: BlobRef) -> PathBuf {
        self.kept_folder(blob.tenant, blob.subject).join(blob.id.to_string())
    }

    /// Writes the store's format into a new one, before anything else, and compares it in an older one. Returns why the
    /// folder cannot be used.
    fn mark(&self) -> io::Result<Option<String>> {
        let path = self.root.join(MARK);
        let expected = format!("commlog blobs, format {FORMAT}\n");
        if found(fs::metadata(&path))?.is_none() {
            if self.root.join("kept").is_dir() {
                return Ok(Some(format::refusal(1)));
            }
            self.make(&self.root)?;
            // Whole or not at all, even if another process starts at the same moment.
            let part = self.root.join(format!("{MARK}.{}.{PART}", std::process::id()));
            let mut file = File::create(&part)?;
            file.write_all(expected.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            sync_folder(&self.root)?;
        }
        let text = fs::read_to_string(&path)?;
        if text == expected {
            return Ok(None);
        }
        let other = text.trim().strip_prefix("commlog blobs, format ").and_then(|format| format.parse().ok());
        Ok(Some(other.map_or_else(|| format!("its file {MARK} was not written by commlog"), format::refusal)))
    }

    /// Makes a folder below the root, and those above it; they are there after a crash.
    fn make(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder)?;
        for above in folder.ancestors().take_while(|above| above.starts_with(&self.root)) {
            sync_folder(above)?;
        }
        Ok(())
    }

    /// The file of a whole blob. Between two looks it may move from the new ones to the kept ones, never back.
    fn open(&self, blob: BlobRef) -> io::Result<Option<File>> {
        for path in [self.kept_path(blob), self.new_path(blob), self.kept_path(blob)] {
            if let Some(file) = found(File::open(path))? {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    fn touch(&self, blob: BlobRef, now: DateTime<Utc>) -> io::Result<bool> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        match found(File::options().append(true).open(self.new_path(blob)))? {
            Some(file) => file.set_modified(now.into()).map(|()| true),
            None => Ok(self.kept_path(blob).is_file()),
        }
    }

    fn keep(&self, blob: BlobRef) -> io::Result<()> {
        let folder = self.kept_folder(blob.tenant, blob.subject);
        self.make(&folder)?;
        match found(fs::rename(self.new_path(blob), self.kept_path(blob)))? {
            Some(()) => sync_folder(&folder).and_then(|()| sync_folder(&self.root.join("new"))),
            None => Ok(()),
        }
    }

    fn unkept(&self, before: SystemTime, most: usize) -> io::Result<Vec<BlobRef>> {
        let mut blobs = vec![];
        for entry in fs::read_dir(self.root.join("new"))? {
            let entry = entry?;
            // It may have been kept since the folder was read.
            let Some(metadata) = found(entry.metadata())? else { continue };
            if metadata.modified()? >= before {
                continue;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(PART) {
                found(fs::remove_file(entry.path()))?;
            } else if let Some(blob) = blob_of(&name) {
                blobs.push(blob);
            }
            if blobs.len() == most {
                break;
            }
        }
        Ok(blobs)
    }

    fn collect(&self, blob: BlobRef, before: SystemTime) -> io::Result<bool> {
        let _gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.new_path(blob);
        match found(fs::metadata(&path))? {
            Some(metadata) if metadata.modified()? < before => Ok(found(fs::remove_file(&path))?.is_some()),
            _ => Ok(false),
        }
    }

    /// What moves from the new ones to the kept ones in the meantime is listed, once or twice.
    fn list(&self) -> io::Result<Vec<BlobRef>> {
        let mut blobs: Vec<BlobRef> = names(&self.root.join("new"))?.iter().filter_map(|name| blob_of(name)).collect();
        let kept = self.root.join("kept");
        for tenant in names(&kept)? {
            for subject in names(&kept.join(&tenant))? {
                for id in names(&kept.join(&tenant).join(&subject))? {
                    blobs.extend(blob_of(&format!("{tenant}.{subject}.{id}")));
                }
            }
        }
        Ok(blobs)
    }

    fn remove(&self, tenant: TenantId, subject: SubjectId) -> io::Result<()> {
        let prefix = format!("{tenant}.{subject}.");
        for entry in fs::read_dir(self.root.join("new"))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                found(fs::remove_file(entry.path()))?;
            }
        }
        found(fs::remove_dir_all(self.kept_folder(tenant, subject)))?;
        sync_folder(&self.root.join("new"))?;
        found(sync_folder(&self.root.join("kept").join(tenant.to_string())))?;
        Ok(())
    }
}

/// The names in a folder; none if there is no such folder.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// What is not there is no failure.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn blob_of(name: &str) -> Option<BlobRef> {
    let mut ids = name.split('.').map(Uuid::try_parse);
    let (tenant, subject, id) = (ids.next()?.ok()?, ids.next()?.ok()?, ids.next()?.ok()?);
    ids.next().is_none().then_some(BlobRef { tenant: tenant.into(), subject: subject.into(), id })
}

#[async_trait]
impl BlobStore for FolderBlobStore {
    async fn begin(
        &self,
        blob: BlobRef,
        write_id: Uuid,
        _now: DateTime<Utc>,
    ) -> Result<Box<dyn FrameWriter>, BlobError> {
        let inner = Arc::clone(&self.0);
        let begun = self.run("begin a blob", move |inner| {
            let path = inner.new_path(blob).with_extension(format!("{}.{write_id}.{PART}", blob.id));
            let mut options = File::options();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            Ok((options.open(&path)?, path))
        });
        let (file, path) = begun.await?;
        Ok(Box::new(Writing { inner, blob, path, file: Some(file) }))
    }

    async fn bytes(&self, blob: BlobRef) -> Result<Option<u64>, BlobError> {
        self.run("look for a blob", move |inner| match inner.open(blob)? {
            Some(file) => file.metadata().map(|metadata| Some(metadata.len())),
            None => Ok(None),
        })
        .await
    }

    async fn frame(&self, blob: BlobRef, number: u32) -> Result<Vec<u8>, BlobError> {
        self.run("read a blob", move |inner| {
            let mut file = inner.open(blob)?.ok_or(ErrorKind::NotFound)?;
            file.seek(SeekFrom::Start(u64::from(number) * FRAME as u64))?;
            let mut frame = Vec::with_capacity(FRAME);
            file.take(FRAME as u64).read_to_end(&mut frame)?;
            Ok(frame)
        })
        .await
    }

    async fn touch(&self, blob: BlobRef, now: DateTime<Utc>) -> Result<bool, BlobError> {
        self.run("touch a blob", move |inner| inner.touch(blob, now)).await
    }

    async fn keep(&self, blob: BlobRef) -> Result<(), BlobError> {
        self.run("keep a blob", move |inner| inner.keep(blob)).await
    }

    async fn unkept(&self, before: DateTime<Utc>, most: usize) -> Result<Vec<BlobRef>, BlobError> {
        self.run("list blobs", move |inner| inner.unkept(before.into(), most)).await
    }

    async fn collect(&self, blob: BlobRef, before: DateTime<Utc>) -> Result<bool, BlobError> {
        self.run("collect a blob", move |inner| inner.collect(blob, before.into())).await
    }

    async fn list(&self) -> Result<Vec<BlobRef>, BlobError> {
        let mut blobs = self.run("list blobs", Inner::list).await?;
        blobs.sort_unstable();
        blobs.dedup();
        Ok(blobs)
    }

    async fn remove(&self, tenant: TenantId, subject: SubjectId) -> Result<(), BlobError> {
        self.run("remove blobs", move |inner| inner.remove(tenant, subject)).await
    }
}

/// A file that is being written.
struct Writing {
    inner: Arc<Inner>,
    blob: BlobRef,
    path: PathBuf,
    file: Option<File>,
}

#[async_trait]
impl FrameWriter for Writing {
    async fn append(&mut self, sealed: Vec<u8>) -> Result<(), BlobError> {
        let Some(mut file) = self.file.take() else { return Err(BlobError::Damaged { id: self.blob.id }) };
        let written = run(&self.inner, "write a blob", move |_| file.write_all(&sealed).map(|()| file));
        self.file = Some(written.await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>, now: DateTime<Utc>) -> Result<(), BlobError> {
        let Some(file) = self.file.take() else { return Err(BlobError::Damaged { id: self.blob.id }) };
        let (blob, path) = (self.blob, self.path.clone());
        run(&self.inner, "finish a blob", move |inner| {
            if inner.touch(blob, now)? {
                return fs::remove_file(path);
            }
            file.set_modified(now.into())?;
            file.sync_all()?;
            fs::rename(path, inner.new_path(blob))?;
            sync_folder(&inner.root.join("new"))
        })
        .await
    }
}
