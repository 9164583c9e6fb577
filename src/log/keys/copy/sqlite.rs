//! Copies of a key store in a SQLite file.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use super::{KeyCopies, KeyCopy, Merged, SealedSecret, Tombstone, WrappedKey, time};
use crate::ids::{SecretId, SubjectId, TenantId};
use crate::log::keys::KeyStoreError;
use crate::log::keys::sqlite::{Failure, SqliteKeyStore, empty_wal};

#[async_trait]
impl KeyCopies for SqliteKeyStore {
    async fn copy_keys(&self, after: Option<SubjectId>, most: usize) -> Result<Vec<WrappedKey>, KeyStoreError> {
        self.run("copy keys", move |_, connection| {
            // Every id is longer than nothing.
            let after = after.map(|subject| subject.0.as_bytes().to_vec()).unwrap_or_default();
            let mut statement = connection.prepare_cached(
                "SELECT subject_id, wrapped FROM subject_keys k WHERE subject_id > ?1 \
                 AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.subject_id = k.subject_id) \
                 ORDER BY subject_id LIMIT ?2",
            )?;
            let keys = statement.query_map(params![after, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
                Ok(WrappedKey { subject: SubjectId(Uuid::from_bytes(row.get(0)?)), wrapped: row.get(1)? })
            })?;
            Ok(keys.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn copy_rest(&self) -> Result<KeyCopy, KeyStoreError> {
        self.run("copy tombstones and secrets", |_, connection| {
            let transaction = connection.transaction()?;
            let mut statement =
                transaction.prepare_cached("SELECT subject_id, destroyed_at FROM tombstones ORDER BY mark")?;
            let tombstones = statement.query_map([], |row| {
                Ok(Tombstone { subject: SubjectId(Uuid::from_bytes(row.get(0)?)), destroyed_at: time(row.get(1)?) })
            })?;
            let tombstones = tombstones.collect::<Result<_, _>>()?;
            let mut statement = transaction.prepare_cached(
                "SELECT secret_id, tenant_id, sealed, stored_at FROM secrets \
                     WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject_id = secret_id) ORDER BY secret_id",
            )?;
            let secrets = statement.query_map([], |row| {
                Ok(SealedSecret {
                    id: SecretId(Uuid::from_bytes(row.get(0)?)),
                    tenant: TenantId(Uuid::from_bytes(row.get(1)?)),
                    sealed: row.get(2)?,
                    stored_at: time(row.get(3)?),
                })
            })?;
            Ok(KeyCopy { keys: Vec::new(), tombstones, secrets: secrets.collect::<Result<_, _>>()? })
        })
        .await
    }

    async fn check_value(&self) -> Result<Vec<u8>, KeyStoreError> {
        self.run("read its check value", |_, connection| {
            Ok(connection.query_row("SELECT check_value FROM master", [], |row| row.get(0))?)
        })
        .await
    }

    async fn merge(&self, copy: KeyCopy) -> Result<Merged, KeyStoreError> {
        let url = self.location().to_owned();
        self.run("take a copy in", move |_, connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (mut merged, mut is_emptied) = (Merged::default(), false);
            for tombstone in &copy.tombstones {
                let buried = bury(&transaction, tombstone)?;
                merged.destroyed += buried.keys;
                is_emptied |= buried != Buried::default();
            }
            for key in &copy.keys {
                match add(&transaction, &url, key)? {
                    Added::New => merged.added += 1,
                    Added::Destroyed => merged.refused += 1,
                    Added::Known => {}
                }
            }
            for secret in &copy.secrets {
                transaction.execute(
                    "INSERT INTO secrets (secret_id, tenant_id, sealed, stored_at) SELECT ?1, ?2, ?3, ?4 \
                     WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE subject_id = ?1) \
                     ON CONFLICT (secret_id) DO NOTHING",
                    params![
                        secret.id.0.as_bytes(),
                        secret.tenant.0.as_bytes(),
                        secret.sealed,
                        secret.stored_at.timestamp_micros()
                    ],
                )?;
            }
            transaction.commit()?;
            if is_emptied {
                empty_wal(connection)?;
            }
            Ok(merged)
        })
        .await
    }
}

/// What became of a key that was to be added.
enum Added {
    New,
    Known,
    Destroyed,
}

/// How much was destroyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::log::keys) struct Buried {
    keys: u64,
    secrets: u64,
}

/// Destroys a key or secret, if there is one, and leaves the tombstone. Its bytes are in the write-ahead log until that is emptied.
pub(in crate::log::keys) fn bury(connection: &Connection, tombstone: &Tombstone) -> Result<Buried, Failure> {
    let id = tombstone.subject.0.as_bytes();
    let keys = connection.prepare_cached("DELETE FROM subject_keys WHERE subject_id = ?1")?.execute([id])?;
    let secrets = connection.prepare_cached("DELETE FROM secrets WHERE secret_id = ?1")?.execute([id])?;
    connection
        .prepare_cached("INSERT INTO tombstones (subject_id, destroyed_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![id, tombstone.destroyed_at.timestamp_micros()])?;
    Ok(Buried { keys: keys as u64, secrets: secrets as u64 })
}

fn add(connection: &Connection, url: &str, key: &WrappedKey) -> Result<Added, Failure> {
    let id = key.subject.0.as_bytes();
    let is_destroyed = connection.prepare_cached("SELECT 1 FROM tombstones WHERE subject_id = ?1")?.exists([id])?;
    if is_destroyed {
        return Ok(Added::Destroyed);
    }
    let known: Option<Vec<u8>> = connection
        .prepare_cached("SELECT wrapped FROM subject_keys WHERE subject_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match known {
        Some(known) if known == key.wrapped => Ok(Added::Known),
        Some(_) => Err(KeyStoreError::Different { url: url.to_owned(), subject: key.subject }.into()),
        None => {
            connection
                .prepare_cached("INSERT INTO subject_keys (subject_id, wrapped) VALUES (?1, ?2)")?
                .execute(params![id, key.wrapped])?;
            Ok(Added::New)
        }
    }
}
