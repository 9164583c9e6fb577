//! Nodes of one version on one PostgreSQL are replaced by nodes of the next one, one after the other, with people at work who
//! repeat what is not acknowledged. `COMMLOG_UPGRADE_FROM` names the program of the older version (`make test-upgrade` builds it);
//! without it, this version is replaced by itself. `COMMLOG_UPGRADE_NODES` says how many nodes there are.

use std::path::{Path, PathBuf};

use super::serve;
use super::world::{World, length, on_postgres};
use crate::cli::Place;
use crate::cli::server::Server;
use crate::support::postgres::database;
use crate::support::{setting, times};

/// The program of this version.
const THIS: &str = env!("CARGO_BIN_EXE_commlog");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_versions_run_beside_each_other_and_nobody_who_repeats_a_command_is_refused() {
    let older = setting("COMMLOG_UPGRADE_FROM").map(PathBuf::from);
    let mut place = Place::new();
    on_postgres(&mut place, &database().await, &database().await);
    // The stores are made by the older version.
    place.run_by(older.as_deref().unwrap_or(Path::new(THIS)));
    let mut world = World::repeating(place).await;
    let mut nodes: Vec<Server> = (0..times("COMMLOG_UPGRADE_NODES", 2)).map(|_| serve(&world)).collect();
    world.work(&nodes.iter().collect::<Vec<_>>());
    world.all_succeed(|_| true).await;

    world.place.run_by(Path::new(THIS));
    for _ in 0..nodes.len() {
        // Nobody is told that it goes: people find another one themselves.
        assert_eq!(nodes.remove(0).stop(), Some(0), "it ends in order");
        world.all_succeed(|_| true).await;
        nodes.push(serve(&world));
        world.talk_to(&nodes.iter().collect::<Vec<_>>());
        for node in &nodes {
            world.says(node, true).await;
        }
        world.another_is_sent().await;
        if older.is_some() {
            tokio::time::sleep(length()).await;
        }
        world.all_succeed(|_| true).await;
    }
    world.end(nodes).await;
}
