use super::super::decide::{InvalidDecision, Moment, Reason, Rule, Verdict, decide};
use super::super::level::Level;
use super::super::proportions::{Counts, z_test};
use super::{assert_close, counts};

const PLANNED: Rule = Rule { level: Level::FIVE_PERCENT, moment: Moment::Planned, sample: 0 };

fn look(number: u32, of: u32) -> Rule {
    Rule { moment: Moment::Looks { number, of }, ..PLANNED }
}

#[track_caller]
fn verdict(variants: &[Counts], rule: &Rule) -> Verdict {
    decide(variants, rule).expect("a valid question")
}

#[test]
fn of_two_variants_the_clearly_better_one_wins() {
    let (low, high) = (counts(100, 1_000), counts(140, 1_000));
    let expected = z_test(high, low).expect("trials").p_value;
    let winner = Verdict::Winner { index: 1, p_value: expected, level: 0.05, compared: 1 };
    assert_eq!(verdict(&[low, high], &PLANNED), winner);
}

#[test]
fn a_difference_that_may_be_chance_has_a_leader_and_no_winner() {
    let (low, high) = (counts(100, 1_000), counts(110, 1_000));
    let p_value = z_test(high, low).expect("trials").p_value;
    let undecided = Verdict::Undecided { reason: Reason::NotSignificant { p_value }, leader: Some(0) };
    assert_eq!(verdict(&[high, low], &PLANNED), undecided);
}

#[test]
fn a_winner_must_beat_every_other_variant() {
    let (best, close, far) = (counts(200, 1_000), counts(190, 1_000), counts(100, 1_000));
    assert!(matches!(verdict(&[best, far], &PLANNED), Verdict::Winner { index: 0, .. }));
    let found = verdict(&[far, close, best], &PLANNED);
    assert!(
        matches!(found, Verdict::Undecided { reason: Reason::NotSignificant { .. }, leader: Some(2) }),
        "{found:?}"
    );
}

#[test]
fn several_comparisons_are_corrected_by_holm() {
    // The p-values of both comparisons are 0.0339; Holm doubles the smaller one, which is then above 5 %.
    let (best, other) = (counts(130, 1_000), counts(100, 1_000));
    let p_value = z_test(best, other).expect("trials").p_value;
    assert!((0.025..0.05).contains(&p_value), "{p_value}");
    assert!(matches!(verdict(&[best, other], &PLANNED), Verdict::Winner { .. }));
    let expected = Verdict::Undecided { reason: Reason::NotSignificant { p_value: 2.0 * p_value }, leader: Some(0) };
    assert_eq!(verdict(&[best, other, other], &PLANNED), expected);
    // With another variant far behind, the larger p-value counts as it is.
    let found = verdict(&[best, other, counts(20, 1_000)], &PLANNED);
    assert_eq!(found, Verdict::Winner { index: 0, p_value, level: 0.05, compared: 2 });
}

#[test]
fn the_looks_spend_the_level_as_the_table_of_lan_and_demets_does() {
    // Published to four digits for five looks at 5 %, two-sided: 0.0000, 0.0008, 0.0076, 0.0244, 0.0500. Parts by mpmath.
    let expected: [&[f64]; 2] = [
        &[0.000_207_011_436_294_308_3, 0.011_889_766_823_520_958, 0.037_903_221_740_184_734],
        &[
            1.077_742_525_811_748_8e-6,
            0.000_787_225_770_856_559_8,
            0.006_827_823_108_596_292,
            0.016_807_454_070_917_49,
            0.025_576_419_307_103_845,
        ],
    ];
    for parts in expected {
        let of = u32::try_from(parts.len()).expect("few");
        for (number, part) in (1..).zip(parts) {
            let found = Moment::Looks { number, of }.level(Level::FIVE_PERCENT).expect("a look");
            assert_close(found.get(), *part, 11);
        }
    }
    for moment in [Moment::Planned, Moment::Looks { number: 1, of: 1 }] {
        assert_eq!(moment.level(Level::FIVE_PERCENT), Ok(Level::FIVE_PERCENT));
    }
}

#[test]
fn the_parts_of_all_looks_are_the_level() {
    for of in 1..=20 {
        for level in [1e-9, 0.01, 0.05, 0.5].map(|level| Level::try_new(level).expect("a level")) {
            let parts = (1..=of).map(|number| Moment::Looks { number, of }.level(level).expect("a look").get());
            let parts: Vec<f64> = parts.collect();
            assert!(parts.iter().all(|part| *part >= 0.0), "{parts:?}");
            assert_close(parts.iter().sum(), level.get(), 12);
        }
    }
}

#[test]
fn what_is_enough_at_the_planned_moment_is_not_enough_at_a_look() {
    let variants = [counts(100, 1_000), counts(140, 1_000)];
    assert!(matches!(verdict(&variants, &PLANNED), Verdict::Winner { .. }));
    for number in 1..=2 {
        let found = verdict(&variants, &look(number, 5));
        assert!(matches!(found, Verdict::Undecided { reason: Reason::NotSignificant { .. }, .. }), "{found:?}");
    }
    let Verdict::Winner { level, p_value, .. } = verdict(&variants, &look(5, 5)) else { panic!("wins at last") };
    assert!(p_value <= level && level < 0.026);
}

#[test]
fn too_few_are_too_few_whatever_they_did() {
    let needed = |variants: &[Counts], rule: &Rule| match verdict(variants, rule) {
        Verdict::Undecided { reason: Reason::TooFew { needed }, .. } => needed,
        other => panic!("{other:?}"),
    };
    // The pooled rate is 10 %: a hundred trials promise ten successes.
    assert_eq!(needed(&[counts(18, 99), counts(0, 81)], &PLANNED), 100);
    // Nobody did anything, and nobody got anything.
    assert_eq!(needed(&[counts(0, 50), counts(0, 50)], &PLANNED), 1_010);
    assert_eq!(needed(&[counts(0, 0), counts(0, 0)], &PLANNED), 10);
    // The plan is not reached, or not its part for this look.
    let variants = [counts(500, 2_000), counts(900, 1_999)];
    assert_eq!(needed(&variants, &Rule { sample: 2_000, ..PLANNED }), 2_000);
    assert_eq!(needed(&variants, &Rule { sample: 5_001, ..look(2, 5) }), 2_001);
    assert!(matches!(verdict(&variants, &Rule { sample: 4_997, ..look(2, 5) }), Verdict::Winner { index: 1, .. }));
}

#[test]
fn nobody_leads_alone_where_rates_are_equal() {
    let leader = |variants: &[Counts]| match verdict(variants, &PLANNED) {
        Verdict::Undecided { leader, .. } => leader,
        winner @ Verdict::Winner { .. } => panic!("{winner:?}"),
    };
    assert_eq!(leader(&[counts(10, 100), counts(20, 200)]), None);
    assert_eq!(leader(&[counts(100, 1_000), counts(200, 2_000), counts(1, 1_000)]), None);
    assert_eq!(leader(&[counts(0, 0), counts(0, 0)]), None);
    assert_eq!(leader(&[counts(0, 0), counts(0, 10)]), Some(1));
}

#[test]
fn counts_near_the_end_of_their_type_do_not_overflow() {
    let most = counts(u64::MAX - 1, u64::MAX);
    assert!(matches!(verdict(&[most, counts(u64::MAX, u64::MAX)], &PLANNED), Verdict::Undecided { .. }));
    let rule = Rule { sample: u64::MAX, ..look(20, 20) };
    assert!(matches!(verdict(&[most, counts(u64::MAX / 2, u64::MAX)], &rule), Verdict::Winner { index: 0, .. }));
}

#[test]
fn questions_without_a_meaning_are_refused() {
    let one = counts(1, 10);
    for given in [0, 1, 9] {
        assert_eq!(decide(&vec![one; given], &PLANNED), Err(InvalidDecision::Variants { given }));
    }
    for (number, of) in [(0, 5), (6, 5), (1, 0), (0, 0), (1, 21)] {
        assert_eq!(decide(&[one, one], &look(number, of)), Err(InvalidDecision::Look { number, of }));
    }
}
