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
    /// A mailbox with other letters than ASCII's before the @ is refused (RFC 6531, SMTPUTF8).
    pub refuses_international_mailboxes: bool,
}

impl Limits {
    /// None.
    #[must_use]
    pub const fn none(channel: Channel) -> Self {
        Self {
            channel,
            longest_text: None,
            largest_message: None,
            needs_subject: false,
            refuses_empty_files: false,
            refuses_international_mailboxes: false,
        }
    }

    /// What one of two accounts takes.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            channel: self.channel,
            longest_text: self.longest_text.zip(other.longest_text).map(|(one, two)| one.max(two)),
            largest_message: self.largest_message.zip(other.largest_message).map(|(one, two)| one.max(two)),
            needs_subject: self.needs_subject && other.needs_subject,
            refuses_empty_files: self.refuses_empty_files && other.refuses_empty_files,
            refuses_international_mailboxes: self.refuses_international_mailboxes
                && other.refuses_international_mailboxes,
        }
    }

    /// Whether a message can go to an address as it is spelled.
    #[must_use]
    pub fn reaches(&self, address: &str) -> bool {
        // Domains are kept in ASCII: what is left is before the @.
        !self.refuses_international_mailboxes || address.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_accounts_the_more_generous_one_counts() {
        let short = Limits { longest_text: Some(160), needs_subject: true, ..Limits::none(Channel::Sms) };
        let long = Limits { longest_text: Some(1_600), ..Limits::none(Channel::Sms) };
        assert_eq!(short.or(long), long);
        assert_eq!(short.or(Limits::none(Channel::Sms)), Limits::none(Channel::Sms));
    }

    #[test]
    fn a_mailbox_with_other_letters_is_reached_by_who_takes_them() {
        let ascii = Limits { refuses_international_mailboxes: true, ..Limits::none(Channel::Email) };
        assert!(ascii.reaches("ada@xn--exmple-cua.example") && !ascii.reaches("gänsefüß@example.org"));
        assert!(ascii.or(Limits::none(Channel::Email)).reaches("gänsefüß@example.org"));
    }
}
