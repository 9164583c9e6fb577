//! The key store in a PostgreSQL database: in the schema `keys`, best in a database of its own.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::wrap::Wrapper;
use super::{KeyState, KeyStore, KeyStoreError, SecretBytes, SecretPlace, StoredSecret, Term, Tombstone, database};
use crate::clock::Ambient;
use crate::ids::{Position, SecretId, SubjectId, TenantId};
use crate::log::EventHash;
use crate::log::mark::{LogMark, StoredMark};
use crate::log::seal::MasterKey;
use crate::log::sql::postgres::SYSTEM_ID;
use crate::log::sql::postgres::store::{self, Kind, Location, StoreError};
use crate::sql::postgres::{Held, bounded, on};

const KIND: Kind = Kind {
    schema: "keys",
    migrations: &[
        include_str!("../../../migrations/postgres/keys/0001_keys.sql"),
        include_str!("../../../migrations/postgres/keys/0002_log_mark.sql"),
        include_str!("../../../migrations/postgres/keys/0003_log_checkpoint.sql"),
        include_str!("../../../migrations/postgres/keys/0004_leases.sql"),
    ],
};

/// Locked in shared mode by who makes keys, and exclusively by who destroys one: no key is made beside its tombstone.
pub(super) const LOCK: i64 = i64::from_be_bytes(*b"clg keys");

const CONNECTIONS: u32 = 4;

/// Epoch, position, hash and place of the mark; a lease of which a later term has begun.
type MarkRow = (i64, Vec<u8>, EventHash, String, Option<String>);

/// A key store in a PostgreSQL database.
pub struct PostgresKeyStore {
    url: String,
    wrapper: Wrapper,
    ambient: Ambient,
    /// Tells the database from a copy of it.
    place: String,
    pool: PgPool,
    /// A connection for leases alone: a renewal waits for no other work.
    leases: PgPool,
}

impl PostgresKeyStore {
    /// Opens the store at a `postgres:` URL; makes its schema if there is none.
    ///
    /// # Errors
    /// [`KeyStoreError::WrongMasterKey`], or [`KeyStoreError::Foreign`] if the schema is of something else.
    pub async fn connect(url: &str, master: &MasterKey, ambient: Ambient) -> Result<Self, KeyStoreError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?;
        let wrapper = Wrapper::new(master, ambient.clone());
        let open = async {
            let mut connection = location.connect().await?;
            store::migrate(&mut connection, &KIND).await?;
            bounded(
                sqlx::query("INSERT INTO keys.master (check_value) VALUES ($1) ON CONFLICT DO NOTHING")
                    .bind(wrapper.check_value())
                    .execute(&mut connection),
            )
            .await?;
            let value =
                bounded(sqlx::query_scalar("SELECT check_value FROM keys.master").fetch_one(&mut connection)).await?;
            Ok((value, bounded(sqlx::query_scalar(SYSTEM_ID).fetch_one(&mut connection)).await?))
        };
        let (value, place): (Vec<u8>, String) = open.await.map_err(|error| store_error(&location.url, error))?;
        wrapper.check(&location.url, &value)?;
        let (pool, leases) = (location.pool(CONNECTIONS), location.pool(1));
        Ok(Self { url: location.url, wrapper, ambient, place, pool, leases })
    }

    /// Opens a store that must exist, for reading only.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_to_read(url: &str, master: &MasterKey, ambient: Ambient) -> Result<Self, KeyStoreError> {
        let location = Location::parse(url).map_err(|error| store_error("its URL", error))?.into_reading();
        let wrapper = Wrapper::new(master, ambient.clone());
        let open = async {
            let mut connection = location.connect().await?;
            store::check(&mut connection, &KIND).await?;
            let value = sqlx::query_scalar("SELECT check_value FROM keys.master").fetch_one(&mut connection).await?;
            Ok((value, sqlx::query_scalar(SYSTEM_ID).fetch_one(&mut connection).await?))
        };
        let (value, place): (Vec<u8>, String) = open.await.map_err(|error| store_error(&location.url, error))?;
        wrapper.check(&location.url, &value)?;
        let (pool, leases) = (location.pool(CONNECTIONS), location.pool(1));
        Ok(Self { url: location.url, wrapper, ambient, place, pool, leases })
    }

    /// Its URL without credentials.
    pub(super) fn location(&self) -> &str {
        &self.url
    }

    /// For everything else.
    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// For leases.
    pub(super) const fn leases_pool(&self) -> &PgPool {
        &self.leases
    }

    async fn read(
        &self,
        connection: &mut PgConnection,
        subjects: &[SubjectId],
    ) -> Result<HashMap<SubjectId, KeyState>, KeyStoreError> {
        let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.0).collect();
        let rows: Vec<(Uuid, Option<Vec<u8>>)> = bounded(
            sqlx::query_as(
                "SELECT subject_id, NULL::bytea FROM keys.tombstones WHERE subject_id = ANY ($1) \
             UNION ALL SELECT k.subject_id, k.wrapped FROM keys.subject_keys k WHERE k.subject_id = ANY ($1) \
             AND NOT EXISTS (SELECT 1 FROM keys.tombstones t WHERE t.subject_id = k.subject_id)",
            )
            .bind(ids)
            .fetch_all(connection),
        )
        .await
        .map_err(database(&self.url, "read keys"))?;
        rows.into_iter()
            .map(|(id, wrapped)| {
                let subject = SubjectId(id);
                let state = match wrapped {
                    Some(wrapped) => KeyState::Live(self.wrapper.unwrap(&self.url, subject, &wrapped)?),
                    None => KeyState::Destroyed,
                };
                Ok((subject, state))
            })
            .collect()
    }

    /// The mark of the log, and the lease of one of some terms that are not the newest.
    async fn mark_and_fenced(&self, terms: &[Term]) -> Result<Option<(StoredMark, Option<String>)>, KeyStoreError> {
        let doing = "read the mark of the log";
        let (names, numbers): (Vec<&str>, Vec<i64>) =
            terms.iter().map(|term| (term.lease.as_str(), term.number)).unzip();
        let row: Option<MarkRow> = on(&self.pool, async |connection| {
            let sql = "SELECT epoch, position, hash, place, \
                       (SELECT given.name FROM unnest($1::text[], $2::bigint[]) AS given (name, term) \
                       LEFT JOIN keys.leases l ON l.name = given.name WHERE l.term IS DISTINCT FROM given.term LIMIT 1) \
                       FROM keys.log_mark";
            sqlx::query_as(sql).bind(names).bind(numbers).fetch_optional(connection).await
        })
        .await
        .map_err(database(&self.url, doing))?;
        let Some((epoch, position, hash, place, fenced)) = row else { return Ok(None) };
        let position = Position::try_from(position).map_err(database(&self.url, doing))?;
        let mark = LogMark { epoch: epoch.try_into().unwrap_or(u32::MAX), position, hash };
        Ok(Some((StoredMark { mark, is_at_home: place == self.place }, fenced)))
    }

    /// Takes as long as it takes.
    pub(super) async fn vacuum(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(sql).execute(&mut *Held::take(&self.pool).await?).await.map(drop)
    }

    async fn create(&self, missing: &[SubjectId]) -> Result<HashMap<SubjectId, KeyState>, KeyStoreError> {
        let fail = || database(&self.url, "make keys");
        let wrapped: Vec<Vec<u8>> = missing.iter().map(|&subject| self.wrapper.create(subject).1).collect();
        let ids: Vec<Uuid> = missing.iter().map(|subject| subject.0).collect();
        let mut transaction = Held::begin_on(&self.pool).await.map_err(fail())?;
        bounded(sqlx::query("SELECT pg_advisory_xact_lock_shared($1)").bind(LOCK).execute(&mut *transaction))
            .await
            .map_err(fail())?;
        // Another process may make the same key at the same time: one wins, and is read by both. In one order for all
        // processes, so that none waits for each other in a circle.
        bounded(
            sqlx::query(
                "INSERT INTO keys.subject_keys (subject_id, wrapped) \
             SELECT id, wrapped FROM unnest($1::uuid[], $2::bytea[]) AS made (id, wrapped) \
             WHERE NOT EXISTS (SELECT 1 FROM keys.tombstones t WHERE t.subject_id = id) \
             ORDER BY id ON CONFLICT (subject_id) DO NOTHING",
            )
            .bind(ids)
            .bind(wrapped)
            .execute(&mut *transaction),
        )
        .await
        .map_err(fail())?;
        let keys = self.read(&mut transaction, missing).await?;
        bounded(transaction.commit()).await.map_err(fail())?;
        Ok(keys)
    }
}

fn store_error(url: &str, error: StoreError) -> KeyStoreError {
    match error {
        StoreError::Foreign(reason) => KeyStoreError::Foreign { url: url.to_owned(), reason },
        StoreError::Sqlx(error) => database(url, "be reached")(error),
    }
}

#[async_trait]
impl KeyStore for PostgresKeyStore {
    async fn get_or_create(&self, subjects: &[SubjectId]) -> Result<Vec<KeyState>, KeyStoreError> {
        let found = self.get(subjects).await?;
        let mut missing: Vec<SubjectId> =
            subjects.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(subject, _)| *subject).collect();
        missing.sort_unstable();
        missing.dedup();
        let created = if missing.is_empty() { HashMap::new() } else { self.create(&missing).await? };
        subjects
            .iter()
            .zip(found)
            .map(|(subject, found)| {
                found
                    .or_else(|| created.get(subject).cloned())
                    .ok_or_else(|| KeyStoreError::Missing { url: self.url.clone(), subject: *subject })
            })
            .collect()
    }

    async fn get(&self, subjects: &[SubjectId]) -> Result<Vec<Option<KeyState>>, KeyStoreError> {
        let mut connection = Held::take(&self.pool).await.map_err(database(&self.url, "be reached"))?;
        let keys = self.read(&mut connection, subjects).await?;
        Ok(subjects.iter().map(|subject| keys.get(subject).cloned()).collect())
    }

    async fn wrapped(&self, subjects: &[SubjectId]) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.0).collect();
        on(&self.pool, async |connection| {
            sqlx::query_scalar("SELECT wrapped FROM keys.subject_keys WHERE subject_id = ANY ($1)")
                .bind(ids)
                .fetch_all(connection)
                .await
        })
        .await
        .map_err(database(&self.url, "read keys"))
    }

    async fn destroy(&self, subject: SubjectId) -> Result<(), KeyStoreError> {
        let fail = || database(&self.url, "destroy a key");
        self.bury(&[Tombstone { subject, destroyed_at: self.ambient.now() }]).await.map_err(fail())?;
        self.vacuum("VACUUM keys.subject_keys").await.map_err(fail())
    }

    async fn destroyed_since(&self, mark: i64) -> Result<(i64, Vec<SubjectId>), KeyStoreError> {
        let rows: Vec<(i64, Uuid)> = on(&self.pool, async |connection| {
            sqlx::query_as("SELECT mark, subject_id FROM keys.tombstones WHERE mark > $1 ORDER BY mark")
                .bind(mark)
                .fetch_all(connection)
                .await
        })
        .await
        .map_err(database(&self.url, "read tombstones"))?;
        let newest = rows.last().map_or(mark, |row| row.0);
        Ok((newest, rows.into_iter().map(|(_, id)| SubjectId(id)).collect()))
    }

    async fn keep_secrets(&self, secrets: &[(SecretPlace, SecretBytes)]) -> Result<(), KeyStoreError> {
        let fail = || database(&self.url, "keep secrets");
        let now = self.ambient.now().timestamp_micros();
        let mut transaction = Held::begin_on(&self.pool).await.map_err(fail())?;
        for (place, secret) in secrets {
            bounded(
                sqlx::query(
                    "INSERT INTO keys.secrets (secret_id, tenant_id, sealed, stored_at) VALUES ($1, $2, $3, $4)",
                )
                .bind(place.id.0)
                .bind(place.tenant.0)
                .bind(self.wrapper.seal_secret(place, secret))
                .bind(now)
                .execute(&mut *transaction),
            )
            .await
            .map_err(fail())?;
        }
        bounded(transaction.commit()).await.map_err(fail())
    }

    async fn secrets(&self, places: &[SecretPlace]) -> Result<Vec<Option<SecretBytes>>, KeyStoreError> {
        let ids: Vec<Uuid> = places.iter().map(|place| place.id.0).collect();
        let rows: Vec<(Uuid, Vec<u8>)> = on(&self.pool, async |connection| {
            sqlx::query_as(
                "SELECT secret_id, sealed FROM keys.secrets WHERE secret_id = ANY ($1) \
                 AND NOT EXISTS (SELECT 1 FROM keys.tombstones WHERE subject_id = secret_id)",
            )
            .bind(ids)
            .fetch_all(connection)
            .await
        })
        .await
        .map_err(database(&self.url, "read secrets"))?;
        let sealed: HashMap<Uuid, Vec<u8>> = rows.into_iter().collect();
        let open = |place: &SecretPlace| {
            sealed.get(&place.id.0).map(|sealed| self.wrapper.open_secret(&self.url, place, sealed)).transpose()
        };
        places.iter().map(open).collect()
    }

    async fn secrets_of(&self, tenant: TenantId) -> Result<Vec<StoredSecret>, KeyStoreError> {
        let rows: Vec<(Uuid, i64)> = on(&self.pool, async |connection| {
            sqlx::query_as(
                "SELECT secret_id, stored_at FROM keys.secrets WHERE tenant_id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM keys.tombstones WHERE subject_id = secret_id)",
            )
            .bind(tenant.0)
            .fetch_all(connection)
            .await
        })
        .await
        .map_err(database(&self.url, "list secrets"))?;
        Ok(rows.into_iter().map(|(id, at)| StoredSecret::new(SecretId(id), at)).collect())
    }

    async fn destroy_secrets(&self, ids: &[SecretId]) -> Result<(), KeyStoreError> {
        let (now, fail) = (self.ambient.now(), || database(&self.url, "destroy secrets"));
        let tombstones: Vec<Tombstone> = ids.iter().map(|&id| Tombstone::of_secret(id, now)).collect();
        self.bury(&tombstones).await.map_err(fail())?;
        self.vacuum("VACUUM keys.secrets").await.map_err(fail())
    }

    async fn log_mark(&self) -> Result<Option<StoredMark>, KeyStoreError> {
        Ok(self.mark_and_fenced(&[]).await?.map(|(mark, _)| mark))
    }

    async fn advance_log_mark(&self, mark: LogMark, terms: &[Term]) -> Result<LogMark, KeyStoreError> {
        on(&self.pool, async |connection| {
            sqlx::query(
                "INSERT INTO keys.log_mark AS m (epoch, position, hash, place) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch, position = excluded.position, \
             hash = excluded.hash, place = excluded.place \
             WHERE (excluded.epoch, excluded.position) > (m.epoch, m.position)",
            )
            .bind(i64::from(mark.epoch))
            .bind(&mark.position.bytes()[..])
            .bind(&mark.hash[..])
            .bind(&self.place)
            .execute(connection)
            .await
        })
        .await
        .map_err(database(&self.url, "mark the log"))?;
        // The terms are looked at last: a later one cannot have begun before.
        let Some((stored, fenced)) = self.mark_and_fenced(terms).await? else { return Ok(mark) };
        match terms.iter().find(|term| Some(&term.lease) == fenced.as_ref()) {
            Some(term) => Err(KeyStoreError::Fenced { url: self.url.clone(), term: term.clone() }),
            None => Ok(stored.mark),
        }
    }

    async fn kept_checkpoint(&self) -> Result<Option<String>, KeyStoreError> {
        on(&self.pool, async |connection| {
            sqlx::query_scalar("SELECT kept FROM keys.log_checkpoint").fetch_optional(connection).await
        })
        .await
        .map_err(database(&self.url, "read the checkpoint of the log"))
    }

    async fn keep_checkpoint(&self, text: &str) -> Result<(), KeyStoreError> {
        on(&self.pool, async |connection| {
            let sql = "INSERT INTO keys.log_checkpoint (kept) VALUES ($1) \
                       ON CONFLICT (singleton) DO UPDATE SET kept = excluded.kept";
            sqlx::query(sql).bind(text).execute(connection).await
        })
        .await
        .map(drop)
        .map_err(database(&self.url, "keep a checkpoint of the log"))
    }

    fn url(&self) -> &str {
        &self.url
    }
}
