//! Decisions on campaigns of the past, given, when, then.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::domain::campaign::decide::{
    CancelCampaign, PauseCampaign, Readiness, SetCampaignRate, StartCampaign, cancel, pause, resume, set_rate, start,
    unschedule,
};
use crate::domain::campaign::schedule::Rate;
use crate::domain::decision::{Meta, Policy};
use crate::domain::scenario::{IMPORT, noon, with_context};

fn holiday() -> PastCampaign {
    PastCampaign {
        name: "Holiday test".to_owned(),
        channel: Channel::Email,
        started_at: noon() - TimeDelta::hours(1),
        variants: ["mens", "womens"].map(str::to_owned).into(),
        held_out: true,
    }
}

/// What importing a campaign brings.
fn imported(state: &Campaign, campaign: PastCampaign) -> Decision<CampaignEvent> {
    with_context(&Policy::default(), |context| import(state, campaign, IMPORT, context))
}

fn folded(events: impl IntoIterator<Item = CampaignEvent>) -> Campaign {
    let mut state = Campaign::default();
    for (version, event) in (1..).zip(events) {
        let meta = Meta { id: crate::ids::EventId(Uuid::from_u128(1)), version, occurred_at: noon() };
        state.apply(&event, meta);
    }
    state
}

/// A campaign that came in.
fn past() -> Campaign {
    folded(imported(&Campaign::default(), holiday()).unwrap().into_iter().map(|decided| decided.event))
}

#[test]
fn a_campaign_comes_in_once_and_as_the_same() {
    assert_eq!(imported(&past(), holiday()), Ok(vec![]));
    let otherwise = PastCampaign { name: "Another".to_owned(), ..holiday() };
    assert_eq!(imported(&past(), otherwise).unwrap_err().code, "CAMPAIGN_IMPORTED_DIFFERENTLY");
}

#[test]
fn what_cannot_be_compared_or_is_not_over_is_refused() {
    let field = |campaign: PastCampaign| campaign.checked(noon()).unwrap_err().field;
    let with = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert!(holiday().checked(noon()).is_ok());
    assert!(PastCampaign { variants: with(&["mens"]), ..holiday() }.checked(noon()).is_ok());
    for (held_out, names) in [(true, &[][..]), (false, &["mens"]), (false, &["mens", " "]), (true, &["a\nb"])] {
        assert_eq!(
            field(PastCampaign { variants: with(names), held_out, ..holiday() }),
            Some("variants".to_owned()),
            "{names:?}"
        );
    }
    let later = PastCampaign { started_at: noon() + TimeDelta::seconds(1), ..holiday() };
    assert_eq!(field(later), Some("started_at".to_owned()));
    assert_eq!(field(PastCampaign { name: " ".to_owned(), ..holiday() }), Some("name".to_owned()));
}

#[test]
fn nothing_of_it_can_be_sent() {
    let state = past();
    assert!(state.current.is_none(), "the runner finds nothing to run");
    let reason = || "why".to_owned();
    with_context(&Policy::default(), |context| {
        let begun = StartCampaign { everybody: true, ready: Readiness::default() };
        for decided in [
            start(&state, &begun, context),
            unschedule(&state, context),
            pause(&state, PauseCampaign { reason: reason() }, context),
            resume(&state, context),
            set_rate(&state, &SetCampaignRate { rate: Rate::OFF }, context),
            cancel(&state, CancelCampaign { reason: reason() }, context),
        ] {
            assert_eq!(decided.unwrap_err().code, "CAMPAIGN_IMPORTED");
        }
    });
}

#[test]
fn an_undone_import_retracts_it_once() {
    let campaign_id = CampaignId(Uuid::from_u128(7));
    let event = retract(&past(), campaign_id, IMPORT).unwrap();
    let brought = imported(&Campaign::default(), holiday()).unwrap().remove(0).event;
    assert_eq!(retract(&folded([brought, event]), campaign_id, IMPORT), None);
    assert_eq!(retract(&Campaign::default(), campaign_id, IMPORT), None);
}

#[test]
fn a_part_has_the_same_ids_however_often_it_is_recorded_and_only_what_is_new() {
    let people = |numbers: &[u128]| numbers.iter().map(|n| CustomerId(Uuid::from_u128(*n))).collect();
    let part = Assigned { recipients: people(&[2, 3]), held_out: people(&[1]) };
    let campaign_id = CampaignId(Uuid::from_u128(7));
    let events = |part: &Assigned, number| {
        with_context(&Policy::default(), |context| part.events(campaign_id, number, noon(), context))
    };
    assert_eq!(events(&part, 0), events(&part, 0));
    assert_ne!(events(&part, 0)[0].id, events(&part, 1)[0].id);
    let mut more = Assigned { recipients: people(&[2, 3, 4]), held_out: people(&[1]) };
    more.leave_out(&events(&part, 0)[0].event);
    assert_eq!(more, Assigned { recipients: people(&[4]), held_out: people(&[]) });
    assert_ne!(events(&more, 0)[0].id, events(&part, 0)[0].id);
    let mut run = CampaignRun::default();
    for (version, decided) in (1..).zip(events(&part, 0)) {
        run.apply(&decided.event, Meta { id: decided.id, version, occurred_at: decided.occurred_at });
    }
    assert_eq!((run.recipients, run.excluded, run.decided, run.next_part()), (2, 1, 1, None));
    let ended = end(&run, campaign_id).unwrap();
    run.apply(&ended, Meta { id: events(&part, 0)[0].id, version: 3, occurred_at: noon() });
    assert_eq!(end(&run, campaign_id), None);
}
