//! What a check says of an address, and how long its word counts.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::value::words;

/// How long a verdict counts. Mailboxes are given up and numbers change hands; a quarter is what the services advise.
pub const VERDICT_LASTS: TimeDelta = TimeDelta::days(90);
/// How long it counts that a service could not tell: every question costs, and its reasons pass.
pub const UNKNOWN_LASTS: TimeDelta = TimeDelta::days(1);

words! {
    /// Whether messages can arrive at an address.
    Validity, "validity" {
        /// They can, as far as the one who checked can see.
        Deliverable = "deliverable",
        /// They may, but something speaks against sending.
        Risky = "risky",
        /// They cannot.
        Undeliverable = "undeliverable",
        /// The one who checked cannot tell.
        Unknown = "unknown",
    }
}

words! {
    /// Why an address is risky or undeliverable.
    ValidityReason, "validity reason" {
        /// It is not written as an address is.
        Syntax = "syntax",
        /// Its domain does not exist, or takes no mail.
        Domain = "domain",
        /// There is no such mailbox.
        Mailbox = "mailbox",
        /// There is no such number.
        Number = "number",
        /// Anybody may have it for minutes.
        Disposable = "disposable",
        /// Its domain takes mail to every mailbox, whether there is one or not.
        CatchAll = "catch_all",
        /// It belongs to a function, such as `info`, not to a person.
        Role = "role",
        /// The one who checked does not say.
        Unstated = "unstated",
    }
}

words! {
    /// What a phone number leads to.
    LineType, "line type" {
        /// A mobile phone.
        Mobile = "mobile",
        /// A line that takes calls only.
        Landline = "landline",
        /// A number of an internet telephone; many of them take SMS.
        Voip = "voip",
        /// A number that is free for callers; many of them take SMS.
        TollFree = "toll_free",
        /// A service: premium, shared cost, voicemail, a pager.
        Service = "service",
        /// The one who checked cannot tell.
        Unknown = "unknown",
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether messages can arrive.
    pub validity: Validity,
    /// Why not, or why perhaps not; absent for other verdicts.
    pub reason: Option<ValidityReason>,
    /// What a phone number leads to; absent for other addresses, and where nobody looked.
    pub line_type: Option<LineType>,
    /// Who runs the line, as the one who checked writes it. Personal: beside a number it says something of its owner.
    pub carrier: Option<String>,
}

impl Verdict {
    /// Messages can arrive.
    pub const DELIVERABLE: Self = Self::bare(Validity::Deliverable, None);
    /// The one who checked cannot tell.
    pub const UNKNOWN: Self = Self::bare(Validity::Unknown, None);

    /// Something speaks against sending.
    #[must_use]
    pub const fn risky(reason: ValidityReason) -> Self {
        Self::bare(Validity::Risky, Some(reason))
    }

    /// Messages cannot arrive.
    #[must_use]
    pub const fn undeliverable(reason: ValidityReason) -> Self {
        Self::bare(Validity::Undeliverable, Some(reason))
    }

    const fn bare(validity: Validity, reason: Option<ValidityReason>) -> Self {
        Self { validity, reason, line_type: None, carrier: None }
    }
}

impl Validity {
    /// Until when a verdict of a moment counts.
    #[must_use]
    pub fn counts_until(self, checked_at: DateTime<Utc>) -> DateTime<Utc> {
        checked_at
            + match self {
                Self::Unknown => UNKNOWN_LASTS,
                Self::Deliverable | Self::Risky | Self::Undeliverable => VERDICT_LASTS,
            }
    }
}
