//! Consent in files: the columns and words of the usual systems, in both senses.
//!
//! Nothing is guessed here. A column that seems to be about consent and is not known stops the import with a question,
//! and a word that is not known refuses its line: a person who opted out elsewhere must not get a message because of a header.

mod words;

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::consent::event::ConsentState;
use crate::domain::import::decide::ConsentRow;
use crate::domain::value::Channel;

use crate::files::fields::plain;
use words::{into, out, pending, yes};
pub use words::{is_refusing, is_telling};

/// The topic that stands for everything on a channel.
const ALL: &str = "all";

/// What a yes in the column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Yes: opted in. No: opted out.
    In,
    /// Yes: opted in. No: nothing is known.
    OnlyIn,
    /// Yes: opted out. No: nothing is known, which is not an opt-in.
    Out,
    /// A time or a text, if the customer opted out; blank otherwise.
    OutSince,
    /// A list of reasons why nothing is sent; blank or `[]` if there are none.
    OutList,
    /// A word for the state of a subscription.
    Status,
    /// When the customer agreed; says nothing without another column.
    Since,
}

/// What a column about consent means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// What a yes means.
    pub sense: Sense,
    /// For which channels.
    pub channels: &'static [Channel],
    /// For which topic.
    pub topic: String,
}

const EMAIL: &[Channel] = &[Channel::Email];
const SMS: &[Channel] = &[Channel::Sms];
const WHATSAPP: &[Channel] = &[Channel::Whatsapp];
const VOICE: &[Channel] = &[Channel::Voice];
const EVERY: &[Channel] = &[Channel::Email, Channel::Sms, Channel::Whatsapp, Channel::Voice];

/// A field that `--map` can name.
#[derive(Debug, Clone, Copy)]
pub struct ConsentField {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    sense: Sense,
    channels: &'static [Channel],
}

const fn named(name: &'static str, sense: Sense, channels: &'static [Channel], meaning: &'static str) -> ConsentField {
    ConsentField { name, meaning, sense, channels }
}

const YES_IS_IN: &str = "yes, subscribed, opted_in; no, unsubscribed, opted_out; pending";
const YES_IS_OUT: &str = "yes: opted out; no: nothing is known";

/// The fields of consent.
pub const FIELDS: &[ConsentField] = &[
    named("consent_email", Sense::In, EMAIL, YES_IS_IN),
    named("opt_out_email", Sense::Out, EMAIL, YES_IS_OUT),
    named("consent_sms", Sense::In, SMS, YES_IS_IN),
    named("opt_out_sms", Sense::Out, SMS, YES_IS_OUT),
    named("consent_whatsapp", Sense::In, WHATSAPP, YES_IS_IN),
    named("opt_out_whatsapp", Sense::Out, WHATSAPP, YES_IS_OUT),
    named("consent_voice", Sense::In, VOICE, YES_IS_IN),
    named("opt_out_voice", Sense::Out, VOICE, YES_IS_OUT),
    named("opt_out", Sense::Out, EVERY, "yes: opted out of every channel; no: nothing is known"),
    named("opted_out_at", Sense::OutSince, EMAIL, "when the customer opted out of email; blank otherwise"),
    named("consent_at", Sense::Since, EMAIL, "when the customer agreed to email, beside a column that says so"),
    named("subscription", Sense::Status, EMAIL, "subscribed, unsubscribed, cleaned, blocklisted, bounced, pending …"),
];

/// Column names of the usual systems, as [`plain`] writes them.
const NAMES: &[(Sense, &[Channel], &[&str])] = &[
    (
        Sense::In,
        EMAIL,
        &[
            "consentemail",
            "emailconsent",
            "emailoptin",
            "optinemail",
            "acceptsmarketing",
            "acceptsemailmarketing",
            "emailmarketingconsent",
            "marketingemailconsent",
            "emailpermissionstatus",
            "emailpermission",
            "emailmarketing",
            "emailmarketingstatus",
            "emailsubscriptionstatus",
            "emailsubscribed",
            "subscribedtoemail",
            "newsletter",
            "newsletteroptin",
            "newslettersubscribed",
            "marketingoptin",
            "marketingconsent",
            "subscribed",
            "issubscribed",
            "optin",
            "optedin",
        ],
    ),
    (
        Sense::In,
        SMS,
        &[
            "consentsms",
            "smsconsent",
            "smsoptin",
            "optinsms",
            "acceptssmsmarketing",
            "smsmarketingconsent",
            "smsmarketingstatus",
            "smssubscriptionstatus",
            "smssubscribed",
            "textoptin",
            "smspermission",
        ],
    ),
    (Sense::In, WHATSAPP, &["consentwhatsapp", "whatsappconsent", "whatsappoptin", "whatsappmarketingconsent"]),
    (Sense::In, VOICE, &["consentvoice", "voiceconsent", "consentphone", "phoneconsent"]),
    (Sense::OnlyIn, EMAIL, &["doubleoptin", "doubleoptinconfirmed"]),
    (
        Sense::Out,
        EMAIL,
        &[
            "emailoptout",
            "optoutemail",
            "optoutofemail",
            "hasoptedoutofemail",
            "emailoptedout",
            "optedoutofemail",
            "unsubscribedfromallemail",
            "unsubscribedfromemail",
            "unsubscribedfromemails",
            "emailunsubscribed",
            "emailblacklisted",
            "emailblocklisted",
            "blocklistedemailcampaigns",
            "donotemail",
            "donotbulkemail",
            "donotallowemails",
            "donotallowbulkemails",
            "noemail",
            "unsubscribed",
            "isunsubscribed",
            "unsubscribe",
            "globallyunsubscribed",
            "excludedfromemail",
        ],
    ),
    (
        Sense::Out,
        SMS,
        &[
            "smsoptout",
            "optoutsms",
            "optoutofsms",
            "hasoptedoutofsms",
            "smsoptedout",
            "optedoutofsms",
            "smsunsubscribed",
            "smsblacklisted",
            "smsblocklisted",
            "blocklistedsmscampaigns",
            "donottext",
            "donotsms",
            "nosms",
        ],
    ),
    (
        Sense::Out,
        WHATSAPP,
        &["whatsappoptout", "optoutwhatsapp", "whatsappblacklisted", "whatsappblocklisted", "whatsappunsubscribed"],
    ),
    (Sense::Out, VOICE, &["donotcall", "donotphone", "donotallowphonecalls", "calloptout", "phoneoptout"]),
    (
        Sense::Out,
        EVERY,
        &["optout", "optedout", "hasoptedout", "donotcontact", "dnc", "blacklisted", "blocklisted", "nomarketing"],
    ),
    (
        Sense::OutSince,
        EMAIL,
        &[
            "unsubtime",
            "cleantime",
            "unsubscribetime",
            "unsubscribedat",
            "unsubscribedate",
            "unsubscribeddate",
            "unsubscribedon",
            "dateunsubscribed",
            "optoutdate",
            "optouttime",
            "optedoutat",
            "optedoutdate",
            "emailoptoutdate",
        ],
    ),
    (Sense::OutSince, SMS, &["smsoptoutdate", "smsunsubscribedat", "smsoptedoutat"]),
    (
        Sense::OutList,
        EMAIL,
        &["emailsuppressions", "emailmarketingsuppressions", "emailmarketinglistsuppressions", "suppressions"],
    ),
    (Sense::OutList, SMS, &["smssuppressions", "smsmarketingsuppressions"]),
    (
        Sense::Since,
        EMAIL,
        &["confirmtime", "optindate", "optedinat", "consentat", "consentdate", "emailconsentdate", "confirmedat"],
    ),
];

/// Names of columns that hold a subscription's state in some files and something else in others: their values decide.
const STATUSES: &[&str] = &[
    "status",
    "subscriptionstatus",
    "subscriberstatus",
    "memberstatus",
    "contactstatus",
    "emailstatus",
    "marketingstatus",
    "liststatus",
];

/// Parts of column names that are about consent.
const SMELLS: &[&str] = &[
    "optout",
    "optin",
    "optedout",
    "optedin",
    "unsub",
    "subscrib",
    "subscription",
    "consent",
    "gdpr",
    "permission",
    "blacklist",
    "blocklist",
    "suppress",
    "newsletter",
    "marketing",
    "donot",
    "dontcontact",
    "dontemail",
    "dnc",
    "nomail",
    "noemail",
    "nosms",
    "allowemail",
    "allowsms",
    "allowcontact",
    "mailable",
    "contactable",
    "bounced",
    "hardbounce",
    "complain",
    "einwilligung",
    "abgemeldet",
    "abmeldung",
    "widerruf",
    "consentement",
    "consentimiento",
    "consenso",
    "desabonn",
];

/// Ends of column names that tell more about a consent, and not whether there is one.
const DETAILS: &[&str] = &[
    "ip",
    "timestamp",
    "source",
    "method",
    "reason",
    "reasonother",
    "campaignid",
    "campaigntitle",
    "url",
    "useragent",
    "optintime",
    "optinlevel",
    "subscribercount",
    "updatesource",
];

/// What the import knows of a column by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It holds consent.
    Consent(Meaning),
    /// It holds the state of a subscription if its values are such words.
    PerhapsStatus,
    /// It seems to be about consent, and what it means must be said if there is anything in it.
    Unclear,
    /// It is not about consent.
    No,
}

/// The meaning of a field that `--map` names.
#[must_use]
pub fn field(name: &str) -> Option<Meaning> {
    let field = FIELDS.iter().find(|field| field.name == name)?;
    Some(Meaning { sense: field.sense, channels: field.channels, topic: ALL.to_owned() })
}

/// The state of a subscription to email.
#[must_use]
pub fn status() -> Meaning {
    Meaning { sense: Sense::Status, channels: EMAIL, topic: ALL.to_owned() }
}

/// What a column's name says.
#[must_use]
pub fn of_header(name: &str) -> Known {
    let bare = plain(name);
    if let Some(field) = FIELDS.iter().find(|field| plain(field.name) == bare) {
        return Known::Consent(Meaning { sense: field.sense, channels: field.channels, topic: ALL.to_owned() });
    }
    for (sense, channels, names) in NAMES {
        if names.contains(&bare.as_str()) {
            return Known::Consent(Meaning { sense: *sense, channels, topic: ALL.to_owned() });
        }
    }
    // HubSpot: "Opted out of email: Newsletter".
    if let Some(topic) = name.trim().to_lowercase().strip_prefix("opted out of email:") {
        let topic = topic.split_whitespace().collect::<Vec<_>>().join("-");
        return Known::Consent(Meaning { sense: Sense::Out, channels: EMAIL, topic });
    }
    if STATUSES.contains(&bare.as_str()) {
        return Known::PerhapsStatus;
    }
    let smells = SMELLS.iter().any(|part| bare.contains(part));
    if smells && !DETAILS.iter().any(|end| bare.ends_with(end)) { Known::Unclear } else { Known::No }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<&str> = self.channels.iter().map(|channel| channel.word()).collect();
        let how = match self.sense {
            Sense::In | Sense::OnlyIn => "yes: opted in",
            Sense::Out => "yes: opted out",
            Sense::OutSince => "filled: opted out",
            Sense::OutList => "any: opted out",
            Sense::Status => "its words",
            Sense::Since => "when it was given",
        };
        write!(f, "consent of {} ({how})", channels.join(", "))
    }
}

impl Meaning {
    /// What a cell says. Nothing: the cell says nothing of consent.
    pub fn read(&self, text: &str) -> Result<Option<ConsentState>, String> {
        let word = plain(text);
        let word = word.as_str();
        let state = match self.sense {
            Sense::Since => return Ok(None),
            Sense::OutSince => return Ok(Some(ConsentState::OptedOut)),
            Sense::OutList => {
                return Ok(match yes(word) {
                    _ if word.is_empty() || word == "none" => None,
                    Some(false) => None,
                    _ => Some(ConsentState::OptedOut),
                });
            }
            _ if out(word) => Some(ConsentState::OptedOut),
            _ if pending(word) => Some(ConsentState::Pending),
            Sense::Out => match (yes(word), word) {
                (Some(true), _) => Some(ConsentState::OptedOut),
                (Some(false), _) | (_, "allow" | "allowed" | "subscribed" | "optedin") => None,
                _ => return Err("must be yes (opted out) or no".to_owned()),
            },
            Sense::In | Sense::OnlyIn => match yes(word) {
                _ if into(word) => Some(ConsentState::OptedIn),
                Some(true) => Some(ConsentState::OptedIn),
                Some(false) if self.sense == Sense::OnlyIn => None,
                Some(false) => Some(ConsentState::OptedOut),
                None if matches!(word, "implied" | "notset" | "unknown" | "none") => None,
                None => return Err("must be opted_in, opted_out or pending (or yes, no)".to_owned()),
            },
            Sense::Status if into(word) => Some(ConsentState::OptedIn),
            Sense::Status if matches!(word, "enabled" | "active" | "valid" | "implied" | "none" | "notset") => None,
            Sense::Status => {
                return Err(
                    "is not a state of a subscription, such as subscribed, unsubscribed, cleaned, pending".to_owned()
                );
            }
        };
        Ok(state)
    }

    /// What a cell says, for each channel.
    pub fn rows(&self, text: &str, said_at: Option<DateTime<Utc>>) -> Result<Vec<ConsentRow>, String> {
        let Some(state) = self.read(text)? else { return Ok(vec![]) };
        let row = |channel: &Channel| ConsentRow { channel: *channel, topic: self.topic.clone(), state, said_at };
        Ok(self.channels.iter().map(row).collect())
    }
}

/// One word a channel and topic: an opt-out beside an opt-in counts, whichever column stands first.
#[must_use]
pub fn strictest(rows: Vec<ConsentRow>) -> Vec<ConsentRow> {
    let rank = |state: ConsentState| match state {
        ConsentState::OptedOut => 0,
        ConsentState::Pending => 1,
        ConsentState::OptedIn => 2,
        ConsentState::None => 3,
    };
    let mut kept: Vec<ConsentRow> = Vec::with_capacity(rows.len());
    for row in rows {
        match kept.iter_mut().find(|own| own.channel == row.channel && own.topic == row.topic) {
            None => kept.push(row),
            Some(own) if rank(row.state) < rank(own.state) => *own = row,
            Some(own) if rank(row.state) == rank(own.state) => own.said_at = own.said_at.or(row.said_at),
            Some(_) => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests;
