//! Whether anything of a forgotten person is left in the files that hold keys and read tables.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

use crate::app::Caller;
use crate::boot::ReadStore;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::config::{Config, StoreUrl};
use crate::queries::customers::{self, CustomerFilter};

/// Texts with fewer bytes occur by chance.
const SHORTEST: usize = 6;

/// Bytes per read.
const CHUNK: usize = 1 << 20;

/// Bytes that must not be left, by what they are.
#[derive(Default)]
pub struct Traces {
    keys: Vec<Vec<u8>>,
    texts: Vec<(&'static str, String)>,
}

impl Traces {
    /// The person's keys, as the key store holds them.
    pub fn keys(&mut self, keys: Vec<Vec<u8>>) {
        self.keys.extend(keys);
    }

    /// A text that only this person has.
    pub fn text(&mut self, what: &'static str, text: &str) {
        if text.len() >= SHORTEST {
            self.texts.push((what, text.to_owned()));
        }
    }

    /// Customers of one name, or of one shared address, stay in the files.
    pub async fn leave_out_what_others_have(&mut self, reads: &ReadStore, caller: &Caller) -> Outcome {
        let mut only = Vec::new();
        for (what, text) in std::mem::take(&mut self.texts) {
            let filter = CustomerFilter { search: Some(text.clone()), ..CustomerFilter::default() };
            // One that cannot be searched for cannot be shown to be nobody else's.
            if filter.check().is_err() {
                continue;
            }
            let others = customers::count(&reads.db(), caller.tenant, &filter).await.map_err(Failure::unavailable)?;
            if others == 0 {
                only.push((what, text));
            }
        }
        self.texts = only;
        Ok(())
    }

    /// Reads the files of the embedded stores. Databases of PostgreSQL keep theirs to themselves: dead rows are vacuumed.
    ///
    /// # Errors
    /// [`Exit::Found`] with the file that still holds something; [`Exit::Unavailable`] if one cannot be read.
    pub fn search(&self, config: &Config) -> Outcome {
        if let StoreUrl::Sqlite(store) = &config.keys {
            let needles: Vec<_> = self.keys.iter().map(|key| ("a destroyed key", key.as_slice())).collect();
            for file in with_wal(store) {
                search(&file, &needles, "is the key store on a disk that keeps old versions? Then destroy those too")?;
            }
        }
        if let StoreUrl::Sqlite(folder) = &config.read {
            let needles: Vec<_> = self.texts.iter().map(|(what, text)| (*what, text.as_bytes())).collect();
            let files = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
            for file in files {
                let file = file.map_err(|error| unreadable(folder, error))?.path();
                search(&file, &needles, "unless somebody else's texts name it, `commlog rebuild` makes new files")?;
            }
        }
        Ok(())
    }
}

fn with_wal(file: &Path) -> [PathBuf; 2] {
    let mut wal = file.as_os_str().to_owned();
    wal.push("-wal");
    [file.to_owned(), PathBuf::from(wal)]
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::doing(Exit::Unavailable, format!("cannot read {}", path.display()), error)
}

fn search(file: &Path, needles: &[(&'static str, &[u8])], advice: &str) -> Outcome {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        // A generation that is gone, or a write-ahead log that is not needed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(file, error)),
    };
    match first_of(opened, needles).map_err(|error| unreadable(file, error))? {
        None => Ok(()),
        Some(what) => Err(Failure::new(Exit::Found, format!("{} still holds {what}: {advice}", file.display()))),
    }
}

/// The first of some byte sequences that occurs.
fn first_of(mut from: impl Read, needles: &[(&'static str, &[u8])]) -> io::Result<Option<&'static str>> {
    let finders: Vec<_> = needles.iter().map(|(what, needle)| (*what, Finder::new(needle))).collect();
    // What begins in one piece may end in the next.
    let overlap = needles.iter().map(|(_, needle)| needle.len()).max().unwrap_or(1).saturating_sub(1);
    let mut buffer = Vec::with_capacity(CHUNK + overlap);
    loop {
        let read = from.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
        if let Some((what, _)) = finders.iter().find(|(_, finder)| finder.find(&buffer).is_some()) {
            return Ok(Some(what));
        }
        if read == 0 {
            return Ok(None);
        }
        buffer.drain(..buffer.len().saturating_sub(overlap));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_found_where_two_pieces_meet() {
        let needles = [("a name", &b"Quackenbush"[..]), ("a key", &[0, 1, 2][..])];
        for at in [0, 1, CHUNK - 5, CHUNK, 2 * CHUNK - 1] {
            let mut bytes = vec![7; 3 * CHUNK];
            bytes[at..at + 11].copy_from_slice(b"Quackenbush");
            assert_eq!(first_of(bytes.as_slice(), &needles).expect("is read"), Some("a name"), "{at}");
        }
        assert_eq!(first_of(vec![7; 2 * CHUNK + 1].as_slice(), &needles).expect("is read"), None);
        assert_eq!(first_of(&b""[..], &needles).expect("is read"), None);
        assert_eq!(first_of(&[0, 1, 2][..], &[]).expect("is read"), None);
    }
}
