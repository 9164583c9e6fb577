//! What the operating system grants to the process: files that may be open, and who may read those that it creates.

/// Files that are open beside connections: databases, files of messages, calls to providers.
const OTHER_FILES: u64 = 384;

/// The fewest connections that are served, however few files may be open.
const FEWEST: usize = 64;

/// Lets only this user read the files that the process creates from here on: databases, exports, journals of databases.
pub fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Raises the limit of open files as far as the system allows. Returns how many of `most` connections may be served below
/// it: a process without a free descriptor can neither read its tables nor call a provider.
pub fn connections(most: usize) -> usize {
    let Some(files) = raise_file_limit() else { return most };
    let fitting = fitting(files, most);
    if fitting < most {
        tracing::warn!(files, connections = fitting, "few files may be open: fewer connections are served");
    }
    fitting
}

fn fitting(files: u64, most: usize) -> usize {
    usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(FEWEST).min(most)
}

/// The limit of open files; [`None`] if there is none.
#[cfg(unix)]
fn raise_file_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            current
        }
    }
}

#[cfg(not(unix))]
fn raise_file_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_stay_below_the_limit_of_open_files() {
        assert_eq!(fitting(1_024, 4_096), 640);
        assert_eq!(fitting(1_048_576, 4_096), 4_096);
        assert_eq!(fitting(256, 4_096), FEWEST);
    }
}
