use super::super::normal::{two_sided, upper_quantile, upper_tail};
use super::assert_close;

#[test]
fn tails_have_thirteen_digits() {
    // mpmath: erfc(x / sqrt(2)) / 2.
    for (x, expected) in [
        (0.0, 0.5),
        (0.5, 0.308_537_538_725_986_9),
        (1.0, 0.158_655_253_931_457_05),
        (2.0, 0.022_750_131_948_179_21),
        (2.4, 0.008_197_535_924_596_13),
        (3.0, 0.001_349_898_031_630_094_6),
        (4.0, 3.167_124_183_311_992_4e-5),
        (5.5, 1.898_956_246_588_771_8e-8),
        (8.0, 6.220_960_574_271_784e-16),
        (12.0, 1.776_482_112_077_679e-33),
        (22.0, 1.439_892_435_145_079e-107),
        (37.0, 5.725_571_222_524_577e-300),
    ] {
        assert_close(upper_tail(x), expected, 13);
        assert_close(upper_tail(-x), 1.0 - expected, 13);
    }
    assert_close(two_sided(-1.959_963_984_540_054_3), 0.05, 13);
    assert_eq!((two_sided(0.0), upper_tail(f64::INFINITY)), (1.0, 0.0));
}

#[test]
fn both_ways_to_compute_a_tail_meet() {
    let (below, above) = (upper_tail(2.0_f64.next_down()), upper_tail(2.0));
    assert_close(below, above, 14);
}

#[test]
fn quantiles_have_fourteen_digits() {
    // mpmath, by the root of the logarithm of the tail.
    for (tail, expected) in [
        (0.4, 0.253_347_103_135_799_8),
        (0.3, 0.524_400_512_708_040_8),
        (0.2, 0.841_621_233_572_914_2),
        (0.1, 1.281_551_565_544_600_4),
        (0.05, 1.644_853_626_951_472_6),
        (0.025, 1.959_963_984_540_054_3),
        (0.001, 3.090_232_306_167_813_6),
        (1e-6, 4.753_424_308_822_899),
        (1e-12, 7.034_483_825_301_132),
        (1e-100, 21.273_453_560_965_326),
        (1e-300, 37.047_096_299_361_2),
    ] {
        assert_close(upper_quantile(tail), expected, 14);
    }
    assert_close(upper_quantile(0.8), -0.841_621_233_572_914_2, 13);
    assert!(upper_quantile(0.5).abs() < 1e-15);
}
