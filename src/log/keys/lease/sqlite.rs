//! Leases in the key store's file.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::{Lease, Leases, Term, lease, micros};
use crate::log::keys::KeyStoreError;
use crate::log::keys::sqlite::SqliteKeyStore;

/// The machine's clock, in microseconds; it says the same throughout a statement.
macro_rules! clock {
    () => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
}

#[async_trait]
impl Leases for SqliteKeyStore {
    async fn take_lease(&self, name: &str, holder: &str, lasting: Duration) -> Result<Option<Term>, KeyStoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.run("take a lease", move |_, connection| {
            // A lease that would last for too long was taken before the clock was put back.
            let sql = concat!(
                "INSERT INTO leases (name, holder, term, since, until) SELECT ?1, ?2, 1, ",
                clock!(),
                ", ",
                clock!(),
                " + ?3 WHERE true ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, term = term + 1, \
                 since = excluded.since, until = excluded.until WHERE until <= ",
                clock!(),
                " OR until > 2 * ?3 + ",
                clock!(),
                " RETURNING term"
            );
            let mut statement = connection.prepare_cached(sql)?;
            let number = statement.query_row(params![name, holder, micros(lasting)], |row| row.get(0)).optional()?;
            Ok(number.map(|number| Term { lease: name, number }))
        })
        .await
    }

    async fn renew_lease(&self, term: &Term, lasting: Duration) -> Result<bool, KeyStoreError> {
        let term = term.clone();
        self.run("renew a lease", move |_, connection| {
            let sql = concat!("UPDATE leases SET until = ", clock!(), " + ?3 WHERE name = ?1 AND term = ?2");
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute(params![term.lease, term.number, micros(lasting)])? > 0)
        })
        .await
    }

    async fn give_lease_back(&self, term: &Term) -> Result<(), KeyStoreError> {
        let term = term.clone();
        self.run("give a lease back", move |_, connection| {
            let sql = concat!("UPDATE leases SET until = ", clock!(), " WHERE name = ?1 AND term = ?2");
            connection.execute(sql, params![term.lease, term.number])?;
            Ok(())
        })
        .await
    }

    async fn leases(&self) -> Result<Vec<Lease>, KeyStoreError> {
        self.run("list leases", |_, connection| {
            let sql = concat!("SELECT name, holder, term, since, until - ", clock!(), " FROM leases ORDER BY name");
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement
                .query_map([], |row| Ok(lease((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
