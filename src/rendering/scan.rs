//! Reads a source into text, outputs (`{{ … }}`) and tags (`{% … %}`), each with its place. Liquid's own parser sees only what
//! is put together of these, long after MJML has moved them, so that it could not say where they came from.

use super::fault::{Fault, FaultKind, Place};
use super::filters;

/// The longest output or tag, in bytes.
const LONGEST_TAG: usize = 2_000;
/// How deep brackets nest in one: Liquid's parser calls itself for each.
const MAX_BRACKETS: usize = 8;
/// Digits of a number: more do not fit, and Liquid's parser would end the process.
const MAX_DIGITS: usize = 18;
/// How deep blocks nest, as they call each other.
const MAX_BLOCKS: usize = 20;
/// Outputs and tags of one text at most, with what it includes.
pub(super) const MAX_PIECES: usize = 10_000;

/// Tags with an end, which may hold others.
pub(super) const BLOCKS: [(&str, &str); 4] =
    [("if", "endif"), ("unless", "endunless"), ("case", "endcase"), ("for", "endfor")];
/// Tags beside those with an end.
const OTHERS: [&str; 9] = ["assign", "break", "case", "continue", "else", "elsif", "include", "raw", "comment"];

/// A part of a source.
#[derive(Debug, Clone)]
pub(super) enum Piece<'s> {
    /// To be written as it is.
    Text(&'s str, Place),
    /// The inside of `{{ … }}`.
    Output(&'s str, Place),
    /// The name and the rest of `{% … %}`.
    Tag(&'s str, &'s str, Place),
}

/// Counts lines and columns along a source.
struct Cursor<'s> {
    source: &'s str,
    at: usize,
    place: Place,
}

impl Cursor<'_> {
    fn place(&mut self, offset: usize) -> Place {
        self.place = advanced(&self.place, &self.source[self.at..offset]);
        self.at = offset;
        self.place.clone()
    }
}

/// The place behind a text that begins at a place.
pub(super) fn advanced(place: &Place, text: &str) -> Place {
    let mut place = place.clone();
    for letter in text.chars() {
        if letter == '\n' {
            place.line = place.line.saturating_add(1);
            place.column = 1;
        } else {
            place.column = place.column.saturating_add(1);
        }
    }
    place
}

/// Reads a source; `partial` is the name of the template if it is an included one.
pub(super) fn scan<'s>(source: &'s str, partial: Option<&str>) -> Result<Vec<Piece<'s>>, Fault> {
    let start = Place { partial: partial.map(str::to_owned), line: 1, column: 1 };
    let mut cursor = Cursor { source, at: 0, place: start };
    let (mut pieces, mut at, mut trims) = (vec![], 0, false);
    loop {
        let open = opening(source, at);
        let mut text = &source[at..open.unwrap_or(source.len())];
        let mut begin = at;
        if trims {
            begin += text.len() - text.trim_start().len();
            text = text.trim_start();
        }
        let Some(open) = open else {
            let place = cursor.place(begin);
            check_encoded(text, &place)?;
            push_text(&mut pieces, text, place);
            return Ok(pieces);
        };
        if source[open + 2..].starts_with('-') {
            text = text.trim_end();
        }
        let place = cursor.place(begin);
        check_encoded(text, &place)?;
        push_text(&mut pieces, text, place);
        let place = cursor.place(open);
        let is_output = source[open..].starts_with("{{");
        let end = closing(source, open, is_output, &place)?;
        let inner = source[open + 2..end].strip_prefix('-').unwrap_or(&source[open + 2..end]);
        trims = inner.ends_with('-');
        let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
        check_inside(inner, &place)?;
        at = end + 2;
        if is_output {
            check_output(inner, &place)?;
            pieces.push(Piece::Output(inner, place));
        } else {
            let name_end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
            let (name, rest) = (&inner[..name_end], inner[name_end..].trim());
            match name {
                "" if inner.starts_with('#') => {}
                "raw" | "comment" => {
                    let (until, behind) = end_of(source, at, name, &place)?;
                    if name == "raw" {
                        let place = cursor.place(at);
                        push_text(&mut pieces, &source[at..until], place);
                    }
                    (at, trims) = behind;
                }
                _ => {
                    check_tag(name, rest, &place)?;
                    pieces.push(Piece::Tag(name, rest, place));
                }
            }
        }
        if pieces.len() > MAX_PIECES {
            let message = format!("has more than {MAX_PIECES} outputs and tags");
            return Err(Fault::new(FaultKind::Limit, None, message));
        }
    }
}

fn push_text<'s>(pieces: &mut Vec<Piece<'s>>, text: &'s str, place: Place) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text, place));
    }
}

/// Editors write the braces in a link as the link's own characters: it would go out with them.
fn check_encoded(text: &str, place: &Place) -> Result<(), Fault> {
    let mut from = 0;
    while let Some(found) = text[from..].find("%7") {
        let at = from + found;
        let encoded = text.get(at..at + 6).unwrap_or_default().to_ascii_lowercase();
        if encoded == "%7b%7b" || encoded == "%7b%25" {
            let shown = text[at..].chars().take(24).collect::<String>();
            let message = format!("an editor has encoded the braces of a variable, {}: write {{{{ or {{%", shown);
            return Err(Fault::at(FaultKind::Syntax, &advanced(place, &text[..at]), message));
        }
        from = at + 2;
    }
    Ok(())
}

fn opening(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = from;
    while let Some(found) = source[at..].find('{') {
        at += found;
        match bytes.get(at + 1) {
            Some(b'{' | b'%') => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Where the `}}` or `%}` of an opening stands, which may not be within quotes.
fn closing(source: &str, open: usize, is_output: bool, place: &Place) -> Result<usize, Fault> {
    let (begin, end) = if is_output { ("{{", "}}") } else { ("{%", "%}") };
    let mut quote = None;
    let limit = source.len().min(open + 2 + LONGEST_TAG);
    for (offset, byte) in source.as_bytes()[open + 2..limit].iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(mark), _) if mark == *byte => quote = None,
            (None, _) if source.as_bytes()[open + 2 + offset..].starts_with(end.as_bytes()) => {
                return Ok(open + 2 + offset);
            }
            _ => {}
        }
    }
    let message = match quote {
        Some(_) => format!("a quote after this {begin} is not closed"),
        None => format!("this {begin} has no {end} that ends it within {LONGEST_TAG} bytes"),
    };
    Err(Fault::at(FaultKind::Syntax, place, message))
}

/// Where `{% endraw %}` or `{% endcomment %}` begins; and what follows it, with whether white space there is dropped.
fn end_of(source: &str, from: usize, name: &str, place: &Place) -> Result<(usize, (usize, bool)), Fault> {
    let end = format!("end{name}");
    let mut at = from;
    while let Some(found) = source[at..].find("{%") {
        let open = at + found;
        let inside = source[open + 2..].trim_start_matches('-').trim_start();
        if let Some(rest) = inside.strip_prefix(end.as_str()) {
            let rest = rest.trim_start();
            let trims = rest.starts_with('-');
            if let Some(behind) = rest.trim_start_matches('-').strip_prefix("%}") {
                return Ok((open, (source.len() - behind.len(), trims)));
            }
        }
        at = open + 2;
    }
    Err(Fault::at(FaultKind::Syntax, place, format!("this {{% {name} %}} has no {{% {end} %}}")))
}

/// Refuses what Liquid's parser must not be given.
fn check_inside(inner: &str, place: &Place) -> Result<(), Fault> {
    let wrong = |message: String| Err(Fault::at(FaultKind::Syntax, place, message));
    let (mut brackets, mut digits) = (0_usize, 0_usize);
    let bytes = inner.as_bytes();
    for (index, byte) in outside_quotes(inner) {
        match byte {
            b'[' | b'(' => brackets += 1,
            b']' | b')' => brackets = brackets.saturating_sub(1),
            b'{' | b'}' => return wrong("a { or } may stand in quotes only".to_owned()),
            b'%' if bytes.get(index + 1) == Some(&b'}') => return wrong("a %} may stand in quotes only".to_owned()),
            _ => {}
        }
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        if brackets > MAX_BRACKETS {
            return wrong(format!("brackets nest deeper than {MAX_BRACKETS} levels"));
        }
        if digits > MAX_DIGITS {
            return wrong(format!("a number has more than {MAX_DIGITS} digits"));
        }
    }
    Ok(())
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut quote = None;
    text.bytes().enumerate().filter(move |(_, byte)| match (quote, *byte) {
        (None, b'"' | b'\'') => {
            quote = Some(*byte);
            true
        }
        (Some(mark), byte) => {
            if mark == byte {
                quote = None;
            }
            false
        }
        (None, _) => true,
    })
}

/// A value and its filters, apart: what stands between the `|`.
pub(super) fn chain(inner: &str) -> Vec<&str> {
    let mut parts = vec![];
    let mut from = 0;
    for (index, _) in outside_quotes(inner).filter(|(_, byte)| *byte == b'|') {
        parts.push(inner[from..index].trim());
        from = index + 1;
    }
    parts.push(inner[from..].trim());
    parts
}

/// The name of a filter out of a part of a chain.
pub(super) fn filter_name(part: &str) -> &str {
    part.split(|c: char| c == ':' || c.is_whitespace()).next().unwrap_or_default()
}

fn check_output(inner: &str, place: &Place) -> Result<(), Fault> {
    if inner.is_empty() {
        return Err(Fault::at(FaultKind::Syntax, place, "{{ }} has nothing inside"));
    }
    check_filters(inner, place)
}

fn check_filters(inner: &str, place: &Place) -> Result<(), Fault> {
    for part in chain(inner).into_iter().skip(1) {
        let name = filter_name(part);
        if !filters::NAMES.contains(&name) {
            let near = filters::NAMES.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
            let near = near.filter(|known| strsim::damerau_levenshtein(known, name) <= 2);
            let hint = near.map_or_else(|| filters::NAMES.join(", "), |known| format!("did you mean {known}?"));
            return Err(Fault::at(FaultKind::Syntax, place, format!("there is no filter {}: {hint}", shown(name))));
        }
    }
    Ok(())
}

fn check_tag(name: &str, rest: &str, place: &Place) -> Result<(), Fault> {
    let is_known =
        OTHERS.contains(&name) || name == "when" || BLOCKS.iter().any(|(begin, end)| *begin == name || *end == name);
    if !is_known {
        let message =
            format!("there is no tag {}: use if, unless, case, for, assign, include, raw or comment", shown(name));
        return Err(Fault::at(FaultKind::Syntax, place, message));
    }
    if name == "assign" {
        check_filters(rest, place)?;
    }
    Ok(())
}

/// What the author wrote, short.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

/// Refuses blocks that do not end, end twice, or nest too deep.
pub(super) fn check_blocks<'p>(tags: impl Iterator<Item = (&'p str, &'p Place)>) -> Result<(), Fault> {
    let mut open: Vec<(&str, &str, &Place)> = vec![];
    let wrong = |place: &Place, message: String| Err(Fault::at(FaultKind::Syntax, place, message));
    for (name, place) in tags {
        if let Some((begin, end)) = BLOCKS.iter().find(|(begin, _)| *begin == name) {
            open.push((begin, end, place));
            if open.len() > MAX_BLOCKS {
                return wrong(place, format!("blocks nest deeper than {MAX_BLOCKS} levels"));
            }
        } else if name.starts_with("end") {
            match open.pop() {
                Some((_, end, _)) if end == name => {}
                Some((begin, end, at)) => {
                    let message = format!(
                        "{{% {name} %}} stands where the {{% {begin} %}} of line {}, column {} needs its {{% {end} %}}",
                        at.line, at.column
                    );
                    return wrong(place, message);
                }
                None => return wrong(place, format!("{{% {name} %}} ends nothing")),
            }
        } else if matches!(name, "else" | "elsif" | "when" | "break" | "continue") {
            let within = open.last().map(|(begin, ..)| *begin);
            let fits = match name {
                "else" => within.is_some(),
                "elsif" => within == Some("if"),
                "when" => within == Some("case"),
                _ => open.iter().any(|(begin, ..)| *begin == "for"),
            };
            if !fits {
                return wrong(place, format!("{{% {name} %}} stands outside of what it belongs to"));
            }
        }
    }
    match open.last() {
        Some((begin, end, place)) => wrong(place, format!("this {{% {begin} %}} has no {{% {end} %}}")),
        None => Ok(()),
    }
}
