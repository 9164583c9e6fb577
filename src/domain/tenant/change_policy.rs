//! The command that changes a tenant's policy: what is entered is checked once, so that no rule ever has to ask whether
//! it makes sense.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use serde::Serialize;

use crate::domain::customer::decide::Patch;
use crate::domain::decision::{Context, Decision};
use crate::domain::message::history::{LONGEST_WINDOW_HOURS, MAX_LIMIT};
use crate::domain::refusal::Refusal;
use crate::domain::tenant::event::{PolicyChanged, TenantEvent};
use crate::domain::tenant::policy::{
    Blackout, CapWindow, EmergencyOverride, FrequencyCap, Policy, ProtectedWeekdays, QuietHours,
};
use crate::domain::tenant::state::Tenant;
use crate::domain::tenant::tracking::Tracking;
use crate::domain::text;
use crate::domain::value::Channel;
use crate::domain::value::place;

/// How many rules of one kind a policy has at most.
const MAX_RULES: usize = 50;
/// How many blackout dates a policy has at most: two years of them.
const MAX_DATES: usize = 732;
/// How long an emergency lasts at most.
const LONGEST_EMERGENCY: TimeDelta = TimeDelta::days(7);

/// Changes a tenant's policy. What is left out stays as it is; lists are replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UpdatePolicy {
    /// Whether marketing needs an explicit opt-in.
    pub require_opt_in: Option<bool>,
    /// The region of phone numbers without a country code.
    pub default_region: Patch<String>,
    /// The zone of customers whose own is not known.
    pub time_zone: Patch<String>,
    /// How many messages a customer gets at most.
    pub caps: Option<Vec<FrequencyCap>>,
    /// When nothing is sent.
    pub quiet_hours: Option<Vec<QuietHours>>,
    /// Days on which nothing is sent.
    pub blackout: Option<Blackout>,
    /// Weekdays on which nothing is sent.
    pub weekdays: Option<ProtectedWeekdays>,
    /// Lifts the rules on time and number for a while.
    pub emergency_override: Patch<Emergency>,
    /// After how many minutes a conversation resolves itself; 0: never.
    pub auto_resolve_minutes: Option<u32>,
    /// From how many customers on a campaign needs somebody's approval; 0: never.
    pub campaign_approval_from: Option<u32>,
    /// Our own tracking of opens and clicks, as a whole.
    pub tracking: Option<Tracking>,
}

/// An emergency as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Emergency {
    /// Until when; at most seven days from now.
    pub until: DateTime<Utc>,
    /// Why; no personal data.
    pub reason: String,
}

/// Changes the policy that is in force: the tenant's own, else the context's. `actor` declares the emergency, if there is one. Nothing
/// to change: nothing happens.
pub fn update(state: &Tenant, command: UpdatePolicy, actor: &str, context: &Context<'_>) -> Decision<TenantEvent> {
    if !state.exists {
        return Err(Refusal::new("TENANT_UNKNOWN", "this tenant does not exist"));
    }
    let before = state.policy.as_ref().unwrap_or(context.policy);
    let mut policy = before.clone();
    if let Some(require_opt_in) = command.require_opt_in {
        policy.require_opt_in = require_opt_in;
    }
    set(&mut policy.default_region, command.default_region, |region| {
        let region = text::optional("default_region", Some(region), text::SHORT)?;
        let read = |region: String| place::region(&region).map_err(|reason| Refusal::invalid("default_region", reason));
        region.map(read).transpose()
    })?;
    set(&mut policy.time_zone, command.time_zone, |zone| {
        let zone = text::optional("time_zone", Some(zone), text::SHORT)?;
        let read = |zone: &String| place::time_zone(zone).map_err(|reason| Refusal::invalid("time_zone", reason));
        zone.as_ref().map(read).transpose()?;
        Ok(zone)
    })?;
    if let Some(caps) = command.caps {
        policy.caps = clean_caps(caps)?;
    }
    if let Some(quiet) = command.quiet_hours {
        policy.quiet_hours = clean_quiet_hours(quiet)?;
    }
    if let Some(mut blackout) = command.blackout {
        blackout.dates.sort_unstable();
        blackout.dates.dedup();
        at_most("blackout.dates", blackout.dates.len(), MAX_DATES)?;
        policy.blackout = blackout;
    }
    if let Some(mut weekdays) = command.weekdays {
        weekdays.days.sort_unstable();
        weekdays.days.dedup();
        if weekdays.days.len() == 7 {
            return Err(Refusal::invalid("weekdays.days", "must leave at least one day of the week"));
        }
        policy.weekdays = weekdays;
    }
    set(&mut policy.emergency_override, command.emergency_override, |emergency| {
        if emergency.until <= context.now || emergency.until > context.now + LONGEST_EMERGENCY {
            return Err(Refusal::invalid("emergency_override.until", "must be within the next seven days"));
        }
        let reason = text::required("emergency_override.reason", emergency.reason, text::SHORT)?;
        Ok(Some(EmergencyOverride { until: emergency.until, reason, actor: actor.to_owned() }))
    })?;
    if let Some(minutes) = command.auto_resolve_minutes {
        policy.auto_resolve_minutes = minutes;
    }
    if let Some(from) = command.campaign_approval_from {
        policy.campaign_approval_from = from;
    }
    if let Some(tracking) = command.tracking {
        policy.tracking = tracking.clean()?;
    }
    if policy == *before && state.policy.is_some() {
        return Ok(vec![]);
    }
    Ok(vec![context.now(PolicyChanged { changed: changed(before, &policy), policy })])
}

/// Carries a patch out on a field; `clean` checks what it is set to.
pub(super) fn set<T, U>(
    field: &mut Option<U>,
    patch: Patch<T>,
    clean: impl FnOnce(T) -> Result<Option<U>, Refusal>,
) -> Result<(), Refusal> {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *field = None,
        Patch::Set(value) => *field = clean(value)?,
    }
    Ok(())
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("has {count} entries; at most {most} are allowed")))
}

fn clean_caps(caps: Vec<FrequencyCap>) -> Result<Vec<FrequencyCap>, Refusal> {
    at_most("caps", caps.len(), MAX_RULES)?;
    let clean = |(index, cap): (usize, FrequencyCap)| {
        if cap.limit > MAX_LIMIT {
            return Err(Refusal::invalid(format!("caps[{index}].limit"), format!("must be at most {MAX_LIMIT}")));
        }
        if let CapWindow::Rolling { hours } = cap.window
            && hours > LONGEST_WINDOW_HOURS
        {
            let message = format!("must be at most {LONGEST_WINDOW_HOURS}");
            return Err(Refusal::invalid(format!("caps[{index}].hours"), message));
        }
        let topic = match cap.topic.filter(|topic| !topic.trim().is_empty()) {
            Some(topic) => Some(text::word(&format!("caps[{index}].topic"), &topic)?),
            None => None,
        };
        Ok(FrequencyCap { topic, ..cap })
    };
    caps.into_iter().enumerate().map(clean).collect()
}

/// Whole minutes, and for no channel all day long: that would be a way to block everything.
fn clean_quiet_hours(quiet: Vec<QuietHours>) -> Result<Vec<QuietHours>, Refusal> {
    at_most("quiet_hours", quiet.len(), MAX_RULES)?;
    let whole = |time: NaiveTime| time.with_second(0).and_then(|time| time.with_nanosecond(0)).unwrap_or(time);
    let quiet: Vec<_> =
        quiet.into_iter().map(|hours| QuietHours { from: whole(hours.from), to: whole(hours.to), ..hours }).collect();
    for channel in Channel::ALL {
        let mut of_channel = quiet.iter().filter(|hours| hours.channel.is_none_or(|quiet| quiet == *channel));
        let minutes = (0..24 * 60).filter_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0));
        if minutes.into_iter().all(|time| of_channel.clone().any(|hours| hours.covers(time)))
            && of_channel.next().is_some()
        {
            let message = format!("must leave some time of the day for the channel {channel}");
            return Err(Refusal::invalid("quiet_hours", message));
        }
    }
    Ok(quiet)
}

/// The names of the fields that differ.
fn changed(before: &Policy, after: &Policy) -> Vec<String> {
    let fields = [
        ("require_opt_in", before.require_opt_in != after.require_opt_in),
        ("default_region", before.default_region != after.default_region),
        ("time_zone", before.time_zone != after.time_zone),
        ("caps", before.caps != after.caps),
        ("quiet_hours", before.quiet_hours != after.quiet_hours),
        ("blackout", before.blackout != after.blackout),
        ("weekdays", before.weekdays != after.weekdays),
        ("emergency_override", before.emergency_override != after.emergency_override),
        ("auto_resolve_minutes", before.auto_resolve_minutes != after.auto_resolve_minutes),
        ("campaign_approval_from", before.campaign_approval_from != after.campaign_approval_from),
        ("tracking", before.tracking != after.tracking),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scenario::{noon, with_context};
    use crate::domain::tenant::policy::{RuleAction, Weekday};

    fn after(before: &Policy, command: UpdatePolicy) -> Result<Option<PolicyChanged>, Refusal> {
        let tenant = Tenant { exists: true, policy: Some(before.clone()), ..Tenant::default() };
        let decided = with_context(before, |context| update(&tenant, command, "key:admin", context))?;
        Ok(decided.into_iter().find_map(|decided| match decided.event {
            TenantEvent::PolicyChanged(changed) => Some(changed),
            _ => None,
        }))
    }

    fn refused_for(command: UpdatePolicy) -> Option<String> {
        after(&Policy::default(), command).expect_err("it is refused").field
    }

    fn quiet(from: (u32, u32), to: (u32, u32)) -> QuietHours {
        let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time");
        QuietHours { channel: Some(Channel::Sms), from: time(from), to: time(to), action: RuleAction::Hold }
    }

    #[test]
    fn what_is_left_out_stays_and_the_event_carries_the_whole_policy() {
        let before = Policy { require_opt_in: true, ..Policy::default() };
        let command = UpdatePolicy { time_zone: Patch::Set(" Europe/Paris ".to_owned()), ..UpdatePolicy::default() };
        let changed = after(&before, command).expect("is accepted").expect("changes");
        assert!(changed.policy.require_opt_in);
        assert_eq!(changed.policy.time_zone.as_deref(), Some("Europe/Paris"));
        assert_eq!(changed.changed, ["time_zone"]);
    }

    #[test]
    fn nothing_to_change_changes_nothing_and_blank_is_off() {
        assert_eq!(after(&Policy::default(), UpdatePolicy::default()), Ok(None));
        let blank = UpdatePolicy { default_region: Patch::Set("  ".to_owned()), ..UpdatePolicy::default() };
        assert_eq!(after(&Policy::default(), blank), Ok(None));
    }

    #[test]
    fn a_policy_that_would_block_everything_is_refused() {
        let days = Weekday::ALL.to_vec();
        let weekdays = Some(ProtectedWeekdays { days, action: RuleAction::Hold });
        assert_eq!(refused_for(UpdatePolicy { weekdays, ..UpdatePolicy::default() }).as_deref(), Some("weekdays.days"));
        let quiet_hours = Some(vec![quiet((8, 0), (20, 0)), quiet((20, 0), (8, 0))]);
        assert_eq!(
            refused_for(UpdatePolicy { quiet_hours, ..UpdatePolicy::default() }).as_deref(),
            Some("quiet_hours")
        );
        let off = Some(vec![quiet((0, 0), (0, 0))]);
        assert!(after(&Policy::default(), UpdatePolicy { quiet_hours: off, ..UpdatePolicy::default() }).is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused_for_its_field() {
        let zone = UpdatePolicy { time_zone: Patch::Set("Mars/Olympus".to_owned()), ..UpdatePolicy::default() };
        assert_eq!(refused_for(zone).as_deref(), Some("time_zone"));
        let region = UpdatePolicy { default_region: Patch::Set("Atlantis".to_owned()), ..UpdatePolicy::default() };
        assert_eq!(refused_for(region).as_deref(), Some("default_region"));
        let cap = FrequencyCap {
            channel: None,
            topic: None,
            limit: MAX_LIMIT + 1,
            window: CapWindow::Day,
            action: RuleAction::Abort,
        };
        let caps = UpdatePolicy { caps: Some(vec![cap]), ..UpdatePolicy::default() };
        assert_eq!(refused_for(caps).as_deref(), Some("caps[0].limit"));
    }

    #[test]
    fn an_emergency_has_an_end_a_reason_and_an_actor() {
        let emergency = |until, reason: &str| UpdatePolicy {
            emergency_override: Patch::Set(Emergency { until, reason: reason.to_owned() }),
            ..UpdatePolicy::default()
        };
        let until = noon() + TimeDelta::hours(2);
        let changed = after(&Policy::default(), emergency(until, "recall of a bottle")).expect("is accepted");
        let declared = changed.expect("changes").policy.emergency_override.expect("is declared");
        assert_eq!((declared.until, declared.actor.as_str()), (until, "key:admin"));
        assert_eq!(refused_for(emergency(until, " ")).as_deref(), Some("emergency_override.reason"));
        let late = emergency(noon() + TimeDelta::days(8), "x");
        assert_eq!(refused_for(late).as_deref(), Some("emergency_override.until"));
    }
}
