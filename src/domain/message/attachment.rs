//! Files of messages: what may go with one, and the events that tell of them.

use serde::{Deserialize, Serialize};

use crate::domain::customer::event::CustomerEvent;
use crate::domain::decision::{Context, Decided};
use crate::domain::event::event;
use crate::domain::message::event::MessageKey;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::message::AttachmentState;
use crate::domain::value::{Channel, media};
use crate::ids::AttachmentId;

/// How many files go with one message at most (Twilio: 10 `MediaUrl`).
pub const MOST: usize = 10;
/// How large one file may be, in bytes: what the blob store takes.
pub const LARGEST: u64 = 25 * 1024 * 1024;
/// How many files of one inbound message are stored; further ones are noted.
pub const MOST_RECEIVED: usize = 20;
/// How many bytes of files of one inbound message are stored.
pub const LARGEST_RECEIVED: u64 = 30 * 1024 * 1024;

event! {
    /// A message has a file. Stands behind the message's first event, appended together with it.
    MessageAttached 1 {
        #[serde(flatten)]
        key: MessageKey,
        attachment_id: AttachmentId,
        /// Its place among the message's files, from 1.
        number: u32,
        state: AttachmentState,
        /// Why it is missing: `too_many`, `too_large`, `not_read`.
        reason: Option<String>,
        /// In bytes.
        size: Option<u64>,
        /// HMAC of the content's SHA-256, in hex: proves later that it is this content, and tells nobody which.
        mac: Option<String>,
        /// The provider and its account that it can be fetched from.
        provider: Option<String>,
        account: Option<String>,
    }
    personal MessageAttachedPersonal {
        /// As its sender named it: not fit for a file system.
        name: Option<String>,
        /// What its sender says that it is.
        content_type: Option<String>,
        /// Where it can be fetched. Written by outsiders: it may point anywhere.
        url: Option<String>,
    }
}

event! {
    /// A file that lay at the provider is in the blob store.
    AttachmentFetched 1 {
        #[serde(flatten)]
        key: MessageKey,
        attachment_id: AttachmentId,
        /// In bytes.
        size: u64,
        /// As in `MessageAttached`.
        mac: String,
    }
}

event! {
    /// A file that lay at the provider is not fetched, for good.
    AttachmentMissed 1 {
        #[serde(flatten)]
        key: MessageKey,
        attachment_id: AttachmentId,
        /// Such as `foreign_host`, `redirect_refused`, `too_large`, `unreachable`.
        reason: String,
    }
}

/// A file that is in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its id, and the blob's.
    pub attachment_id: AttachmentId,
    /// In bytes.
    pub size: u64,
    /// HMAC of the content's SHA-256, in hex.
    pub mac: String,
    /// The file's name, where the sender gave one.
    pub name: Option<String>,
    /// Its media type, such as `application/pdf`.
    pub content_type: Option<String>,
}

/// A file of an inbound message, as it was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedFile {
    /// It is in the blob store.
    Stored(StoredFile),
    /// It lies at the provider.
    Remote {
        /// Its id, and the blob's once it is fetched.
        attachment_id: AttachmentId,
        /// Where.
        url: String,
        /// The provider.
        provider: String,
        /// Its account.
        account: String,
        /// What the provider says that it is.
        content_type: Option<String>,
    },
    /// It was left out.
    Missing {
        /// The file's id.
        attachment_id: AttachmentId,
        /// The reason, as a word such as `too_large`.
        reason: &'static str,
        /// In bytes, where known.
        size: Option<u64>,
        /// The file's name, where the sender gave one.
        name: Option<String>,
        /// Its media type.
        content_type: Option<String>,
    },
}

/// Checks the name of a file that is to be sent: one line, no path.
pub fn name(given: Option<String>) -> Result<Option<String>, Refusal> {
    let name = text::optional("name", given, text::SHORT)?;
    match &name {
        Some(name) if name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\')) => {
            Err(Refusal::invalid("name", "must be one line, without / and \\"))
        }
        _ => Ok(name),
    }
}

/// Checks a media type: `type/subtype`, without parameters. Blank means absent.
pub fn content_type(given: &str) -> Result<Option<String>, Refusal> {
    let bare = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if bare.is_empty() {
        return Ok(None);
    }
    let is_token = |part: &str| {
        (1..=100).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match bare.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(Some(bare)),
        _ => Err(Refusal::invalid("content_type", "must be a media type such as application/pdf")),
    }
}

/// Checks that files may go with a message: number, and for MMS their kinds and sizes.
pub fn check(channel: Channel, files: &[StoredFile]) -> Result<(), Refusal> {
    let field = |refusal: Refusal| Refusal { field: Some("attachments".to_owned()), ..refusal };
    if files.is_empty() {
        return Ok(());
    }
    if files.len() > MOST {
        let message = format!("{} files are attached; at most {MOST} may be", files.len());
        return Err(field(Refusal::new("TOO_MANY_ATTACHMENTS", message)));
    }
    match channel {
        Channel::Email => {}
        Channel::Whatsapp if files.len() > 1 => {
            let message = "a WhatsApp message carries one file: send the others in messages of their own";
            return Err(field(Refusal::new("TOO_MANY_ATTACHMENTS", message)));
        }
        Channel::Sms | Channel::Whatsapp => {
            for file in files {
                let kind = file.content_type.as_deref().and_then(media::kind);
                let Some(kind) = kind else {
                    let message = format!("a text message carries only {}", media::names());
                    return Err(field(Refusal::new("ATTACHMENT_TYPE_REFUSED", message)));
                };
                if file.size > kind.largest {
                    let message = format!(
                        "a file of type {} may have at most {} bytes in a text message",
                        kind.name, kind.largest
                    );
                    return Err(field(Refusal::new("ATTACHMENT_TOO_LARGE", message)));
                }
            }
        }
        Channel::Voice | Channel::Push | Channel::InApp => {
            return Err(field(Refusal::new("CHANNEL_TAKES_NO_ATTACHMENTS", "this channel cannot carry files")));
        }
    }
    Ok(())
}

/// Why a file was given up that lies at an account which this installation did not know: it is asked for again once the
/// account is there.
pub const NO_ACCOUNT: &str = "no_account";

/// The events of files that go with an outbound message.
#[must_use]
pub fn sent(key: &MessageKey, files: Vec<StoredFile>, context: &Context<'_>) -> Vec<Decided<CustomerEvent>> {
    files.into_iter().zip(1..).map(|(file, number)| context.now(stored(key, number, file))).collect()
}

/// The events of files that came with an inbound message.
#[must_use]
pub fn received(
    key: &MessageKey,
    files: Vec<ReceivedFile>,
    occurred_at: chrono::DateTime<chrono::Utc>,
    context: &Context<'_>,
) -> Vec<Decided<CustomerEvent>> {
    let event = |(file, number)| {
        let attached = |attachment_id, state| MessageAttached {
            key: key.clone(),
            attachment_id,
            number,
            state,
            reason: None,
            size: None,
            mac: None,
            provider: None,
            account: None,
            personal: None,
        };
        context.at(
            occurred_at,
            match file {
                ReceivedFile::Stored(file) => stored(key, number, file),
                ReceivedFile::Remote { attachment_id, url, provider, account, content_type } => MessageAttached {
                    provider: Some(provider),
                    account: Some(account),
                    personal: Some(MessageAttachedPersonal { name: None, content_type, url: Some(url) }),
                    ..attached(attachment_id, AttachmentState::Remote)
                },
                ReceivedFile::Missing { attachment_id, reason, size, name, content_type } => MessageAttached {
                    reason: Some(reason.to_owned()),
                    size,
                    personal: Some(MessageAttachedPersonal { name, content_type, url: None }),
                    ..attached(attachment_id, AttachmentState::Missing)
                },
            },
        )
    };
    files.into_iter().zip(1..).map(event).collect()
}

fn stored(key: &MessageKey, number: u32, file: StoredFile) -> MessageAttached {
    let StoredFile { attachment_id, size, mac, name, content_type } = file;
    MessageAttached {
        key: key.clone(),
        attachment_id,
        number,
        state: AttachmentState::Stored,
        reason: None,
        size: Some(size),
        mac: Some(mac),
        provider: None,
        account: None,
        personal: Some(MessageAttachedPersonal { name, content_type, url: None }),
    }
}

impl MessageAttached {
    /// The file, if it is in the blob store.
    #[must_use]
    pub fn file(&self) -> Option<StoredFile> {
        let personal = self.personal.as_ref();
        Some(StoredFile {
            attachment_id: self.attachment_id,
            size: self.size?,
            mac: self.mac.clone()?,
            name: personal.and_then(|personal| personal.name.clone()),
            content_type: personal.and_then(|personal| personal.content_type.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content_type: &str, size: u64) -> StoredFile {
        let attachment_id = AttachmentId(uuid::Uuid::nil());
        StoredFile { attachment_id, size, mac: String::new(), name: None, content_type: Some(content_type.to_owned()) }
    }

    fn code(channel: Channel, files: &[StoredFile]) -> Option<&'static str> {
        check(channel, files).err().map(|refusal| refusal.code)
    }

    #[test]
    fn limits_are_those_of_the_channel_at_their_bounds() {
        let picture = |size| [file("image/png", size)];
        let mb = 1024 * 1024;
        let cases: [(Channel, Vec<StoredFile>, Option<&str>); 11] = [
            (Channel::Voice, vec![], None),
            (Channel::Voice, picture(1).into(), Some("CHANNEL_TAKES_NO_ATTACHMENTS")),
            (Channel::Push, picture(1).into(), Some("CHANNEL_TAKES_NO_ATTACHMENTS")),
            (Channel::Email, vec![file("x/y", 1); MOST], None),
            (Channel::Email, vec![file("x/y", 1); MOST + 1], Some("TOO_MANY_ATTACHMENTS")),
            (Channel::Email, vec![file("x/y", 20 * mb)], None),
            (Channel::Sms, picture(5 * mb).into(), None),
            (Channel::Sms, picture(5 * mb + 1).into(), Some("ATTACHMENT_TOO_LARGE")),
            (Channel::Sms, vec![file("application/pdf", 500 * 1024)], None),
            (Channel::Sms, vec![file("application/pdf", 500 * 1024 + 1)], Some("ATTACHMENT_TOO_LARGE")),
            (Channel::Sms, vec![file("text/html", 1)], Some("ATTACHMENT_TYPE_REFUSED")),
        ];
        for (number, (channel, files, expected)) in cases.into_iter().enumerate() {
            assert_eq!(code(channel, &files), expected, "case {number}");
        }
    }

    #[test]
    fn names_and_types_are_of_one_line() {
        assert_eq!(name(Some(" Räch nung.pdf ".to_owned())), Ok(Some("Räch nung.pdf".to_owned())));
        for bad in ["../etc/passwd", "a\\b", "a\r\nContent-Type: text/html", "a\0"] {
            assert!(name(Some(bad.to_owned())).is_err(), "{bad:?}");
        }
        assert_eq!(content_type("Image/PNG; name=x"), Ok(Some("image/png".to_owned())));
        assert_eq!(content_type(" "), Ok(None));
        for bad in ["png", "image/", "a b/c", "image/png\r\nX: y"] {
            assert!(content_type(bad).is_err(), "{bad:?}");
        }
    }
}
