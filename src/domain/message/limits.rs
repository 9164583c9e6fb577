//! What no provider account would take is refused before it is queued.

use crate::domain::message::attachment::StoredFile;
use crate::domain::message::decide::SendMessage;
use crate::domain::refusal::Refusal;
use crate::domain::value::limits::Limits;

/// Refuses a message that is beyond its channel's limits. `page` is the size of a mail's HTML in bytes, `files` are what its
/// uploads stand for, `to` is the address as it is spelled.
pub fn check(
    limits: &Limits,
    command: &SendMessage,
    page: usize,
    to: Option<&str>,
    files: &[StoredFile],
) -> Result<(), Refusal> {
    let about_files = |code, message: String| Refusal { code, message, field: Some("attachments".to_owned()) };
    let is_blank = command.subject.as_deref().is_none_or(|subject| subject.trim().is_empty());
    if limits.needs_subject && is_blank {
        return Err(Refusal::invalid("subject", "is required: the provider refuses a mail without one"));
    }
    if to.is_some_and(|to| !limits.reaches(to)) {
        let message = "the email address has letters before the @ that are not ASCII (SMTPUTF8), and no provider account of \
                       yours can send to such addresses; use another address of the customer";
        return Err(Refusal {
            code: "MAILBOX_NOT_REACHED",
            message: message.to_owned(),
            field: Some("address_id".to_owned()),
        });
    }
    let length = command.body.chars().count();
    if let Some(most) = limits.longest_text.filter(|most| length > *most) {
        let message = format!("has {length} characters; the provider takes at most {most} on this channel");
        return Err(Refusal::invalid("body", message));
    }
    if limits.refuses_empty_files && files.iter().any(|file| file.size == 0) {
        return Err(about_files(
            "ATTACHMENT_EMPTY",
            "a file is empty, and the provider refuses empty files".to_owned(),
        ));
    }
    // As base64, which a mail carries, with its line breaks.
    let encoded: u64 = files.iter().map(|file| file.size.div_ceil(3) * 4 * 78 / 76).sum();
    if let Some(most) = limits.largest_message.filter(|most| encoded + (command.body.len() + page) as u64 > *most) {
        let message = format!("the message would have more than {most} bytes with its files");
        return Err(about_files("ATTACHMENTS_TOO_LARGE", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::event::MessageClass;
    use crate::domain::value::Channel;
    use crate::ids::{AttachmentId, CustomerId};

    fn message(channel: Channel, subject: Option<&str>, body: &str) -> SendMessage {
        SendMessage {
            customer_id: CustomerId(uuid::Uuid::nil()),
            channel,
            class: MessageClass::Transactional,
            topic: "orders".to_owned(),
            address_id: None,
            subject: subject.map(str::to_owned),
            body: body.to_owned(),
            send_at: None,
            in_reply_to: None,
            campaign_id: None,
            variant: None,
            attachments: vec![],
        }
    }

    fn file(size: u64) -> StoredFile {
        let attachment_id = AttachmentId(uuid::Uuid::nil());
        StoredFile { attachment_id, size, mac: String::new(), name: None, content_type: None }
    }

    fn code(limits: &Limits, message: &SendMessage, files: &[StoredFile]) -> Option<&'static str> {
        check(limits, message, 0, None, files).err().map(|refusal| refusal.code)
    }

    #[test]
    fn what_the_provider_must_refuse_is_refused_and_everything_else_is_not() {
        let mail = Limits {
            largest_message: Some(29_900_000),
            needs_subject: true,
            refuses_empty_files: true,
            ..Limits::none(Channel::Email)
        };
        let email = |subject| message(Channel::Email, subject, "Hello");
        let mb = 1024 * 1024;
        assert_eq!(code(&mail, &email(None), &[]), Some("INVALID_INPUT"));
        assert_eq!(code(&mail, &email(Some(" ")), &[]), Some("INVALID_INPUT"));
        assert_eq!(code(&mail, &email(Some("Hi")), &[file(20 * mb)]), None);
        assert_eq!(code(&mail, &email(Some("Hi")), &[file(0)]), Some("ATTACHMENT_EMPTY"));
        assert_eq!(code(&mail, &email(Some("Hi")), &[file(11 * mb), file(11 * mb)]), Some("ATTACHMENTS_TOO_LARGE"));
        assert_eq!(code(&Limits::none(Channel::Email), &email(None), &[file(0)]), None);
        let ascii = Limits { refuses_international_mailboxes: true, ..Limits::none(Channel::Email) };
        let to = |to| check(&ascii, &email(Some("Hi")), 0, Some(to), &[]).err().map(|refusal| refusal.code);
        assert_eq!((to("用户@example.org"), to("ada@example.org")), (Some("MAILBOX_NOT_REACHED"), None));
        let sms = Limits { longest_text: Some(1_600), ..Limits::none(Channel::Sms) };
        assert_eq!(code(&sms, &message(Channel::Sms, None, &"ü".repeat(1_600)), &[]), None);
        assert_eq!(code(&sms, &message(Channel::Sms, None, &"ü".repeat(1_601)), &[]), Some("INVALID_INPUT"));
    }
}
