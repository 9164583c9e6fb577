//! The log in KurrentDB (on the double): servers that come and go.

use tokio::time::sleep;

use super::serve;
use super::world::{World, length};
use crate::cli::Place;
use crate::support::doubles::kurrentdb::{KurrentDouble, Version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_leader_changes_and_goes_away() {
    let mut first = KurrentDouble::start(Version::Records).await;
    let second = first.beside().await;
    let mut place = Place::new();
    place.set("COMMLOG_LOG_URL", &first.cluster_address());
    let mut world = World::new(place).await;
    let server = serve(&world);
    world.work(&[&server]);
    world.all_succeed(|_| true).await;

    second.lead();
    world.all_succeed(|_| true).await;
    second.stop();
    first.lead();
    world.all_succeed(|_| true).await;

    // More than once: clients are known that notice the first loss of a subscription only.
    for _ in 0..2 {
        first.stop();
        sleep(length()).await;
        first.start_again().await;
        world.all_succeed(|_| true).await;
        world.says(&server, true).await;
    }
    world.end(vec![server]).await;
}
