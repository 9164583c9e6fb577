//! The file that is imported: plain or gzip, as its first bytes show; and its digest.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use encoding_rs_io::DecodeReaderBytes;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::files::records::Encoding;

/// Why a file cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Its compressed form is damaged or cut off.
    #[error("{} is not a complete gzip file (after line {line})", path.display())]
    DamagedGzip {
        /// The file.
        path: PathBuf,
        /// The last line that could be read.
        line: u64,
        /// What the decompressor said.
        #[source]
        source: io::Error,
    },
    /// It holds something else than delimited text.
    #[error("{} is {found}: {advice}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What its first bytes show.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// There is no header line.
    #[error("{} is empty: the first line must name the columns", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A file that looks like text, plain or compressed.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    gzip: bool,
    is_utf16: bool,
}

impl Source {
    /// Reads the first bytes and refuses what is certainly not delimited text.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
        let gzip = starts_with(path, false).map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        let start = match starts_with(path, gzip) {
            Ok(start) => start,
            Err(source) if gzip => return Err(FileError::DamagedGzip { path: path.to_owned(), line: 0, source }),
            Err(source) => return Err(unreadable(source)),
        };
        let not_text = |found, advice| Err(FileError::NotText { path: path.to_owned(), found, advice });
        match start.as_slice() {
            [] => Err(FileError::Empty { path: path.to_owned() }),
            [b'P', b'K', 3, 4, ..] => {
                not_text("a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV (UTF-8)")
            }
            [0, ..] | [_, 0, ..] => not_text("UTF-16 text without a byte order mark", "save it as UTF-8"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Ok(Self { path: path.to_owned(), gzip, is_utf16: true }),
            _ => Ok(Self { path: path.to_owned(), gzip, is_utf16: false }),
        }
    }

    /// The file's path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name without its folder.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether the name says that values are separated by tabs and never quoted.
    #[must_use]
    pub fn is_tsv(&self) -> bool {
        let name = self.name().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        Path::new(name).extension().is_some_and(|extension| extension == "tsv" || extension == "tab")
    }

    /// How the bytes of [`Self::reader`] become text, of what was asked for: a byte order mark of UTF-16 leaves no doubt.
    #[must_use]
    pub fn encoding(&self, asked: Encoding) -> Encoding {
        if self.is_utf16 { Encoding::Utf8 } else { asked }
    }

    /// The text from its beginning; UTF-16 as UTF-8.
    pub fn reader(&self) -> Result<Box<dyn BufRead + Send>, FileError> {
        const BUFFER: usize = 256 * 1024;
        let file = File::open(&self.path).map_err(|source| self.broken(0, source))?;
        let bytes = BufReader::with_capacity(BUFFER, file);
        let bytes: Box<dyn BufRead + Send> = if self.gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(bytes)))
        } else {
            Box::new(bytes)
        };
        Ok(if self.is_utf16 {
            Box::new(BufReader::with_capacity(BUFFER, DecodeReaderBytes::new(bytes)))
        } else {
            bytes
        })
    }

    /// What to report when reading fails after `line`.
    #[must_use]
    pub fn broken(&self, line: u64, source: io::Error) -> FileError {
        let path = self.path.clone();
        if self.gzip && !matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) {
            FileError::DamagedGzip { path, line, source }
        } else {
            FileError::Unreadable { path, source }
        }
    }

    /// SHA-256 of the file's bytes, in hex: the identity of what is imported.
    pub fn digest(&self) -> Result<String, FileError> {
        let unreadable = |source| FileError::Unreadable { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer).map_err(unreadable)? {
                0 => return Ok(hex::encode(hasher.finalize())),
                count => hasher.update(&buffer[..count]),
            }
        }
    }
}

fn starts_with(path: &Path, gzip: bool) -> io::Result<Vec<u8>> {
    let file = BufReader::new(File::open(path)?);
    let mut start = Vec::new();
    if gzip {
        MultiGzDecoder::new(file).take(4).read_to_end(&mut start)?;
    } else {
        file.take(4).read_to_end(&mut start)?;
    }
    Ok(start)
}
