//! Tables as of an earlier moment equal those that were saved at that moment.

use commlog::projections::{AsOf, ProjectionError, Registry};
use commlog::sql::{Db, Engine, SqliteOptions, SqlitePool};

use super::on_both_engines;
use super::world::{PEOPLE, World, catch_up, dump, name, registry};

on_both_engines! {
    a_replay_equals_what_was_saved;
    one_customer_as_of_a_moment_equals_what_was_saved;
    who_was_forgotten_since_is_forgotten_in_the_past;
}

fn open(path: &std::path::Path) -> Db {
    Db::Sqlite(SqlitePool::new(SqliteOptions::reader(path)))
}

async fn a_replay_equals_what_was_saved(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let store = world.open().await;
    let then = world.journal.backend().head().await.expect("a head").position;
    catch_up(&store, then).await;
    let (saved, time) = (dump(&store.db(), &registry()).await, world.now());
    world.wait();
    world.order(customers[0], 8, "paid").await;
    let late = world.rename(customers[3], "Someone else", None).await;
    catch_up(&store, late).await;
    assert_ne!(dump(&store.db(), &registry()).await, saved);
    for (number, as_of) in [AsOf::Position(then), AsOf::Time(time)].into_iter().enumerate() {
        let file = world.folder.path().join(format!("replay{number}.db"));
        assert_eq!(store.replay_into(&file, as_of, |_| {}).await.expect("is replayed"), then);
        assert_eq!(dump(&open(&file), &registry()).await, saved);
        assert!(store.replay_into(&file, as_of, |_| {}).await.is_err(), "no file is overwritten");
    }
    let beyond = commlog::ids::Position::from_counter(late.counter() + 1);
    let file = world.folder.path().join("beyond.db");
    let refused = store.replay_into(&file, AsOf::Position(beyond), |_| {}).await;
    assert!(matches!(refused, Err(ProjectionError::BeyondEnd { .. })));
    assert!(!file.exists());
}

async fn one_customer_as_of_a_moment_equals_what_was_saved(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let store = world.open().await;
    let then = world.journal.backend().head().await.expect("a head").position;
    catch_up(&store, then).await;
    let people = Registry::from_texts([("people.sql", PEOPLE)]).expect("keeps the rules");
    let bare = customers[1].uuid().simple().to_string();
    let mut saved = dump(&store.db(), &people).await;
    saved.retain(|row| row.contains(&bare));
    let time = world.now();
    world.wait();
    world.rename(customers[1], "Someone else", None).await;
    for as_of in [AsOf::Position(then), AsOf::Time(time)] {
        let db = store.as_of_customers(world.tenant, &[customers[1]], as_of).await.expect("is replayed");
        assert_eq!(dump(&db, &people).await, saved);
    }
}

async fn who_was_forgotten_since_is_forgotten_in_the_past(engine: Engine) {
    let world = World::new(engine).await;
    let customers = world.history().await;
    let store = world.open().await;
    let then = world.journal.backend().head().await.expect("a head").position;
    catch_up(&store, then).await;
    let id = customers[1].uuid();
    assert_eq!(name(&store.db(), id).await.as_deref(), Some("Renée"));
    let position = world.forget(customers[1]).await;
    catch_up(&store, position).await;
    let file = world.folder.path().join("replay.db");
    store.replay_into(&file, AsOf::Position(then), |_| {}).await.expect("is replayed");
    assert_eq!(name(&open(&file), id).await, None);
    let db = store.as_of_customers(world.tenant, &[customers[1]], AsOf::Position(then)).await.expect("is replayed");
    assert_eq!(name(&db, id).await, None);
}
