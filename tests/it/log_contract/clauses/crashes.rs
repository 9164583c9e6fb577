use std::collections::HashSet;
use std::io::{BufRead, BufReader};

use commlog::ids::EventId;
use commlog::log::chain::verify;

use crate::log_contract::World;
use crate::log_contract::child::{acknowledged, appender};

pub(crate) async fn what_was_acknowledged_survives_a_killed_writer(world: &World) {
    let mut promised: HashSet<EventId> = HashSet::new();
    for round in 1..=3 {
        let mut child = appender(&world.store.url(), 1_000_000, 300).spawn().expect("this program starts again");
        let output = BufReader::new(child.stdout.take().expect("was piped"));
        let before = promised.len();
        for line in output.lines() {
            // The kill may tear the last line.
            promised.extend(acknowledged(&line.expect("text")));
            if promised.len() == before + 150 * round {
                child.kill().expect("is killed with SIGKILL");
            }
        }
        child.wait().expect("has ended");

        let stored: HashSet<EventId> = world.all().await.iter().map(|event| event.envelope.id).collect();
        assert!(promised.len() >= before + 150 * round);
        assert_eq!(promised.difference(&stored).count(), 0, "acknowledged events are lost");
        verify(&*world.log, |_| ()).await.expect("verifies");
        world.add(world.stream(), 1).await;
    }
}
