//! Mailboxes. RFC 5321 (2.4) lets the part before the @ differ by case, and asks nobody to make use of it: no provider does,
//! so mailboxes are compared without case.

use unicode_normalization::UnicodeNormalization as _;

use super::visible;
use crate::domain::value::InvalidValue;

/// What people and programs put around a mailbox.
const AROUND: &[(char, char)] = &[
    ('<', '>'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('„', '“'),
    ('”', '”'),
    ('‘', '’'),
    ('‚', '‘'),
    ('’', '’'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
    ('「', '」'),
    ('＜', '＞'),
    ('（', '）'),
];

/// The domains whose mailboxes may have two dots in a row, or one before the @: carriers of Japan gave them out for years.
const WITH_ODD_DOTS: &[&str] = &["jp", "au.com"];

/// The spelling and the identity of a mailbox.
pub(super) fn parse(text: &str) -> Result<(String, String), InvalidValue> {
    let invalid = |reason: &str| InvalidValue::new("email address", reason);
    let text = visible(text);
    let bare = bare(&text);
    let (local, domain) = bare.rsplit_once(['@', '＠']).ok_or_else(|| invalid("must have the form name@domain"))?;
    let local = unquoted(local.trim());
    if local.is_empty() || local.len() > 64 {
        return Err(invalid("must have 1 to 64 bytes before the @"));
    }
    let domain = ascii_domain(domain.trim()).ok_or_else(|| invalid("must have a domain name after the @"))?;
    if !local.chars().all(is_atext) {
        return Err(invalid("has characters before the @ that no email address has"));
    }
    let is_of = |given: &&str| domain == **given || domain.ends_with(&format!(".{given}"));
    let has_odd_dots = local.ends_with('.') || local.contains("..");
    if local.starts_with('.') || (has_odd_dots && !WITH_ODD_DOTS.iter().any(is_of)) {
        return Err(invalid("has dots before the @ where no email address has them"));
    }
    if local.len() + 1 + domain.len() > 254 {
        return Err(invalid("must have at most 254 bytes"));
    }
    let folded: String = local.nfkc().flat_map(char::to_lowercase).collect();
    Ok((format!("{local}@{domain}"), format!("{folded}@{domain}")))
}

/// The mailbox inside what is written around it: `mailto:`, a name before angle brackets, quotes and brackets, also where
/// one of a pair is missing.
fn bare(text: &str) -> &str {
    let mut bare = text.trim();
    loop {
        let before = bare;
        if let Some((_, inside)) = bare.rsplit_once('<')
            && let Some((inside, after)) = inside.split_once('>')
            && after.trim().trim_matches(|c| is_around(c) || is_separator(c)).is_empty()
        {
            bare = inside;
        }
        if bare.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
            bare = &bare[7..];
            // A subject and the like follow.
            bare = bare.split_once('?').map_or(bare, |(mailbox, _)| mailbox);
        }
        bare = bare.trim().trim_start_matches(is_separator).trim_end_matches(|c| is_separator(c) || c == '.').trim();
        if let (Some(first), Some(last)) = (bare.chars().next(), bare.chars().next_back()) {
            let is_pair = bare.chars().count() > 1 && AROUND.contains(&(first, last));
            // A quoted name before the @ begins with a quote that belongs to it.
            let is_quoted_local = first == '"' && bare.contains("\"@");
            if is_pair {
                bare = &bare[first.len_utf8()..bare.len() - last.len_utf8()];
            } else if is_stray(first) && !is_quoted_local {
                bare = &bare[first.len_utf8()..];
            } else if is_stray(last) {
                bare = &bare[..bare.len() - last.len_utf8()];
            }
        }
        if bare == before {
            return bare;
        }
    }
}

fn is_around(letter: char) -> bool {
    AROUND.iter().any(|(open, close)| letter == *open || letter == *close)
}

/// Whether a character is dropped without its other half. Of these characters a mailbox could begin with an apostrophe,
/// which in files is a spreadsheet's mark of text.
fn is_stray(letter: char) -> bool {
    is_around(letter) && !matches!(letter, '{' | '}' | '`')
}

const fn is_separator(letter: char) -> bool {
    matches!(letter, ',' | ';' | ':')
}

/// A name in quotes that needs none, as some programs write the odd dots of Japan.
fn unquoted(local: &str) -> &str {
    match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) if !inside.is_empty() => inside,
        _ => local,
    }
}

/// RFC 5321's `atext` and the dot, and the letters and digits of other scripts (RFC 6531).
fn is_atext(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter);
    }
    letter.is_alphanumeric() || unicode_normalization::char::is_combining_mark(letter)
}

/// A domain name in lower case, international ones in ASCII (IDNA).
fn ascii_domain(domain: &str) -> Option<String> {
    // A URL's host may be escaped, a mailbox's domain may not.
    if domain.contains('%') {
        return None;
    }
    let Ok(url::Host::Domain(domain)) = url::Host::parse(domain.trim_end_matches('.')) else { return None };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (_, top) = domain.rsplit_once('.')?;
    let is_top = top.len() >= 2 && !top.bytes().all(|b| b.is_ascii_digit());
    (is_top && domain.split('.').all(is_label)).then_some(domain)
}
