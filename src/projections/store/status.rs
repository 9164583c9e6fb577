//! How fresh the read tables are.

use std::collections::HashMap;

use super::ReadStore;
use crate::ids::Position;
use crate::log::ReadLimit;
use crate::projections::error::ProjectionError;

/// How one projection stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// What it answers.
    pub question: String,
    /// Up to where the log is applied.
    pub position: Position,
    /// How many events of the log are not applied yet.
    pub lag_events: u64,
    /// How long the first of them has been waiting.
    pub lag_seconds: f64,
    /// How many events are parked.
    pub parked: u64,
    /// The generation that its tables belong to.
    pub generation: String,
}

impl ReadStore {
    /// How every projection of the live generation stands, by name.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let live = self.live();
        let position = live.look().await?.position;
        let log = self.0.journal.backend();
        let head = log.head().await?;
        let waiting = log.read_all(position, ReadLimit::events(1)).await?;
        let lag_events = log.count_between(position, head.position).await?;
        let since = waiting.first().map(|event| self.0.ambient.now() - event.envelope.recorded_at);
        let lag_seconds = since.map_or(0.0, |since| since.as_seconds_f64().max(0.0));
        let mut parked: HashMap<String, u64> = HashMap::new();
        for event in self.parked().await? {
            *parked.entry(event.projection).or_default() += 1;
        }
        Ok(live
            .projections
            .iter()
            .map(|projection| ProjectionStatus {
                name: projection.name.clone(),
                question: projection.question.clone(),
                position,
                lag_events,
                lag_seconds,
                parked: parked.get(&projection.name).copied().unwrap_or(0),
                generation: live.id.clone(),
            })
            .collect())
    }
}
