use super::super::level::{Interval, Level};
use super::super::proportions::{Counts, InvalidSample, difference, lift, smallest_sample, wilson, z_test};
use super::{assert_close, counts};

const FIVE: Level = Level::FIVE_PERCENT;

#[track_caller]
fn assert_interval(found: Interval, low: f64, high: f64) {
    for (found, expected) in [(found.low, low), (found.high, high)] {
        assert!((found - expected).abs() <= 1e-13 + expected.abs() * 1e-13, "{found} is not {expected}");
    }
}

#[test]
fn a_rate_has_wilsons_interval() {
    // Newcombe, Statistics in Medicine 17, 857-872 (1998), table I prints four digits of the first four; mpmath the rest.
    for (successes, trials, low, high) in [
        (81, 263, 0.255_288_519_878_274_2, 0.366_209_576_982_800_04),
        (15, 148, 0.062_386_399_530_736_28, 0.160_487_241_723_308_03),
        (0, 20, 0.0, 0.161_125_158_052_819_38),
        (1, 29, 0.006_113_214_292_762_66, 0.171_755_218_793_202_88),
        (20, 20, 0.838_874_841_947_180_6, 1.0),
    ] {
        assert_interval(wilson(counts(successes, trials), FIVE).expect("trials"), low, high);
    }
}

#[test]
fn a_difference_has_newcombes_interval() {
    // Newcombe, Statistics in Medicine 17, 873-890 (1998), table II prints four digits for method 10, such as 0.0524 to
    // 0.3339 for the first one; mpmath the rest.
    for (one, base, low, high) in [
        (counts(56, 70), counts(48, 80), 0.052_431_472_402_364_88, 0.333_872_654_036_905_97),
        (counts(9, 10), counts(3, 10), 0.170_522_723_934_502_88, 0.809_017_973_535_488),
        (counts(6, 7), counts(2, 7), 0.058_227_927_482_312_2, 0.806_249_637_524_227_7),
        (counts(5, 56), counts(0, 29), -0.038_137_147_903_536_9, 0.192_560_013_855_111_62),
        (counts(0, 10), counts(0, 20), -0.161_125_158_052_819_38, 0.277_532_799_862_889_26),
        (counts(10, 10), counts(0, 20), 0.679_086_037_141_914_6, 1.0),
    ] {
        let found = difference(one, base, FIVE).expect("trials");
        assert_interval(found.interval, low, high);
        let reversed = difference(base, one, FIVE).expect("trials");
        assert_interval(reversed.interval, -high, -low);
        assert_close(found.value, -reversed.value, 15);
    }
}

#[test]
fn aspirin_lowered_the_rate_of_heart_attacks_by_45_percent() {
    // The Physicians' Health Study: 104 of 11,037 doctors on aspirin, 189 of 11,034 on placebo, as in Agresti, An
    // Introduction to Categorical Data Analysis, 2nd edition (2007), section 2.2. The digits are by mpmath.
    let (aspirin, placebo) = (counts(104, 11_037), counts(189, 11_034));
    let test = z_test(aspirin, placebo).expect("trials");
    assert_close(test.z, -5.001_388_204_008_378, 13);
    assert_close(test.p_value, 5.691_896_973_740_856e-7, 12);
    let found = lift(aspirin, placebo, FIVE).expect("heart attacks");
    assert_close(found.value, -0.449_885_018_789_612_46, 13);
    assert_interval(found.interval.expect("an interval"), -0.566_326_884_091_032_5, -0.302_178_342_510_792_2);
    let found = difference(aspirin, placebo, FIVE).expect("trials");
    assert_interval(found.interval, -0.010_775_083_776_882_29, -0.004_702_029_746_381_496);
}

#[test]
fn nothing_is_said_about_groups_without_people() {
    let (none, some) = (Counts::try_new(0, 0).expect("nobody"), counts(3, 10));
    assert_eq!(wilson(none, FIVE), None);
    assert_eq!((z_test(none, some), z_test(some, none)), (None, None));
    assert_eq!((difference(none, some, FIVE), difference(some, none, FIVE)), (None, None));
    assert_eq!((lift(none, some, FIVE), lift(some, none, FIVE)), (None, None));
    assert!(Counts::try_new(11, 10).is_err());
}

#[test]
fn rates_at_the_borders_have_no_difference_and_no_width() {
    for (one, base) in [(counts(0, 10), counts(0, 20)), (counts(10, 10), counts(20, 20))] {
        let test = z_test(one, base).expect("trials");
        assert_eq!((test.z, test.p_value), (0.0, 1.0));
    }
    assert_eq!(lift(counts(3, 10), counts(0, 20), FIVE), None, "nothing to be above");
    let none = lift(counts(0, 10), counts(3, 10), FIVE).expect("a base");
    assert_eq!((none.value, none.interval), (-1.0, None));
    let all = lift(counts(10, 10), counts(20, 20), FIVE).expect("a base");
    assert_eq!((all.value, all.interval), (0.0, None));
}

#[test]
fn the_smallest_sample_is_that_of_the_textbook() {
    // R's help on power.prop.test computes 76.7 for the first one. The others by mpmath: 3840.8, 293.2, 15307.8, 355.9.
    for (baseline, difference, alpha, power, expected) in [
        (0.5, 0.25, 0.05, 0.9, 77),
        (0.1, 0.02, 0.05, 0.8, 3_841),
        (0.2, 0.1, 0.05, 0.8, 294),
        (0.05, -0.01, 0.01, 0.95, 15_308),
        (0.6, 0.1, 0.05, 0.8, 356),
        (0.001, 0.000_001, 0.05, 0.8, 15_689_894_887),
    ] {
        let alpha = Level::try_new(alpha).expect("a level");
        let found = smallest_sample(baseline, difference, alpha, power).expect("a sample");
        // Near 10^10 the tenth digit depends on the last one of the difference.
        assert!(found.abs_diff(expected) * 1_000_000_000 <= expected, "{found} is not {expected}");
    }
}

#[test]
fn a_sample_that_cannot_be_computed_is_refused() {
    let sample = |baseline, difference, power| smallest_sample(baseline, difference, FIVE, power);
    for given in [0.0, 1.0, -0.1, f64::INFINITY] {
        assert_eq!(sample(given, 0.1, 0.8), Err(InvalidSample::Baseline { given }));
    }
    for given in [0.0, 1e-7, 0.8, -0.2, f64::INFINITY] {
        assert_eq!(sample(0.2, given, 0.8), Err(InvalidSample::Difference { given }));
    }
    assert!(matches!(sample(f64::NAN, 0.1, 0.8), Err(InvalidSample::Baseline { .. })));
    assert!(matches!(sample(0.2, f64::NAN, 0.8), Err(InvalidSample::Difference { .. })));
    for given in [0.49, 1.0, -1.0] {
        assert_eq!(sample(0.2, 0.1, given), Err(InvalidSample::Power { given }));
    }
}

#[test]
fn a_level_is_between_its_bounds() {
    for given in [0.0, 1e-10, 0.51, 1.0, -0.05, f64::NAN] {
        assert!(Level::try_new(given).is_err(), "{given}");
    }
    assert_eq!(Level::try_new(0.05), Ok(FIVE));
    assert_close(FIVE.shared_by(3).get(), 0.05 / 3.0, 15);
    assert_eq!(FIVE.shared_by(0), FIVE);
}

proptest::proptest! {
    /// Whatever the counts are, estimates are inside their intervals, and intervals inside what can be.
    #[test]
    fn estimates_are_inside_their_intervals(
        n in 1_u64..1_000_000, m in 1_u64..1_000_000, x in 0_u64..=1000, y in 0_u64..=1000, level in 1e-6..0.5_f64,
    ) {
        let (one, base) = (counts(n * x / 1000, n), counts(m * y / 1000, m));
        let level = Level::try_new(level).expect("a level");
        let rate = one.rate().expect("trials");
        let alone = wilson(one, level).expect("trials");
        proptest::prop_assert!(0.0 <= alone.low && alone.low <= rate && rate <= alone.high && alone.high <= 1.0);
        let found = difference(one, base, level).expect("trials");
        let Interval { low, high } = found.interval;
        proptest::prop_assert!(-1.0 <= low && low <= found.value && found.value <= high && high <= 1.0);
        if let Some((found, interval)) = lift(one, base, level).and_then(|lift| Some((lift.value, lift.interval?))) {
            proptest::prop_assert!(-1.0 <= interval.low && interval.low <= found && found <= interval.high);
        }
        let test = z_test(one, base).expect("trials");
        proptest::prop_assert!((0.0..=1.0).contains(&test.p_value));
    }
}
