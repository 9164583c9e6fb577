//! Removes what deleted rows leave behind in files, a step at a time, between the batches that are applied.

use rusqlite::{Connection, OptionalExtension, params};

use super::generation::Generation;
use super::location::Location;
use crate::projections::error::{ProjectionError, database};
use crate::projections::tables::Checkpoint;
use crate::sql::sqlite::Lent;
use crate::sql::{self, Session, row};

row! {
    /// What SQLite says of cutting the write-ahead log.
    struct Cut {
        busy: i64,
    }
}

/// How many pages one step looks at: a few milliseconds.
const STEP: u32 = 1_000;

/// In a file with fewer pages, the first byte of a page tells its kind; in other pages it belongs to a page's number.
const MOST_PAGES: u32 = 0x0200_0000;

/// Makes sure that nothing of purged rows is left in a generation's files.
///
/// SQLite: `secure_delete` zeroes what is deleted, but cells that moved to another page of their tree may leave copies
/// in the unused parts of pages. Once the rows are gone no new copies arise, so one walk over all pages zeroes them; then
/// the write-ahead log is cut. PostgreSQL: dead row versions are vacuumed, table by table.
#[derive(Debug, Default)]
pub struct Scrub {
    /// How many pages, or tables, are done.
    done: u32,
}

/// How a step ended.
pub enum Step {
    /// There is more to do.
    More,
    /// Nothing is left.
    Clean(Checkpoint),
    /// A reader still holds an older state of the file: the step is to be tried again.
    Busy,
}

impl Scrub {
    /// Goes on, or ends.
    pub async fn step(&mut self, location: &Location, generation: &Generation) -> Result<Step, ProjectionError> {
        let failed = database("remove what forgotten customers left");
        let mut writer = generation.writer.lock().await;
        let session = writer.session().await?;
        match location {
            Location::Folder(_) => {
                let Session::Sqlite(connection) = &*session else { return Ok(Step::Busy) };
                if let Some(done) = sweep(connection, self.done).await.map_err(failed)? {
                    self.done = done;
                    return Ok(Step::More);
                }
                let cut = session.fetch_all("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await;
                let cut: Vec<Cut> = cut.map_err(database("remove what forgotten customers left"))?;
                if cut.iter().any(|cut| cut.busy != 0) {
                    return Ok(Step::Busy);
                }
            }
            Location::Database(_) => {
                let tables = generation.projections.iter().flat_map(|projection| &projection.tables);
                let mut tables = tables.map(|table| table.name.as_str()).chain(["commlog_parked"]);
                if let Some(table) = tables.nth(self.done as usize) {
                    session.run(&format!("VACUUM {table}")).await.map_err(failed)?;
                    self.done += 1;
                    return Ok(Step::More);
                }
            }
        }
        writer.set_clean().await.map(Step::Clean)
    }
}

/// Zeroes the unused parts of some pages behind those that are done; [`None`] when there are no more.
async fn sweep(connection: &Lent, done: u32) -> Result<Option<u32>, sql::Error> {
    connection
        .run(move |connection| {
            let pages: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            if done >= pages {
                return Ok(None);
            }
            let table = "SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'";
            let known = connection.query_row(table, [], |_| Ok(())).optional()?.is_some();
            if !known || pages >= MOST_PAGES {
                connection.execute_batch("VACUUM")?;
                return Ok(Some(u32::MAX));
            }
            let end = done.saturating_add(STEP).min(pages);
            connection.execute_batch("BEGIN IMMEDIATE")?;
            match clean_pages(connection, done + 1, end) {
                Ok(()) => connection.execute_batch("COMMIT")?,
                Err(error) => {
                    connection.execute_batch("ROLLBACK")?;
                    return Err(error.into());
                }
            }
            Ok(Some(end))
        })
        .await
}

fn clean_pages(connection: &Connection, first: u32, last: u32) -> Result<(), rusqlite::Error> {
    let mut read = connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
    let mut write = connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
    for number in first..=last {
        let cleaned = read
            .query_row([number], |row| {
                let page = row.get_ref(0)?.as_blob()?;
                Ok(clean(page, if number == 1 { 100 } else { 0 }))
            })
            .optional()?
            .flatten();
        if let Some(page) = cleaned {
            write.execute(params![number, page])?;
        }
    }
    Ok(())
}

/// The page with zeroes where no cell is, if that differs and it is a page of a tree. Its header begins at `head`.
///
/// <https://sqlite.org/fileformat2.html#b_tree_pages>: kind (1 byte), first free block (2), number of cells (2), start of
/// the cells' content (2); the cells' places follow the header.
fn clean(page: &[u8], head: usize) -> Option<Vec<u8>> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let header = match page.get(head)? {
        2 | 5 => 12,
        10 | 13 => 8,
        _ => return None,
    };
    let places = head + header + 2 * number(head + 3)?;
    let content = match number(head + 5)? {
        0 => 65_536,
        content => content,
    };
    let mut unused: Vec<_> = std::iter::once(places..content).collect();
    let mut block = number(head + 1)?;
    while block != 0 {
        // A free block begins with the next one's place and its own size.
        let (next, size) = (number(block)?, number(block + 2)?);
        if block < content || size < 4 || (next != 0 && next < block + size) {
            return None;
        }
        unused.push(block + 4..block + size);
        block = next;
    }
    let left =
        |range: &std::ops::Range<usize>| page.get(range.clone()).map(|bytes| bytes.iter().any(|&byte| byte != 0));
    let left: Vec<bool> = unused.iter().map(left).collect::<Option<_>>()?;
    if !left.contains(&true) {
        return None;
    }
    let mut cleaned = page.to_vec();
    unused.into_iter().for_each(|range| cleaned[range].fill(0));
    Some(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that grow and shrink in the middle of others move cells between pages.
    fn churned(folder: &std::path::Path) -> Connection {
        let connection = Connection::open(folder.join("pages.db")).expect("opens");
        connection
            .execute_batch(
                "PRAGMA secure_delete = ON; CREATE TABLE t (k BLOB PRIMARY KEY, v TEXT) WITHOUT ROWID;
                 CREATE TABLE u (k INTEGER PRIMARY KEY, v TEXT); CREATE INDEX u_v ON u (v);",
            )
            .expect("makes tables");
        connection.execute_batch("BEGIN").expect("begins");
        for round in 0..3_000_i64 {
            let secret = format!("secret-{round}-{}", "x".repeat(usize::try_from(round % 97).unwrap_or(0)));
            let key = (round * 7_919) % 3_001;
            connection
                .execute("INSERT OR REPLACE INTO t VALUES (?1, ?2)", params![key.to_be_bytes(), secret])
                .expect("inserts");
            connection.execute("INSERT OR REPLACE INTO u VALUES (?1, ?2)", params![key, secret]).expect("inserts");
        }
        connection.execute_batch("COMMIT").expect("commits");
        connection
    }

    fn holds(path: &std::path::Path, what: &str) -> bool {
        let bytes = std::fs::read(path).expect("reads");
        bytes.windows(what.len()).any(|window| window == what.as_bytes())
    }

    #[test]
    fn copies_of_deleted_rows_leave_the_unused_parts_of_pages() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = churned(folder.path());
        let gone: Vec<String> = connection
            .prepare("SELECT v FROM t WHERE v < 'secret-2'")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .expect("lists");
        connection
            .execute_batch("DELETE FROM t WHERE v < 'secret-2'; DELETE FROM u WHERE v < 'secret-2'")
            .expect("deletes");
        let path = folder.path().join("pages.db");
        assert!(gone.iter().any(|secret| holds(&path, secret)), "the test has nothing to show");

        let pages: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("counts");
        connection.execute_batch("BEGIN").expect("begins");
        clean_pages(&connection, 1, pages).expect("cleans");
        connection.execute_batch("COMMIT").expect("commits");

        assert_eq!(gone.iter().filter(|secret| holds(&path, secret)).collect::<Vec<_>>(), Vec::<&String>::new());
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
        assert_eq!(sound, "ok");
        let left: i64 = connection.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).expect("counts");
        assert_eq!(left, 3_000 - i64::try_from(gone.len()).unwrap_or(0));
    }

    #[test]
    fn what_is_not_a_page_of_a_tree_stays_as_it_is() {
        assert_eq!(clean(&[0; 512], 0), None);
        assert_eq!(clean(&[13; 512], 0), None, "its cells would begin before their places end");
        assert_eq!(clean(&[], 0), None);
        assert_eq!(clean(&[10, 0, 0], 0), None);
    }
}
