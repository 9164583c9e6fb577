//! A real e-mail test: 64,000 customers in three arms (`MineThatData` E-Mail Analytics and Data Mining Challenge, 2008).
//! The totals and the expected numbers are those of `hillstrom.py`, which shares no code with this module.

use super::super::decide::{Moment, Rule, Verdict, decide};
use super::super::level::{Interval, Level};
use super::super::means::{self, Spend};
use super::super::proportions::{Counts, difference, lift, wilson, z_test};
use super::{assert_close, counts};

const FIVE: Level = Level::FIVE_PERCENT;
const DIGITS: i32 = 12;

/// The totals of an arm: the spend in micros of the currency, its squares in micros squared.
#[derive(Clone, Copy)]
struct Arm {
    customers: u64,
    visits: u64,
    conversions: u64,
    spend: i128,
    squares: i128,
}

const MENS: Arm = Arm {
    customers: 21_307,
    visits: 3_894,
    conversions: 267,
    spend: 30_311_690_000,
    squares: 6_759_024_497_300_000_000,
};
const WOMENS: Arm = Arm {
    customers: 21_387,
    visits: 3_238,
    conversions: 189,
    spend: 23_038_110_000,
    squares: 4_911_446_576_300_000_000,
};
const HOLD_OUT: Arm = Arm {
    customers: 21_306,
    visits: 2_262,
    conversions: 122,
    spend: 13_908_330_000,
    squares: 2_870_050_362_100_000_000,
};

impl Arm {
    fn visits(self) -> Counts {
        counts(self.visits, self.customers)
    }

    fn conversions(self) -> Counts {
        counts(self.conversions, self.customers)
    }

    fn spend(self) -> Spend {
        Spend::try_new(self.customers, self.spend, self.squares).expect("real amounts")
    }
}

/// An estimate with both ends of its interval.
type Ends = [f64; 3];

#[track_caller]
fn assert_all_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_close(*found, *expected, DIGITS);
    }
}

#[track_caller]
fn assert_compared(one: Counts, base: Counts, expected_difference: Ends, expected_lift: Ends, z_and_p: [f64; 2]) {
    let found = difference(one, base, FIVE).expect("trials");
    assert_all_close(&[found.value, found.interval.low, found.interval.high], &expected_difference);
    let found = lift(one, base, FIVE).expect("a base");
    let Interval { low, high } = found.interval.expect("an interval");
    assert_all_close(&[found.value, low, high], &expected_lift);
    let found = z_test(one, base).expect("trials");
    assert_all_close(&[found.z, found.p_value], &z_and_p);
}

/// Expected in units of the currency, as the script prints it.
#[track_caller]
fn assert_spend(one: Arm, base: Arm, expected: Ends, z_and_p: [f64; 2]) {
    let found = means::difference(one.spend(), base.spend(), FIVE).expect("spend");
    let units = [found.value, found.interval.low, found.interval.high].map(|micros| micros / 1e6);
    assert_all_close(&units, &expected);
    assert_all_close(&[found.z, found.p_value], &z_and_p);
}

#[test]
fn each_arm_has_the_rates_and_the_spend_of_the_script() {
    for (arm, expected, visits, conversions) in [
        (
            MENS,
            [0.182_756_840_474_961_27, 0.012_531_093_068_005_82, 1.422_616_511_005_772_7],
            [0.177_624_990_821_684_98, 0.188_003_061_635_887_04],
            [0.011_122_885_010_307_802, 0.014_115_041_885_257_276],
        ),
        (
            WOMENS,
            [0.151_400_383_410_483, 0.008_837_144_059_475_383, 1.077_201_571_047_832_9],
            [0.146_659_175_100_407_02, 0.156_266_797_741_520_5],
            [0.007_668_063_369_361_126, 0.010_182_635_003_387_489],
        ),
        (
            HOLD_OUT,
            [0.106_167_276_823_430_02, 0.005_726_086_548_390_125, 0.652_789_355_111_236_3],
            [0.102_101_653_830_045_98, 0.110_374_889_816_246_81],
            [0.004_798_205_845_961_411, 0.006_832_169_692_008_917],
        ),
    ] {
        let rate = |counts: Counts| counts.rate().expect("trials");
        let spend = arm.spend().mean().expect("customers") / 1e6;
        assert_all_close(&[rate(arm.visits()), rate(arm.conversions()), spend], &expected);
        for (counts, expected) in [(arm.visits(), visits), (arm.conversions(), conversions)] {
            let found = wilson(counts, FIVE).expect("trials");
            assert_all_close(&[found.low, found.high], &expected);
        }
    }
}

#[test]
fn the_mens_mail_against_the_hold_out_is_as_in_the_script() {
    assert_compared(
        MENS.visits(),
        HOLD_OUT.visits(),
        [0.076_589_563_651_531_26, 0.069_953_308_083_731_56, 0.083_226_741_274_111_38],
        [0.721_404_616_781_399_2, 0.640_384_888_480_000_5, 0.806_425_964_714_953_2],
        [22.486_040_827_192_824, 5.685_165_482_802_323e-112],
    );
    assert_compared(
        MENS.conversions(),
        HOLD_OUT.conversions(),
        [0.006_805_006_519_615_695, 0.005_014_344_671_481_533, 0.008_640_723_396_917_826],
        [1.188_421_876_286_328, 0.767_984_078_010_420_6, 1.708_842_442_743_053],
        [7.385_114_410_925_771, 1.523_223_500_595_558_4e-13],
    );
    assert_spend(
        MENS,
        HOLD_OUT,
        [0.769_827_155_894_536_4, 0.485_149_128_928_783_5, 1.054_505_182_860_289_6],
        [5.300_140_358_411_668, 1.157_136_887_964_644e-7],
    );
}

#[test]
fn the_womens_mail_against_the_hold_out_is_as_in_the_script() {
    assert_compared(
        WOMENS.visits(),
        HOLD_OUT.visits(),
        [0.045_233_106_587_052_985, 0.038_894_095_359_988_13, 0.051_574_342_962_213_596],
        [0.426_055_070_266_910_2, 0.356_171_223_472_458_55, 0.499_540_049_394_995_3],
        [13.949_180_655_258_505, 3.182_403_159_334_924e-44],
    );
    assert_compared(
        WOMENS.conversions(),
        HOLD_OUT.conversions(),
        [0.003_111_057_511_085_257_4, 0.001_501_657_131_877_008_2, 0.004_745_471_313_672_929],
        [0.543_313_043_698_217_2, 0.230_105_219_526_297_37, 0.936_269_445_118_094_4],
        [3.779_560_958_357_849, 0.000_157_105_129_106_685_7],
    );
    assert_spend(
        WOMENS,
        HOLD_OUT,
        [0.424_412_215_936_596_5, 0.168_964_507_217_227_9, 0.679_859_924_655_965],
        [3.256_371_576_025_390_6, 0.001_128_459_663_732_476],
    );
}

#[test]
fn the_mens_mail_against_the_womens_mail_is_as_in_the_script() {
    assert_compared(
        MENS.visits(),
        WOMENS.visits(),
        [0.031_356_457_064_478_274, 0.024_284_125_814_801_192, 0.038_427_658_709_805_53],
        [0.207_109_495_749_844_64, 0.156_790_893_037_626_72, 0.259_616_879_333_479_66],
        [8.684_558_415_636_324, 3.802_165_220_636_482e-18],
    );
    assert_compared(
        MENS.conversions(),
        WOMENS.conversions(),
        [0.003_693_949_008_530_437_4, 0.001_746_284_814_190_172_6, 0.005_662_614_423_391_559_5],
        [0.418_002_579_076_404_6, 0.178_101_538_831_154_2, 0.706_755_528_273_283_6],
        [3.712_584_202_755_288, 0.000_205_153_774_656_883_8],
    );
    assert_spend(
        MENS,
        WOMENS,
        [0.345_414_939_957_94, 0.032_570_555_562_908_7, 0.658_259_324_352_971_3],
        [2.164_017_881_761_856, 0.030_462_977_056_477_47],
    );
}

#[test]
fn the_mens_mail_wins_by_visits_and_by_conversions() {
    let rule = Rule { level: FIVE, moment: Moment::Planned, sample: 21_000 };
    for variants in [[MENS.visits(), WOMENS.visits()], [MENS.conversions(), WOMENS.conversions()]] {
        let verdict = decide(&variants, &rule).expect("a valid question");
        assert!(matches!(verdict, Verdict::Winner { index: 0, compared: 1, .. }), "{verdict:?}");
    }
}
