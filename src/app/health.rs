//! How the parts of a node are doing that run without a caller: for readiness and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

/// What a node's parts report of themselves. Cheap to clone.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Default)]
struct Inner {
    set_aside: Family<PartLabel, Counter>,
    restarts: Family<PartLabel, Counter>,
    held_tenants: Gauge,
    /// Why the parts do not work that should, by part.
    problems: Mutex<BTreeMap<&'static str, String>>,
    /// What is wrong without keeping the node from its work, by part.
    remarks: Mutex<BTreeMap<&'static str, String>>,
    /// When it was last tried whether the log can be written.
    tried: Mutex<Option<Instant>>,
}

/// How long the result of trying to write to the log counts.
const TRIAL_COUNTS: Duration = Duration::from_secs(5);

impl Health {
    /// Makes the counters part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        let Inner { set_aside, restarts, held_tenants, .. } = &*self.0;
        // From the start, so that the first one is an increase.
        for (family, part) in [(set_aside, "backlog"), (set_aside, "timers"), (restarts, "projector")] {
            drop(family.get_or_create(&PartLabel { part }));
        }
        let help = "Rows and events that a part left out because they could not be read or acted on";
        registry.register("set_aside", help, set_aside.clone());
        registry.register("restarts", "Restarts of a part that ended with an error or a panic", restarts.clone());
        let help = "Tenants whose messages wait until an operator confirms that they may be sent";
        registry.register("dispatch_held_tenants", help, held_tenants.clone());
    }

    /// Counts what a part left out.
    pub fn set_aside(&self, part: &'static str, count: usize) {
        if count > 0 {
            self.0.set_aside.get_or_create(&PartLabel { part }).inc_by(count as u64);
        }
    }

    /// Number of rows and events that a part left out since the start.
    #[must_use]
    pub fn count_set_aside(&self, part: &'static str) -> u64 {
        self.0.set_aside.get_or_create(&PartLabel { part }).get()
    }

    /// Counts that a part is started again.
    pub fn restarted(&self, part: &'static str) {
        self.0.restarts.get_or_create(&PartLabel { part }).inc();
    }

    /// Number of times that a part was started again.
    #[must_use]
    pub fn count_restarts(&self, part: &'static str) -> u64 {
        self.0.restarts.get_or_create(&PartLabel { part }).get()
    }

    /// The number of tenants whose messages wait for an operator's confirmation.
    pub fn hold_tenants(&self, count: usize) {
        self.0.held_tenants.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A part does not do its work, and why.
    pub fn fails(&self, part: &'static str, why: impl Into<String>) {
        self.problems_of().insert(part, why.into());
    }

    /// A part does its work.
    pub fn works(&self, part: &'static str) {
        self.problems_of().remove(part);
    }

    /// Something is wrong that does not keep the node from its work, or no longer is.
    pub fn remark(&self, part: &'static str, what: Option<String>) {
        let mut remarks = self.0.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            Some(what) => _ = remarks.insert(part, what),
            None => _ = remarks.remove(part),
        }
    }

    /// What is wrong without keeping the node from its work, for people.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        self.0.remarks.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether it is time to try again whether the log can be written; true for one of several callers.
    #[must_use]
    pub fn is_trial_due(&self, now: Instant) -> bool {
        let mut tried = self.0.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = tried.is_none_or(|tried| now.saturating_duration_since(tried) >= TRIAL_COUNTS);
        if is_due {
            *tried = Some(now);
        }
        is_due
    }

    /// What does not work, for people.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems_of().values().cloned().collect()
    }

    fn problems_of(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_a_problem_until_it_works() {
        let health = Health::default();
        health.fails("projector", "the projector stopped");
        health.fails("projector", "the projector is restarted");
        assert_eq!(health.clone().problems(), ["the projector is restarted"]);
        health.works("projector");
        assert_eq!(health.problems(), Vec::<String>::new());
    }

    #[test]
    fn what_is_set_aside_is_scraped() {
        let (health, mut registry, mut text) = (Health::default(), Registry::default(), String::new());
        health.register(&mut registry);
        health.set_aside("timers", 2);
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a text");
        assert!(text.contains("set_aside_total{part=\"timers\"} 2"), "{text}");
    }
}
