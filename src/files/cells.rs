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

/// A cell of a file that is only looked at. A spreadsheet whose system separates by semicolons or tabs cuts cells at these, and
/// at line breaks: no piece begins as a formula either.
#[must_use]
pub fn defused_throughout(cell: &str) -> Cow<'_, str> {
    let pieces: Vec<Cow<'_, str>> = cell.split_inclusive(SEPARATORS).map(defused_piece).collect();
    if pieces.iter().all(|piece| matches!(piece, Cow::Borrowed(_))) {
        return defused(cell);
    }
    let text = pieces.concat();
    match pieces.first() {
        Some(Cow::Owned(_)) => Cow::Owned(text),
        _ => Cow::Owned(defused(&text).into_owned()),
    }
}

/// What separates cells or rows somewhere.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// As [`defused`]; the separator at the end of a piece, and what is left of a line break at its beginning, is no formula.
fn defused_piece(piece: &str) -> Cow<'_, str> {
    match defused(piece.trim_end_matches(SEPARATORS)) {
        Cow::Owned(text) => Cow::Owned(text + &piece[piece.trim_end_matches(SEPARATORS).len()..]),
        Cow::Borrowed(_) => Cow::Borrowed(piece),
    }
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

    #[test]
    fn no_piece_of_a_cell_begins_as_a_formula() {
        for (cell, written) in [
            ("x;=1+1;y", "x;'=1+1;y"),
            ("two\r\n=1+1\r\nlines", "two\r\n'=1+1\r\nlines"),
            ("=1;@x", "'=1;'@x"),
            ("a\t+1", "a\t'+1"),
            ("usual; text, -5;\n-7\r\n\r\nend", "usual; text, -5;\n-7\r\n\r\nend"),
            ("\tindented", "'\tindented"),
            ("", ""),
        ] {
            assert_eq!(defused_throughout(cell), written);
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
