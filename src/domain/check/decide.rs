//! Commands on a day's checks at a service.

use chrono::NaiveDate;

use crate::domain::check::event::{CheckEvent, CheckReleased, CheckReserved};
use crate::domain::check::state::DayOfChecks;
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;

/// Reserves a check, before the service is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveCheck {
    /// The name of the service.
    pub validator: &'static str,
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The most checks of a day; absent: no limit.
    pub daily: Option<u64>,
}

/// Reserves a check if the day has one left. Who appends it at the version that was looked at cannot pass the limit
/// together with somebody else.
pub fn reserve(state: &DayOfChecks, command: &ReserveCheck, context: &Context<'_>) -> Decision<CheckEvent> {
    let ReserveCheck { validator, day, daily } = command;
    if let Some(most) = daily.filter(|most| state.made >= *most) {
        let message = format!("{validator} has made the {most} checks that it may make in a day (of UTC)");
        return Err(Refusal::new("VALIDATION_BUDGET_SPENT", message));
    }
    Ok(vec![context.now(CheckReserved { validator: (*validator).to_owned(), day: *day })])
}

/// Gives a check back that was reserved, and that the service definitely refused to make.
pub fn release(command: &ReserveCheck, context: &Context<'_>) -> Decision<CheckEvent> {
    Ok(vec![context.now(CheckReleased { validator: command.validator.to_owned(), day: command.day })])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::decision::{Meta, Policy};
    use crate::domain::scenario::{noon, with_context};
    use crate::ids::EventId;

    fn asked(daily: Option<u64>) -> ReserveCheck {
        ReserveCheck { validator: "neverbounce", day: noon().date_naive(), daily }
    }

    fn reserved(state: &DayOfChecks, daily: Option<u64>) -> Decision<CheckEvent> {
        with_context(&Policy::default(), |context| reserve(state, &asked(daily), context))
    }

    /// The day after these decisions.
    fn after(state: DayOfChecks, decided: Decision<CheckEvent>) -> DayOfChecks {
        decided.expect("it is decided").iter().fold(state, |mut state, decided| {
            let meta = Meta { id: EventId(Uuid::nil()), version: 1, occurred_at: decided.occurred_at };
            state.apply(&decided.event, meta);
            state
        })
    }

    #[test]
    fn a_day_has_as_many_checks_as_its_limit() {
        let mut day = DayOfChecks::default();
        for made in 1..=2 {
            day = after(day, reserved(&day, Some(2)));
            assert_eq!(day.made, made);
        }
        let refusal = reserved(&day, Some(2)).expect_err("none is left");
        assert_eq!(refusal.code, "VALIDATION_BUDGET_SPENT");
        assert!(reserved(&day, Some(3)).is_ok() && reserved(&day, None).is_ok());
    }

    #[test]
    fn a_check_that_was_not_made_is_given_back_once() {
        let day = after(DayOfChecks::default(), reserved(&DayOfChecks::default(), Some(1)));
        let given_back = with_context(&Policy::default(), |context| release(&asked(Some(1)), context));
        let day = after(day, given_back.clone());
        assert!(reserved(&day, Some(1)).is_ok());
        assert_eq!(after(day, given_back).made, 0);
    }
}
