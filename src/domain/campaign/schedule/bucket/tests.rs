use proptest::prelude::*;

use super::super::Per;
use super::*;

fn start() -> DateTime<Utc> {
    "2026-03-29T00:00:00Z".parse().expect("a time")
}

fn after(micros: i64) -> DateTime<Utc> {
    start() + TimeDelta::microseconds(micros)
}

fn seconds(seconds: i64) -> DateTime<Utc> {
    after(seconds * 1_000_000)
}

fn a_minute(messages: u32, burst: u32) -> Rate {
    Rate { burst, ..Rate::per_minute(messages) }
}

/// Takes and keeps the bucket.
fn take(bucket: &mut Bucket, now: DateTime<Utc>, wanted: u32, rate: Rate) -> Grant {
    let (rest, grant) = bucket.take(now, wanted, rate);
    *bucket = rest;
    grant
}

#[test]
fn given_a_restart_the_bucket_is_empty_and_the_first_message_waits_its_turn() {
    let rate = a_minute(60, 10);
    let mut bucket = Bucket::empty(start(), rate);
    assert_eq!(take(&mut bucket, start(), 5, rate), Grant { granted: 0, next: seconds(1) });
    assert_eq!(take(&mut bucket, after(999_999), 5, rate).granted, 0);
    assert_eq!(take(&mut bucket, seconds(1), 5, rate), Grant { granted: 1, next: seconds(2) });
}

#[test]
fn given_a_pause_a_burst_goes_at_once_and_no_more() {
    let rate = a_minute(60, 10);
    let mut bucket = Bucket::empty(start(), rate);
    assert_eq!(take(&mut bucket, seconds(3_600), 8, rate), Grant { granted: 8, next: seconds(3_600) });
    assert_eq!(take(&mut bucket, seconds(3_600), 8, rate), Grant { granted: 2, next: seconds(3_601) });
}

#[test]
fn given_a_rate_that_does_not_divide_nothing_is_lost() {
    let rate = Rate { messages: 7, per: Per::Second, burst: 2 };
    let mut bucket = Bucket::empty(start(), rate);
    let mut granted = 0;
    let mut now = start();
    while now < seconds(1_000) {
        let grant = take(&mut bucket, now, 1, rate);
        granted += grant.granted;
        now = grant.next;
    }
    granted += take(&mut bucket, seconds(1_000), 1, rate).granted;
    assert_eq!(granted, 7_000);
}

#[test]
fn given_another_rate_what_was_earned_is_kept() {
    let (slow, fast) = (a_minute(6, 5), a_minute(600, 5));
    let mut bucket = Bucket::empty(start(), slow);
    // Three messages and a half were earned at the slow rate.
    assert_eq!(take(&mut bucket, seconds(35), 0, fast), Grant { granted: 0, next: seconds(35) });
    assert_eq!(take(&mut bucket, seconds(35), 9, fast), Grant { granted: 3, next: after(35_050_000) });
    // Nobody knows since when a rate is slower: the time until it is first asked for counts at the slower one.
    assert_eq!(take(&mut bucket, seconds(40), 9, slow), Grant { granted: 1, next: seconds(50) });
    let low = a_minute(600, 1);
    let mut full = Bucket::empty(start(), a_minute(600, 50));
    assert_eq!(take(&mut full, seconds(60), 9, low).granted, 1);
}

#[test]
fn given_a_rate_that_is_off_everything_goes() {
    let rate = a_minute(60, 10);
    let mut bucket = Bucket::empty(start(), rate);
    let all = Grant { granted: u32::MAX, next: seconds(5) };
    assert_eq!(take(&mut bucket, seconds(5), u32::MAX, Rate::OFF), all);
    assert_eq!(take(&mut bucket, seconds(600), 1, Rate::OFF).granted, 1);
    assert_eq!(take(&mut bucket, seconds(600), 100, rate).granted, 5);
}

#[test]
fn given_a_clock_that_is_back_a_little_nothing_is_earned_until_it_has_caught_up() {
    let rate = a_minute(60, 10);
    let mut bucket = Bucket::empty(start(), rate);
    assert_eq!(take(&mut bucket, seconds(20), 10, rate).granted, 10);
    assert_eq!(take(&mut bucket, seconds(0), 10, rate), Grant { granted: 0, next: seconds(21) });
    assert_eq!(take(&mut bucket, seconds(20), 10, rate).granted, 0);
    assert_eq!(take(&mut bucket, seconds(21), 10, rate).granted, 1);
}

#[test]
fn given_a_clock_that_was_years_ahead_messages_do_not_wait_for_years() {
    let rate = a_minute(60, 10);
    let mut bucket = Bucket::empty(start(), rate);
    assert_eq!(take(&mut bucket, seconds(1_000_000_000), 3, rate).granted, 3);
    assert_eq!(take(&mut bucket, seconds(5), 10, rate), Grant { granted: 0, next: seconds(6) });
    assert_eq!(take(&mut bucket, seconds(6), 10, rate).granted, 1);
}

#[test]
fn moments_at_the_ends_of_time_do_not_overflow() {
    let rate = Rate { messages: u32::MAX, per: Per::Second, burst: u32::MAX };
    let (bucket, _) = Bucket::empty(DateTime::<Utc>::MIN_UTC, rate).take(DateTime::<Utc>::MAX_UTC, u32::MAX, rate);
    let slow = Rate { messages: 1, per: Per::Hour, burst: 1 };
    let (bucket, grant) = bucket.take(DateTime::<Utc>::MAX_UTC, 5, slow);
    assert_eq!((grant.granted, grant.next), (0, DateTime::<Utc>::MAX_UTC));
    let _ = bucket.take(DateTime::<Utc>::MIN_UTC, 1, slow);
}

fn rates() -> impl Strategy<Value = Rate> {
    let per = prop_oneof![Just(Per::Second), Just(Per::Minute), Just(Per::Hour)];
    (1..2_000_u32, per, 0..50_u32).prop_map(|(messages, per, burst)| Rate { messages, per, burst })
}

/// Steps between two asks, in microseconds; some go back.
fn steps(back: i64) -> impl Strategy<Value = Vec<(i64, u32)>> {
    let step = prop_oneof![3 => 0..2_000_000_i64, 1 => 0..100_000_000_i64, 1 => -back..1_i64, 1 => Just(0)];
    proptest::collection::vec((step, 0..60_u32), 1..80)
}

proptest! {
    #[test]
    fn in_any_window_no_more_is_granted_than_the_rate_earns_and_a_burst(rate in rates(), steps in steps(0)) {
        let mut bucket = Bucket::empty(start(), rate);
        let mut micros = 0;
        let mut grants = vec![];
        for (step, wanted) in steps {
            micros += step;
            let grant = take(&mut bucket, after(micros), wanted, rate);
            prop_assert!(grant.granted <= wanted);
            grants.push((micros, u128::from(grant.granted)));
        }
        for (from, (began, _)) in grants.iter().enumerate() {
            let mut sum = 0;
            for (ended, granted) in &grants[from..] {
                sum += granted;
                let window = u128::try_from(ended - began).expect("time passes");
                let most = window * u128::from(rate.speed()) + u128::from(rate.capacity());
                prop_assert!(sum * u128::from(PARTS) <= most);
            }
        }
        // From the start on, it is empty of burst.
        let all: u128 = grants.iter().map(|(_, granted)| granted).sum();
        let earned = u128::try_from(micros).expect("time passes") * u128::from(rate.speed());
        prop_assert!(all * u128::from(PARTS) <= earned);
    }

    #[test]
    fn however_clocks_and_rates_change_no_more_is_granted_than_the_time_that_passed_earns(
        steps in proptest::collection::vec((-200_000_000..200_000_000_i64, 0..60_u32, rates()), 1..60),
    ) {
        let (_, _, mut before) = steps[0];
        let mut bucket = Bucket::empty(start(), before);
        let (mut micros, mut earned, mut granted) = (0, 0, 0);
        for (step, wanted, rate) in steps {
            micros += step;
            let speed = before.speed().max(rate.speed());
            earned += u128::try_from(step).unwrap_or(0) * u128::from(speed);
            granted += u128::from(take(&mut bucket, after(micros), wanted, rate).granted);
            prop_assert!(granted * u128::from(PARTS) <= earned);
            before = rate;
        }
    }

    #[test]
    fn a_clock_that_goes_back_grants_no_more_than_one_that_stands_still(
        rate in rates(), steps in steps(0), back in 0..10_000_000_000_i64, wanted in any::<u32>(),
    ) {
        let mut bucket = Bucket::empty(start(), rate);
        let mut micros = 0;
        for (step, wanted) in steps {
            micros += step;
            take(&mut bucket, after(micros), wanted, rate);
        }
        let (_, still) = bucket.take(after(micros), wanted, rate);
        let (_, gone_back) = bucket.take(after(micros - back), wanted, rate);
        prop_assert!(gone_back.granted <= still.granted);
    }

    #[test]
    fn nothing_starves(rate in rates(), steps in steps(90_000_000)) {
        let mut bucket = Bucket::empty(start(), rate);
        let mut micros = 0;
        for (step, wanted) in steps {
            micros += step;
            let grant = take(&mut bucket, after(micros), wanted, rate);
            // Asked again when it said, it grants at least one; and that is never far away.
            let (_, again) = bucket.take(grant.next, 1, rate);
            prop_assert_eq!(again.granted, 1);
            let wait = grant.next - after(micros);
            let turn = i64::try_from(PARTS.div_ceil(rate.speed())).expect("an hour at most");
            prop_assert!(wait <= TimeDelta::microseconds(turn) + CLOCK_TOLERANCE);
            // A microsecond earlier, it grants none.
            if wait > TimeDelta::zero() {
                let (_, early) = bucket.take(grant.next - TimeDelta::microseconds(1), 1, rate);
                prop_assert_eq!(early.granted, 0);
            }
        }
    }
}
