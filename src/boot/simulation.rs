//! The simulator without a node: what becomes of the messages of a past that is made up.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::value::message::Route;
use crate::providers::OutboundMessage;
use crate::providers::simulator::{Fate, Simulator, SimulatorOptions};

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

    /// What becomes of a message that is sent now.
    pub fn fate(&self, message: &OutboundMessage, now: DateTime<Utc>) -> Fate {
        Simulator::fate(message, &self.0, now)
    }
}
