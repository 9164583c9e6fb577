use serde_json::json;
use uuid::Uuid;

use super::super::shares::{Assignment, InvalidShares, Shares, Variant};
use super::SplitMix64;

const EXPERIMENT: Uuid = Uuid::from_u128(0x0190_f3c2_6b1e_7c44_9d2a_5b7e_11a0_c001);
const OTHER: Uuid = Uuid::from_u128(0x0190_f3c2_6b1e_7c44_9d2a_5b7e_11a0_c002);

fn variants(shares: &[u32]) -> Vec<Variant> {
    let names = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
    names.iter().zip(shares).map(|(name, share)| Variant { name: (*name).to_owned(), share: *share }).collect()
}

fn shares(variant_shares: &[u32], hold_out: u32, test: Option<u32>) -> Shares {
    Shares::try_new(variants(variant_shares), hold_out, test).expect("valid shares")
}

#[track_caller]
fn refused(variants: Vec<Variant>, hold_out: u32, test: Option<u32>) -> (String, String) {
    let refusal = Shares::try_new(variants, hold_out, test).expect_err("is refused");
    (refusal.place(), refusal.to_string())
}

#[track_caller]
fn assert_refused(found: &(String, String), place: &str, message: &str) {
    assert_eq!((found.0.as_str(), found.1.as_str()), (place, message));
}

#[test]
fn shares_that_are_not_the_whole_are_refused_with_their_sum() {
    let message = "the shares of the variants must add up to 100 %, not";
    assert_refused(&refused(variants(&[5_000, 5_100]), 0, None), "variants", &format!("{message} 101 %"));
    assert_refused(&refused(variants(&[5_000, 4_950]), 0, None), "variants", &format!("{message} 99.5 %"));
    assert_refused(&refused(variants(&[3_333, 3_333, 3_333]), 0, None), "variants", &format!("{message} 99.99 %"));
    assert!(Shares::try_new(variants(&[3_333, 3_333, 3_334]), 0, None).is_ok());
}

#[test]
fn there_are_two_to_eight_variants() {
    for given in [0, 1, 9] {
        assert_eq!(Shares::try_new(variants(&vec![1_000; given]), 0, None), Err(InvalidShares::Number { given }));
    }
    assert!(Shares::try_new(variants(&[1_250; 8]), 0, None).is_ok());
}

#[test]
fn every_refusal_names_its_place() {
    let named = |name: &str| {
        let mut variants = variants(&[5_000, 5_000]);
        variants[1].name = name.to_owned();
        refused(variants, 0, None)
    };
    for name in ["", " ", " B", "B ", "a\nb", &"x".repeat(41)] {
        assert_eq!(named(name).0, "variants[1].name", "{name:?}");
    }
    assert_refused(&named("A"), "variants[1].name", "variants 1 and 2 are both named \"A\"");
    let message = "the share of variant 2 must be above 0 % and at most 100 %, not";
    assert_refused(&refused(variants(&[10_000, 0]), 0, None), "variants[1].share", &format!("{message} 0 %"));
    let found = refused(variants(&[1, u32::MAX]), 0, None);
    assert_refused(&found, "variants[1].share", &format!("{message} 42949672.95 %"));
    let found = refused(variants(&[5_000, 5_000]), 10_000, None);
    assert_refused(&found, "hold_out", "the hold-out must be below 100 %, not 100 %");
    let found = refused(variants(&[5_000, 5_000]), 0, Some(10_001));
    assert_refused(&found, "test", "the test part must be at most 100 %, not 100.01 %");
}

#[test]
fn a_name_may_have_forty_characters_of_any_script() {
    let mut variants = variants(&[5_000, 5_000]);
    variants[0].name = "ß".repeat(40);
    assert!(Shares::try_new(variants, 0, None).is_ok());
}

#[test]
fn without_a_test_part_or_with_one_of_zero_all_are_tested() {
    let all = shares(&[5_000, 5_000], 0, None);
    assert_eq!(all.test(), 10_000);
    for test in [0, 10_000] {
        assert_eq!(shares(&[5_000, 5_000], 0, Some(test)), all);
    }
    let everybody = (0..1_000).map(|person| all.assign(EXPERIMENT, Uuid::from_u128(person)));
    assert!(everybody.into_iter().all(|assignment| matches!(assignment, Assignment::Variant(_))));
}

#[test]
fn shares_are_checked_when_they_are_read() {
    let written = json!({
        "variants": [{"name": "A", "share": 6000}, {"name": "B", "share": 4000}], "hold_out": 1000, "test": 2000,
    });
    let read: Shares = serde_json::from_value(written.clone()).expect("valid");
    assert_eq!(read, shares(&[6_000, 4_000], 1_000, Some(2_000)));
    assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
    let short = json!({"variants": [{"name": "A", "share": 6000}, {"name": "B", "share": 4000}]});
    assert_eq!(serde_json::from_value::<Shares>(short).expect("valid"), shares(&[6_000, 4_000], 0, None));
    let wrong = json!({"variants": [{"name": "A", "share": 6000}, {"name": "B", "share": 4100}]});
    let refusal = serde_json::from_value::<Shares>(wrong).expect_err("is refused").to_string();
    assert!(refusal.contains("not 101 %"), "{refusal}");
}

#[test]
fn assignments_are_the_same_for_ever() {
    // Computed with Python's hashlib. A change here would move people between variants of running experiments.
    let golden = "0rrr0r00r10101h2r0rr2000r1r10rr1rrh2200rrh00hhrr2rhr2rr0rrr0r0rh0r0rr0rr1002r00rrrrr1r1rrr2rrrrr0rrr";
    let shares = shares(&[5_000, 3_000, 2_000], 1_000, Some(4_000));
    let assigned = (1..=100).map(|person| match shares.assign(EXPERIMENT, Uuid::from_u128(person)) {
        Assignment::HoldOut => 'h',
        Assignment::Rest => 'r',
        Assignment::Variant(index) => char::from(b"012"[index]),
    });
    assert_eq!(assigned.collect::<String>(), golden);
}

#[test]
fn a_larger_hold_out_or_test_part_only_adds_people() {
    let (small, large) = (shares(&[5_000, 5_000], 500, Some(1_000)), shares(&[5_000, 5_000], 800, Some(3_000)));
    for person in (0..5_000).map(Uuid::from_u128) {
        let (before, after) = (small.assign(EXPERIMENT, person), large.assign(EXPERIMENT, person));
        match before {
            Assignment::HoldOut => assert_eq!(after, Assignment::HoldOut),
            Assignment::Variant(_) => assert!(after == before || after == Assignment::HoldOut),
            Assignment::Rest => {}
        }
    }
}

/// Asserts that `found` of `people` is what `probability` makes likely.
#[track_caller]
fn assert_likely(found: u32, people: u32, probability: f64) {
    let (people, found) = (f64::from(people), f64::from(found));
    let sigma = (people * probability * (1.0 - probability)).sqrt();
    let away = (found - people * probability) / sigma;
    assert!(away.abs() <= 4.0, "{found} of {people} is {away} sigmas from {probability}");
}

#[test]
fn two_hundred_thousand_people_are_spread_by_the_shares_and_experiments_do_not_depend_on_each_other() {
    const PEOPLE: u32 = 200_000;
    let shares = shares(&[5_000, 3_000, 1_500, 500], 1_000, Some(4_000));
    // Held out, then the variants, then the rest.
    let expected = [0.1, 0.9 * 0.4 * 0.5, 0.9 * 0.4 * 0.3, 0.9 * 0.4 * 0.15, 0.9 * 0.4 * 0.05, 0.9 * 0.6];
    let class = |assignment| match assignment {
        Assignment::HoldOut => 0,
        Assignment::Variant(index) => index + 1,
        Assignment::Rest => 5,
    };
    let mut generator = SplitMix64(20_080_320);
    let mut both = [[0_u32; 6]; 6];
    for _ in 0..PEOPLE {
        let person = Uuid::from_u64_pair(generator.next(), generator.next());
        both[class(shares.assign(EXPERIMENT, person))][class(shares.assign(OTHER, person))] += 1;
    }
    for (one, by_one) in both.iter().enumerate() {
        assert_likely(by_one.iter().sum(), PEOPLE, expected[one]);
        assert_likely(both.iter().map(|row| row[one]).sum(), PEOPLE, expected[one]);
        for (other, found) in by_one.iter().enumerate() {
            assert_likely(*found, PEOPLE, expected[one] * expected[other]);
        }
    }
}

proptest::proptest! {
    /// Whatever the shares are, each person has one assignment, which does not change.
    #[test]
    fn everybody_has_one_assignment(
        first in 1_u32..10_000, hold_out in 0_u32..10_000, test in proptest::option::of(0_u32..=10_000),
        experiment in proptest::num::u128::ANY, person in proptest::num::u128::ANY,
    ) {
        let shares = shares(&[first, 10_000 - first], hold_out, test);
        let (experiment, person) = (Uuid::from_u128(experiment), Uuid::from_u128(person));
        let assigned = shares.assign(experiment, person);
        proptest::prop_assert_eq!(assigned, shares.clone().assign(experiment, person));
        if let Assignment::Variant(index) = assigned {
            proptest::prop_assert!(index < 2);
        }
    }
}
