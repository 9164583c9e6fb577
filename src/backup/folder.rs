//! A folder that a backup is in: a file in it is whole or not there, and one process at a time adds to it.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::log::durable::sync_folder;

/// Ends the name of a file that is being written.
const PART: &str = ".part";
const LOCK: &str = "lock";

/// A file of a backup, as its manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its name in the folder, with slashes.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// The folder; locked while it is added to.
pub(super) struct Folder {
    root: PathBuf,
    _lock: Option<File>,
}

impl Folder {
    /// Opens a folder to add to it; makes it, for this user alone, if there is none.
    ///
    /// # Errors
    /// [`BackupError::Busy`] if another process adds to it.
    pub fn take(root: &Path) -> Result<Self, BackupError> {
        make(root)?;
        let path = root.join(LOCK);
        let lock = private().open(&path).map_err(BackupError::file("write", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(BackupError::Busy { folder: root.to_owned() }),
            Err(TryLockError::Error(source)) => Err(BackupError::File { doing: "lock", path, source }),
        }
    }

    /// Opens a folder to read from it.
    pub fn open(root: &Path) -> Self {
        Self { root: root.to_owned(), _lock: None }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Reads a small file; [`None`] if there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupError> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(BackupError::File { doing: "read", path, source }),
        }
    }

    /// Writes a file in place of the one before it, if any.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<Stored, BackupError> {
        let mut part = self.begin(name)?;
        part.write_all(bytes).map_err(BackupError::file("write", &part.path))?;
        part.finish()
    }

    /// Begins to write a file.
    pub fn begin(&self, name: &str) -> Result<Part, BackupError> {
        let path = self.path(name);
        make(path.parent().unwrap_or(&self.root))?;
        let mut part = path.as_os_str().to_owned();
        part.push(PART);
        let part = PathBuf::from(part);
        let file = private().truncate(true).open(&part).map_err(BackupError::file("write", &path))?;
        let file = Some(BufWriter::with_capacity(1 << 18, file));
        Ok(Part { name: name.to_owned(), path, part, file, hash: Sha256::new(), bytes: 0 })
    }

    /// Opens a file that the manifest names, after making sure that it is what was written.
    ///
    /// # Errors
    /// [`BackupError::Missing`] or [`BackupError::Damaged`].
    pub fn open_checked(&self, stored: &Stored) -> Result<File, BackupError> {
        self.check(stored)?;
        let path = self.path(&stored.name);
        File::open(&path).map_err(BackupError::file("read", path))
    }

    /// Makes sure that a file that the manifest names is what was written.
    ///
    /// # Errors
    /// [`BackupError::Missing`] or [`BackupError::Damaged`].
    pub fn check(&self, stored: &Stored) -> Result<(), BackupError> {
        let path = self.path(&stored.name);
        if !is_plain(&stored.name) {
            return Err(BackupError::damaged(path, "the manifest names a file outside of the backup"));
        }
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(BackupError::Missing { path }),
            Err(source) => return Err(BackupError::File { doing: "read", path, source }),
        };
        let bytes = file.metadata().map_err(BackupError::file("read", &path))?.len();
        if bytes != stored.bytes {
            let reason = format!("it has {bytes} bytes, and the manifest says {}", stored.bytes);
            return Err(BackupError::damaged(path, reason));
        }
        let hash = hash_of(&mut file).map_err(BackupError::file("read", &path))?;
        if hash != stored.sha256 {
            let reason = format!("its SHA-256 is {hash}, and the manifest says {}", stored.sha256);
            return Err(BackupError::damaged(path, reason));
        }
        Ok(())
    }

    /// Removes what an interrupted run left in a folder within: files with this ending, whole or not, that the manifest does not name.
    pub fn sweep(&self, within: &str, ending: &str, named: &HashSet<&str>) -> Result<(), BackupError> {
        let folder = self.root.join(within);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(BackupError::File { doing: "read", path: folder, source }),
        };
        for entry in entries {
            let entry = entry.map_err(BackupError::file("read", &folder))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            let name = if within.is_empty() { file.clone() } else { format!("{within}/{file}") };
            let is_ours = file.ends_with(ending) || file.ends_with(&format!("{ending}{PART}"));
            if is_ours && !named.contains(name.as_str()) {
                fs::remove_file(entry.path()).map_err(BackupError::file("remove", entry.path()))?;
            }
        }
        Ok(())
    }
}

/// A file that is being written; dropped before it is finished, it is taken away.
pub(super) struct Part {
    name: String,
    path: PathBuf,
    part: PathBuf,
    file: Option<BufWriter<File>>,
    hash: Sha256,
    bytes: u64,
}

impl Part {
    /// The file that it becomes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable under its name.
    pub fn finish(mut self) -> Result<Stored, BackupError> {
        let failed = || BackupError::file("write", &self.path);
        let file = self.file.take().ok_or_else(|| io::Error::from(ErrorKind::BrokenPipe)).map_err(failed())?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed())?;
        file.sync_all().map_err(failed())?;
        fs::rename(&self.part, &self.path).map_err(failed())?;
        sync_folder(self.path.parent().unwrap_or(Path::new("."))).map_err(failed())?;
        let hash = std::mem::take(&mut self.hash);
        Ok(Stored { name: self.name.clone(), bytes: self.bytes, sha256: hex::encode(hash.finalize()) })
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Err(ErrorKind::BrokenPipe.into()) };
        let written = file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // What is buffered need not be written any more.
            drop(file.into_parts());
            // If it cannot be removed, the next run does.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Whether a name leads nowhere but to a file in the folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).components().all(|component| matches!(component, std::path::Component::Normal(_)))
}

fn hash_of(file: &mut File) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make(folder: &Path) -> Result<(), BackupError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(BackupError::file("make", folder))?;
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_folder(above).map_err(BackupError::file("make", folder))
}
