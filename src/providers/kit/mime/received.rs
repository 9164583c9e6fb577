//! A mail as it was handed over whole, by a mailbox or a pipe: nothing is known of it but what it says itself.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::providers::Inbound;
use crate::providers::kit::inbound::Arrived;
use crate::providers::kit::texts;

/// The headers by which mail servers say whom a mail was delivered to: Postfix, qmail and Dovecot; Exim; fetchmail.
const DELIVERED_TO: &[&str] = &["x-original-to", "delivered-to", "envelope-to", "x-envelope-to"];

/// Reads a mail of which nothing is known but what it says itself. Its lines may end in one way in a mailbox and in another in
/// a pipe, which may add an empty one: it is one mail all the same.
pub(in crate::providers) fn of_raw(bytes: &[u8], now: DateTime<Utc>) -> Option<Inbound> {
    let written = without_mbox_line(bytes);
    let mut arrived = Arrived::from(super::parse(written));
    // The newest stand first: those before them were written by the servers that the mail went through last.
    let to = DELIVERED_TO.iter().find_map(|name| arrived.headers.get(name));
    arrived.receivers = to.map(|to| texts::address_in(to).to_owned()).into_iter().collect();
    arrived.envelope_from = arrived.headers.get("return-path").map(|from| from.trim().to_owned());
    arrived.text = arrived.text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
    let id = arrived.id(|| digest(written));
    arrived.inbound(id, now)
}

/// Stands for a mail without a `Message-ID`, whatever its lines end in.
fn digest(mail: &[u8]) -> String {
    let mut hash = Sha256::new();
    for line in mail.trim_ascii_end().split(|&byte| byte == b'\n') {
        hash.update(line.strip_suffix(b"\r").unwrap_or(line));
        hash.update(b"\n");
    }
    hex::encode(&hash.finalize()[..16])
}

/// Pipes may write a first line as it separates mails in a file (`From ada@example.org Mon …`).
fn without_mbox_line(bytes: &[u8]) -> &[u8] {
    match bytes.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|&byte| byte == b'\n').map_or(&[], |end| &rest[end + 1..]),
        None => bytes,
    }
}

#[cfg(test)]
mod tests;
