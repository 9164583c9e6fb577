//! How many parts a text takes as SMS (3GPP TS 23.038 and 23.040).

/// The letters of GSM-7 that cost one septet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The letters of GSM-7 that cost two, the first of them an escape.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// The number of segments, at least 1. A letter of two units (an escaped one, or an emoji) is never split, so a text may
/// take a part more than its units alone would.
#[must_use]
pub fn segments(text: &str) -> u32 {
    let septets = |letter| match letter {
        _ if BASIC.contains(letter) => Some(1),
        _ if EXTENDED.contains(letter) => Some(2),
        _ => None,
    };
    match text.chars().map(septets).collect::<Option<Vec<usize>>>() {
        Some(units) => parts(&units, 160, 153),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

/// Whether a letter is in GSM-7: one that is not makes a whole text UCS-2.
#[must_use]
pub fn is_gsm(letter: char) -> bool {
    BASIC.contains(letter) || EXTENDED.contains(letter)
}

/// What may stand instead of a letter that is not in GSM-7, and means the same.
#[must_use]
pub const fn plain(letter: char) -> Option<&'static str> {
    match letter {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{b4}' | '`' => Some("'"),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => Some("\""),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some("-"),
        '\u{2026}' => Some("..."),
        '\u{a0}' | '\u{202f}' | '\u{2009}' => Some(" "),
        '\u{2022}' | '\u{b7}' => Some("*"),
        _ => None,
    }
}

fn parts(units: &[usize], alone: usize, joined: usize) -> u32 {
    if units.iter().sum::<usize>() <= alone {
        return 1;
    }
    let mut parts = 1;
    let mut used = 0;
    for unit in units {
        if used + unit > joined {
            parts += 1;
            used = 0;
        }
        used += unit;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_as_carriers_do() {
        let a = |count| "a".repeat(count);
        let cases = [
            (String::new(), 1),
            (a(160), 1),
            (a(161), 2),
            (a(307), 3),
            (a(1530), 10),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // An escape pair is not split: 306 units, and yet three parts.
            (format!("{}{{{}", a(152), a(152)), 3),
            (format!("{}{{", a(305)), 3),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("ж".repeat(134), 2),
            ("ж".repeat(135), 3),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
            (format!("It’s{}", a(70)), 2),
            // The capital letter is in GSM-7, the small one is not.
            ("Ç".repeat(160), 1),
            ("ç".repeat(71), 2),
            ("é".repeat(160), 1),
            ("a\n".repeat(80), 1),
            ("`".repeat(71), 2),
        ];
        for (text, expected) in cases {
            assert_eq!(segments(&text), expected, "{text}");
        }
    }
}
