//! The tables are what the log says, and what was forgotten is nowhere.

use commlog::sql::{Db, Engine};
use sqlx::AssertSqlSafe;

use super::on_both_engines;
use super::world::{LONG, Projector, World, catch_up, dump, name, registry};

on_both_engines! {
    a_check_finds_nothing_in_true_tables;
    a_check_finds_a_row_that_was_tampered_with;
    a_check_ignores_who_was_forgotten_since;
    a_forgotten_customer_is_in_no_table_and_no_file;
}

/// Changes the live tables behind the projector's back.
async fn tamper(world: &World, id: &str, sql: &str) {
    if world.reads.starts_with("postgres") {
        let pool = sqlx::PgPool::connect(&world.reads).await.expect("the database answers");
        let sql =
            sql.replace("INTO ", &format!("INTO commlog_{id}.")).replace("UPDATE ", &format!("UPDATE commlog_{id}."));
        sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.expect("the tables can be changed");
    } else {
        let file = world.read_folder().join(format!("{id}.db"));
        let connection = rusqlite::Connection::open(file).expect("the file opens");
        connection.execute_batch(sql).expect("the tables can be changed");
    }
}

async fn a_check_finds_nothing_in_true_tables(engine: Engine) {
    let world = World::new(engine).await;
    world.history().await;
    let store = world.open().await;
    catch_up(&store, world.journal.backend().head().await.expect("a head").position).await;
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
    assert!(compared.iter().any(|table| table.table == "people" && table.rows == 6));
    assert_eq!(compared.len(), 6);
}

async fn a_check_finds_a_row_that_was_tampered_with(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let store = world.open().await;
    catch_up(&store, world.journal.backend().head().await.expect("a head").position).await;
    let id = store.live().id.clone();
    tamper(&world, &id, "UPDATE people SET owner = 'mallory' WHERE owner IS NULL").await;
    let compared = store.check(|_| {}).await.expect("tables are compared");
    let different: Vec<_> = compared.iter().filter(|table| table.difference.is_some()).collect();
    assert_eq!(different.len(), 1);
    let difference = different[0].difference.as_ref().expect("differs");
    assert_eq!((different[0].table.as_str(), difference.rows), ("people", 1));
    let told = difference.to_string();
    assert!(told.ends_with("differs in owner"), "{told}");
    let bare = customers[1].uuid().simple().to_string();
    assert!(told.to_lowercase().replace('-', "").contains(&bare), "{told}");
}

async fn a_check_ignores_who_was_forgotten_since(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let store = world.open().await;
    catch_up(&store, world.journal.backend().head().await.expect("a head").position).await;
    world.forget(customers[0]).await;
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
    assert!(name(&store.db(), customers[0].uuid()).await.is_some(), "a check changes nothing");
}

async fn a_forgotten_customer_is_in_no_table_and_no_file(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let secret = "Rumpelstilzchen";
    world.rename(customers[2], secret, None).await;
    let store = world.open().await;
    let projector = Projector::start(&store);
    let position = world.note(customers[2], "hm").await;
    store.wait_for(position, LONG).await.expect("the tables come so far");
    assert_eq!(name(&store.db(), customers[2].uuid()).await.as_deref(), Some(secret));
    let position = world.forget(customers[2]).await;
    store.wait_for(position, LONG).await.expect("the tables come so far");
    assert_eq!(name(&store.db(), customers[2].uuid()).await, None);
    store.wait_scrubbed(position, LONG).await.expect("the files are cleaned");
    assert!(!dump(&store.db(), &registry()).await.iter().any(|row| row.contains("umpelstilz")));
    if let Db::Sqlite(_) = store.db() {
        for entry in std::fs::read_dir(world.read_folder()).expect("the folder") {
            let path = entry.expect("a file").path();
            let bytes = std::fs::read(&path).expect("is read");
            let found = bytes.windows(10).any(|window| window.eq_ignore_ascii_case(b"umpelstilz"));
            assert!(!found, "{} still holds the name", path.display());
        }
    }
    projector.stop().await;
    let compared = store.check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:#?}");
}
