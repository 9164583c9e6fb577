//! The simulator without a node: what becomes of the messages of a past that is made up.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::value::message::Route;
use crate::providers::simulator::{Simulator, SimulatorOptions};
use crate::providers::{Accepted, Callback, OutboundMessage, SendError};

/// A simulated audience.
pub struct Simulation(SimulatorOptions);

impl Simulation {
    /// The seed determines what becomes of each message; a delivery takes about `pace`, and people a multiple of it.
    #[must_use]
    pub fn new(seed: u64, pace: Duration) -> Self {
        Self(SimulatorOptions { seed, pace, ..SimulatorOptions::default() })
    }

    /// The account that messages go through.
    #[must_use]
    pub fn route() -> Route {
        Simulator::usual_route()
    }

    /// The answer to a call that is made now, and what comes back later, with its moments.
    #[must_use]
    pub fn fate(
        &self,
        message: &OutboundMessage,
        now: DateTime<Utc>,
    ) -> (Result<Accepted, SendError>, Vec<(DateTime<Utc>, Callback)>) {
        Simulator::fate(message, &self.0, now)
    }
}
