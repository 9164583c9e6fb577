//! What every blob store does, in a folder and in PostgreSQL.

use std::sync::Arc;

use chrono::TimeDelta;
use commlog::clock::Ambient;
use commlog::ids::{SubjectId, TenantId};
use commlog::log::Journal;
use commlog::log::blobs::folder::FolderBlobStore;
use commlog::log::blobs::postgres::PostgresBlobStore;
use commlog::log::blobs::{BlobError, BlobRef, BlobStore, Blobs, CHUNK};
use commlog::log::keys::sqlite::SqliteKeyStore;
use commlog::log::seal::MasterKey;
use commlog::log::sql::sqlite::SqliteLog;
use commlog::log::upcast::Upcasters;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::support::app::Engine;
use crate::support::postgres::database;

struct World {
    blobs: Blobs,
    journal: Journal,
    ambient: Ambient,
    folder: TempDir,
    url: Option<String>,
}

impl World {
    async fn open(engine: Engine) -> Self {
        let (ambient, folder) = (Ambient::system(), tempfile::tempdir().expect("a temporary folder"));
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let log = SqliteLog::open(&path("log.db"), ambient.clone()).await.expect("a log");
        let master = MasterKey::generate(&ambient);
        let keys = SqliteKeyStore::open(&path("keys.db"), &master, ambient.clone()).await.expect("a key store");
        let journal = Journal::new(Arc::new(log), Arc::new(keys), Upcasters::none(), ambient.clone());
        let url = if engine == Engine::Postgres { Some(database().await) } else { None };
        let store: Arc<dyn BlobStore> = match &url {
            Some(url) => Arc::new(PostgresBlobStore::connect(url).await.expect("a blob store")),
            None => Arc::new(FolderBlobStore::open(&folder.path().join("blobs")).await.expect("a blob store")),
        };
        Self { blobs: Blobs::new(store, journal.clone()), journal, ambient, folder, url }
    }

    fn blob(&self) -> BlobRef {
        let id = || self.ambient.uuid();
        BlobRef { tenant: TenantId(id()), subject: SubjectId(id()), id: id() }
    }

    async fn write(&self, blob: BlobRef, content: &[u8]) {
        let mut sealing = self.blobs.write(blob).await.expect("the store answers").expect("a living subject");
        // In pieces that fit no frame.
        for piece in content.chunks(100_003) {
            sealing.push(piece).await.expect("is taken");
        }
        let written = sealing.finish().await.expect("is written");
        assert_eq!(written.size, content.len() as u64);
    }

    async fn read(&self, blob: BlobRef) -> Result<Option<Vec<u8>>, BlobError> {
        match self.blobs.read(blob).await? {
            Some(opening) => Ok(Some(opening.whole().await?.to_vec())),
            None => Ok(None),
        }
    }

    /// Changes what is stored of a blob: bytes of a frame, a frame fewer, two frames exchanged.
    async fn damage(&self, blob: BlobRef, how: Damage) {
        let Some(url) = &self.url else {
            let name = format!("{}.{}.{}", blob.tenant, blob.subject, blob.id);
            let path = self.folder.path().join("blobs/new").join(name);
            let mut bytes = std::fs::read(&path).expect("a file");
            let frame = commlog::log::blobs::FRAME;
            match how {
                Damage::Changed => bytes[frame + 100] ^= 1,
                Damage::CutOff => bytes.truncate(frame),
                Damage::Exchanged => {
                    let (first, second) = bytes.split_at_mut(frame);
                    first.swap_with_slice(&mut second[..frame]);
                }
            }
            std::fs::write(path, bytes).expect("is written");
            return;
        };
        let sql = match how {
            Damage::Changed => {
                "UPDATE blobs.frames SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) WHERE number = 1"
                    .to_owned()
            }
            Damage::CutOff => {
                let frame = commlog::log::blobs::FRAME;
                format!("UPDATE blobs.blobs SET bytes = {frame} WHERE blob_id = '{}'", blob.id)
            }
            Damage::Exchanged => "UPDATE blobs.frames f SET sealed = o.sealed FROM blobs.frames o \
                WHERE f.write_id = o.write_id AND f.number + o.number = 1 AND f.number <> o.number"
                .to_owned(),
        };
        let mut connection = PgConnection::connect(url).await.expect("the test server answers");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.expect("is changed");
    }
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Changed,
    CutOff,
    Exchanged,
}

async fn what_is_written_is_read_whatever_its_size(engine: Engine) {
    let world = World::open(engine).await;
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let content: Vec<u8> = (0..size).map(|place| u8::try_from(place % 251).expect("a byte")).collect();
        let blob = world.blob();
        world.write(blob, &content).await;
        assert!(world.read(blob).await.expect("is read") == Some(content), "{size}");
        for other in [
            BlobRef { tenant: world.blob().tenant, ..blob },
            BlobRef { subject: world.blob().subject, ..blob },
            BlobRef { id: world.blob().id, ..blob },
        ] {
            assert_eq!(world.read(other).await.expect("is looked for"), None);
        }
    }
}

async fn what_was_changed_cut_off_or_exchanged_does_not_open(engine: Engine) {
    for how in [Damage::Changed, Damage::CutOff, Damage::Exchanged] {
        let world = World::open(engine).await;
        let blob = world.blob();
        world.write(blob, &vec![1; 2 * CHUNK]).await;
        world.damage(blob, how).await;
        let read = world.read(blob).await;
        assert!(matches!(read, Err(BlobError::Damaged { id }) if id == blob.id), "{how:?}");
    }
}

async fn a_writer_that_goes_away_leaves_nothing_and_the_first_of_two_wins(engine: Engine) {
    let world = World::open(engine).await;
    let blob = world.blob();
    let mut lost = world.blobs.write(blob).await.expect("the store answers").expect("a living subject");
    lost.push(&vec![1; 2 * CHUNK]).await.expect("is taken");
    drop(lost);
    assert_eq!(world.read(blob).await.expect("is looked for"), None);
    let mut slow = world.blobs.write(blob).await.expect("the store answers").expect("a living subject");
    slow.push(b"slow").await.expect("is taken");
    world.write(blob, b"fast").await;
    slow.finish().await.expect("ends in order");
    world.write(blob, b"late").await;
    assert_eq!(world.read(blob).await.expect("is read").as_deref(), Some(&b"fast"[..]));
    // What was never finished goes with the next look for old ones.
    let later = world.ambient.now() + TimeDelta::hours(1);
    assert_eq!(world.blobs.unkept(later, 10).await.expect("is listed"), [blob]);
    let left = match &world.url {
        None => std::fs::read_dir(world.folder.path().join("blobs/new")).expect("a folder").count() as i64,
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.expect("the test server answers");
            let count = sqlx::query_scalar("SELECT count(*) FROM blobs.blobs");
            count.fetch_one(&mut connection).await.expect("is counted")
        }
    };
    assert_eq!(left, 1);
}

async fn only_what_is_old_and_not_kept_is_collected(engine: Engine) {
    let world = World::open(engine).await;
    let (kept, old, touched) = (world.blob(), world.blob(), world.blob());
    for blob in [kept, old, touched] {
        world.write(blob, b"content").await;
    }
    world.blobs.keep(kept).await.expect("is kept");
    world.blobs.keep(kept).await.expect("is kept already");
    let now = world.ambient.now();
    let (before, after) = (now - TimeDelta::hours(1), now + TimeDelta::hours(1));
    assert_eq!(world.blobs.unkept(before, 10).await.expect("is listed"), []);
    let found = world.blobs.unkept(after, 10).await.expect("is listed");
    assert!(found.len() == 2 && found.contains(&old) && found.contains(&touched), "{found:?}");
    assert!(world.blobs.touch(touched).await.expect("is touched"));
    assert!(world.blobs.touch(kept).await.expect("is touched"));
    assert!(!world.blobs.collect(touched, now).await.expect("is looked at"));
    assert!(!world.blobs.collect(kept, after).await.expect("is looked at"));
    assert!(world.blobs.collect(old, after).await.expect("is looked at"));
    assert!(!world.blobs.collect(old, after).await.expect("is looked at"));
    assert!(!world.blobs.touch(old).await.expect("is looked for"));
    for (blob, expected) in [(kept, true), (touched, true), (old, false)] {
        assert_eq!(world.read(blob).await.expect("is looked for").is_some(), expected);
    }
}

async fn a_destroyed_key_makes_blobs_unreadable_and_removal_takes_one_subjects_only(engine: Engine) {
    let world = World::open(engine).await;
    let first = world.blob();
    let second = BlobRef { id: world.blob().id, ..first };
    let other = BlobRef { subject: world.blob().subject, ..first };
    for blob in [first, second, other] {
        world.write(blob, b"content").await;
    }
    world.blobs.keep(first).await.expect("is kept");
    world.journal.destroy_key(first.subject).await.expect("is destroyed");
    assert_eq!(world.read(first).await.expect("is looked for"), None);
    assert!(world.blobs.write(second).await.expect("the store answers").is_none());
    for _ in 0..2 {
        world.blobs.remove(first.tenant, first.subject).await.expect("is removed");
    }
    assert!(!world.blobs.touch(first).await.expect("is looked for"));
    assert!(!world.blobs.touch(second).await.expect("is looked for"));
    assert_eq!(world.read(other).await.expect("is read").as_deref(), Some(&b"content"[..]));
}

async fn a_note_opens_for_its_subject_and_purpose_only(engine: Engine) {
    let world = World::open(engine).await;
    let BlobRef { tenant, subject, .. } = world.blob();
    let sealed =
        world.blobs.seal_note(tenant, subject, "upload", b"note").await.expect("is sealed").expect("a subject");
    let open = async |tenant, subject, purpose| {
        world.blobs.open_note(tenant, subject, purpose, &sealed).await.expect("answers")
    };
    assert_eq!(open(tenant, subject, "upload").await.as_deref(), Some(&b"note"[..]));
    assert_eq!(open(tenant, subject, "other").await, None);
    assert_eq!(open(world.blob().tenant, subject, "upload").await, None);
    assert_eq!(open(tenant, world.blob().subject, "upload").await, None);
}

macro_rules! on_both {
    ($($name:ident)*) => {$(
        mod $name {
            use crate::support::app::Engine;

            #[tokio::test]
            async fn folder() {
                super::$name(Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(Engine::Postgres).await;
            }
        }
    )*};
}

on_both! {
    what_is_written_is_read_whatever_its_size
    what_was_changed_cut_off_or_exchanged_does_not_open
    a_writer_that_goes_away_leaves_nothing_and_the_first_of_two_wins
    only_what_is_old_and_not_kept_is_collected
    a_destroyed_key_makes_blobs_unreadable_and_removal_takes_one_subjects_only
    a_note_opens_for_its_subject_and_purpose_only
}
