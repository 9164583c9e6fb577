use super::super::level::Level;
use super::super::means::{InvalidSpend, Spend, difference};
use super::assert_close;

const FIVE: Level = Level::FIVE_PERCENT;

fn spend(amounts: &[i64]) -> Spend {
    amounts.iter().fold(Spend::default(), |spend, amount| spend.with(*amount).expect("it fits"))
}

#[test]
fn two_means_are_compared_by_welch() {
    // Expected: `statistics.variance` over fractions, `math.erfc`, and the quantile 1.959_963_984_540_054.
    let one = spend(&[12_500_000, 0, 3_250_001, 7_000_000, -1_000_000, 0, 0]);
    let base = spend(&[1_000_000, 2_000_000, 0, 0, 500_000]);
    assert_eq!((one.customers(), one.sum(), one.sum_of_squares()), (7, 21_750_001, 216_812_506_500_001));
    assert_close(one.variance().expect("several"), 24_872_023_857_143.0, 14);
    let found = difference(one, base, FIVE).expect("amounts differ");
    assert_close(found.value, 2_407_143.0, 14);
    assert_close(found.interval.low, -1_359_429.619_368_150_4, 13);
    assert_close(found.interval.high, 6_173_715.619_368_151, 13);
    assert_close(found.z, 1.252_574_704_488_012_2, 13);
    assert_close(found.p_value, 0.210_360_525_407_768_7, 13);
}

#[test]
fn the_spread_of_nearly_equal_amounts_keeps_its_digits() {
    // A million million units each, apart by a micro: as floating-point numbers the squares would all be the same.
    let amount = 1_000_000_000_000_000_000_i64;
    let found = spend(&[amount, amount + 1, amount + 2]);
    assert_close(found.variance().expect("several"), 1.0, 15);
    assert_close(spend(&[-amount, -amount - 1, -amount - 2]).variance().expect("several"), 1.0, 15);
}

#[test]
fn nothing_is_said_about_too_few_or_without_any_spread() {
    let some = spend(&[1, 2, 3]);
    assert_eq!((Spend::default().mean(), spend(&[5]).variance()), (None, None));
    assert_eq!((difference(spend(&[5]), some, FIVE), difference(some, Spend::default(), FIVE)), (None, None));
    assert_eq!(difference(spend(&[0, 0, 0]), spend(&[0, 0]), FIVE), None, "nobody bought anything");
    assert!(difference(spend(&[0, 0, 0]), some, FIVE).is_some(), "one side's spread is enough");
}

#[test]
fn sums_of_no_amounts_are_refused() {
    for (customers, sum, sum_of_squares) in [(0, 1, 1), (0, 0, 1), (2, 0, -1), (2, 10, 49), (3, -10, 33)] {
        let refused = Err(InvalidSpend::Impossible { customers, sum, sum_of_squares });
        assert_eq!(Spend::try_new(customers, sum, sum_of_squares), refused);
    }
    assert!(Spend::try_new(2, 10, 50).is_ok());
    assert!(Spend::try_new(3, -10, 34).is_ok());
    assert_eq!(Spend::try_new(1, i128::MAX, i128::MAX), Err(InvalidSpend::TooLarge));
}

#[test]
fn what_does_not_fit_is_refused_instead_of_wrapping() {
    let full = Spend::try_new(u64::MAX, 0, i128::MAX).expect("possible");
    assert_eq!(full.with(0), Err(InvalidSpend::TooLarge));
    let squares = Spend::try_new(5, 0, i128::MAX).expect("possible");
    assert_eq!(squares.with(1), Err(InvalidSpend::TooLarge));
}

proptest::proptest! {
    /// What is added up one by one is accepted as sums, and the variance is that of the textbook.
    #[test]
    fn sums_of_amounts_are_accepted(amounts in proptest::collection::vec(-1_000_000_000_i32..1_000_000_000, 2..40)) {
        let found = spend(&amounts.iter().copied().map(i64::from).collect::<Vec<_>>());
        proptest::prop_assert_eq!(Spend::try_new(found.customers(), found.sum(), found.sum_of_squares()), Ok(found));
        let n = amounts.iter().map(|_| 1.0).sum::<f64>();
        let mean = amounts.iter().map(|amount| f64::from(*amount)).sum::<f64>() / n;
        let variance = amounts.iter().map(|amount| (f64::from(*amount) - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let found = found.variance().expect("several");
        proptest::prop_assert!((found - variance).abs() <= 1e-6 + variance * 1e-9, "{} is not {}", found, variance);
    }
}
