//! Puts marks for outputs and tags into a layout, so that MJML, CSS and sanitising see a page without Liquid, and puts them
//! back afterwards as the Liquid that is compiled.
//!
//! An output becomes a word that stands wherever text does: between tags, in an attribute, in a style. A tag becomes a
//! comment where elements stand, because a word between two rows of a table would be moved in front of the table.

use std::fmt::Write as _;

use super::fault::{Fault, FaultKind, Place};
use super::markup::{self, Node};
use super::scan::{self, BLOCKS, Piece};

/// Where the value of an output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Into plain text, as it is.
    None,
    /// Into a page: markup in it is text.
    Html,
    /// To the beginning of a link or image's address: only web and mail addresses and the like may stand there.
    Url,
    /// Into such an address, behind its beginning: markup in it is text, and a space does not end it.
    InUrl,
    /// Into such an address in plain text, where a space would end it.
    InPlainUrl,
}

/// Where the value goes in the plain text that is made of a page.
const fn in_text(escape: Escape) -> Escape {
    match escape {
        Escape::None | Escape::Html => Escape::None,
        Escape::Url | Escape::InUrl | Escape::InPlainUrl => Escape::InPlainUrl,
    }
}

/// An output or tag, and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// The tag's name; empty for an output.
    pub name: String,
    /// The inside of an output, the rest of a tag.
    pub inner: String,
    pub place: Place,
    pub escape: Escape,
}

/// A text with marks in place of its outputs and tags.
#[derive(Debug)]
pub(super) struct Woven {
    pub text: String,
    pub slots: Vec<Slot>,
    /// What every mark begins with; it occurs nowhere else.
    prefix: String,
    /// Where the pieces of text stand in `text`, and where they came from.
    origins: Vec<(usize, Place)>,
}

/// The attributes that hold an address.
const ADDRESSES: [&str; 4] = ["href", "src", "background", "background-url"];

/// How often what is text for one reader may hold what is text for another.
const MAX_WITHIN: usize = 4;

/// What the end of a mark is, so that 1 is not the beginning of 12.
const END: char = 'z';

impl Woven {
    /// Puts pieces together. `prefix` is of small letters and digits and occurs in none of them.
    fn new(pieces: &[Piece<'_>], prefix: String) -> Self {
        let mut woven = Self { text: String::new(), slots: vec![], prefix, origins: vec![] };
        for piece in pieces {
            let (name, inner, place) = match piece {
                Piece::Text(text, place) => {
                    woven.origins.push((woven.text.len(), place.clone()));
                    woven.text.push_str(text);
                    continue;
                }
                Piece::Output(inner, place) => ("", *inner, place),
                Piece::Tag(name, inner, place) => (*name, *inner, place),
            };
            let mark = woven.mark(woven.slots.len());
            woven.origins.push((woven.text.len(), place.clone()));
            woven.text.push_str(&mark);
            woven.slots.push(Slot {
                name: name.to_owned(),
                inner: inner.to_owned(),
                place: place.clone(),
                escape: Escape::None,
            });
        }
        woven
    }

    /// A plain text.
    pub fn of_text(pieces: &[Piece<'_>]) -> Result<Self, Fault> {
        let woven = Self::new(pieces, free_prefix(pieces));
        woven.check_blocks()?;
        Ok(woven)
    }

    /// A page. Comments go, with what is in them, except those by which Outlook is addressed where `keeps_conditions`.
    pub fn of_page(pieces: &[Piece<'_>], keeps_conditions: bool) -> Result<Self, Fault> {
        let mut woven = Self::new(pieces, free_prefix(pieces));
        let text = std::mem::take(&mut woven.text);
        let origins = std::mem::take(&mut woven.origins);
        let (mut page, mut at, mut dropped) = (String::with_capacity(text.len()), 0, vec![]);
        let mut moved = origins.into_iter().peekable();
        for node in markup::nodes(&text) {
            let source = node.source();
            while let Some((from, place)) = moved.next_if(|(from, _)| *from < at + source.len()) {
                woven.origins.push((page.len() + from.saturating_sub(at), place));
            }
            at += source.len();
            match &node {
                Node::Comment(comment) if !(keeps_conditions && is_condition(comment)) => {
                    dropped.extend(woven.marks(comment).map(|(_, slot)| slot));
                }
                Node::Text(text) => woven.mark_text(text, &mut page),
                Node::Open(open) => {
                    for (name, value) in &open.attributes {
                        let is_address = ADDRESSES.iter().any(|address| name.eq_ignore_ascii_case(address));
                        let marks: Vec<(usize, usize)> = woven.marks(value).filter(|_| is_address).collect();
                        for (offset, slot) in marks {
                            if let Some(slot) = woven.slots.get_mut(slot) {
                                slot.escape = if offset == 0 { Escape::Url } else { Escape::InUrl };
                            }
                        }
                    }
                    page.push_str(source);
                }
                _ => page.push_str(source),
            }
        }
        for slot in &mut woven.slots {
            if slot.escape == Escape::None {
                slot.escape = Escape::Html;
            }
        }
        for slot in dropped {
            "dropped".clone_into(&mut woven.slots[slot].name);
        }
        woven.text = page;
        woven.check_blocks()?;
        Ok(woven)
    }

    /// The same for a text that was made of the page: no markup is escaped.
    pub fn as_text(&self, text: String) -> Self {
        let slots = self.slots.iter().map(|slot| Slot { escape: in_text(slot.escape), ..slot.clone() }).collect();
        Self { text, slots, prefix: self.prefix.clone(), origins: vec![] }
    }

    fn check_blocks(&self) -> Result<(), Fault> {
        scan::check_blocks(
            self.slots.iter().filter(|slot| slot.is_block()).map(|slot| (slot.name.as_str(), &slot.place)),
        )
    }

    fn mark(&self, slot: usize) -> String {
        format!("{}{slot}{END}", self.prefix)
    }

    /// The marks in a text: where each begins, and its slot.
    pub fn marks<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + use<'t> {
        text.match_indices(self.prefix.as_str()).filter_map(|(at, _)| {
            let digits = text[at + self.prefix.len()..].split(END).next()?;
            digits.parse().ok().filter(|slot| *slot < self.slots.len()).map(|slot| (at, slot))
        })
    }

    fn mark_text(&self, text: &str, page: &mut String) {
        let mut from = 0;
        for (at, slot) in self.marks(text) {
            if self.slots[slot].is_block() {
                let mark = self.mark(slot);
                page.push_str(&text[from..at]);
                let _ = write!(page, "<!--{mark}-->");
                from = at + mark.len();
            }
        }
        page.push_str(&text[from..]);
    }

    /// The slot that a comment stands for.
    pub fn slot_of_comment(&self, comment: &str) -> Option<String> {
        let inside = comment.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
        let (at, slot) = self.marks(inside).next()?;
        let mark = self.mark(slot);
        (at == 0 && inside == mark && self.slots[slot].is_block()).then_some(mark)
    }

    /// Whether a line holds nothing but marks of tags.
    pub fn is_tags_only(&self, line: &str) -> bool {
        let mut rest = line.trim();
        while let Some((0, slot)) = self.marks(rest).next() {
            if !self.slots[slot].is_block() {
                return false;
            }
            rest = rest[self.mark(slot).len()..].trim_start();
        }
        rest.is_empty() && !line.trim().is_empty()
    }

    /// What the author wrote at a place in `text`.
    pub fn place_at(&self, offset: usize) -> Option<Place> {
        let index = self.origins.partition_point(|(from, _)| *from <= offset).checked_sub(1)?;
        let (from, place) = &self.origins[index];
        Some(scan::advanced(place, self.text.get(*from..offset)?))
    }

    /// Refuses a page that was read otherwise than its source: an output that leads a link there and none here would be filled
    /// with whatever a customer's value holds.
    pub fn check_addresses(&self, page: &str) -> Result<(), Fault> {
        self.check_within(page, 0)
    }

    fn check_within(&self, page: &str, level: usize) -> Result<(), Fault> {
        let hidden = |slot: usize| {
            let message = "it stands in an address that is hidden here: simplify what is around it";
            Err(Fault::at(FaultKind::Markup, &self.slots[slot].place, message))
        };
        if level > MAX_WITHIN {
            return self.marks(page).next().map_or(Ok(()), |(_, slot)| hidden(slot));
        }
        for node in markup::nodes(page) {
            match node {
                Node::Open(open) => {
                    for (name, value) in &open.attributes {
                        let is_address = ADDRESSES.iter().any(|address| name.eq_ignore_ascii_case(address));
                        let misread = self.marks(value).filter(|_| is_address).find(|(offset, slot)| {
                            let expected = if *offset == 0 { Escape::Url } else { Escape::InUrl };
                            ![Escape::Url, expected].contains(&self.slots[*slot].escape)
                        });
                        if let Some((_, slot)) = misread {
                            return hidden(slot);
                        }
                    }
                }
                // What is text for one reader is a page for another.
                Node::Raw(inside) => self.check_within(inside, level + 1)?,
                Node::Comment(comment) => self.check_within(&comment["<!--".len()..], level + 1)?,
                Node::Text(_) | Node::Close(..) | Node::Declaration(_) => {}
            }
        }
        Ok(())
    }

    /// The Liquid of a page or text that the marks are still in. Each output and each block begins with the number of its
    /// slot, by which a fault finds its place.
    pub fn to_liquid(&self, page: &str) -> Result<String, Fault> {
        let mut liquid = String::with_capacity(page.len() + self.slots.len() * 24);
        let mut from = 0;
        let mut next_block = 0;
        for (at, number) in self.marks(page) {
            let slot = &self.slots[number];
            let mark = self.mark(number);
            let mut end = at + mark.len();
            let mut begin = at;
            if page[..at].ends_with("<!--") && page[end..].starts_with("-->") {
                (begin, end) = (at - 4, end + 3);
            }
            if slot.name == "dropped" {
                continue;
            }
            if slot.is_block() {
                let expected =
                    self.slots[next_block..].iter().position(Slot::is_block).map(|offset| next_block + offset);
                if expected != Some(number) {
                    let lost = expected.map_or(slot, |expected| &self.slots[expected]);
                    return Err(lost.out_of_place());
                }
                next_block = number + 1;
            }
            push_literally(&mut liquid, &page[from..begin]);
            slot.push_liquid(number, &mut liquid);
            from = end;
        }
        if let Some(lost) = self.slots[next_block..].iter().find(|slot| slot.is_block()) {
            return Err(lost.out_of_place());
        }
        push_literally(&mut liquid, &page[from..]);
        Ok(liquid)
    }
}

impl Slot {
    /// Whether it is a tag; an output may be repeated or left out by the layout, a tag may not.
    pub fn is_block(&self) -> bool {
        !self.name.is_empty() && self.name != "dropped"
    }

    fn out_of_place(&self) -> Fault {
        let message = format!(
            "the layout loses or repeats {{% {} %}} here: put it between elements, or inside one text",
            self.name
        );
        Fault::at(FaultKind::Markup, &self.place, message)
    }

    fn push_liquid(&self, number: usize, liquid: &mut String) {
        let is_numbered = self.name == "assign" || BLOCKS.iter().any(|(begin, _)| *begin == self.name);
        let _ = match self.name.as_str() {
            "" => write!(liquid, "{{% out {number} {} %}}", self.inner),
            name if is_numbered => write!(liquid, "{{% {name} {number} {} %}}", self.inner),
            name => write!(liquid, "{{% {name} {} %}}", self.inner),
        };
    }
}

/// Writes a text such that no `{{` or `{%` in it is read as Liquid: sanitising turns entities into letters.
fn push_literally(liquid: &mut String, text: &str) {
    let mut from = 0;
    for (at, _) in text.match_indices('{') {
        if matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%')) {
            liquid.push_str(&text[from..at]);
            liquid.push_str("{% brace %}");
            from = at + 1;
        }
    }
    liquid.push_str(&text[from..]);
    // What follows may be a tag, and a brace before it would begin another one.
    if text[from..].ends_with('{') {
        liquid.pop();
        liquid.push_str("{% brace %}");
    }
}

fn is_condition(comment: &str) -> bool {
    let inside = comment["<!--".len()..].trim_start();
    inside.starts_with("[if") || inside.starts_with("<![endif]")
}

/// A prefix that occurs in no text.
fn free_prefix(pieces: &[Piece<'_>]) -> String {
    let occurs = |prefix: &str| {
        pieces.iter().any(|piece| match piece {
            Piece::Text(text, _) => text.contains(prefix),
            Piece::Output(..) | Piece::Tag(..) => false,
        })
    };
    (0_u32..).map(|number| format!("lq{number}x")).find(|prefix| !occurs(prefix)).unwrap_or_default()
}
