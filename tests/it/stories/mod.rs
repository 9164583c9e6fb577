//! A node in adversity, as a process with people at work: nothing acknowledged is lost, everything runs again without a
//! restart, and `/readyz` says the truth in between. `COMMLOG_STORY_SECONDS` says how long each adversity lasts.

mod client;
mod kurrentdb;
mod nodes;
mod proxy;
mod upgrade;
mod world;

use proxy::{Line, Proxy};
use world::{Adversity, World, length, on_postgres, through};

use crate::cli::Place;
use crate::cli::server::Server;
use crate::support::app::Engine;
use crate::support::postgres::{self, database};

fn serve(world: &World) -> Server {
    Server::start(&world.place, &["serve"])
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_for_a_while() {
    let mut world = World::with_disk(Place::new(), ".db").await;
    let server = serve(&world);
    world.work(&[&server]);
    world.all_succeed(|_| true).await;

    world.set(true, 0);
    world.somebody_fails().await;
    let problems = world.says(&server, false).await;
    assert!(problems.contains("the log cannot be written"), "{problems}");
    world.says_not_ready_for(&server, length()).await;

    world.set(false, 0);
    world.says(&server, true).await;
    world.all_succeed(|_| true).await;
    world.end(vec![server]).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_disk_is_full_for_a_while() {
    let adversity = Adversity::new();
    let variables = adversity.variables("/data/base/").map(|(name, value)| format!("{name}={value}")).join(" ");
    // Its write-ahead log is on another disk: a PostgreSQL that cannot write that stops by itself.
    let postgres = postgres::Server::own(&variables);
    let mut place = Place::new();
    on_postgres(&mut place, &postgres.database().await, &postgres.database().await);
    let mut world = World::new(place).await;
    let server = serve(&world);
    world.work(&[&server]);
    world.all_succeed(|_| true).await;

    adversity.set(true, 0);
    world.somebody_fails().await;
    world.says(&server, false).await;

    adversity.set(false, 0);
    world.says(&server, true).await;
    world.all_succeed(|_| true).await;
    world.end(vec![server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_stopped_and_started_under_load() {
    let postgres = postgres::Server::own("");
    let mut place = Place::new();
    on_postgres(&mut place, &postgres.database().await, &postgres.database().await);
    let mut world = World::new(place).await;
    let server = serve(&world);
    world.work(&[&server]);
    for mode in ["fast", "immediate"] {
        world.all_succeed(|_| true).await;
        postgres.control(&["restart", "-m", mode]);
        world.all_succeed(|_| true).await;
        world.says(&server, true).await;

        postgres.control(&["stop", "-m", mode]);
        world.says(&server, false).await;
        world.says_not_ready_for(&server, length()).await;
        postgres.control(&["start"]);
        world.says(&server, true).await;
    }
    world.all_succeed(|_| true).await;
    world.end(vec![server]).await;
}

/// Cuts all connections to the database.
async fn cut(how: Line) {
    let (log, keys) = (database().await, database().await);
    let port = log.parse::<url::Url>().expect("a URL").port().expect("a port");
    let proxy = Proxy::start(port).await;
    let mut place = Place::new();
    on_postgres(&mut place, &through(&log, proxy.port).await, &through(&keys, proxy.port).await);
    let mut world = World::new(place).await;
    let server = serve(&world);
    world.work(&[&server]);
    world.all_succeed(|_| true).await;

    proxy.set(how);
    world.says(&server, false).await;
    world.says_not_ready_for(&server, length()).await;

    proxy.set(Line::Works);
    world.says(&server, true).await;
    world.all_succeed(|_| true).await;
    world.end(vec![server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut() {
    cut(Line::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_without_a_word() {
    cut(Line::Swallows).await;
}

#[cfg(target_os = "linux")]
mod a_clock_that_goes_back_an_hour {
    use super::*;

    async fn story(engine: Engine) {
        let mut place = Place::new();
        if engine == Engine::Postgres {
            on_postgres(&mut place, &database().await, &database().await);
        }
        let mut world = World::new(place).await;
        let server = serve(&world);
        world.work(&[&server]);
        world.all_succeed(|_| true).await;
        for seconds in [-3_600, 0] {
            world.set(false, seconds);
            world.all_succeed(|_| true).await;
            world.says(&server, true).await;
        }
        world.end(vec![server]).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        story(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        story(Engine::Postgres).await;
    }
}

mod a_node_that_is_stopped_beside_another {
    use super::*;

    async fn story(engine: Engine) {
        let mut place = Place::new();
        if engine == Engine::Postgres {
            on_postgres(&mut place, &database().await, &database().await);
        }
        let mut world = World::new(place).await;
        let first = serve(&world);
        let second = match engine {
            // Only one node may send from a file.
            Engine::Sqlite => Server::start(&world.place, &["serve", "--roles", "api"]),
            Engine::Postgres => serve(&world),
        };
        world.work(&[&first, &second]);
        world.all_succeed(|_| true).await;

        first.signal("STOP");
        let is_of_second = |client| client % 2 == 1;
        if engine == Engine::Postgres {
            world.all_succeed(is_of_second).await;
            world.says(&second, true).await;
        }
        tokio::time::sleep(length()).await;
        first.signal("CONT");
        for server in [&first, &second] {
            world.says(server, true).await;
        }
        world.all_succeed(|_| true).await;
        world.end(vec![first, second]).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        story(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        story(Engine::Postgres).await;
    }
}
