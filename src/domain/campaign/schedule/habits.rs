//! At which hours somebody reads: send-time optimisation from their own past opens and replies.

use std::cmp::Reverse;

use chrono::{DateTime, NaiveTime, Timelike as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How often a recipient opened and replied, by the hour that their own clock showed (0 to 23). Opens by machines must
/// be left out before: a proxy reads at any hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// Opens per local hour.
    pub opens: [u32; 24],
    /// Replies per local hour.
    pub replies: [u32; 24],
}

/// The time of the day that was chosen for a recipient, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HourChoice {
    /// Enough is known: the hour with the most opens and replies; of equal ones the earliest.
    Observed {
        /// The hour, 0 to 23.
        hour: u32,
        /// Opens in this hour.
        opens: u32,
        /// Replies in this hour.
        replies: u32,
        /// Opens and replies in all hours.
        observations: u64,
    },
    /// Too little is known: the fallback time counts.
    TooFew {
        /// Opens and replies in all hours.
        observations: u64,
        /// How many would be enough.
        needed: u32,
    },
}

impl Habits {
    /// The habits of somebody who opened and replied at these moments, on the clocks of a zone.
    #[must_use]
    pub fn of(opened: &[DateTime<Utc>], replied: &[DateTime<Utc>], zone: Tz) -> Self {
        let mut habits = Self::default();
        for (moments, hours) in [(opened, &mut habits.opens), (replied, &mut habits.replies)] {
            for moment in moments {
                let hour = moment.with_timezone(&zone).hour() as usize;
                hours[hour] = hours[hour].saturating_add(1);
            }
        }
        habits
    }

    /// How many opens and replies there are.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.opens.iter().chain(&self.replies).copied().map(u64::from).sum()
    }

    /// Chooses the time of the day. An open and a reply count the same; fewer than `needed` of them are too few, and 0
    /// is read as 1.
    #[must_use]
    pub fn choose(&self, fallback: NaiveTime, needed: u32) -> (NaiveTime, HourChoice) {
        let observations = self.observations();
        let needed = needed.max(1);
        let too_few = (fallback, HourChoice::TooFew { observations, needed });
        if observations < u64::from(needed) {
            return too_few;
        }
        let hours = (0_u32..).zip(self.opens.into_iter().zip(self.replies));
        let best = hours.min_by_key(|(_, (opens, replies))| Reverse(u64::from(*opens) + u64::from(*replies)));
        let Some((hour, (opens, replies))) = best else { return too_few };
        match NaiveTime::from_hms_opt(hour, 0, 0) {
            Some(time) => (time, HourChoice::Observed { hour, opens, replies, observations }),
            None => too_few,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nine() -> NaiveTime {
        NaiveTime::from_hms_opt(9, 0, 0).expect("a time")
    }

    #[test]
    fn hours_are_those_of_the_own_clock() {
        let at = |text: &str| text.parse().expect("a moment");
        let opened = [at("2026-07-01T07:30:00Z"), at("2026-12-01T07:30:00Z")];
        let habits = Habits::of(&opened, &[at("2026-12-01T23:30:00Z")], chrono_tz::Europe::Berlin);
        // Berlin is two hours ahead in summer, one in winter.
        assert_eq!((habits.opens[9], habits.opens[8], habits.replies[0]), (1, 1, 1));
        assert_eq!(habits.observations(), 3);
    }

    #[test]
    fn given_enough_observations_the_hour_with_the_most_is_chosen() {
        let mut habits = Habits::default();
        habits.opens[8] = 4;
        habits.opens[19] = 3;
        habits.replies[19] = 3;
        let (time, why) = habits.choose(nine(), 10);
        assert_eq!(time, NaiveTime::from_hms_opt(19, 0, 0).expect("a time"));
        assert_eq!(why, HourChoice::Observed { hour: 19, opens: 3, replies: 3, observations: 10 });
    }

    #[test]
    fn given_too_few_observations_the_fallback_counts() {
        let mut habits = Habits::default();
        habits.opens[8] = 9;
        assert_eq!(habits.choose(nine(), 10), (nine(), HourChoice::TooFew { observations: 9, needed: 10 }));
    }

    #[test]
    fn given_no_observations_not_even_a_minimum_of_zero_chooses_an_hour() {
        let none = Habits::default().choose(nine(), 0);
        assert_eq!(none, (nine(), HourChoice::TooFew { observations: 0, needed: 1 }));
    }

    #[test]
    fn of_hours_with_as_many_the_earliest_is_chosen() {
        let habits = Habits { opens: [u32::MAX; 24], replies: [u32::MAX; 24] };
        let (time, _) = habits.choose(nine(), u32::MAX);
        assert_eq!(time, NaiveTime::MIN);
    }
}
