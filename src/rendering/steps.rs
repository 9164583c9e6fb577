//! What a rendering may use, counted: the same template with the same values always ends at the same step, however fast the machine
//! is. It is kept in the registers of Liquid's runtime, beside where and why it failed.

use chrono_tz::Tz;
use liquid_core::error::Error;
use liquid_core::model::ValueView;
use liquid_core::{Result, Runtime};
use pure_rust_locales::Locale;

use super::fault::FaultKind;

/// Steps of one rendering at most: an output, a round of a loop, a filter, or 64 bytes that a filter reads or writes.
pub(super) const MAX_STEPS: u64 = 50_000;
/// Bytes of a value that a filter makes, or that is assigned.
const MAX_VALUE: usize = 64 * 1024;
/// Bytes that count as a step.
const BYTES_A_STEP: usize = 64;

/// A rendering under way.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub used: u64,
    pub locale: Locale,
    pub zone: Tz,
    /// Why it failed, and at which slot, once that is known.
    pub failure: Option<Failure>,
}

/// Why a rendering failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub slot: Option<usize>,
    pub kind: FaultKind,
    pub message: String,
}

impl Default for Run {
    fn default() -> Self {
        Self { used: 0, locale: Locale::POSIX, zone: Tz::UTC, failure: None }
    }
}

/// Notes why a rendering fails; the first reason counts.
pub(super) fn fail(runtime: &dyn Runtime, kind: FaultKind, message: &str) -> Error {
    let mut run = runtime.registers().get_mut::<Run>();
    run.failure.get_or_insert_with(|| Failure { slot: None, kind, message: message.to_owned() });
    Error::with_msg(message.to_owned())
}

/// Notes where it fails; the innermost place counts.
pub(super) fn at(runtime: &dyn Runtime, slot: usize, error: Error) -> Error {
    let mut run = runtime.registers().get_mut::<Run>();
    let failure = run.failure.get_or_insert_with(|| {
        // Its first line holds names of the template, the others values.
        let message = error.to_string();
        let message = message.lines().next().unwrap_or_default().trim_start_matches("liquid: ").to_owned();
        let kind = match message.as_str() {
            "Unknown variable" | "Unknown index" => FaultKind::Undefined,
            _ => FaultKind::Value,
        };
        Failure { slot: None, kind, message }
    });
    failure.slot.get_or_insert(slot);
    error
}

/// Uses steps up.
pub(super) fn spend(runtime: &dyn Runtime, steps: u64) -> Result<()> {
    let is_over = {
        let mut run = runtime.registers().get_mut::<Run>();
        run.used = run.used.saturating_add(steps);
        run.used > MAX_STEPS
    };
    if !is_over {
        return Ok(());
    }
    let message = format!("takes more than {MAX_STEPS} steps: fewer rounds or shorter values are needed");
    Err(fail(runtime, FaultKind::Limit, &message))
}

/// Uses the steps up that a value costs that a filter reads or writes.
pub(super) fn spend_on(runtime: &dyn Runtime, value: &dyn ValueView) -> Result<()> {
    spend(runtime, u64::try_from(1 + size(value) / BYTES_A_STEP).unwrap_or(u64::MAX))
}

/// Refuses a value that is too large to keep.
pub(super) fn check_size(runtime: &dyn Runtime, value: &dyn ValueView) -> Result<()> {
    spend_on(runtime, value)?;
    if size(value) <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("makes a value of more than {MAX_VALUE} bytes");
    Err(fail(runtime, FaultKind::Limit, &message))
}

/// Roughly how many bytes a value takes.
fn size(value: &dyn ValueView) -> usize {
    if let Some(list) = value.as_array() {
        list.values().map(|value| 16 + size(value)).sum()
    } else if let Some(object) = value.as_object() {
        object.iter().map(|(name, value)| 16 + name.len() + size(value)).sum()
    } else {
        value.to_kstr().len()
    }
}
