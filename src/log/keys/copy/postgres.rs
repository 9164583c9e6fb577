//! Copies of a key store in a PostgreSQL database.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{KeyCopies, KeyCopy, Merged, SealedSecret, Tombstone, WrappedKey, time};
use crate::ids::{SecretId, SubjectId, TenantId};
use crate::log::keys::postgres::{LOCK, PostgresKeyStore};
use crate::log::keys::{KeyStoreError, database};
use crate::sql::postgres::{Held, bounded, on};

#[async_trait]
impl KeyCopies for PostgresKeyStore {
    async fn copy_keys(&self, after: Option<SubjectId>, most: usize) -> Result<Vec<WrappedKey>, KeyStoreError> {
        let rows: Vec<(Uuid, Vec<u8>)> = on(self.pool(), async |connection| {
            sqlx::query_as(
                "SELECT subject_id, wrapped FROM keys.subject_keys k WHERE ($1 IS NULL OR subject_id > $1) \
                 AND NOT EXISTS (SELECT 1 FROM keys.tombstones t WHERE t.subject_id = k.subject_id) \
                 ORDER BY subject_id LIMIT $2",
            )
            .bind(after.map(|subject| subject.0))
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await
        })
        .await
        .map_err(database(self.location(), "copy keys"))?;
        Ok(rows.into_iter().map(|(id, wrapped)| WrappedKey { subject: SubjectId(id), wrapped }).collect())
    }

    async fn copy_rest(&self) -> Result<KeyCopy, KeyStoreError> {
        let fail = || database(self.location(), "copy tombstones and secrets");
        let tombstones: Vec<(Uuid, i64)> = on(self.pool(), async |connection| {
            let sql = "SELECT subject_id, destroyed_at FROM keys.tombstones ORDER BY mark";
            sqlx::query_as(sql).fetch_all(connection).await
        })
        .await
        .map_err(fail())?;
        let secrets: Vec<(Uuid, Uuid, Vec<u8>, i64)> = on(self.pool(), async |connection| {
            let sql = "SELECT secret_id, tenant_id, sealed, stored_at FROM keys.secrets \
                       WHERE NOT EXISTS (SELECT 1 FROM keys.tombstones WHERE subject_id = secret_id) ORDER BY secret_id";
            sqlx::query_as(sql).fetch_all(connection).await
        })
        .await
        .map_err(fail())?;
        let tombstone = |(id, at)| Tombstone { subject: SubjectId(id), destroyed_at: time(at) };
        let secret = |(id, tenant, sealed, at)| SealedSecret {
            id: SecretId(id),
            tenant: TenantId(tenant),
            sealed,
            stored_at: time(at),
        };
        Ok(KeyCopy {
            keys: Vec::new(),
            tombstones: tombstones.into_iter().map(tombstone).collect(),
            secrets: secrets.into_iter().map(secret).collect(),
        })
    }

    async fn check_value(&self) -> Result<Vec<u8>, KeyStoreError> {
        on(self.pool(), async |connection| {
            sqlx::query_scalar("SELECT check_value FROM keys.master").fetch_one(connection).await
        })
        .await
        .map_err(database(self.location(), "read its check value"))
    }

    async fn merge(&self, copy: KeyCopy) -> Result<Merged, KeyStoreError> {
        let fail = || database(self.location(), "take a copy in");
        let mut transaction = Held::begin_on(self.pool()).await.map_err(fail())?;
        bounded(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction))
            .await
            .map_err(fail())?;
        let buried = bury(&mut transaction, &copy.tombstones).await.map_err(fail())?;
        let (ids, wrapped): (Vec<Uuid>, Vec<&[u8]>) =
            copy.keys.iter().map(|key| (key.subject.0, key.wrapped.as_slice())).unzip();
        let different: Option<Uuid> = bounded(
            sqlx::query_scalar(
                "SELECT k.subject_id FROM unnest($1::uuid[], $2::bytea[]) AS copied (id, wrapped) \
                 JOIN keys.subject_keys k ON k.subject_id = copied.id WHERE k.wrapped <> copied.wrapped LIMIT 1",
            )
            .bind(&ids)
            .bind(&wrapped)
            .fetch_optional(&mut *transaction),
        )
        .await
        .map_err(fail())?;
        if let Some(id) = different {
            return Err(KeyStoreError::Different { url: self.location().to_owned(), subject: SubjectId(id) });
        }
        let refused: i64 = bounded(
            sqlx::query_scalar("SELECT count(*) FROM keys.tombstones WHERE subject_id = ANY ($1)")
                .bind(&ids)
                .fetch_one(&mut *transaction),
        )
        .await
        .map_err(fail())?;
        let added = bounded(
            sqlx::query(
                "INSERT INTO keys.subject_keys (subject_id, wrapped) \
                 SELECT id, wrapped FROM unnest($1::uuid[], $2::bytea[]) AS copied (id, wrapped) \
                 WHERE NOT EXISTS (SELECT 1 FROM keys.tombstones t WHERE t.subject_id = id) \
                 ON CONFLICT (subject_id) DO NOTHING",
            )
            .bind(&ids)
            .bind(&wrapped)
            .execute(&mut *transaction),
        )
        .await
        .map_err(fail())?;
        add_secrets(&mut transaction, &copy.secrets).await.map_err(fail())?;
        bounded(transaction.commit()).await.map_err(fail())?;
        self.clean_after(buried).await.map_err(fail())?;
        Ok(Merged {
            added: added.rows_affected(),
            destroyed: buried.keys,
            refused: u64::try_from(refused).unwrap_or_default(),
        })
    }
}

/// How much was destroyed.
#[derive(Debug, Clone, Copy)]
pub(in crate::log::keys) struct Buried {
    keys: u64,
    secrets: u64,
}

impl PostgresKeyStore {
    /// Destroys keys and secrets. The deleted rows lie in their pages until those are vacuumed.
    pub(in crate::log::keys) async fn bury(&self, tombstones: &[Tombstone]) -> Result<(), sqlx::Error> {
        let mut transaction = Held::begin_on(self.pool()).await?;
        bounded(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction)).await?;
        bury(&mut transaction, tombstones).await?;
        bounded(transaction.commit()).await
    }

    /// Deleted rows lie in their pages until those are vacuumed.
    async fn clean_after(&self, buried: Buried) -> Result<(), sqlx::Error> {
        if buried.keys > 0 {
            self.vacuum("VACUUM keys.subject_keys").await?;
        }
        if buried.secrets > 0 {
            self.vacuum("VACUUM keys.secrets").await?;
        }
        Ok(())
    }
}

/// Destroys keys and secrets, and leaves tombstones.
async fn bury(connection: &mut PgConnection, tombstones: &[Tombstone]) -> Result<Buried, sqlx::Error> {
    let (ids, times): (Vec<Uuid>, Vec<i64>) =
        tombstones.iter().map(|tombstone| (tombstone.subject.0, tombstone.destroyed_at.timestamp_micros())).unzip();
    let delete = sqlx::query("DELETE FROM keys.subject_keys WHERE subject_id = ANY ($1)").bind(&ids);
    let keys = bounded(delete.execute(&mut *connection)).await?.rows_affected();
    let delete = sqlx::query("DELETE FROM keys.secrets WHERE secret_id = ANY ($1)").bind(&ids);
    let secrets = bounded(delete.execute(&mut *connection)).await?.rows_affected();
    bounded(
        sqlx::query(
            "INSERT INTO keys.tombstones (mark, subject_id, destroyed_at) \
             SELECT (SELECT coalesce(max(mark), 0) FROM keys.tombstones) + number, id, destroyed_at \
             FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS copied (id, destroyed_at, number) \
             WHERE NOT EXISTS (SELECT 1 FROM keys.tombstones t WHERE t.subject_id = id)",
        )
        .bind(&ids)
        .bind(times)
        .execute(connection),
    )
    .await?;
    Ok(Buried { keys, secrets })
}

async fn add_secrets(connection: &mut PgConnection, secrets: &[SealedSecret]) -> Result<(), sqlx::Error> {
    for secret in secrets {
        bounded(
            sqlx::query(
                "INSERT INTO keys.secrets (secret_id, tenant_id, sealed, stored_at) SELECT $1, $2, $3, $4 \
                 WHERE NOT EXISTS (SELECT 1 FROM keys.tombstones WHERE subject_id = $1) \
                 ON CONFLICT (secret_id) DO NOTHING",
            )
            .bind(secret.id.0)
            .bind(secret.tenant.0)
            .bind(&secret.sealed)
            .bind(secret.stored_at.timestamp_micros())
            .execute(&mut *connection),
        )
        .await?;
    }
    Ok(())
}
