//! Dispatchers of shares, each on a node of its own.

use std::sync::Arc;

use commlog::app::Share;
use commlog::domain::message::event::MessageClass;
use commlog::ids::CustomerId;
use commlog::processes::backlog::Backlog;
use commlog::processes::dispatcher::{Dispatcher, DispatcherOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::dispatching::{Counting, accounts, options, until};
use super::on_both;
use super::world::{World, email};

/// Customers who wait for a message when dispatchers start, and as many who are written to afterwards.
const CUSTOMERS: usize = 10;

async fn node(world: &World, share: Share, provider: Arc<Counting>, shutdown: &CancellationToken) -> JoinHandle<()> {
    let app = world.elsewhere().await;
    let backlog = Backlog::from_log(&app).await.expect("the log answers");
    let options = DispatcherOptions { share, alone: false, ..options() };
    let dispatcher = Dispatcher::new(app, accounts(provider), options);
    tokio::spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()))
}

/// Writes to new customers.
async fn write(world: &World, numbers: std::ops::Range<usize>) -> Vec<CustomerId> {
    let mut customers = vec![];
    for number in numbers {
        let (id, _) = world.customer(&format!("c{number}@example.org")).await;
        world.done(world.app.send_message(&world.agent(), email(id, MessageClass::Transactional), None).await);
        customers.push(id);
    }
    customers
}

/// Runs a node for each share, with a provider for each, until everybody was written to.
async fn run(world: &World, shares: &[Share]) -> (Vec<CustomerId>, Vec<usize>) {
    let mut customers = write(world, 0..CUSTOMERS).await;
    let (shutdown, mut nodes, mut providers) = (CancellationToken::new(), vec![], vec![]);
    for share in shares {
        let provider = Counting::new(2 * CUSTOMERS, 0);
        nodes.push(node(world, *share, provider.clone(), &shutdown).await);
        providers.push(provider);
    }
    customers.extend(write(world, CUSTOMERS..2 * CUSTOMERS).await);
    for customer in &customers {
        until(world, *customer, "MessageSent").await;
        assert_eq!(world.types(*customer).await[2..], ["MessageQueued", "DispatchStarted", "MessageSent"]);
    }
    shutdown.cancel();
    for node in nodes {
        node.await.expect("the dispatcher ends");
    }
    (customers, providers.iter().map(|provider| provider.calls()).collect())
}

on_both! {
    async fn each_share_sends_to_its_own_customers_what_waits_and_what_comes(world: World) {
        let shares: Vec<Share> = Share::all(3).collect();
        let (customers, calls) = run(&world, &shares).await;
        let expected: Vec<usize> =
            shares.iter().map(|share| customers.iter().filter(|customer| share.has(**customer)).count()).collect();
        assert_eq!(calls, expected);
    }

    async fn nodes_that_are_configured_with_different_shares_send_nothing_twice(world: World) {
        let shares: Vec<Share> = Share::all(2).chain(Share::all(3)).chain([Share::WHOLE]).collect();
        let (customers, calls) = run(&world, &shares).await;
        assert_eq!(calls.iter().sum::<usize>(), customers.len());
    }
}
