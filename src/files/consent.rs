//! Consent in files: the columns and words of the usual systems, in both senses.
//!
//! Nothing is guessed here. A column that seems to be about consent and is not known stops the import with a question,
//! and a word that is not known refuses its line: a person who opted out elsewhere must not get a message because of a header.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::consent::event::ConsentState;
use crate::domain::import::decide::ConsentRow;
use crate::domain::value::Channel;
use crate::files::fields::plain;

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

/// True if a word can only be the state of a subscription: a column that holds one is about consent.
#[must_use]
pub fn is_telling(word: &str) -> bool {
    matches!(
        plain(word).as_str(),
        "unsubscribed"
            | "subscribed"
            | "optedout"
            | "optedin"
            | "optout"
            | "optin"
            | "blocklisted"
            | "blacklisted"
            | "cleaned"
            | "bounced"
            | "hardbounced"
            | "softbounced"
            | "complained"
            | "spam"
            | "reportedasspam"
            | "suppressed"
            | "unconfirmed"
            | "neversubscribed"
            | "nonsubscribed"
            | "notsubscribed"
            | "donotcontact"
    )
}

fn out(word: &str) -> bool {
    matches!(
        word,
        "optedout"
            | "optout"
            | "unsubscribed"
            | "unsubscribe"
            | "neversubscribed"
            | "nonsubscribed"
            | "notsubscribed"
            | "nosubscription"
            | "unsubscribedbycontact"
            | "blocklisted"
            | "blacklisted"
            | "blocked"
            | "cleaned"
            | "bounced"
            | "hardbounced"
            | "hardbounce"
            | "complained"
            | "complaint"
            | "spam"
            | "reportedasspam"
            | "suppressed"
            | "disabled"
            | "donotcontact"
            | "donotallow"
            | "notallowed"
            | "denied"
            | "declined"
            | "revoked"
            | "withdrawn"
            | "removed"
            | "invalid"
    )
}

fn into(word: &str) -> bool {
    matches!(
        word,
        "optedin"
            | "optin"
            | "subscribed"
            | "confirmed"
            | "granted"
            | "express"
            | "explicit"
            | "doubleoptin"
            | "singleoptin"
    )
}

fn pending(word: &str) -> bool {
    matches!(word, "pending" | "unconfirmed" | "awaitingconfirmation" | "pendingconfirmation" | "confirmationpending")
}

/// Yes or no, in the writings that exports use.
fn yes(word: &str) -> Option<bool> {
    match word {
        "yes" | "y" | "true" | "t" | "1" | "on" | "ja" | "oui" | "si" | "sí" | "sim" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "off" | "nein" | "non" | "não" => Some(false),
        _ => None,
    }
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
mod tests {
    use super::*;

    fn says(header: &str, cell: &str) -> Vec<(Channel, ConsentState)> {
        let Known::Consent(meaning) = of_header(header) else { panic!("{header} is not known") };
        meaning.rows(cell, None).expect(cell).into_iter().map(|row| (row.channel, row.state)).collect()
    }

    #[test]
    fn opt_outs_of_the_usual_systems_are_opt_outs() {
        let out = [(Channel::Email, ConsentState::OptedOut)];
        for (header, cell) in [
            ("Accepts Email Marketing", "no"),
            ("Accepts Marketing", "FALSE"),
            ("Email Opt Out", "1"),
            ("HasOptedOutOfEmail", "true"),
            ("Unsubscribed from all email", "Yes"),
            ("EMAIL_BLACKLISTED", "1"),
            ("Email Marketing Consent", "NEVER_SUBSCRIBED"),
            ("Email Marketing Consent", "UNSUBSCRIBED"),
            ("Do Not Email", "Yes"),
            ("Do not allow Emails", "Do Not Allow"),
            ("UNSUB_TIME", "2024-02-03 10:00:00"),
            ("CLEAN_TIME", "2024-02-03 10:00:00"),
            ("Email permission status", "Unsubscribed"),
            ("Email Suppressions", "[\"UNSUBSCRIBE\"]"),
        ] {
            assert_eq!(says(header, cell), out, "{header}: {cell}");
        }
        assert_eq!(says("Accepts SMS Marketing", "no"), [(Channel::Sms, ConsentState::OptedOut)]);
        assert_eq!(says("opt_out", "1").len(), 4);
    }

    #[test]
    fn a_no_in_an_opt_out_column_is_not_an_opt_in() {
        for (header, cell) in [
            ("Email Opt Out", "0"),
            ("HasOptedOutOfEmail", "false"),
            ("DOUBLE_OPT-IN", "No"),
            ("Email Suppressions", "[]"),
        ] {
            assert_eq!(says(header, cell), [], "{header}: {cell}");
        }
        assert_eq!(says("Accepts Email Marketing", "yes"), [(Channel::Email, ConsentState::OptedIn)]);
    }

    #[test]
    fn unknown_words_are_refused() {
        for header in ["Email Opt Out", "consent_email", "subscription"] {
            let Known::Consent(meaning) = of_header(header) else { panic!("{header}") };
            assert!(meaning.read("perhaps").is_err(), "{header}");
        }
    }

    #[test]
    fn headers_that_seem_to_be_about_consent_are_noticed() {
        for header in
            ["GDPR ok?", "Marketing contact status", "Newsletter 2023", "Subscription preferences", "Einwilligung"]
        {
            assert_eq!(of_header(header), Known::Unclear, "{header}");
        }
        for header in ["Status", "Email status"] {
            assert_eq!(of_header(header), Known::PerhapsStatus, "{header}");
        }
        for header in ["Spend", "OPTIN_IP", "UNSUB_REASON", "Description", "Notes", "Email Marketing Consent Timestamp"]
        {
            assert_eq!(of_header(header), Known::No, "{header}");
        }
    }

    #[test]
    fn the_stricter_word_counts_whichever_column_stands_first() {
        let row = |state| ConsentRow { channel: Channel::Email, topic: ALL.to_owned(), state, said_at: None };
        let both = strictest(vec![row(ConsentState::OptedIn), row(ConsentState::OptedOut), row(ConsentState::OptedIn)]);
        assert_eq!(both, [row(ConsentState::OptedOut)]);
    }
}
