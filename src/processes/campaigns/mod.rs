//! The runner: takes running campaigns through their audiences.
//!
//! When a campaign has started, its audience is chosen and recorded, part by part. Then the recipients of each part are asked
//! for their messages, as fast as the campaign's rate allows, and what became of them is recorded when the part is done. Nothing
//! of this depends on a memory of the process: after a crash, a part is gone through again, and the log knows what was asked for.

mod flight;
mod part;
mod run;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Caller, CampaignText, Warmed};
use crate::campaigns::CampaignError;
use crate::campaigns::audience::{PART, part_after};
use crate::campaigns::effects::{Metric, tested};
use crate::campaigns::spending::spending;
use crate::domain::campaign::budget::Spent;
use crate::domain::campaign::decide::Readiness;
use crate::domain::campaign::event::PauseCause;
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::running::Chosen;
use crate::domain::campaign::schedule::{Bucket, Counts, PAST_DUE_AFTER, Per, Rate, Schedule, When};
use crate::domain::campaign::state::{CampaignState, Described};
use crate::domain::campaign::winner::WinnerRule;
use crate::domain::refusal::Refusal;
use crate::ids::{CampaignId, CustomerId, TenantId};
use crate::processes::every::JobError;
use crate::queries::{Reads, campaign_metrics, campaigns};
use flight::{Asking, Flight, LAST};
use part::{AT_ONCE, Part};
use run::Run;

/// The actor that its events name.
const ACTOR: &str = "process:campaigns";
/// The name in metrics.
const NAME: &str = "campaigns";
/// How often campaigns are looked at that have nothing to do at the moment.
const TICK: Duration = Duration::from_millis(200);
/// How long the read tables may take to show what was recorded before an audience is chosen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often thresholds are looked at.
const MEASURED_EVERY: TimeDelta = TimeDelta::seconds(1);
/// A campaign that could not go on is tried again after this, and left to another runner that is faster for as long.
const AGAIN: TimeDelta = TimeDelta::seconds(5);

/// The process.
pub struct Runner {
    app: App,
    reads: Reads,
    runs: HashMap<(TenantId, CampaignId), Run>,
}

impl Runner {
    /// Over the campaigns of all tenants.
    #[must_use]
    pub fn new(app: App, reads: Reads) -> Self {
        Self { app, reads, runs: HashMap::new() }
    }

    /// Runs until `shutdown`.
    ///
    /// # Errors
    /// If the read tables do not respond.
    pub async fn run(mut self, shutdown: &CancellationToken) -> Result<(), JobError> {
        let work = async {
            loop {
                if !self.step().await? {
                    tokio::time::sleep(TICK).await;
                }
            }
        };
        match shutdown.run_until_cancelled(work).await {
            Some(ended) => ended,
            None => Ok(()),
        }
    }

    /// Takes each campaign one step further. Returns whether there is more to do at once.
    ///
    /// # Errors
    /// If the read tables do not respond. What stands against one campaign does not stop the others.
    pub async fn step(&mut self) -> Result<bool, CampaignError> {
        let mut busy = false;
        // A log that may be a copy: whoever confirms it cancels first what must not go out again.
        if *self.app.watch_held().borrow() {
            return Ok(false);
        }
        for row in campaigns::active(&self.reads.db()).await? {
            let key = (row.tenant_id, row.campaign_id);
            match self.advance(row.tenant_id, row.campaign_id).await {
                Ok(more) => busy |= more,
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(campaign = %row.campaign_id, %error, ?cause, "a campaign goes on later");
                    self.app.health().set_aside(NAME, 1);
                    if let Some(run) = self.runs.get_mut(&key) {
                        run.not_before = self.app.ambient().now() + AGAIN;
                        run.give_up();
                    }
                }
            }
        }
        Ok(busy)
    }

    /// Takes a campaign one step further. Returns whether there is more to do at once.
    async fn advance(&mut self, tenant: TenantId, campaign_id: CampaignId) -> Result<bool, CampaignError> {
        let (caller, now) = (Caller::new(tenant, ACTOR), self.app.ambient().now());
        let Some(campaign) = self.app.campaign(tenant, campaign_id).await? else { return Ok(false) };
        match campaign.state {
            CampaignState::Scheduled if campaign.start_at.is_some_and(|at| at > now) => Ok(false),
            CampaignState::Scheduled if campaign.plan.schedule.is_recurring() => {
                self.occur(&caller, &campaign, now).await?;
                Ok(true)
            }
            CampaignState::Scheduled => {
                match self.app.campaign_text(&caller, &campaign).await? {
                    Ok(text) => {
                        let ready = Readiness { versions: text.versions(), audience: 0 };
                        self.app.begin_campaign(&caller, campaign_id, &ready).await?;
                    }
                    Err(refusal) => self.fail(&caller, campaign_id, &refusal).await?,
                }
                Ok(true)
            }
            CampaignState::Running if campaign.stops_at().is_some_and(|at| at <= now) => {
                self.app.end_in_time(&caller, campaign_id).await?;
                Ok(true)
            }
            CampaignState::Running => self.go_on(&caller, &campaign, now).await,
            _ => {
                self.runs.remove(&(tenant, campaign_id));
                Ok(false)
            }
        }
    }

    /// Makes the campaign of an occurrence that has come, unless that was too long ago, and says when the next one comes.
    async fn occur(&self, caller: &Caller, series: &Described, now: DateTime<Utc>) -> Result<(), CampaignError> {
        let Some(at) = series.start_at else { return Ok(()) };
        if now - at <= PAST_DUE_AFTER {
            let text = match self.app.campaign_text(caller, series).await? {
                Ok(text) => text,
                Err(refusal) => return Ok(self.fail(caller, series.campaign_id, &refusal).await?),
            };
            let zone = match &series.plan.schedule.when {
                When::Recurring { zone, .. } => zone.parse().unwrap_or(chrono_tz::UTC),
                _ => chrono_tz::UTC,
            };
            let plan = CampaignPlan {
                name: format!("{}, {}", series.plan.name, at.with_timezone(&zone).format("%Y-%m-%d %H:%M")),
                schedule: Schedule { when: When::Now {}, ..series.plan.schedule },
                ..series.plan.clone()
            };
            self.app.begin_occurrence(caller, series, at, &plan, &text.versions()).await?;
        }
        Ok(self.app.schedule_next(caller, series.campaign_id, at).await?)
    }

    async fn go_on(
        &mut self,
        caller: &Caller,
        campaign: &Described,
        now: DateTime<Utc>,
    ) -> Result<bool, CampaignError> {
        let (tenant, campaign_id) = (caller.tenant, campaign.campaign_id);
        let key = (tenant, campaign_id);
        let work = Work { app: &self.app, reads: &self.reads, caller };
        // A winner that a colleague chose, or another runner found: what was compiled before does not know it.
        let knows = |run: &Run| run.winner == campaign.winner;
        if !self.runs.get(&key).is_some_and(knows) {
            let text = match self.app.campaign_text(caller, campaign).await? {
                Ok(text) => text,
                Err(refusal) => {
                    self.fail(caller, campaign_id, &refusal).await?;
                    return Ok(false);
                }
            };
            let bucket = Bucket::empty(now, work.rate(campaign, now).await?);
            let winner = campaign.winner.clone();
            let run = Run {
                text: Arc::new(text),
                winner,
                part: None,
                ahead: None,
                flight: Flight::default(),
                ending: None,
                recording: None,
                bucket,
                not_before: now,
                measured_next: now,
                covered: None,
            };
            self.runs.insert(key, run);
        }
        let Some(run) = self.runs.get_mut(&key).filter(|run| run.not_before <= now) else { return Ok(false) };
        if run.measured_next <= now {
            run.measured_next = now + MEASURED_EVERY;
            if work.breaks_a_threshold(campaign).await? {
                return Ok(false);
            }
            run.covered = None;
            if let Some(budget) = campaign.plan.budget {
                // The tables have to show all that was asked for.
                self.reads.wait_for(self.app.end().await?, PATIENCE).await?;
                let spending = spending(&self.reads.db(), tenant, campaign_id, budget.currency).await?;
                self.app.spend(caller, campaign_id, &spending).await?;
                if budget.state(&spending) == Spent::All {
                    return Ok(false);
                }
                run.covered = budget.covers(&spending);
            }
        }
        if run.part.is_none() {
            let progress = self.app.campaign_run(tenant, campaign_id).await?;
            if !progress.is_chosen {
                work.choose(campaign, &progress, &run.text).await?;
                return Ok(true);
            }
            let number = run.before().map_or(progress.decided, |before| before + 1);
            // When a test ends, and when the campaign, depends on what is recorded.
            if run.before().is_some() && (progress.part(number).is_none() || progress.begins_rest(number)) {
                run.settle(&work, campaign_id, now).await?;
                return Ok(true);
            }
            if progress.is_at_rest()
                && campaign.winner.is_none()
                && let Some(rule) = campaign.plan.experiment.as_ref().and_then(|experiment| experiment.winner)
            {
                // An audience without a test part has nothing to wait for.
                let looks_at = progress.tested_at.map_or(now, |at| rule.looks_at(at));
                if now < looks_at {
                    run.not_before = looks_at.min(now + AGAIN);
                    return Ok(false);
                }
                work.end_test(campaign, rule).await?;
                return Ok(true);
            }
            let Some(version) = progress.part(number) else {
                self.app.complete_campaign(caller, campaign_id).await?;
                self.runs.remove(&key);
                return Ok(true);
            };
            let recipients = match run.ahead.take() {
                Some((ahead, recipients)) if ahead == version => recipients,
                _ => self.app.recipients(tenant, campaign_id, version).await?,
            };
            let ahead = match progress.part(number + 1) {
                Some(next) => Some((next, self.app.recipients(tenant, campaign_id, next).await?)),
                None => None,
            };
            run.part = Some(Part::new(number, recipients, ahead));
        }
        let Some(part) = &run.part else { return Ok(false) };
        let rate = work.rate(campaign, now).await?;
        let wanted = (part.recipients.len() - part.asked).min(AT_ONCE);
        let (bucket, grant) = run.bucket.take(now, u32::try_from(wanted).unwrap_or(u32::MAX), rate);
        run.bucket = bucket;
        let covered = run.covered.map_or(usize::MAX, |covered| usize::try_from(covered).unwrap_or(usize::MAX));
        let asked = wanted.min(grant.granted as usize).min(covered);
        run.covered = run.covered.map(|covered| covered.saturating_sub(asked as u64));
        if asked > 0 {
            if rate.is_off() {
                self.app.note_campaign_deciding();
            }
            work.ask(run, asked, if rate.is_off() { LAST } else { 0 }).await?;
            if run.ending.as_ref().is_some_and(Part::is_known) {
                run.record(&work, campaign_id, now).await?;
            }
        }
        if run.part.as_ref().is_some_and(Part::is_asked) {
            run.end_part(&work, campaign_id, now).await?;
            return Ok(true);
        }
        Ok(asked > 0)
    }

    async fn fail(&self, caller: &Caller, campaign_id: CampaignId, refusal: &Refusal) -> Result<(), AppError> {
        self.app.stop_campaign(caller, campaign_id, PauseCause::Failure, &refusal.message, None).await
    }
}

/// How many customers a part has: those of ten seconds, as progress shows when a part is done.
fn part_size(rate: Rate) -> usize {
    let per_second = match rate.per {
        Per::Second => f64::from(rate.messages),
        Per::Minute => f64::from(rate.messages) / 60.0,
        Per::Hour => f64::from(rate.messages) / 3_600.0,
    };
    if rate.is_off() { PART } else { ((per_second * 10.0) as usize).clamp(10, PART) }
}

/// What one step works with.
struct Work<'a> {
    app: &'a App,
    reads: &'a Reads,
    caller: &'a Caller,
}

impl Work<'_> {
    /// Chooses the audience, as the read tables show it once they show the campaign's start.
    async fn choose(
        &self,
        campaign: &Described,
        progress: &CampaignRun,
        text: &CampaignText,
    ) -> Result<(), CampaignError> {
        let (tenant, campaign_id) = (self.caller.tenant, campaign.campaign_id);
        self.reads.wait_for(self.app.end().await?, PATIENCE).await?;
        let db = self.reads.db();
        let mut after = progress.chosen_until;
        let size = part_size(campaign.plan.rate);
        loop {
            let part = part_after(&db, tenant, &campaign.plan.audience, after, size).await?;
            after = part.last;
            if !part.recipients.is_empty() || !part.excluded.is_empty() {
                let (rest, recipients) = part.recipients.into_iter().partition(|id| text.is_rest(*id));
                let chosen = Chosen { recipients, rest, excluded: part.excluded };
                self.app.choose_recipients(self.caller, campaign_id, &chosen).await?;
            }
            if !part.more {
                break;
            }
        }
        self.app.end_audience(self.caller, campaign_id).await?;
        Ok(())
    }

    /// How fast the campaign goes out on this day.
    async fn rate(&self, campaign: &Described, now: DateTime<Utc>) -> Result<Rate, CampaignError> {
        let (seasons, otherwise) = (&campaign.plan.seasons, campaign.plan.rate);
        if seasons.is_empty() {
            return Ok(otherwise);
        }
        Ok(seasons.rate_at(self.app.zone(self.caller.tenant).await?, now, otherwise))
    }

    /// Looks at what the variants achieved in the test, as the read tables show it: once.
    async fn end_test(&self, campaign: &Described, rule: WinnerRule) -> Result<(), CampaignError> {
        self.reads.wait_for(self.app.end().await?, PATIENCE).await?;
        let (tenant, campaign_id) = (self.caller.tenant, campaign.campaign_id);
        let shares = campaign.plan.experiment.as_ref().map(|experiment| experiment.shares.variants());
        let started_at = campaign.started_at.unwrap_or(DateTime::UNIX_EPOCH);
        let found = tested(
            &self.reads.db(),
            tenant,
            campaign_id,
            started_at,
            Metric::of(rule.metric),
            shares.unwrap_or_default(),
        )
        .await?;
        match rule.judge(found) {
            Ok(tested) => self.app.end_test(self.caller, campaign_id, &tested).await?,
            Err(error) => {
                let reason = error.to_string();
                self.app.stop_campaign(self.caller, campaign_id, PauseCause::Failure, &reason, None).await?;
            }
        }
        Ok(())
    }

    /// Pauses the campaign if too many of its messages went wrong since it was last paused for that.
    async fn breaks_a_threshold(&self, campaign: &Described) -> Result<bool, CampaignError> {
        let (tenant, campaign_id) = (self.caller.tenant, campaign.campaign_id);
        let mut counts = Counts::default();
        for row in campaign_metrics::totals(&self.reads.db(), tenant, &[campaign_id]).await? {
            let count = |number: i64| u64::try_from(number).unwrap_or_default();
            counts.attempts += count(row.sent) + count(row.failed);
            counts.complaints += count(row.complained);
            counts.hard_bounces += count(row.hard_bounced);
            counts.errors += count(row.failed);
        }
        let Some(breach) = campaign.plan.thresholds.breach(counts.since(campaign.measured)) else { return Ok(false) };
        let reason = format!(
            "{} of {} messages: {} is over the threshold of {} basis points",
            breach.count, breach.attempts, breach.threshold, breach.allowed_basis_points
        );
        self.app.stop_campaign(self.caller, campaign_id, PauseCause::Threshold, &reason, Some(counts)).await?;
        Ok(true)
    }

    /// Asks for the messages to the next recipients of the part in work. When it returns, no more than `last` are in the air.
    async fn ask(&self, run: &mut Run, count: usize, last: usize) -> Result<(), CampaignError> {
        let Run { text, part: Some(part), ending, flight, .. } = run else { return Ok(()) };
        let (next, later) = (part.recipients[part.asked..part.asked + count].to_vec(), part.after(count));
        let Warmed { in_turn, addresses } = self.app.warm_recipients(self.caller, text, &next).await?;
        let (waiting, at_once): (Vec<CustomerId>, _) = next.into_iter().partition(|id| in_turn.contains(id));
        let (asking, number) = (self.asking(text), part.number);
        part.asked += count;
        let mut parts: Vec<&mut Part> = ending.iter_mut().chain(std::iter::once(&mut *part)).collect();
        if !waiting.is_empty() || flight.shares(&addresses) {
            flight.land(0, &mut parts).await?;
        }
        flight.begin(&asking, number, &at_once, addresses);
        let last = if waiting.is_empty() { last } else { 0 };
        // While these wait for their commit, the next ones are read.
        let after = self.app.warm_recipients(self.caller, text, &later);
        let (landed, warmed) = tokio::join!(flight.land(last, &mut parts), after);
        landed?;
        warmed?;
        for id in waiting {
            part.add(vec![asking.ask(id).await?]);
        }
        Ok(())
    }

    fn asking(&self, text: &Arc<CampaignText>) -> Asking {
        let (app, reads, caller) = (self.app.clone(), self.reads.clone(), self.caller.clone());
        Asking { app, reads, caller, text: Arc::clone(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_done_within_seconds_at_any_rate() {
        let size = |messages, per| part_size(Rate { messages, per, burst: 0 });
        assert_eq!((size(60, Per::Minute), size(600, Per::Minute), size(20, Per::Hour)), (10, 100, 10));
        assert_eq!((size(5_000, Per::Second), part_size(Rate::OFF)), (1_000, 1_000));
    }
}
