//! Puts the views where analysts find them: into a SQLite file, or into two PostgreSQL schemas that stay while generations go.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{PERSONAL_SCHEMA, SCHEMA, View};
use crate::sql::{self, Engine, Session, row};

row! {
    struct Existing {
        name: String,
        definition: String,
    }
}

/// Gives a SQLite file the views, unless it has exactly these.
pub async fn write_sqlite(session: &mut Session, views: &[View]) -> Result<(), sql::Error> {
    let wanted: Vec<Existing> = views
        .iter()
        .map(|view| Existing {
            name: view.name.clone(),
            definition: format!("CREATE VIEW {} AS {}", view.name, view.query(Engine::Sqlite, None, &[])),
        })
        .collect();
    let listed =
        "SELECT name, sql AS definition FROM sqlite_schema WHERE type = 'view' AND name LIKE 'v\\_%' ESCAPE '\\'";
    let existing: Vec<Existing> = session.fetch_all(listed, &[]).await?;
    let by_name = |views: &[Existing]| -> BTreeMap<String, String> {
        views.iter().map(|view| (view.name.clone(), view.definition.clone())).collect()
    };
    if by_name(&existing) == by_name(&wanted) {
        return Ok(());
    }
    let drops = existing.iter().map(|view| format!("DROP VIEW {}", view.name));
    let statements: Vec<String> = drops.chain(wanted.into_iter().map(|view| view.definition)).collect();
    session.begin().await?;
    match session.run(&statements.join(";\n")).await {
        Ok(()) => session.commit().await,
        Err(error) => {
            // The first error is the one to report.
            session.rollback().await.ok();
            Err(error)
        }
    }
}

row! {
    struct Described {
        description: Option<String>,
    }
}

row! {
    struct ExistingColumn {
        schema: String,
        view: String,
        name: String,
    }
}

row! {
    struct Grant {
        schema: String,
        view: String,
        sql: String,
    }
}

/// Points the views to the tables of a schema, within the open transaction. Grants stay: a view whose columns only became more is
/// replaced; another one is dropped, made again and granted to whom it was granted.
pub async fn publish_postgres(session: &mut Session, tables: &str, views: &[View]) -> Result<(), sql::Error> {
    let digest = digest(tables, views);
    let described = "SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS description";
    let described: Vec<Described> = session.fetch_all(described, &[SCHEMA.into()]).await?;
    let description = format!("commlog: views over the live read tables, without personal data ({digest})");
    if described.first().and_then(|row| row.description.as_ref()) == Some(&description) {
        return Ok(());
    }
    // Somebody's long query over a view must not hold everybody else up.
    session.run("SET LOCAL lock_timeout = '5s'").await?;
    session
        .run(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}; CREATE SCHEMA IF NOT EXISTS {PERSONAL_SCHEMA}"))
        .await?;
    let existing = existing_columns(session).await?;
    let grants = grants(session).await?;
    for view in views {
        let name = (schema_of(view).to_owned(), view.name.clone());
        let order = existing.get(&name).map(Vec::as_slice).unwrap_or_default();
        replace(session, view, tables, order, &grants).await?;
        session.run(&comments(view)).await?;
    }
    for (schema, name) in existing.keys() {
        if !views.iter().any(|view| view.name == *name && schema_of(view) == schema) {
            tracing::warn!(view = format!("{schema}.{name}"), "a view for analysts is no longer made, and is dropped");
            session.run(&format!("DROP VIEW {schema}.{name} CASCADE")).await?;
        }
    }
    let personal = "commlog: views over the live read tables, with personal data";
    session
        .run(&format!(
            "COMMENT ON SCHEMA {PERSONAL_SCHEMA} IS '{personal}'; COMMENT ON SCHEMA {SCHEMA} IS '{description}'"
        ))
        .await
}

const fn schema_of(view: &View) -> &'static str {
    if view.is_personal { PERSONAL_SCHEMA } else { SCHEMA }
}

/// What distinguishes one publication from another.
fn digest(tables: &str, views: &[View]) -> String {
    let mut digest = Sha256::new();
    for view in views {
        let text = format!("{}{}{}", schema_of(view), view.query(Engine::Postgres, Some(tables), &[]), comments(view));
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    hex::encode(&digest.finalize()[..12])
}

async fn existing_columns(session: &mut Session) -> Result<BTreeMap<(String, String), Vec<String>>, sql::Error> {
    let sql = "SELECT n.nspname::text AS schema, c.relname::text AS view, a.attname::text AS name \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
               WHERE n.nspname IN ($1, $2) AND c.relkind = 'v' AND c.relname LIKE 'v\\_%' \
               AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum";
    let rows: Vec<ExistingColumn> = session.fetch_all(sql, &[SCHEMA.into(), PERSONAL_SCHEMA.into()]).await?;
    let mut columns: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for row in rows {
        columns.entry((row.schema, row.view)).or_default().push(row.name);
    }
    Ok(columns)
}

/// Statements that give the grants on the views again, of columns too.
async fn grants(session: &mut Session) -> Result<Vec<Grant>, sql::Error> {
    let sql = "SELECT n.nspname::text AS schema, c.relname::text AS view, \
               format('GRANT %s%s ON %I.%I TO %s%s', g.privilege_type, g.columns, n.nspname, c.relname, \
                   CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, \
                   CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL ( \
                   SELECT '' AS columns, x.* FROM aclexplode(c.relacl) x \
                   UNION ALL SELECT format(' (%I)', a.attname), x.* FROM pg_attribute a, aclexplode(a.attacl) x \
                   WHERE a.attrelid = c.oid AND NOT a.attisdropped \
               ) g WHERE n.nspname IN ($1, $2) AND c.relkind = 'v' AND g.grantee <> c.relowner";
    session.fetch_all(sql, &[SCHEMA.into(), PERSONAL_SCHEMA.into()]).await
}

/// Makes one view, in the place of the one of its name.
async fn replace(
    session: &mut Session,
    view: &View,
    tables: &str,
    order: &[String],
    grants: &[Grant],
) -> Result<(), sql::Error> {
    let (schema, name) = (schema_of(view), &view.name);
    session.run("SAVEPOINT view").await?;
    let query = view.query(Engine::Postgres, Some(tables), order);
    match session.run(&format!("CREATE OR REPLACE VIEW {schema}.{name} AS {query}")).await {
        Ok(()) => return session.run("RELEASE SAVEPOINT view").await,
        // A column went, or has another type.
        Err(error) if error.postgres_code().as_deref() == Some("42P16") => {}
        Err(error) => return Err(error),
    }
    session.run("ROLLBACK TO SAVEPOINT view").await?;
    tracing::warn!(
        view = format!("{schema}.{name}"),
        "a view for analysts lost a column or changed its type, and is made again; views that others made over it are dropped"
    );
    let query = view.query(Engine::Postgres, Some(tables), &[]);
    session.run(&format!("DROP VIEW {schema}.{name} CASCADE; CREATE VIEW {schema}.{name} AS {query}")).await?;
    for grant in grants.iter().filter(|grant| grant.schema == schema && grant.view == *name) {
        session.run("SAVEPOINT view").await?;
        if let Err(error) = session.run(&grant.sql).await {
            // Such as one on a column that is gone.
            tracing::warn!(grant = grant.sql, %error, "a grant on a view for analysts could not be given again");
            session.run("ROLLBACK TO SAVEPOINT view").await?;
        }
    }
    Ok(())
}

/// Statements that comment on a view and its columns.
fn comments(view: &View) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (schema, name) = (schema_of(view), &view.name);
    let mut sql = format!("COMMENT ON VIEW {schema}.{name} IS {}", quoted(&view.question));
    for column in &view.columns {
        sql.push_str(&format!(";\nCOMMENT ON COLUMN {schema}.{name}.{} IS {}", column.name, quoted(&column.meaning)));
    }
    sql
}
