//! What the integration tests share.

pub(crate) mod app;
pub(crate) mod doubles;
pub(crate) mod postgres;

/// How often a test repeats what it tries out: what the variable says, else `usual`.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of commlog")]
pub(crate) fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}
