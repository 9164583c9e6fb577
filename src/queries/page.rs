//! Keyset pages: a page starts after the sort key of the last row seen, so that its cost does not grow with its number.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use uuid::Uuid;

use crate::domain::value::time;
use crate::sql::Value;

/// How many rows a page of any list may have, over GraphQL and on the command line.
pub const PAGE: PageLimits = PageLimits { default: 50, largest: 200 };

/// How many rows a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// When the caller does not say.
    pub default: usize,
    /// At most.
    pub largest: usize,
}

impl PageLimits {
    /// The size that a caller asks for; the default without one.
    pub fn size(self, asked: Option<i64>) -> Result<usize, PageError> {
        let Some(asked) = asked else { return Ok(self.default) };
        let size = usize::try_from(asked).ok().filter(|size| (1..=self.largest).contains(size));
        size.ok_or(PageError::Size(asked))
    }
}

/// Why a page cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Fewer than one or more than [`PageLimits::largest`] rows were asked for.
    #[error("a page has 1 to {largest} rows, not {0}", largest = PAGE.largest)]
    Size(i64),
    /// Both `first` and `last` were given.
    #[error("ask for the first rows or for the last ones, not for both")]
    BothEnds,
    /// The cursor was not made by this list.
    #[error("this cursor does not belong to this list")]
    Cursor,
}

/// The sort key of a row, opaque to its holder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Takes a cursor back from a caller; whether it belongs to a list shows when the list is read.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to hand out.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes a sort key: per part a letter for its type, then its bytes.
    #[must_use]
    pub fn of(key: &[Value]) -> Self {
        let mut bytes = Vec::with_capacity(key.len() * 17);
        for part in key {
            match part {
                Value::Time(time) => {
                    bytes.push(b't');
                    bytes.extend(time.timestamp_micros().to_be_bytes());
                }
                Value::Int(number) => {
                    bytes.push(b'i');
                    bytes.extend(number.to_be_bytes());
                }
                Value::Bool(truth) => bytes.extend([b'b', u8::from(*truth)]),
                Value::Uuid(id) => {
                    bytes.push(b'u');
                    bytes.extend(id.as_bytes());
                }
                Value::Bytes(part) => prefixed(&mut bytes, b'p', part),
                Value::Text(part) => prefixed(&mut bytes, b's', part.as_bytes()),
            }
        }
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a sort key whose parts have the types that `shape` spells in the letters of [`Self::of`].
    pub fn key(&self, shape: &str) -> Result<Vec<Value>, PageError> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| PageError::Cursor)?;
        let mut rest = bytes.as_slice();
        let mut key = Vec::with_capacity(shape.len());
        for letter in shape.bytes() {
            key.push(part(letter, &mut rest).ok_or(PageError::Cursor)?);
        }
        if rest.is_empty() { Ok(key) } else { Err(PageError::Cursor) }
    }
}

fn prefixed(bytes: &mut Vec<u8>, letter: u8, part: &[u8]) {
    bytes.push(letter);
    bytes.extend((part.len() as u64).to_be_bytes());
    bytes.extend(part);
}

fn part(letter: u8, rest: &mut &[u8]) -> Option<Value> {
    if take(rest, 1)? != [letter] {
        return None;
    }
    Some(match letter {
        // No row has a key that a store cannot hold, and a database fails on one.
        b't' => Value::Time(time::bounded(DateTime::from_timestamp_micros(number(rest)?)?).ok()?),
        b'i' => Value::Int(number(rest)?),
        b'b' => Value::Bool(take(rest, 1)? == [1]),
        b'u' => Value::Uuid(Uuid::from_slice(take(rest, 16)?).ok()?),
        b'p' => Value::Bytes(counted(rest)?.to_vec()),
        b's' => Value::Text(std::str::from_utf8(counted(rest)?).ok().filter(|text| !text.contains('\0'))?.to_owned()),
        _ => return None,
    })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    take(rest, 8)?.try_into().ok().map(i64::from_be_bytes)
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = usize::try_from(number(rest)?).ok()?;
    take(rest, count)
}

/// Which part of a list is asked for: some rows from one of its ends, between two cursors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows at most: 1 to [`PageLimits::largest`].
    pub(super) size: usize,
    /// True to take the last rows before `before` instead of the first ones after `after`.
    pub(super) from_end: bool,
    /// Only rows after this one.
    pub(super) after: Option<Cursor>,
    /// Only rows before this one.
    pub(super) before: Option<Cursor>,
}

impl Default for Page {
    fn default() -> Self {
        Self { size: PAGE.default, from_end: false, after: None, before: None }
    }
}

impl Page {
    /// A page in the terms of Relay's connections. Without `first` and `last`: the first [`PageLimits::default`] rows.
    pub fn try_new(
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
    ) -> Result<Self, PageError> {
        let (asked, from_end) = match (first, last) {
            (Some(_), Some(_)) => return Err(PageError::BothEnds),
            (None, Some(last)) => (Some(last), true),
            (first, None) => (first, false),
        };
        let size = PAGE.size(asked)?;
        Ok(Self { size, from_end, after: after.map(Cursor::from_text), before: before.map(Cursor::from_text) })
    }

    /// The first `size` rows; a size out of range is brought into it.
    #[must_use]
    pub fn first(size: usize) -> Self {
        Self { size: size.clamp(1, PAGE.largest), ..Self::default() }
    }

    /// The last `size` rows; a size out of range is brought into it.
    #[must_use]
    pub fn last(size: usize) -> Self {
        Self { size: size.clamp(1, PAGE.largest), from_end: true, ..Self::default() }
    }

    /// Only rows after `cursor`.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Only rows before `cursor`.
    #[must_use]
    pub fn before(mut self, cursor: Cursor) -> Self {
        self.before = Some(cursor);
        self
    }
}

/// One page of a list, in the list's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<T> {
    /// The rows, each with the cursor that continues after (or before) it.
    pub rows: Vec<(Cursor, T)>,
    /// Whether rows follow. Paging from the end, this is known only from a given `before`.
    pub has_next: bool,
    /// Whether rows precede. Paging from the start, this is known only from a given `after`.
    pub has_previous: bool,
}

impl<T> Slice<T> {
    /// Cuts the one row too many that was read to learn whether the list goes on, and brings rows into the list's order.
    pub(super) fn cut(mut rows: Vec<T>, page: &Page, key: impl Fn(&T) -> Vec<Value>) -> Self {
        let more = rows.len() > page.size;
        rows.truncate(page.size);
        if page.from_end {
            rows.reverse();
        }
        let rows = rows.into_iter().map(|row| (Cursor::of(&key(&row)), row)).collect();
        if page.from_end {
            Self { rows, has_next: page.before.is_some(), has_previous: more }
        } else {
            Self { rows, has_next: more, has_previous: page.after.is_some() }
        }
    }

    /// The page of `size` rows that follows, if any do; a size out of range is brought into it.
    #[must_use]
    pub fn next(&self, size: usize) -> Option<Page> {
        let (last, _) = self.rows.last().filter(|_| self.has_next)?;
        Some(Page::first(size).after(last.clone()))
    }

    /// The same page of other rows.
    pub(super) fn map<U>(self, change: impl Fn(T) -> U) -> Slice<U> {
        let rows = self.rows.into_iter().map(|(cursor, row)| (cursor, change(row))).collect();
        Slice { rows, has_next: self.has_next, has_previous: self.has_previous }
    }

    /// The rows without their cursors.
    #[must_use]
    pub fn into_rows(self) -> Vec<T> {
        self.rows.into_iter().map(|(_, row)| row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Vec<Value> {
        vec![
            Value::Time(DateTime::from_timestamp_micros(1_234_567).expect("in range")),
            Value::Bytes(vec![7; 16]),
            Value::Uuid(Uuid::from_u128(9)),
            Value::Int(-4),
            Value::Text("é".to_owned()),
        ]
    }

    #[test]
    fn a_cursor_gives_its_key_back() {
        assert_eq!(Cursor::of(&key()).key("tpuis"), Ok(key()));
    }

    #[test]
    fn a_foreign_or_damaged_cursor_is_refused() {
        let cursor = Cursor::of(&key());
        for shape in ["tpui", "tpuiss", "tpuit", ""] {
            assert_eq!(cursor.key(shape), Err(PageError::Cursor), "{shape}");
        }
        let cut = Cursor::from_text(&cursor.as_str()[..20]);
        assert_eq!(cut.key("tpuis"), Err(PageError::Cursor));
        assert_eq!(Cursor::from_text("not base64!").key("t"), Err(PageError::Cursor));
    }

    #[test]
    fn page_sizes_are_checked() {
        assert_eq!(Page::try_new(None, None, None, None).map(|page| page.size), Ok(PAGE.default));
        assert_eq!(Page::try_new(Some(0), None, None, None), Err(PageError::Size(0)));
        assert_eq!(Page::try_new(None, None, Some(201), None), Err(PageError::Size(201)));
        assert_eq!(Page::try_new(Some(1), None, Some(1), None), Err(PageError::BothEnds));
    }

    #[test]
    fn a_slice_from_the_end_comes_in_the_order_of_the_list() {
        let slice = Slice::cut(vec![5_i64, 4, 3], &Page::last(2), |number| vec![Value::Int(*number)]);
        assert_eq!((slice.has_previous, slice.has_next), (true, false));
        assert_eq!(slice.into_rows(), [4, 5]);
    }
}
