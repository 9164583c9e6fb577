//! The format of log, key store and blob store: which names they hold and hash (`docs/stored-names.md`). Tables of one
//! format are brought to their newest version by migrations; what is hashed cannot be migrated, so a store of another
//! format is refused.

/// The format that this program writes and reads. 1 was that of development builds, whose streams had fewer categories.
pub const FORMAT: u32 = 2;

/// Why a store of another format is not opened, and what to do.
pub(in crate::log) fn refusal(found: u32) -> String {
    let what = format!("it has format {found}, and this program reads format {FORMAT}");
    if found < FORMAT {
        format!(
            "{what}: a development build of commlog wrote it, and what it holds cannot be converted. Keep it for that \
             build, give a new place for each of log, keys and blobs, and import the files again"
        )
    } else {
        format!("{what}: a newer commlog wrote it; use that one")
    }
}
