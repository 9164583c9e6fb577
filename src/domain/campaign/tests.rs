//! Decisions on campaigns, given, when, then.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{
    CancelCampaign, ChangeCampaign, ChooseWinner, CreateCampaign, PauseCampaign, Readiness, SetCampaignRate,
    StartCampaign, approve, cancel, change, choose_winner, create, pause, resume, set_rate, start, unschedule,
};
use super::event::{CampaignEvent, CampaignRunEvent, PauseCause};
use super::experiment::shares::{Shares, Variant};
use super::plan::{Audience, CampaignPlan, Experiment};
use super::run::CampaignRun;
use super::running::{
    Chosen, Outcomes, begin, begin_occurrence, choose, chosen, complete, decided, end_test, next_occurrence, stop,
};
use super::schedule::{Calendar, Counts, Rate, Schedule, Thresholds, When};
use super::state::{Campaign, CampaignState};
use super::winner::{ChosenBy, Tested, Undecided, Winner, WinnerMetric, WinnerRule};
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
        fallbacks: vec![],
        variables: BTreeMap::new(),
        audience: Audience { lists: vec![ListId(uuid::Uuid::from_u128(1))], ..Audience::default() },
        schedule: Schedule { when, spread_minutes: 0 },
        stop_after_minutes: 0,
        rate: Rate::default_of(Channel::Email),
        seasons: Calendar::default(),
        thresholds: Thresholds::default(),
        budget: None,
        experiment: None,
    }
}

/// A campaign and the clock.
struct World {
    campaign: Campaign,
    version: u64,
    now: DateTime<Utc>,
    policy: Policy,
}

impl World {
    fn new(when: When) -> Self {
        Self::planned(plan(when))
    }

    fn planned(plan: CampaignPlan) -> Self {
        let mut world = Self { campaign: Campaign::default(), version: 0, now: at(0), policy: Policy::default() };
        let command = CreateCampaign { campaign_id: ID, plan };
        let refused = world.act(|state, context| create(state, command.clone(), "user:ann", context));
        assert_eq!(refused, None);
        world
    }

    /// Decides and folds; the code of a refusal.
    fn act(&mut self, decide: impl Fn(&Campaign, &Context<'_>) -> Decision<CampaignEvent>) -> Option<&'static str> {
        let (secret, policy) = (TenantSecret::new([7; 32]), self.policy.clone());
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
    fn record<I>(&mut self, decide: impl Fn(&Campaign, &Context<'_>) -> I) -> bool
    where
        I: IntoIterator<Item = CampaignEvent>,
    {
        let before = self.version;
        self.act(|state, context| Ok(decide(state, context).into_iter().map(|event| context.now(event)).collect()));
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
    assert_eq!(world.act(|state, context| change(state, other.clone(), "user:ann", context)), Some("CAMPAIGN_STARTED"));
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

fn fold(run: &mut CampaignRun, events: impl IntoIterator<Item = CampaignRunEvent>, version: u64) -> bool {
    let mut folded = 0;
    for event in events {
        run.apply(
            &event,
            Meta { id: EventId(uuid::Uuid::from_u128(1)), version: version + folded, occurred_at: at(0) },
        );
        folded += 1;
    }
    folded > 0
}

fn of(recipients: &[u128], rest: &[u128]) -> Chosen {
    let people = |of: &[u128]| of.iter().copied().map(person).collect();
    Chosen { recipients: people(recipients), rest: people(rest), excluded: BTreeMap::new() }
}

#[test]
fn two_runners_choose_and_decide_each_part_once() {
    let mut run = CampaignRun::default();
    let first = choose(&run, ID, of(&[1, 2], &[]));
    assert!(fold(&mut run, first, 1));
    // The other runner read the same, or somewhat more.
    let again = choose(&run, ID, of(&[1, 2], &[]));
    assert!(!fold(&mut run, again, 2));
    let excluded = BTreeMap::from([(person(4), "list".to_owned())]);
    let overlapping = choose(&run, ID, Chosen { excluded, ..of(&[2, 3], &[]) });
    assert!(fold(&mut run, overlapping, 2));
    assert_eq!((run.recipients, run.excluded, run.chosen_until), (3, 1, Some(person(4))));
    let ended = chosen(&run, ID);
    assert!(fold(&mut run, ended, 3));
    let late = choose(&run, ID, of(&[5, 6], &[]));
    assert!(!fold(&mut run, late, 4), "who comes later is not part of the audience");

    assert_eq!(run.next_part(), Some(1));
    let done = decided(&run, ID, 0, Outcomes { queued: 2, ..Outcomes::default() });
    assert!(fold(&mut run, done, 4));
    let repeated = decided(&run, ID, 0, Outcomes { queued: 2, ..Outcomes::default() });
    assert!(!fold(&mut run, repeated, 5));
    assert_eq!(run.next_part(), Some(2));
}

#[test]
fn the_rest_waits_behind_all_parts_of_the_test() {
    let mut run = CampaignRun::default();
    for (version, part) in [(1, of(&[1], &[2, 3])), (3, of(&[], &[4])), (4, of(&[5], &[]))] {
        let events = choose(&run, ID, part);
        assert!(fold(&mut run, events, version));
    }
    let ended = chosen(&run, ID);
    fold(&mut run, ended, 5);
    assert_eq!((&run.parts, &run.rest, run.recipients), (&vec![1, 4], &vec![2, 3], 5));
    let mut seen = vec![];
    while let Some(version) = run.next_part() {
        seen.push((version, run.is_at_rest(), run.tested_at.is_some()));
        let done = decided(&run, ID, run.decided, Outcomes { queued: 1, ..Outcomes::default() });
        assert!(fold(&mut run, done, 6));
    }
    assert_eq!(seen, [(1, false, false), (4, false, false), (2, true, true), (3, true, true)]);
}

fn tested_on_a_fifth() -> CampaignPlan {
    let variants = ["A", "B"].map(|name| Variant { name: name.to_owned(), share: 5_000 }).to_vec();
    let winner = WinnerRule { metric: WinnerMetric::Clicked, wait_minutes: 60, undecided: Undecided::Ask };
    let shares = Shares::try_new(variants, 0, Some(2_000)).expect("shares");
    let experiment = Experiment { shares, texts: BTreeMap::new(), winner: Some(winner) };
    CampaignPlan { experiment: Some(experiment), ..plan(When::Now {}) }
}

#[test]
fn the_winner_is_chosen_once_by_the_test_or_by_a_colleague() {
    let b = |chosen_by| Winner { variant: "B".to_owned(), chosen_by, tested: vec![], p_value: None, needed: None };
    let choice = |name: &str| ChooseWinner { variant: name.to_owned() };
    let mut world = World::planned(tested_on_a_fifth());
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("A"), c)), Some("CAMPAIGN_NOT_RUNNING"));
    world.start();
    assert!(world.record(|state, _| end_test(state, &Tested::Winner(b(ChosenBy::Test)))));
    assert!(!world.record(|state, _| end_test(state, &Tested::Winner(b(ChosenBy::Test)))), "by another runner");
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("A"), c)), Some("WINNER_KNOWN"));
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("B"), c)), None);

    let mut world = World::planned(tested_on_a_fifth());
    world.start();
    let asks = Tested::Ask { reason: "the differences may be chance".to_owned() };
    assert!(world.record(|state, _| end_test(state, &asks)));
    assert_eq!((world.state(), world.act(resume)), (CampaignState::Paused, Some("WINNER_UNKNOWN")));
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("C"), c)), Some("INVALID_INPUT"));
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("B"), c)), None);
    assert_eq!((world.act(resume), world.state()), (None, CampaignState::Running));

    let mut world = World::new(When::Now {});
    world.start();
    assert_eq!(world.act(|s, c| choose_winner(s, &choice("A"), c)), Some("WINNER_NOT_PLANNED"));
}

#[test]
fn a_test_of_a_part_needs_a_rule_and_a_rest() {
    let refused = |change: &dyn Fn(&mut Experiment)| {
        let mut plan = tested_on_a_fifth();
        change(plan.experiment.as_mut().expect("an experiment"));
        plan.checked().expect_err("it is refused").field
    };
    assert_eq!(refused(&|experiment| experiment.winner = None).as_deref(), Some("experiment.winner"));
    let whole = |experiment: &mut Experiment| {
        experiment.shares = Shares::try_new(experiment.shares.variants().to_vec(), 0, None).expect("shares");
    };
    assert_eq!(refused(&whole).as_deref(), Some("experiment.test"));
    let late = |experiment: &mut Experiment| {
        experiment.winner = experiment.winner.map(|rule| WinnerRule { wait_minutes: 0, ..rule });
    };
    assert_eq!(refused(&late).as_deref(), Some("experiment.winner.wait_minutes"));
}

#[test]
fn somebody_who_did_not_write_it_approves_and_a_change_takes_that_back() {
    let mut world = World::new(When::Now {});
    world.policy.campaign_approval_from = 5;
    assert_eq!(world.start(), Some("CAMPAIGN_UNAPPROVED"));
    assert_eq!(world.act(|s, c| approve(s, "user:ann", c)), Some("CAMPAIGN_OWN"));
    assert_eq!(world.act(|s, c| approve(s, "user:bob", c)), None);
    let other = CampaignPlan { name: "Summer".to_owned(), ..plan(When::Now {}) };
    let command = ChangeCampaign { plan: other };
    assert_eq!(world.act(|s, c| change(s, command.clone(), "user:bob", c)), None);
    assert_eq!(world.start(), Some("CAMPAIGN_UNAPPROVED"));
    assert_eq!(world.act(|s, c| approve(s, "user:bob", c)), Some("CAMPAIGN_OWN"));
    assert_eq!(world.act(|s, c| approve(s, "user:cy", c)), None);
    assert_eq!((world.start(), world.state()), (None, CampaignState::Running));
    assert_eq!(world.act(|s, c| approve(s, "user:cy", c)), Some("CAMPAIGN_STARTED"));

    let mut world = World::new(When::Now {});
    world.policy.campaign_approval_from = 6;
    assert_eq!(world.start(), None, "its audience of 5 needs nobody");
}

fn mondays() -> When {
    When::Recurring { cron: "0 9 * * 1".to_owned(), zone: "Europe/Berlin".to_owned(), until: None }
}

#[test]
fn each_occurrence_of_a_recurring_campaign_is_a_campaign_of_its_own() {
    let week = 7 * 24 * 60;
    // 1 January 2026 is a Thursday; Monday the 5th at 9 in Berlin is 8 UTC.
    let first = at(4 * 24 * 60 + 8 * 60);
    let mut world = World::new(mondays());
    assert_eq!((world.start(), world.state()), (None, CampaignState::Scheduled));
    let series = world.campaign.current.clone().expect("a campaign");
    assert_eq!(series.start_at, Some(first));
    world.now = first + TimeDelta::minutes(59);
    let id = CampaignId(uuid::Uuid::from_u128(8));
    let made = begin_occurrence(&Campaign::default(), &series, id, &plan(When::Now {}), &BTreeMap::new());
    let mut occurrence = Campaign::default();
    for (event, version) in made.iter().zip(1..) {
        let meta = Meta { id: EventId(uuid::Uuid::from_u128(1)), version, occurred_at: world.now };
        occurrence.apply(event, meta);
    }
    let described = occurrence.current.as_ref().expect("a campaign");
    assert_eq!((described.state, described.series), (CampaignState::Running, Some(ID)));
    assert_eq!(begin_occurrence(&occurrence, &series, id, &plan(When::Now {}), &BTreeMap::new()), vec![]);

    assert!(world.record(|state, context| next_occurrence(state, first, context)));
    assert!(!world.record(|state, context| next_occurrence(state, first, context)), "by another runner");
    let next = |world: &World| world.campaign.current.as_ref().and_then(|campaign| campaign.start_at);
    assert_eq!(next(&world), Some(first + TimeDelta::minutes(week)));
    // Two and a half weeks without a server: what was missed is not made up for.
    world.now = first + TimeDelta::minutes(3 * week + week / 2);
    let late = next(&world).expect("a time");
    assert!(world.record(|state, context| next_occurrence(state, late, context)));
    assert_eq!(next(&world), Some(first + TimeDelta::minutes(4 * week)));
    // It waits, paused, and goes on as planned.
    assert_eq!((world.pause(), world.state()), (None, CampaignState::Paused));
    assert_eq!((world.act(resume), world.state()), (None, CampaignState::Scheduled));
}

#[test]
fn a_recurring_campaign_ends_and_one_that_never_comes_is_refused() {
    let until = at(4 * 24 * 60 + 8 * 60);
    let When::Recurring { cron, zone, .. } = mondays() else { panic!("a recurring one") };
    let mut world = World::new(When::Recurring { cron, zone, until: Some(until) });
    world.start();
    world.now = until;
    assert!(world.record(|state, context| next_occurrence(state, until, context)));
    assert_eq!(world.state(), CampaignState::Completed);
    for cron in ["0 9 30 2 *", "61 9 * * *", "often"] {
        let when = When::Recurring { cron: cron.to_owned(), zone: "Europe/Berlin".to_owned(), until: None };
        assert_eq!(plan(when).checked().expect_err("it is refused").field.as_deref(), Some("schedule"), "{cron}");
    }
}
