//! Files that are no log, or no longer: each is refused with what and where.

use std::error::Error;
use std::path::{Path, PathBuf};

use commlog::clock::Ambient;
use commlog::ids::SubjectId;
use commlog::log::blobs::BlobError;
use commlog::log::blobs::folder::FolderBlobStore;
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::keys::{KeyStore, KeyStoreError};
use commlog::log::seal::MasterKey;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::{Category, EventLog, Expected, LogError, StreamId};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::log_contract::world::plain;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log.db")
    }

    async fn open(&self) -> Result<SqliteLog, LogError> {
        SqliteLog::open(&self.path().display().to_string(), Ambient::system()).await
    }

    async fn refusal(&self) -> LogError {
        match self.open().await {
            Ok(_) => panic!("must be refused"),
            Err(error) => error,
        }
    }
}

async fn fill(log: &SqliteLog, events: usize) {
    let ambient = Ambient::system();
    let stream = StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid());
    let appends = (0..events).map(|_| plain(&ambient, stream, Expected::Any, vec![b'x'; 500])).collect();
    log.append(appends).await.expect("answers");
}

fn told(error: &dyn Error, folder: &Folder, reason: &str) {
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()), "names the file: {text}");
    assert!(text.contains(reason), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let folder = Folder::new();
    std::fs::write(folder.path(), "name,address\n".repeat(1000)).expect("is written");
    told(&folder.refusal().await, &folder, "it is not a SQLite database");
    assert!(std::fs::read(folder.path()).expect("is there").starts_with(b"name,address\n"), "it is left as it was");
}

#[tokio::test]
async fn a_database_of_another_program_is_told() {
    let folder = Folder::new();
    let other = Connection::open(folder.path()).expect("opens");
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("is made");
    drop(other);
    told(&folder.refusal().await, &folder, "it is a SQLite database of another program");
}

#[tokio::test]
async fn a_key_store_is_no_log() {
    let folder = Folder::new();
    let ambient = Ambient::system();
    let master = MasterKey::generate(&ambient);
    let path = folder.path().display().to_string();
    let keys = SqliteKeyStore::open(&path, &master, ambient.clone()).await.expect("is made");
    keys.get_or_create(&[SubjectId(ambient.uuid())]).await.expect("answers");
    drop(keys);
    assert!(matches!(folder.refusal().await, LogError::Foreign { .. }));
}

#[tokio::test]
async fn a_log_of_a_newer_program_is_told() {
    let folder = Folder::new();
    folder.open().await.expect("is made").close().await;
    Connection::open(folder.path()).and_then(|log| log.pragma_update(None, "user_version", 2099)).expect("is changed");
    told(&folder.refusal().await, &folder, "its schema has version 99, and this program knows versions up to 1");
    Connection::open(folder.path()).and_then(|log| log.pragma_update(None, "user_version", 3001)).expect("is changed");
    told(
        &folder.refusal().await,
        &folder,
        "it has format 3, and this program reads format 2: a newer commlog wrote it",
    );
}

#[tokio::test]
async fn a_log_of_a_development_build_is_refused_with_what_to_do() {
    let folder = Folder::new();
    folder.open().await.expect("is made").close().await;
    Connection::open(folder.path()).and_then(|log| log.pragma_update(None, "user_version", 2)).expect("is changed");
    let error = folder.refusal().await;
    assert!(matches!(error, LogError::Foreign { .. }));
    told(&error, &folder, "it has format 1, and this program reads format 2");
    told(&error, &folder, "import the files again");
}

#[tokio::test]
async fn a_key_store_and_blobs_of_a_development_build_are_refused_with_what_to_do() {
    let folder = Folder::new();
    let (ambient, path) = (Ambient::system(), folder.path().display().to_string());
    let master = MasterKey::generate(&ambient);
    drop(SqliteKeyStore::open(&path, &master, ambient.clone()).await.expect("is made"));
    Connection::open(folder.path()).and_then(|keys| keys.pragma_update(None, "user_version", 1)).expect("is changed");
    let Err(error) = SqliteKeyStore::open(&path, &master, ambient).await else { panic!("must be refused") };
    assert!(matches!(error, KeyStoreError::Foreign { .. }));
    told(&error, &folder, "it has format 1");

    let blobs = folder.0.path().join("blobs");
    FolderBlobStore::open(&blobs).await.expect("is made");
    FolderBlobStore::open(&blobs).await.expect("is opened again");
    std::fs::remove_file(blobs.join("format")).expect("is removed");
    let Err(error) = FolderBlobStore::open(&blobs).await else { panic!("must be refused") };
    assert!(matches!(error, BlobError::Foreign { .. }));
    assert!(error.to_string().contains("it has format 1"), "{error}");
}

#[tokio::test]
async fn a_truncated_log_is_told() {
    let folder = Folder::new();
    let log = folder.open().await.expect("is made");
    fill(&log, 2_000).await;
    log.close().await;
    let whole = std::fs::read(folder.path()).expect("is there");
    for length in [whole.len() - 1, whole.len() - 4096, whole.len() / 2, 4096, 1000, 50] {
        std::fs::write(folder.path(), &whole[..length]).expect("is truncated");
        let error = folder.refusal().await;
        assert!(matches!(error, LogError::Foreign { .. }), "{length} bytes: {error}");
        told(&error, &folder, "");
    }
    std::fs::write(folder.path(), &whole).expect("is restored");
    folder.open().await.expect("opens").close().await;
}

#[tokio::test]
async fn a_log_that_another_process_locks_is_told_and_works_again_afterwards() {
    let folder = Folder::new();
    let log = folder.open().await.expect("is made");
    fill(&log, 1).await;
    let other = Connection::open(folder.path()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("is locked");

    let ambient = Ambient::system();
    let stream = StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid());
    let append = || log.append(vec![plain(&ambient, stream, Expected::Any, b"{}".to_vec())]);
    let error = append().await.expect_err("is not appended");
    told(&error, &folder, "is locked by another process");
    assert_eq!(log.head().await.expect("reading goes on").position.counter(), 1);

    other.execute_batch("ROLLBACK").expect("is released");
    append().await.expect("answers").remove(0).expect("is appended");
    log.close().await;
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_told() {
    let missing = Folder::new().path().with_file_name("missing").join("log.db");
    let Err(error) = SqliteLog::open(&missing.display().to_string(), Ambient::system()).await else {
        panic!("must be refused");
    };
    assert!(error.to_string().contains("missing/log.db could not be opened"), "{error}");
    assert!(error.source().is_some_and(|source| source.to_string().contains("unable to open database file")));
}

#[tokio::test]
async fn only_the_owner_may_read_the_key_store() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let ambient = Ambient::system();
    let path = folder.path().display().to_string();
    let opened = SqliteKeyStore::open(&path, &MasterKey::generate(&ambient), ambient).await;
    drop(opened.expect("is made"));
    let mode = std::fs::metadata(Path::new(&path)).expect("is there").permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[tokio::test]
async fn a_damaged_key_is_told() {
    let folder = Folder::new();
    let ambient = Ambient::system();
    let path = folder.path().display().to_string();
    let keys = SqliteKeyStore::open(&path, &MasterKey::generate(&ambient), ambient.clone()).await.expect("is made");
    let subject = SubjectId(ambient.uuid());
    keys.get_or_create(&[subject]).await.expect("answers");
    let damage = "DROP TRIGGER subject_keys_update; UPDATE subject_keys SET wrapped = zeroblob(73)";
    Connection::open(&path).and_then(|keys| keys.execute_batch(damage)).expect("is damaged");
    let error = keys.get(&[subject]).await.expect_err("is refused");
    assert!(matches!(error, KeyStoreError::Damaged { subject: damaged, .. } if damaged == subject));
}
