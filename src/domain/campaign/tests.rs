//! Decisions on campaigns, given, when, then.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{
    CancelCampaign, ChangeCampaign, CreateCampaign, Outcomes, PauseCampaign, Readiness, SetCampaignRate, StartCampaign,
    begin, cancel, change, choose, chosen, complete, create, decided, pause, resume, set_rate, start, stop, unschedule,
};
use super::event::{CampaignEvent, CampaignRunEvent, PauseCause};
use super::plan::{Audience, CampaignPlan};
use super::run::CampaignRun;
use super::schedule::{Counts, Rate, Schedule, Thresholds, When};
use super::state::{Campaign, CampaignState};
use crate::domain::decision::{Context, Decision, Meta, Policy};
use crate::domain::value::Channel;
use crate::ids::{CampaignId, CustomerId, EventId, ListId, TenantSecret};

const ID: CampaignId = CampaignId(uuid::Uuid::from_u128(7));

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("a moment") + TimeDelta::minutes(minutes)
}

fn plan(when: When) -> CampaignPlan {
    CampaignPlan {
        name: "Spring".to_owned(),
        channel: Channel::Email,
        topic: "news".to_owned(),
        template: "spring".to_owned(),
        version: None,
        variables: BTreeMap::new(),
        audience: Audience { lists: vec![ListId(uuid::Uuid::from_u128(1))], ..Audience::default() },
        schedule: Schedule { when, spread_minutes: 0 },
        rate: Rate::default_of(Channel::Email),
        thresholds: Thresholds::default(),
        experiment: None,
    }
}

/// A campaign and the clock.
struct World {
    campaign: Campaign,
    version: u64,
    now: DateTime<Utc>,
}

impl World {
    fn new(when: When) -> Self {
        let mut world = Self { campaign: Campaign::default(), version: 0, now: at(0) };
        world
            .act(|state, context| create(state, CreateCampaign { campaign_id: ID, plan: plan(when.clone()) }, context));
        world
    }

    /// Decides and folds; the code of a refusal.
    fn act(&mut self, decide: impl Fn(&Campaign, &Context<'_>) -> Decision<CampaignEvent>) -> Option<&'static str> {
        let (secret, policy) = (TenantSecret::new([7; 32]), Policy::default());
        let new_id = || uuid::Uuid::from_u128(99);
        let context = Context { now: self.now, new_id: &new_id, secret: &secret, policy: &policy };
        match decide(&self.campaign, &context) {
            Ok(events) => {
                for decided in events {
                    self.version += 1;
                    let meta = Meta { id: decided.id, version: self.version, occurred_at: decided.occurred_at };
                    self.campaign.apply(&decided.event, meta);
                }
                None
            }
            Err(refusal) => Some(refusal.code),
        }
    }

    /// As the runner does.
    fn record(&mut self, decide: impl Fn(&Campaign, &Context<'_>) -> Option<CampaignEvent>) -> bool {
        let before = self.version;
        self.act(|state, context| Ok(decide(state, context).map(|event| context.now(event)).into_iter().collect()));
        self.version > before
    }

    fn start(&mut self) -> Option<&'static str> {
        let versions = BTreeMap::from([("spring".to_owned(), 3)]);
        let command = StartCampaign { everybody: false, ready: Readiness { versions, audience: 5 } };
        self.act(|state, context| start(state, &command, context))
    }

    fn pause(&mut self) -> Option<&'static str> {
        self.act(|state, context| pause(state, PauseCampaign { reason: "a wrong price".to_owned() }, context))
    }

    fn cancel(&mut self) -> Option<&'static str> {
        self.act(|state, context| cancel(state, CancelCampaign { reason: "no wine left".to_owned() }, context))
    }

    fn state(&self) -> CampaignState {
        self.campaign.current.as_ref().expect("a campaign").state
    }
}

#[test]
fn a_campaign_goes_from_draft_to_the_end_and_each_step_is_refused_out_of_turn() {
    let mut world = World::new(When::Now {});
    assert_eq!(world.pause(), Some("CAMPAIGN_NOT_RUNNING"));
    assert_eq!(world.act(resume), Some("CAMPAIGN_NOT_RUNNING"));
    assert_eq!(world.start(), None);
    assert_eq!(world.state(), CampaignState::Running);
    // Two people press start.
    assert_eq!(world.start(), Some("CAMPAIGN_STARTED"));
    let other = ChangeCampaign { plan: plan(When::Now {}) };
    assert_eq!(world.act(|state, context| change(state, other.clone(), context)), Some("CAMPAIGN_STARTED"));
    assert_eq!((world.pause(), world.pause()), (None, None));
    assert_eq!(world.start(), Some("CAMPAIGN_PAUSED"));
    assert!(!world.record(|state, _| complete(state)), "a paused one is not completed");
    assert_eq!(world.act(resume), None);
    assert!(world.record(|state, _| complete(state)));
    assert_eq!((world.state(), world.start()), (CampaignState::Completed, Some("CAMPAIGN_STARTED")));
    // Its messages may still wait for their time.
    assert_eq!((world.pause(), world.state()), (None, CampaignState::Paused));
    assert_eq!((world.act(resume), world.record(|state, _| complete(state))), (None, true));
    assert_eq!((world.cancel(), world.state()), (None, CampaignState::Cancelled));
}

#[test]
fn a_cancelled_campaign_stays_cancelled() {
    for steps in 0..3 {
        let mut world = World::new(When::Now {});
        if steps > 0 {
            world.start();
        }
        if steps > 1 {
            world.pause();
        }
        assert_eq!((world.cancel(), world.cancel()), (None, None));
        assert_eq!((world.start(), world.act(resume)), (Some("CAMPAIGN_STARTED"), Some("CAMPAIGN_NOT_RUNNING")));
        assert_eq!(world.state(), CampaignState::Cancelled);
    }
}

#[test]
fn a_planned_start_comes_on_time_or_is_asked_about_again() {
    let ready = Readiness { versions: BTreeMap::new(), audience: 1 };
    for (late, state) in [
        (-1, CampaignState::Scheduled),
        (0, CampaignState::Running),
        (60, CampaignState::Running),
        (61, CampaignState::Draft),
    ] {
        let mut world = World::new(When::At { at: at(90) });
        assert_eq!((world.start(), world.state()), (None, CampaignState::Scheduled));
        world.now = at(90 + late);
        assert_eq!(world.record(|state, context| begin(state, &ready, context)), late >= 0);
        assert_eq!(world.state(), state, "{late} minutes late");
    }
    let mut world = World::new(When::At { at: at(-61) });
    assert_eq!(world.start(), Some("INVALID_INPUT"));
    let mut world = World::new(When::At { at: at(90) });
    world.start();
    assert_eq!((world.act(unschedule), world.state()), (None, CampaignState::Draft));
}

#[test]
fn a_local_time_begins_where_clocks_are_furthest_ahead() {
    let (date, time) = (at(0).date_naive() + TimeDelta::days(2), chrono::NaiveTime::MIN);
    let mut world = World::new(When::LocalTime { date, time });
    world.start();
    let start_at = world.campaign.current.as_ref().and_then(|campaign| campaign.start_at);
    assert_eq!(start_at, Some(at(2 * 24 * 60 - 14 * 60)));
}

#[test]
fn what_goes_wrong_pauses_it_and_counts_anew_once_it_goes_on() {
    let mut world = World::new(When::Now {});
    world.start();
    let counts = Counts { attempts: 1_000, complaints: 11, ..Counts::default() };
    assert!(world.record(|state, _| stop(state, PauseCause::Threshold, "11 of 1000", Some(counts))));
    assert_eq!(world.state(), CampaignState::Paused);
    world.act(resume);
    let campaign = world.campaign.current.as_ref().expect("a campaign");
    assert!(campaign.plan.thresholds.breach(counts.since(campaign.measured)).is_none());
    let more = Counts { attempts: 2_000, complaints: 13, ..Counts::default() };
    assert!(campaign.plan.thresholds.breach(more.since(campaign.measured)).is_some());
}

#[test]
fn the_rate_changes_until_the_end() {
    let mut world = World::new(When::Now {});
    let command = SetCampaignRate { rate: Rate::OFF };
    assert_eq!(world.act(|state, context| set_rate(state, &command, context)), None);
    assert_eq!(world.campaign.current.as_ref().map(|campaign| campaign.plan.rate), Some(Rate::OFF));
    let too_fast = SetCampaignRate { rate: Rate { messages: u32::MAX, ..Rate::OFF } };
    assert_eq!(world.act(|state, context| set_rate(state, &too_fast, context)), Some("INVALID_INPUT"));
    world.cancel();
    assert_eq!(world.act(|state, context| set_rate(state, &too_fast, context)), Some("INVALID_INPUT"));
}

fn person(number: u128) -> CustomerId {
    CustomerId(uuid::Uuid::from_u128(number))
}

fn fold(run: &mut CampaignRun, event: Option<CampaignRunEvent>, version: u64) -> bool {
    let Some(event) = event else { return false };
    run.apply(&event, Meta { id: EventId(uuid::Uuid::from_u128(1)), version, occurred_at: at(0) });
    true
}

#[test]
fn two_runners_choose_and_decide_each_part_once() {
    let mut run = CampaignRun::default();
    let part = |of: [u128; 2]| of.map(person).to_vec();
    let none = BTreeMap::new;
    let first = choose(&run, ID, part([1, 2]), none());
    assert!(fold(&mut run, first, 1));
    // The other runner read the same, or somewhat more.
    let again = choose(&run, ID, part([1, 2]), none());
    assert!(!fold(&mut run, again, 2));
    let overlapping = choose(&run, ID, part([2, 3]), BTreeMap::from([(person(4), "list".to_owned())]));
    assert!(fold(&mut run, overlapping, 2));
    assert_eq!((run.recipients, run.excluded, run.chosen_until), (3, 1, Some(person(4))));
    let ended = chosen(&run, ID);
    assert!(fold(&mut run, ended, 3));
    let late = choose(&run, ID, part([5, 6]), none());
    assert!(!fold(&mut run, late, 4), "who comes later is not part of the audience");

    assert_eq!(run.next_part(), Some(1));
    let done = decided(&run, ID, 0, Outcomes { queued: 2, ..Outcomes::default() });
    assert!(fold(&mut run, done, 4));
    let repeated = decided(&run, ID, 0, Outcomes { queued: 2, ..Outcomes::default() });
    assert!(!fold(&mut run, repeated, 5));
    assert_eq!(run.next_part(), Some(2));
}
