//! Having a lease: a node runs a part of its own while it has the part's lease, and stands by otherwise.
//!
//! The holder renews well before the end. The end is measured on the monotonic clock, from before the renewal was sent: by the
//! time that the store lets another node take the lease, the holder knows that its own time is over, whatever the clocks of
//! both say, and however long its process was stopped. The term's number is the token by which the key store refuses a
//! holder whose clock stood still as well (`log::mark`).

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Ambient;
use crate::log::keys::{KeyStoreError, Leases, Term};

/// How long leases last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// From each renewal on. A node that died is replaced after this.
    pub lasts: Duration,
    /// The pause between two renewals.
    pub renewed: Duration,
    /// The pause between two attempts to take a lease that another node has, or to renew one after an error.
    pub tried: Duration,
}

impl Default for Lasting {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(6), renewed: Duration::from_secs(2), tried: Duration::from_millis(500) }
    }
}

/// The time for which a node may act, as those look at it who act. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tenure(Option<Arc<Held>>);

#[derive(Debug)]
struct Held {
    term: Term,
    ends: Mutex<Instant>,
}

impl Tenure {
    /// Of the only node that there is: it never ends.
    #[must_use]
    pub const fn sole() -> Self {
        Self(None)
    }

    /// Of a holder, whose lease ends at a moment unless it is renewed.
    #[must_use]
    pub fn until(term: Term, ends: Instant) -> Self {
        Self(Some(Arc::new(Held { term, ends: Mutex::new(ends) })))
    }

    /// Whether another node may act by now: then this one must not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ends().is_some_and(|ends| ends <= Instant::now())
    }

    /// The fencing token; absent for the only node.
    #[must_use]
    pub fn term(&self) -> Option<&Term> {
        self.0.as_ref().map(|held| &held.term)
    }

    fn ends(&self) -> Option<Instant> {
        self.0.as_ref().map(|held| *held.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn prolong(&self, ends: Instant) {
        if let Some(held) = &self.0 {
            *held.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LeaseLabel {
    lease: String,
}

/// What is told of a node's leases, for Prometheus. Cheap to clone.
#[derive(Clone, Default)]
pub struct LeaseMetrics(Arc<Families>);

#[derive(Default)]
struct Families {
    held: Family<LeaseLabel, Gauge>,
    term: Family<LeaseLabel, Gauge>,
    since: Family<LeaseLabel, Gauge>,
    lost: Family<LeaseLabel, Counter>,
}

impl LeaseMetrics {
    /// Makes them part of what is scraped.
    pub fn register(&self, registry: &mut Registry) {
        let Families { held, term, since, lost } = &*self.0;
        registry.register("lease_held", "Whether this node has the lease: 1 on one node", held.clone());
        registry.register(
            "lease_term",
            "The term in which this node has, or last had, the lease; 0 without a lease",
            term.clone(),
        );
        let help = "When this node took the lease, in seconds since 1970; 0 if it has not got it";
        registry.register("lease_since_seconds", help, since.clone());
        registry.register("lease_lost", "Times that the lease ended before this node gave it back", lost.clone());
    }

    /// There is no lease: this node has the part to itself, since a time.
    pub fn has_part(&self, part: &'static str, since: DateTime<Utc>) {
        self.set(&LeaseLabel { lease: part.to_owned() }, Some((0, since.timestamp())));
    }

    fn set(&self, label: &LeaseLabel, held: Option<(i64, i64)>) {
        let families = &*self.0;
        families.held.get_or_create(label).set(i64::from(held.is_some()));
        families.since.get_or_create(label).set(held.map_or(0, |(_, since)| since));
        let term = families.term.get_or_create(label);
        if let Some((number, _)) = held {
            term.set(number);
        }
        // From the start, so that the first one is an increase.
        drop(families.lost.get_or_create(label));
    }

    fn lost(&self, label: &LeaseLabel) {
        self.set(label, None);
        self.0.lost.get_or_create(label).inc();
    }
}

/// A node that wants a lease.
#[derive(Clone)]
pub struct Candidate {
    /// Where leases are.
    pub store: Arc<dyn Leases>,
    /// The lease's name in the store.
    pub lease: String,
    /// What it is of, in metrics and diagnostics: one of few.
    pub part: String,
    /// The node's name, for people.
    pub node: String,
    /// How long the lease lasts.
    pub lasting: Lasting,
    /// What is told of it.
    pub metrics: LeaseMetrics,
    /// Says since when.
    pub ambient: Ambient,
}

/// How a term ended.
enum End<T> {
    /// The part ended by itself, or because of the shutdown.
    Ended(T),
    /// The lease ended, and the part because of that.
    Lost(T),
}

impl Candidate {
    /// Until `shutdown`: runs `act` whenever this node has the lease, and `stand_by` while it has not. Each must end soon once
    /// its token is cancelled; only then does the other one begin. If one ends with an error, so does this.
    ///
    /// # Errors
    /// Those of `act` and `stand_by`. A store that does not respond is reported, and tried again.
    pub async fn run<A, S, AF, SF, E>(&self, shutdown: &CancellationToken, stand_by: S, act: A) -> Result<(), E>
    where
        A: Fn(Tenure, CancellationToken) -> AF,
        S: Fn(CancellationToken) -> SF,
        AF: Future<Output = Result<(), E>>,
        SF: Future<Output = Result<(), E>>,
    {
        self.stands_by();
        while !shutdown.is_cancelled() {
            let waiting = shutdown.child_token();
            let mut idle = Box::pin(stand_by(waiting.clone()));
            let tenure = tokio::select! {
                ended = &mut idle => return ended,
                tenure = self.take() => tenure,
            };
            let over = shutdown.child_token();
            let acting = async {
                waiting.cancel();
                idle.await?;
                act(tenure.clone(), over.clone()).await
            };
            self.hold(&tenure, acting, &over).await?;
        }
        Ok(())
    }

    /// Says that this node has not got the lease.
    pub fn stands_by(&self) {
        self.metrics.set(&self.label(), None);
    }

    /// Does work while this node has a lease that it took, renews the lease for so long, and gives it back in the end. If the lease
    /// is lost before, the work is told by its token, and waited for.
    pub async fn hold<T>(&self, tenure: &Tenure, work: impl Future<Output = T>, over: &CancellationToken) -> T {
        let number = tenure.term().map_or(0, |term| term.number);
        tracing::info!(part = %self.part, term = number, "this node has the lease now");
        self.metrics.set(&self.label(), Some((number, self.ambient.now().timestamp())));
        let ended = match self.while_held(tenure, work, over).await {
            End::Ended(ended) => {
                self.give_back(tenure).await;
                ended
            }
            End::Lost(ended) => ended,
        };
        self.stands_by();
        ended
    }

    /// Takes the lease if nobody has it.
    ///
    /// # Errors
    /// If the store does not respond.
    pub async fn try_take(&self) -> Result<Option<Tenure>, KeyStoreError> {
        let ends = Instant::now() + self.lasting.lasts;
        let taken = self.store.take_lease(&self.lease, &self.node, self.lasting.lasts).await?;
        Ok(taken.map(|term| Tenure::until(term, ends)))
    }

    /// Renews the lease once; false if it was lost.
    ///
    /// # Errors
    /// If the store does not respond.
    pub(super) async fn renew_once(&self, tenure: &Tenure) -> Result<bool, KeyStoreError> {
        match tenure.term() {
            Some(term) => self.store.renew_lease(term, self.lasting.lasts).await,
            None => Ok(true),
        }
    }

    fn label(&self) -> LeaseLabel {
        LeaseLabel { lease: self.part.clone() }
    }

    /// Takes the lease as soon as nobody has it.
    async fn take(&self) -> Tenure {
        let mut is_reported = false;
        loop {
            match tokio::time::timeout(self.lasting.lasts, self.try_take()).await {
                Ok(Ok(Some(tenure))) => return tenure,
                Ok(Ok(None)) => is_reported = false,
                Ok(Err(error)) if !is_reported => {
                    tracing::warn!(part = %self.part, %error, "a lease cannot be taken; trying again");
                    is_reported = true;
                }
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::time::sleep(self.lasting.tried).await;
        }
    }

    /// Runs work, and renews the lease until the work has ended. If the lease is lost before, the work is told by its token, and
    /// waited for.
    async fn while_held<T>(&self, tenure: &Tenure, work: impl Future<Output = T>, over: &CancellationToken) -> End<T> {
        let mut work = pin!(work);
        let lost = tokio::select! {
            ended = &mut work => return End::Ended(ended),
            lost = self.renew(tenure) => lost,
        };
        tracing::warn!(part = %self.part, why = %lost, "this node has lost the lease: its part ends, and it stands by");
        self.metrics.lost(&self.label());
        over.cancel();
        End::Lost(work.await)
    }

    /// Renews until the lease is lost.
    async fn renew(&self, tenure: &Tenure) -> Loss {
        let (Some(term), Some(mut ends)) = (tenure.term(), tenure.ends()) else { return std::future::pending().await };
        let mut next = ends - self.lasting.lasts + self.lasting.renewed;
        loop {
            tokio::time::sleep_until(next.min(ends)).await;
            let asked = Instant::now();
            if asked >= ends {
                return Loss::Late;
            }
            let renewing = self.store.renew_lease(term, self.lasting.lasts);
            match tokio::time::timeout_at(ends, renewing).await {
                Ok(Ok(true)) => {
                    ends = asked + self.lasting.lasts;
                    tenure.prolong(ends);
                    next = asked + self.lasting.renewed;
                }
                Ok(Ok(false)) => {
                    // Even if its own clock says that there is time left.
                    tenure.prolong(asked);
                    return Loss::Taken;
                }
                Ok(Err(error)) => {
                    tracing::warn!(part = %self.part, %error, "a lease cannot be renewed; trying again");
                    next = Instant::now() + self.lasting.tried;
                }
                Err(_) => return Loss::Late,
            }
        }
    }

    /// Lets another node begin at once.
    pub(super) async fn give_back(&self, tenure: &Tenure) {
        let Some(term) = tenure.term() else { return };
        let giving = self.store.give_lease_back(term);
        match tokio::time::timeout(self.lasting.renewed, giving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(part = %self.part, %error, "a lease ends by itself: it could not be given back")
            }
            Err(_) => tracing::warn!(part = %self.part, "a lease ends by itself: it could not be given back in time"),
        }
    }
}

/// Why a lease was lost.
enum Loss {
    Late,
    Taken,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "it was not renewed in time",
            Self::Taken => "another node has it",
        })
    }
}

#[cfg(test)]
mod tests;
