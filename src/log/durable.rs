//! What makes files last through a crash of the machine.

use std::io;
use std::path::Path;

/// Makes the names in a folder durable: those of files that were made, renamed or removed in it. A file's content is not.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Other systems have no such call.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
