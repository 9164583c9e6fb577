//! How facts become bytes in a frame: numbers big-endian, texts and bytes with their length before them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Bytes that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame cannot be read")]
pub(super) struct Unreadable;

/// Gathers bytes.
#[derive(Default)]
pub(super) struct Encoder(pub Vec<u8>);

impl Encoder {
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn number(&mut self, number: u64) {
        self.fixed(&number.to_be_bytes());
    }

    pub fn time(&mut self, time: DateTime<Utc>) {
        self.fixed(&time.timestamp_micros().to_be_bytes());
    }

    pub fn id(&mut self, id: Uuid) {
        self.fixed(id.as_bytes());
    }

    pub fn optional_id(&mut self, id: Option<Uuid>) {
        self.fixed(&[u8::from(id.is_some())]);
        if let Some(id) = id {
            self.id(id);
        }
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.fixed(bytes);
    }

    pub fn optional_bytes(&mut self, bytes: Option<&[u8]>) {
        self.fixed(&[u8::from(bytes.is_some())]);
        if let Some(bytes) = bytes {
            self.bytes(bytes);
        }
    }
}

/// Reads what an [`Encoder`] gathered.
pub(super) struct Decoder<'a>(pub &'a [u8]);

impl<'a> Decoder<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        self.take(N)?.try_into().map_err(|_| Unreadable)
    }

    pub fn number(&mut self) -> Result<u64, Unreadable> {
        Ok(u64::from_be_bytes(self.fixed()?))
    }

    pub fn time(&mut self) -> Result<DateTime<Utc>, Unreadable> {
        DateTime::from_timestamp_micros(i64::from_be_bytes(self.fixed()?)).ok_or(Unreadable)
    }

    pub fn id<I: From<Uuid>>(&mut self) -> Result<I, Unreadable> {
        Ok(Uuid::from_bytes(self.fixed()?).into())
    }

    fn is_there(&mut self) -> Result<bool, Unreadable> {
        match self.fixed()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Unreadable),
        }
    }

    pub fn optional_id<I: From<Uuid>>(&mut self) -> Result<Option<I>, Unreadable> {
        if self.is_there()? { self.id().map(Some) } else { Ok(None) }
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| Unreadable)?)
    }

    pub fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, Unreadable> {
        if self.is_there()? { self.bytes().map(Some) } else { Ok(None) }
    }

    pub fn text(&mut self) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Unreadable)
    }

    /// Nothing may follow.
    pub fn end(self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable) }
    }
}
