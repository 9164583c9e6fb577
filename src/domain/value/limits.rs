//! What a provider takes: a message beyond it would be refused there, so it is refused before it is queued.

use crate::domain::value::Channel;

/// What a provider takes on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The channel.
    pub channel: Channel,
    /// The longest text, in characters.
    pub longest_text: Option<usize>,
    /// The largest message with its files as they are sent, in bytes.
    pub largest_message: Option<u64>,
    /// A message without a subject is refused.
    pub needs_subject: bool,
    /// A file of no bytes is refused.
    pub refuses_empty_files: bool,
}

impl Limits {
    /// None.
    #[must_use]
    pub const fn none(channel: Channel) -> Self {
        Self { channel, longest_text: None, largest_message: None, needs_subject: false, refuses_empty_files: false }
    }
}
