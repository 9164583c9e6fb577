//! The log in KurrentDB (on the double): servers that come and go, and a node that is killed.

use std::net::TcpListener;

use tokio::time::sleep;

use super::serve;
use super::world::{World, length};
use crate::cli::Place;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

async fn world(address: &str) -> World {
    let mut place = Place::new();
    place.set("COMMLOG_LOG_URL", address);
    let mut world = World::new(place).await;
    // A node that is killed and started again is found where it was.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    world.place.set("COMMLOG_LISTEN", &port.to_string());
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_leader_changes_and_goes_away() {
    let mut first = KurrentDouble::start(Version::Records).await;
    let second = first.beside().await;
    let mut world = world(&first.cluster_address()).await;
    let server = serve(&world);
    world.work(&[&server]);
    world.all_succeed(|_| true).await;

    second.lead();
    world.all_succeed(|_| true).await;
    second.stop();
    first.lead();
    world.all_succeed(|_| true).await;

    first.stop();
    sleep(length()).await;
    first.start_again().await;
    world.all_succeed(|_| true).await;
    world.says(&server, true).await;
    world.end(vec![server]).await;
}

async fn a_node_that_is_killed(version: Version) {
    let double = KurrentDouble::start(version).await;
    let mut world = world(&double.address()).await;
    let mut server = serve(&world);
    world.work(&[&server]);
    for _ in 0..2 {
        world.all_succeed(|_| true).await;
        // Not stopped, but killed.
        drop(server);
        server = serve(&world);
    }
    world.all_succeed(|_| true).await;
    world.says(&server, true).await;
    world.end(vec![server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_while_the_server_appends_all_or_nothing() {
    a_node_that_is_killed(Version::Records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_while_the_server_appends_to_one_stream_at_a_time() {
    a_node_that_is_killed(Version::Single).await;
}
