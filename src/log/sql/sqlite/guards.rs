//! The triggers that refuse changes: that they are there, as the migrations make them.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::KIND;

/// The triggers that are missing or were changed.
pub(super) fn missing(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    // What the migrations make is what must be there.
    let fresh = Connection::open_in_memory()?;
    for migration in KIND.migrations {
        fresh.execute_batch(migration)?;
    }
    let found = triggers(connection)?;
    let missing = |(name, sql): &(String, String)| found.get(name) != Some(sql);
    Ok(triggers(&fresh)?.into_iter().filter(missing).map(|(name, _)| name).collect())
}

fn triggers(connection: &Connection) -> Result<BTreeMap<String, String>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
