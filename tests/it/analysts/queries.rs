//! `commlog sql`, and the questions of docs/queries with answers that were computed by hand.

use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};

use crate::cli::Place;
use crate::support::app::Engine;

/// The answers, without the titles. Ids are shortened to what `given.sql` calls them.
const ANSWERS: &[(&str, &[&str])] = &[
    ("response-time", &["email,1,1,30", "sms,2,1,10"]),
    ("opt-out-rate", &["e1,2,1,50", "e2,1,0,0"]),
    ("cohort-retention", &["2026-01,2026-01,2", "2026-01,2026-02,1", "2026-01,2026-03,1"]),
    ("revenue-after-contact", &["email,EUR,3,100", "sms,EUR,1,50"]),
    ("busiest-hours", &["14,2", "08,1"]),
    ("deliverability-by-domain", &["example.com,2,1,0,0", "example.org,1,0,1,0"]),
    ("last-touch", &["email,e1,EUR,2,130", "sms,e2,EUR,2,70"]),
    ("campaign-engagement", &["e1,email,2,1,1,0", "e2,sms,1,1,0,0"]),
    ("revenue-by-month", &["2026-01,EUR,3,100", "2026-02,EUR,1,50", "2026-03,EUR,1,20"]),
    ("best-customers", &["c1,EUR,3,2170", "c2,EUR,2,0"]),
    ("why-not-sent", &["bounced,hard,1"]),
    ("waiting", &[",1,2026-01-23T14:00:00.000000Z"]),
];

/// A store with the rows of `given.sql`, which no event made: what is asked is what the views and queries do with them.
async fn given(engine: Engine) -> Place {
    let place = match engine {
        Engine::Sqlite => crate::cli::server::place(),
        Engine::Postgres => Place::postgres().await,
    };
    place.file("crm.csv", super::CUSTOMERS);
    place.ok(&["import", "customers", "crm.csv"]);
    place.ok(&["rebuild"]);
    let sql = literals(engine, include_str!("given.sql"));
    match engine {
        Engine::Sqlite => {
            let connection = rusqlite::Connection::open(place.path("data/read/live.db")).expect("opens");
            connection.execute_batch(&sql).expect("rows go in");
        }
        Engine::Postgres => {
            let mut admin =
                PgConnection::connect(place.variable("COMMLOG_LOG_URL")).await.expect("the database answers");
            let live: String = sqlx::query_scalar("SELECT id FROM commlog_catalog.generations WHERE state = 'live'")
                .fetch_one(&mut admin)
                .await
                .expect("a generation");
            let script = format!("SET search_path = commlog_{live};\n{sql}");
            admin.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.expect("rows go in");
        }
    }
    place
}

/// Writes ids (`@c1`) and positions (`#c1`) as the engine has them.
fn literals(engine: Engine, sql: &str) -> String {
    let mut sql = sql.replace("@1", "@01");
    let names =
        ["a", "c", "d", "e", "f"].iter().flat_map(|letter| (1..=8).map(move |number| format!("{letter}{number}")));
    for name in names.chain(["01".to_owned()]) {
        let (id, position) = match engine {
            Engine::Sqlite => {
                (format!("x'000000000000700080000000000000{name}'"), format!("x'000000000000000000000000000000{name}'"))
            }
            Engine::Postgres => (
                format!("'00000000-0000-7000-8000-0000000000{name}'"),
                format!("'\\x000000000000000000000000000000{name}'"),
            ),
        };
        sql = sql.replace(&format!("@{name}"), &id).replace(&format!("#{name}"), &position);
    }
    sql
}

/// A row with short ids, and numbers that are written alike.
fn short(row: &str) -> String {
    let cell = |cell: &str| match (cell.strip_prefix("00000000-0000-7000-8000-0000000000"), cell.parse::<f64>()) {
        (Some(end), _) => end.to_owned(),
        (None, Ok(number)) if cell.contains('.') => number.to_string(),
        _ => cell.to_owned(),
    };
    row.split(',').map(cell).collect::<Vec<_>>().join(",")
}

on_each_engine! { each_question_has_the_answer_computed_by_hand wrong_queries_say_what_is_wrong }

async fn each_question_has_the_answer_computed_by_hand(engine: Engine) {
    let place = given(engine).await;
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgresql" };
    // Those that are the same on both engines, and those of the engine.
    let common = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/queries");
    let own = common.join(folder);
    let files = |folder: &std::path::Path| {
        let found = std::fs::read_dir(folder).expect("the queries").map(|entry| entry.expect("a file").path());
        found.filter(|path| path.extension().is_some()).collect::<Vec<_>>()
    };
    let files = [files(&common), files(&own)].concat();
    assert_eq!(files.len(), ANSWERS.len(), "{files:?}");
    for (name, answer) in ANSWERS {
        let file = files.iter().find(|file| file.file_stem().is_some_and(|stem| stem == *name)).expect("a query");
        let mut arguments = vec!["sql", "--format", "csv", "--file", file.to_str().expect("a path")];
        if *name == "deliverability-by-domain" {
            assert!(place.fails(3, &arguments).contains("personal data"));
            arguments.push("--personal");
        }
        let printed = place.ok(&arguments);
        let rows: Vec<String> = printed.lines().skip(1).map(short).collect();
        assert_eq!(rows, *answer, "{name}");
    }
    let read = place.ok(&["export", "events", "--type", "PersonalDataRead"]);
    assert_eq!(read.lines().count(), 1, "only what reads personal data is recorded: {read}");
    assert!(read.contains("\"what\":\"sql\""), "{read}");
}

async fn wrong_queries_say_what_is_wrong(engine: Engine) {
    let place = given(engine).await;
    for (query, code, said) in [
        ("SELECT nam FROM v_customers", 3, "(line 1, column 8)"),
        ("SELECT 1\nFRM x y", 3, "(line 2, "),
        ("SELECT * FROM nowhere", 3, "`commlog tables` lists"),
        ("DELETE FROM v_customers", 3, "only queries are run"),
        ("SELECT 1; SELECT 2", 3, ""),
        ("UPDATE v_tenants SET name = 'x'", 3, "only queries are run"),
        ("SELECT name FROM v_customers_personal", 3, "add --personal"),
        (" \n", 2, "the query is empty"),
    ] {
        let error = place.fails(code, &["sql", query]);
        assert!(error.contains(said), "{query}: {error}");
    }
    let endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c";
    let error = place.fails(3, &["sql", "--timeout", "1", endless]);
    assert!(error.contains("took longer than 1 s"), "{error}");
    assert_eq!(place.ok(&["sql", "--format", "json", "SELECT 1 AS a WHERE 1 = 0"]), "[]\n");
    let row = place.ok(&[
        "sql",
        "--format",
        "jsonl",
        "SELECT revenue_micros AS r, person_id FROM v_customer_totals WHERE orders = 1",
    ]);
    let expected = "{\"r\":20000000,\"person_id\":\"00000000-0000-7000-8000-0000000000c1\"}\n";
    assert_eq!(row, expected);
}
