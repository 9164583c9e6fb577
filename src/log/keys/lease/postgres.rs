//! Leases in the schema of the key store.

use std::time::Duration;

use async_trait::async_trait;

use super::{Lease, Leases, Term, lease, micros};
use crate::log::keys::postgres::PostgresKeyStore;
use crate::log::keys::{KeyStoreError, database};
use crate::sql::postgres::on;

#[async_trait]
impl Leases for PostgresKeyStore {
    async fn take_lease(&self, name: &str, holder: &str, lasting: Duration) -> Result<Option<Term>, KeyStoreError> {
        let number: Option<i64> = on(self.leases_pool(), async |connection| {
            // Who only looks whether it is free locks nothing. Who takes it reads the clock again behind the lock. A lease
            // that would last for too long was taken before the clock was put back.
            sqlx::query_scalar(
                "INSERT INTO keys.leases AS l (name, holder, term, since, until) \
                 SELECT $1, $2, 1, keys.clock(), keys.clock() + $3 \
                 WHERE NOT EXISTS (SELECT 1 FROM keys.leases WHERE name = $1 AND until > keys.clock() \
                 AND until <= keys.clock() + 2 * $3) \
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, term = l.term + 1, since = keys.clock(), \
                 until = keys.clock() + $3 WHERE l.until <= keys.clock() OR l.until > keys.clock() + 2 * $3 RETURNING term",
            )
            .bind(name)
            .bind(holder)
            .bind(micros(lasting))
            .fetch_optional(connection)
            .await
        })
        .await
        .map_err(database(self.location(), "take a lease"))?;
        Ok(number.map(|number| Term { lease: name.to_owned(), number }))
    }

    async fn renew_lease(&self, term: &Term, lasting: Duration) -> Result<bool, KeyStoreError> {
        let renewed = on(self.leases_pool(), async |connection| {
            sqlx::query("UPDATE keys.leases SET until = keys.clock() + $3 WHERE name = $1 AND term = $2")
                .bind(&term.lease)
                .bind(term.number)
                .bind(micros(lasting))
                .execute(connection)
                .await
        })
        .await
        .map_err(database(self.location(), "renew a lease"))?;
        Ok(renewed.rows_affected() > 0)
    }

    async fn give_lease_back(&self, term: &Term) -> Result<(), KeyStoreError> {
        on(self.leases_pool(), async |connection| {
            sqlx::query("UPDATE keys.leases SET until = keys.clock() WHERE name = $1 AND term = $2")
                .bind(&term.lease)
                .bind(term.number)
                .execute(connection)
                .await
        })
        .await
        .map(drop)
        .map_err(database(self.location(), "give a lease back"))
    }

    async fn leases(&self) -> Result<Vec<Lease>, KeyStoreError> {
        let rows = on(self.leases_pool(), async |connection| {
            sqlx::query_as("SELECT name, holder, term, since, until - keys.clock() FROM keys.leases ORDER BY name")
                .fetch_all(connection)
                .await
        })
        .await
        .map_err(database(self.location(), "list leases"))?;
        Ok(rows.into_iter().map(lease).collect())
    }
}
