//! Cells that no spreadsheet takes for a formula.

use std::borrow::Cow;

/// A cell with an apostrophe in front if it begins as a formula does; numbers stay what they are.
#[must_use]
pub fn defused(cell: &str) -> Cow<'_, str> {
    let is_number = cell
        .strip_prefix('-')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    if begins_as_formula(cell) && !is_number { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The cell that [`defused`] made this one of.
#[must_use]
pub fn restored(cell: String) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if begins_as_formula(rest) => rest.to_owned(),
        _ => cell,
    }
}

/// Apostrophes in front count for nothing, so that a cell with one of its own is told from one that got it here.
fn begins_as_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'')
        .trim_start_matches([' ', '\u{a0}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        for formula in ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", " =1", "\t=1", "-", "+441234567890", "'=1"] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["-12.50", "12", "a=b", "", "nora@x.example", "'t Hooft"] {
            assert_eq!(defused(text), text);
        }
    }

    proptest! {
        #[test]
        fn every_cell_is_restored(cell in "['=+@ \t0-9a.-]{0,6}|.{0,9}") {
            let written = defused(&cell).into_owned();
            prop_assert_eq!(restored(written), cell);
        }
    }
}
