//! The blob store in a PostgreSQL database: in the schema `blobs`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::{BlobError, BlobRef, BlobStore, FrameWriter, failed};
use crate::ids::{SubjectId, TenantId};
use crate::log::sql::postgres::store::{self, Kind, Location, StoreError};
use crate::sql::postgres::on;

const KIND: Kind =
    Kind { schema: "blobs", migrations: &[include_str!("../../../migrations/postgres/blobs/0001_blobs.sql")] };

const CONNECTIONS: u32 = 4;

/// What marks a whole blob of a tenant, subject and id.
const IT: &str = "tenant_id = $1 AND subject_id = $2 AND blob_id = $3 AND bytes IS NOT NULL";

/// A blob store in a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresBlobStore {
    url: String,
    pool: PgPool,
}

impl PostgresBlobStore {
    /// Opens the store at a `postgres:` URL; makes its schema if there is none.
    pub async fn connect(url: &str) -> Result<Self, BlobError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        let open = async {
            let mut connection = location.connect().await?;
            store::migrate(&mut connection, &KIND).await
        };
        open.await.map_err(|error| store_error(&location.url, error))?;
        let pool = location.pool(CONNECTIONS);
        Ok(Self { url: location.url, pool })
    }

    /// Runs a statement about one blob; `more` is its fourth value.
    async fn about(
        &self,
        doing: &'static str,
        sql: String,
        blob: BlobRef,
        more: Option<DateTime<Utc>>,
    ) -> Result<u64, BlobError> {
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(blob.tenant.0).bind(blob.subject.0).bind(blob.id);
        let query = match more {
            Some(more) => query.bind(more),
            None => query,
        };
        Ok(on(&self.pool, async |connection| query.execute(connection).await)
            .await
            .map_err(failed(&self.url, doing))?
            .rows_affected())
    }
}

fn store_error(url: &str, error: StoreError) -> BlobError {
    match error {
        StoreError::Foreign(reason) => BlobError::Foreign { url: url.to_owned(), reason },
        StoreError::Sqlx(error) => failed(url, "be reached")(error),
    }
}

#[async_trait]
impl BlobStore for PostgresBlobStore {
    async fn begin(
        &self,
        blob: BlobRef,
        write_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Box<dyn FrameWriter>, BlobError> {
        on(&self.pool, async |connection| {
            let sql = "INSERT INTO blobs.blobs (write_id, tenant_id, subject_id, blob_id, touched_at) \
                       VALUES ($1, $2, $3, $4, $5)";
            let query = sqlx::query(sql).bind(write_id).bind(blob.tenant.0).bind(blob.subject.0).bind(blob.id);
            query.bind(now).execute(connection).await
        })
        .await
        .map_err(failed(&self.url, "begin a blob"))?;
        Ok(Box::new(Writing { store: self.clone(), blob, write_id, number: 0, bytes: 0 }))
    }

    async fn bytes(&self, blob: BlobRef) -> Result<Option<u64>, BlobError> {
        let bytes: Option<i64> = on(&self.pool, async |connection| {
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT bytes FROM blobs.blobs WHERE {IT}")))
                .bind(blob.tenant.0)
                .bind(blob.subject.0)
                .bind(blob.id)
                .fetch_optional(connection)
                .await
        })
        .await
        .map_err(failed(&self.url, "look for a blob"))?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    async fn frame(&self, blob: BlobRef, number: u32) -> Result<Vec<u8>, BlobError> {
        let sql = format!(
            "SELECT f.sealed FROM blobs.blobs JOIN blobs.frames f USING (write_id) WHERE {IT} AND f.number = $4"
        );
        on(&self.pool, async |connection| {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(blob.tenant.0)
                .bind(blob.subject.0)
                .bind(blob.id)
                .bind(i32::try_from(number).unwrap_or(i32::MAX))
                .fetch_one(connection)
                .await
        })
        .await
        .map_err(failed(&self.url, "read a blob"))
    }

    async fn touch(&self, blob: BlobRef, now: DateTime<Utc>) -> Result<bool, BlobError> {
        let sql = format!("UPDATE blobs.blobs SET touched_at = $4 WHERE {IT}");
        Ok(self.about("touch a blob", sql, blob, Some(now)).await? > 0)
    }

    async fn keep(&self, blob: BlobRef) -> Result<(), BlobError> {
        let sql = format!("UPDATE blobs.blobs SET kept = true WHERE {IT} AND NOT kept");
        self.about("keep a blob", sql, blob, None).await.map(drop)
    }

    async fn unkept(&self, before: DateTime<Utc>, most: usize) -> Result<Vec<BlobRef>, BlobError> {
        on(&self.pool, async |connection| {
            sqlx::query("DELETE FROM blobs.blobs WHERE bytes IS NULL AND touched_at < $1")
                .bind(before)
                .execute(connection)
                .await
        })
        .await
        .map_err(failed(&self.url, "remove what was never finished"))?;
        let rows: Vec<(Uuid, Uuid, Uuid)> = on(&self.pool, async |connection| {
            sqlx::query_as(
                "SELECT tenant_id, subject_id, blob_id FROM blobs.blobs WHERE NOT kept AND touched_at < $1 \
             ORDER BY touched_at LIMIT $2",
            )
            .bind(before)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await
        })
        .await
        .map_err(failed(&self.url, "list blobs"))?;
        Ok(rows.into_iter().map(blob_ref).collect())
    }

    async fn collect(&self, blob: BlobRef, before: DateTime<Utc>) -> Result<bool, BlobError> {
        let sql = format!("DELETE FROM blobs.blobs WHERE {IT} AND NOT kept AND touched_at < $4");
        Ok(self.about("collect a blob", sql, blob, Some(before)).await? > 0)
    }

    async fn list(&self) -> Result<Vec<BlobRef>, BlobError> {
        let rows: Vec<(Uuid, Uuid, Uuid)> = on(&self.pool, async |connection| {
            let sql = "SELECT tenant_id, subject_id, blob_id FROM blobs.blobs WHERE bytes IS NOT NULL";
            sqlx::query_as(sql).fetch_all(connection).await
        })
        .await
        .map_err(failed(&self.url, "list blobs"))?;
        Ok(rows.into_iter().map(blob_ref).collect())
    }

    async fn remove(&self, tenant: TenantId, subject: SubjectId) -> Result<(), BlobError> {
        on(&self.pool, async |connection| {
            sqlx::query("DELETE FROM blobs.blobs WHERE tenant_id = $1 AND subject_id = $2")
                .bind(tenant.0)
                .bind(subject.0)
                .execute(connection)
                .await
        })
        .await
        .map(drop)
        .map_err(failed(&self.url, "remove blobs"))
    }
}

/// A row: tenant, subject, blob.
fn blob_ref(row: (Uuid, Uuid, Uuid)) -> BlobRef {
    let (tenant, subject, id) = row;
    BlobRef { tenant: tenant.into(), subject: subject.into(), id }
}

/// A blob that is being written: in statements of their own, so that a slow sender holds no connection.
struct Writing {
    store: PostgresBlobStore,
    blob: BlobRef,
    write_id: Uuid,
    number: i32,
    bytes: i64,
}

#[async_trait]
impl FrameWriter for Writing {
    async fn append(&mut self, sealed: Vec<u8>) -> Result<(), BlobError> {
        self.bytes += i64::try_from(sealed.len()).unwrap_or(i64::MAX);
        on(&self.store.pool, async |connection| {
            sqlx::query("INSERT INTO blobs.frames (write_id, number, sealed) VALUES ($1, $2, $3)")
                .bind(self.write_id)
                .bind(self.number)
                .bind(sealed)
                .execute(connection)
                .await
        })
        .await
        .map_err(failed(&self.store.url, "write a blob"))?;
        self.number += 1;
        Ok(())
    }

    async fn finish(self: Box<Self>, now: DateTime<Utc>) -> Result<(), BlobError> {
        let finished = on(&self.store.pool, async |connection| {
            sqlx::query("UPDATE blobs.blobs SET bytes = $2, touched_at = $3 WHERE write_id = $1")
                .bind(self.write_id)
                .bind(self.bytes)
                .bind(now)
                .execute(connection)
                .await
        })
        .await;
        match finished {
            Ok(done) if done.rows_affected() == 1 => Ok(()),
            // It took so long that it was taken for abandoned, or its subject has since been forgotten.
            Ok(_) => Err(BlobError::Damaged { id: self.blob.id }),
            Err(error) if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) => {
                on(&self.store.pool, async |connection| {
                    sqlx::query("DELETE FROM blobs.blobs WHERE write_id = $1")
                        .bind(self.write_id)
                        .execute(connection)
                        .await
                })
                .await
                .map_err(failed(&self.store.url, "finish a blob"))?;
                self.store.touch(self.blob, now).await.map(drop)
            }
            Err(error) => Err(failed(&self.store.url, "finish a blob")(error)),
        }
    }
}
