//! A circuit breaker: an account whose calls keep failing rests, and one message tries it again.

use chrono::{DateTime, TimeDelta, Utc};

/// How many of the last calls are looked at.
const WINDOW: u32 = 20;
/// It opens only after so many.
const ENOUGH: u32 = 10;
/// The first rest; each one that follows a failed trial is twice as long.
const REST: TimeDelta = TimeDelta::seconds(30);
/// The longest rest.
const LONGEST: TimeDelta = TimeDelta::minutes(10);
/// A trial that is not heard of for so long has failed to tell anything: another message may try.
const TRIAL: TimeDelta = TimeDelta::minutes(2);
/// Calls that are older tell nothing of now.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::minutes(10);

/// What a circuit heard of the calls.
#[derive(Debug, Clone, Default)]
pub struct Circuit {
    /// A bit for each of the last calls, the newest lowest; set if it failed.
    recent: u32,
    calls: u32,
    last_call: Option<DateTime<Utc>>,
    open: Option<Open>,
}

/// While it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Until then nothing is called; after it one message is.
    pub until: DateTime<Utc>,
    /// How many rests there were one after the other.
    rests: u32,
    /// Since when a message tries it.
    trial: Option<DateTime<Utc>>,
}

impl Circuit {
    /// Counts a call: failed, or answered in whatever way.
    pub fn record(&mut self, failed: bool, now: DateTime<Utc>) {
        if !failed && self.open.is_some() {
            *self = Self::default();
        }
        if self.last_call.is_some_and(|last| now - last > FORGOTTEN_AFTER) && self.open.is_none() {
            *self = Self::default();
        }
        self.last_call = Some(now);
        self.recent = ((self.recent << 1) | u32::from(failed)) & ((1 << WINDOW) - 1);
        self.calls = (self.calls + 1).min(WINDOW);
        match self.open {
            // The trial failed. What was called before the circuit opened says nothing new.
            Some(open) if failed && open.trial.is_some() => self.rest(open.rests + 1, now),
            Some(_) => {}
            None if self.calls >= ENOUGH && self.recent.count_ones() * 2 >= self.calls && failed => self.rest(1, now),
            None => {}
        }
    }

    fn rest(&mut self, rests: u32, now: DateTime<Utc>) {
        let length = REST * 2_i32.pow(rests.saturating_sub(1).min(8));
        self.open = Some(Open { until: now + length.min(LONGEST), rests, trial: None });
    }

    /// Whether it lets no message through now.
    #[must_use]
    pub fn blocks(&self, now: DateTime<Utc>) -> bool {
        self.open.is_some_and(|open| now < open.until || open.trial.is_some_and(|since| now - since < TRIAL))
    }

    /// A message is let through: if the circuit is open, as a trial, alone.
    pub fn let_through(&mut self, now: DateTime<Utc>) {
        if let Some(open) = &mut self.open {
            open.trial = Some(now);
        }
    }

    /// Since it is open: until when it rests.
    #[must_use]
    pub fn open(&self) -> Option<Open> {
        self.open
    }

    /// How many of the last calls failed, and of how many.
    #[must_use]
    pub fn failures(&self) -> (u32, u32) {
        (self.recent.count_ones(), self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn failing() -> Circuit {
        let mut circuit = Circuit::default();
        (0..10).for_each(|second| circuit.record(true, at(second)));
        circuit
    }

    #[test]
    fn it_opens_once_half_of_enough_calls_failed() {
        let mut circuit = Circuit::default();
        for second in 0..9 {
            circuit.record(true, at(second));
            assert!(!circuit.blocks(at(second)));
        }
        circuit.record(true, at(9));
        assert!(circuit.blocks(at(9)) && circuit.blocks(at(38)) && !circuit.blocks(at(39)));
        let mut mixed = Circuit::default();
        for second in 0..60 {
            mixed.record(second % 3 == 0, at(second));
        }
        assert!(!mixed.blocks(at(60)), "a third fails");
    }

    #[test]
    fn one_message_tries_it_and_its_answer_decides() {
        let mut circuit = failing();
        circuit.let_through(at(40));
        assert!(circuit.blocks(at(41)), "the trial is alone");
        let mut again = circuit.clone();
        again.record(true, at(45));
        assert!(again.blocks(at(45 + 59)) && !again.blocks(at(45 + 60)), "the second rest is twice as long");
        circuit.record(false, at(45));
        assert!(!circuit.blocks(at(45)));
        (0..8).for_each(|second| circuit.record(true, at(50 + second)));
        assert!(!circuit.blocks(at(60)) && circuit.failures() == (8, 9), "it counts again from the trial on");
        let mut unheard = failing();
        unheard.let_through(at(40));
        assert!(!unheard.blocks(at(40 + 120)), "a trial that is never heard of holds nobody up");
    }

    #[test]
    fn what_was_called_before_it_opened_does_not_prolong_its_rest() {
        let mut circuit = failing();
        let until = circuit.open().map(|open| open.until);
        circuit.record(true, at(12));
        assert_eq!(circuit.open().map(|open| open.until), until);
    }

    #[test]
    fn calls_of_long_ago_tell_nothing() {
        let mut circuit = Circuit::default();
        (0..9).for_each(|second| circuit.record(true, at(second)));
        circuit.record(true, at(3_600));
        assert!(!circuit.blocks(at(3_600)));
    }
}
