//! The views themselves, as any tool opens them.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Row};

use super::fill;
use crate::cli::Place;
use crate::cli::server::Server;

fn open(place: &Place) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(place.path("data/read/live.db"), flags).expect("the stable name opens")
}

fn one(connection: &Connection, sql: &str) -> String {
    let read = |row: &rusqlite::Row<'_>| {
        let cells = (0..row.as_ref().column_count()).map(|place| match row.get_ref(place)? {
            rusqlite::types::ValueRef::Null => Ok("-".to_owned()),
            rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
            rusqlite::types::ValueRef::Real(number) => Ok(number.to_string()),
            rusqlite::types::ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            rusqlite::types::ValueRef::Blob(_) => Ok("BLOB".to_owned()),
        });
        Ok(cells.collect::<Result<Vec<_>, rusqlite::Error>>()?.join(" "))
    };
    connection.query_row(sql, [], read).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn target(place: &Place) -> PathBuf {
    std::fs::read_link(place.path("data/read/live.db")).expect("a link")
}

#[test]
fn one_name_leads_to_readable_views_before_and_after_a_rebuild() {
    let place = crate::cli::server::place();
    fill(&place);
    let totals = "SELECT orders, revenue_micros, revenue, first_order_at FROM v_customer_totals \
                  ORDER BY revenue_micros DESC LIMIT 1";
    let expected = "2 35750000 35.75 2026-01-05T10:00:00.000000Z";
    let connection = open(&place);
    assert_eq!(one(&connection, totals), expected);
    let joined = "SELECT count(*), sum(l.quantity) FROM v_activities a JOIN v_activity_lines l \
                  ON l.tenant_id = a.tenant_id AND l.activity_id = a.activity_id";
    assert_eq!(one(&connection, joined), "4 7");
    let id = one(&connection, "SELECT customer_id FROM v_customers_personal WHERE name = 'Ann Lee'");
    assert!(
        place.ok(&["timeline", "--customer", &id]).contains("order"),
        "the command line takes the ids of the views"
    );
    assert!(connection.prepare("SELECT name FROM v_customers").is_err(), "names are in the view of their own");
    let before = target(&place);
    // While a server follows the log, and after another process has rebuilt its tables.
    let server = Server::start(&place, &["serve"]);
    place.ok(&["rebuild"]);
    assert_ne!(target(&place), before);
    assert_eq!(one(&open(&place), totals), expected);
    place.file("more.csv", "order,date,customer,sku,quantity,price\no4,2026-03-01 10:00:00,k3,A,9,1000.10\n");
    place.ok(&["import", "orders", "more.csv", "--currency", "EUR", "--time-zone", "UTC"]);
    let expected = "1 9000900000 9000.9 2026-03-01T10:00:00.000000Z";
    while one(&open(&place), totals) != expected {
        std::thread::yield_now();
    }
    assert_eq!(server.stop(), Some(0));
    assert_eq!(one(&open(&place), totals), expected);
}

#[test]
fn no_view_shows_bytes_and_joins_by_id_have_an_index() {
    let place = crate::cli::server::place();
    fill(&place);
    let connection = open(&place);
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")
        .and_then(|mut listed| listed.query_map([], |row| row.get(0))?.collect())
        .expect("views");
    assert!(names.len() > 30, "{names:?}");
    for name in &names {
        let mut all = connection.prepare(&format!("SELECT * FROM {name}")).expect("the view can be read");
        let mut rows = all.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for place in 0..row.as_ref().column_count() {
                let cell = row.get_ref(place).expect("a cell");
                assert_ne!(cell.data_type(), rusqlite::types::Type::Blob, "{name}, column {place}");
            }
        }
    }
    let plan =
        "EXPLAIN QUERY PLAN SELECT count(*) FROM v_messages m JOIN v_customers c ON c.customer_id = m.customer_id";
    let steps: Vec<String> = connection
        .prepare(plan)
        .and_then(|mut plan| plan.query_map([], |row| row.get("detail"))?.collect())
        .expect("a plan");
    assert!(steps.iter().any(|step| step.contains("AUTOMATIC")), "{steps:?}");
}

#[tokio::test]
async fn on_postgresql_grants_outlast_a_rebuild_and_do_not_reach_personal_data() {
    let place = Place::postgres().await;
    fill(&place);
    let url = place.variable("COMMLOG_LOG_URL").to_owned();
    let mut admin = PgConnection::connect(&url).await.expect("the database answers");
    let role = format!("ana_{}", url.rsplit('_').next().expect("a number"));
    let grants = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA commlog_live, commlog_live_personal TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA commlog_live TO {role}"
    );
    admin.execute(sqlx::raw_sql(AssertSqlSafe(grants))).await.expect("granted");
    let totals = "SELECT revenue::text || ' ' || orders FROM v_customer_totals ORDER BY revenue DESC LIMIT 1";
    for round in 0..2 {
        let mut ana = PgConnection::connect(&url).await.expect("the database answers");
        let act = format!("SET ROLE {role}; SET search_path = commlog_live, commlog_live_personal");
        ana.execute(sqlx::raw_sql(AssertSqlSafe(act))).await.expect("she is ana");
        let seen: String = sqlx::query_scalar(totals).fetch_one(&mut ana).await.expect("she may read");
        assert_eq!(seen, "35.750000 2", "round {round}");
        let refused = sqlx::query("SELECT name FROM v_customers_personal").fetch_all(&mut ana).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
        ana.close().await.expect("closes");
        place.ok(&["rebuild"]);
    }
    let said = "SELECT col_description('commlog_live.v_customers'::regclass, attnum) AS said FROM pg_attribute \
                WHERE attrelid = 'commlog_live.v_customers'::regclass AND attname = 'lead_score'";
    let said: String = admin.fetch_one(said).await.expect("a column").get("said");
    assert_eq!(said, "points");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'commlog_g%'";
    let left: i64 = sqlx::query_scalar(schemas).fetch_one(&mut admin).await.expect("a number");
    assert_eq!(left, 1, "old tables are gone although views led to them");
}

#[tokio::test]
async fn on_postgresql_a_view_that_another_version_made_is_replaced_with_its_grants() {
    let place = Place::postgres().await;
    fill(&place);
    let url = place.variable("COMMLOG_LOG_URL").to_owned();
    let mut admin = PgConnection::connect(&url).await.expect("the database answers");
    let role = format!("ben_{}", url.rsplit('_').next().expect("a number"));
    let other = format!(
        "DROP VIEW commlog_live.v_tenants; CREATE VIEW commlog_live.v_tenants AS SELECT 1 AS gone, 'x'::text AS name; \
         CREATE ROLE {role}; GRANT SELECT ON commlog_live.v_tenants TO {role}; GRANT SELECT (name) ON commlog_live.v_customers \
         TO PUBLIC"
    );
    let refused = admin.execute(sqlx::raw_sql(AssertSqlSafe(other.as_str()))).await.unwrap_err();
    assert!(refused.to_string().contains("name"), "there is no such column without personal data: {refused}");
    let other = other.replace("(name)", "(customer_id)");
    admin.execute(sqlx::raw_sql(AssertSqlSafe(other))).await.expect("made");
    place.ok(&["rebuild"]);
    let name: String =
        sqlx::query_scalar("SELECT name FROM commlog_live.v_tenants").fetch_one(&mut admin).await.expect("a tenant");
    assert_eq!(name, "default");
    let granted = "SELECT has_table_privilege($1, 'commlog_live.v_tenants', 'SELECT') \
                   AND has_column_privilege($1, 'commlog_live.v_customers', 'customer_id', 'SELECT')";
    let granted: bool = sqlx::query_scalar(granted).bind(&role).fetch_one(&mut admin).await.expect("an answer");
    assert!(granted);
}
