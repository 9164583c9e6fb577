//! Indexes of tables that are built: made at the end, or when a batch comes that needs them.

use std::collections::HashSet;

use crate::projections::error::{ProjectionError, database};
use crate::projections::source::{Index, Projection};
use crate::sql::{Engine, Session, row};

row! {
    struct Name {
        name: String,
    }
}

/// The indexes that the tables still lack.
pub async fn missing(session: &mut Session, projections: &[Projection]) -> Result<Vec<Index>, ProjectionError> {
    let sql = match session.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'index'",
        Engine::Postgres => "SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = current_schema()",
    };
    let made: Vec<Name> = session.fetch_all(sql, &[]).await.map_err(database("list their indexes"))?;
    let made: HashSet<String> = made.into_iter().map(|row| row.name).collect();
    let wanted = projections.iter().flat_map(|projection| &projection.indexes);
    Ok(wanted.filter(|index| !made.contains(&index.name)).cloned().collect())
}

/// Makes those that a batch with events of these types needs; `missing` is what is left then.
pub async fn make_for(
    session: &mut Session,
    missing: &mut Vec<Index>,
    types: &HashSet<&str>,
) -> Result<(), ProjectionError> {
    let is_due = |index: &mut Index| index.on.iter().any(|name| types.contains(name.as_str()));
    let due: Vec<Index> = missing.extract_if(.., is_due).collect();
    make(session, &due).await
}

/// Makes indexes, one after the other.
pub async fn make(session: &mut Session, indexes: &[Index]) -> Result<(), ProjectionError> {
    for index in indexes {
        session.run(&index.sql).await.map_err(database("create an index"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projections::registry::Registry;
    use crate::projections::store::options;
    use crate::projections::tables;
    use crate::sql::{Db, SqlitePool};

    row! {
        struct Step {
            detail: String,
        }
    }

    async fn plan(session: &mut Session, sql: &str) -> Vec<String> {
        let plan: Vec<Step> = session.fetch_all(&format!("EXPLAIN QUERY PLAN {sql}"), &[]).await.unwrap();
        plan.into_iter().map(|step| step.detail).collect()
    }

    /// Each statement of the projections, and the types it runs for.
    fn statements(projections: &[Projection]) -> impl Iterator<Item = (&str, Vec<String>)> {
        let forgotten = || vec!["CustomerForgotten".to_owned()];
        projections.iter().flat_map(move |projection| {
            let apply = projection.apply.iter().map(|statement| (statement.sql.as_str(), statement.on.clone()));
            apply.chain(projection.forget.iter().map(move |sql| (sql.as_str(), forgotten())))
        })
    }

    async fn tables() -> (Session, Vec<Projection>) {
        let pool = Db::Sqlite(SqlitePool::open(options::in_memory()).await.unwrap());
        let projections = Registry::builtin().unwrap().compile(Engine::Sqlite);
        let mut session = pool.session().await.unwrap();
        tables::create(&mut session, &projections, true).await.unwrap();
        (session, projections)
    }

    #[tokio::test]
    async fn every_statement_has_its_indexes_while_tables_are_built() {
        let (mut session, projections) = tables().await;
        assert!(missing(&mut session, &projections).await.unwrap().is_empty());
        let late: Vec<Index> = projections.iter().flat_map(|projection| projection.indexes.clone()).collect();
        let mut lacking = Vec::new();
        for (sql, on) in statements(&projections) {
            let plan = plan(&mut session, sql).await;
            for index in
                late.iter().filter(|index| plan.iter().any(|step| step.split(' ').any(|word| word == index.name)))
            {
                let needed: Vec<_> = on.iter().filter(|name| !index.on.contains(name)).cloned().collect();
                if !needed.is_empty() || on.is_empty() {
                    lacking.push(format!("{} needs `-- on: {}` for: {sql}", index.name, needed.join(", ")));
                }
            }
        }
        assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    }

    #[tokio::test]
    async fn no_statement_walks_a_whole_table_or_all_rows_of_a_tenant() {
        let (mut session, projections) = tables().await;
        let mut walking = Vec::new();
        for (sql, _) in statements(&projections) {
            for step in plan(&mut session, sql).await {
                let of_a_table = projections.iter().flat_map(|projection| &projection.tables).any(|table| {
                    let alias = step.split(' ').nth(1).unwrap_or_default();
                    alias == table.name
                        || sql.contains(&format!("{} {alias} ", table.name))
                        || sql.contains(&format!("{} AS {alias} ", table.name))
                });
                // Has a row for each kind of conversation, however many conversations there are.
                let is_small = step.contains("conversation_counts");
                // For each row of something else, all that is staged would be read.
                let for_each = step.starts_with("SCAN batch") && step.ends_with("LEFT-JOIN");
                if for_each || of_a_table && !is_small && (step.starts_with("SCAN") || step.ends_with("(tenant_id=?)"))
                {
                    walking.push(format!("{step}: {sql}"));
                }
            }
        }
        assert!(walking.is_empty(), "{}", walking.join("\n"));
    }
}
