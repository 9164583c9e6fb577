//! What a message that came in means: whose it is, which message of ours it answers or is about, and how it arrived.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::naming::correlation_of;
use super::threading::{self, Named};
use super::{Intake, IntakeError, Meaning, Received};
use crate::accounts::Account;
use crate::app::{ArrivedFile, Caller, FileContent};
use crate::domain::consent::keywords;
use crate::domain::customer::event::Source;
use crate::domain::message::decide::{ReceiveMessage, RecordProviderFact};
use crate::domain::value::inbound::{Arrival, Details};
use crate::domain::value::message::Report;
use crate::ids::MessageId;
use crate::providers::{Inbound, MediaRef};
use crate::queries::messages::MessageRow;

/// The largest original that stands beside its message, in bytes; a larger one is stored as a file of the message.
const MAX_INLINE: usize = 64 * 1024;
/// The end of a text that was cut.
const CUT: &str = " […] (cut)";

/// Why a message is kept that may answer one which the read tables do not show yet. It is looked at again when they do.
pub(super) const WAITS: &str = "the message that it may answer cannot be read yet";

impl Intake {
    pub(super) async fn inbound(
        &self,
        account: &Account,
        inbound: Inbound,
        now: DateTime<Utc>,
    ) -> Result<Meaning, IntakeError> {
        let tenant = account.terms.tenant.unwrap_or(self.tenant);
        if account.terms.own_addresses.iter().any(|own| own.eq_ignore_ascii_case(&inbound.from)) {
            return Ok(Meaning::Nothing("it comes from an address of our own".to_owned()));
        }
        let caller = Caller::new(tenant, format!("provider:{}", account.route().provider));
        let provider = account.route().provider.as_str();
        let named = match threading::named(&self.app, &self.reads, &caller, provider, &inbound).await? {
            Named::Messages(rows) => rows,
            // STOP and START are heeded at once, whatever they answer.
            Named::NotYet if keywords::of_message(inbound.channel, &inbound.text, inbound.opt_out).is_some() => vec![],
            Named::NotYet => return Ok(Meaning::Nothing(WAITS.to_owned())),
        };
        let answered = threading::answered(&self.app, &caller, &named, &inbound).await?;
        let reported = match named.first() {
            Some(ours) => {
                let report = self.report_of(&caller, ours, &inbound).await?;
                report.and_then(|report| reported(account, ours, report, &inbound, now))
            }
            None => None,
        };
        // Of several who share the address, it is the one who was written to.
        let mut customer_id = answered.map(|(customer_id, _)| customer_id);
        if inbound.hints.automatic.is_some() && customer_id.is_none() {
            // A machine makes nobody a customer; what it says of our message stands with whom that went to.
            customer_id = match &reported {
                Some(fact) => Some(fact.correlation.customer_id),
                None => self.app.who_has(&caller, inbound.channel, &inbound.from).await?.first().copied(),
            };
        }
        if let (Some(automatic), None) = (inbound.hints.automatic, customer_id) {
            return Ok(Meaning::Nothing(format!("an automatic mail ({automatic}) from nobody who is known")));
        }
        let (arrival, original) = arrival(account, &inbound, named.first().map(|row| row.message_id));
        let mut files: Vec<ArrivedFile> = original.into_iter().collect();
        files.extend(inbound.media.into_iter().map(|media| arrived(account, media)));
        let message = ReceiveMessage {
            customer_id,
            channel: inbound.channel,
            from: Some(inbound.from),
            to: inbound.to,
            subject: inbound.subject,
            body: inbound.text,
            // The time of arrival is not a time that the provider names: it differs in each repetition.
            occurred_at: inbound.occurred_at,
            in_reply_to: answered.map(|(_, message_id)| message_id).filter(|_| inbound.hints.automatic.is_none()),
            provider: account.route().provider.clone(),
            provider_message_id: Some(inbound.provider_message_id),
            hint: inbound.opt_out,
            source: Source::Provider,
            arrival: Some(Box::new(arrival)),
        };
        Ok(Meaning::Message(Box::new(Received { message, files, tenant, reported })))
    }

    /// What a mail that came back says of a message of ours: of several receivers, of the one whom it went to.
    async fn report_of<'i>(
        &self,
        caller: &Caller,
        ours: &MessageRow,
        inbound: &'i Inbound,
    ) -> Result<Option<&'i Report>, IntakeError> {
        let reports = &inbound.hints.reports;
        if reports.len() > 1 {
            for told in reports {
                for mailbox in &told.mailboxes {
                    let id = self.app.id_of_sender(caller, inbound.channel, mailbox).await?;
                    if id.is_some() && id == ours.address_id {
                        return Ok(Some(&told.report));
                    }
                }
            }
        }
        Ok(reports.first().map(|told| &told.report))
    }
}

/// What a machine's mail says of a message of ours; [`None`] if that message has an unknown channel. The mail itself is
/// taken in beside it.
fn reported(
    account: &Account,
    ours: &MessageRow,
    report: &Report,
    inbound: &Inbound,
    now: DateTime<Utc>,
) -> Option<RecordProviderFact> {
    let correlation = correlation_of(account, ours)?;
    // The id names receivers.
    let id = hex::encode(&Sha256::digest(inbound.provider_message_id.as_bytes())[..16]);
    Some(RecordProviderFact {
        correlation,
        occurred_at: inbound.occurred_at.unwrap_or(now),
        provider_event_id: Some(format!("mail {id}")),
        report: report.clone(),
        raw: Some(head(&inbound.text)),
    })
}

/// As much of a text as stands beside an event; the whole stands with the message that it came in.
fn head(text: &str) -> String {
    if text.len() <= MAX_INLINE {
        return text.to_owned();
    }
    format!("{}{CUT}", &text[..text.floor_char_boundary(MAX_INLINE - CUT.len())])
}

/// How a message arrived; what is too large to stand beside it is a file of its own.
fn arrival(account: &Account, inbound: &Inbound, about: Option<MessageId>) -> (Arrival, Option<ArrivedFile>) {
    let is_small = inbound.original.len() <= MAX_INLINE;
    let file = (!is_small).then(|| ArrivedFile {
        name: Some("original.txt".to_owned()),
        content_type: Some("text/plain".to_owned()),
        content: FileContent::Original(inbound.original.clone().into()),
    });
    let hints = &inbound.hints;
    let details = Details {
        sender_name: inbound.sender_name.clone(),
        html: inbound.html.clone(),
        cc: inbound.cc.clone(),
        receivers: inbound.receivers.clone(),
        mail_id: inbound.message_id.clone(),
        provider_message_id: Some(inbound.provider_message_id.clone()),
        spf: hints.spf.clone(),
        dkim: hints.dkim.clone(),
        spam_score: hints.spam_score.clone(),
        location: inbound.location.clone(),
        is_cut: hints.is_cut,
        is_text_of_html: hints.is_text_of_html,
    };
    let arrival = Arrival {
        account: Some(account.route().account.clone()),
        automatic: hints.automatic,
        about: about.filter(|_| hints.automatic.is_some()),
        details,
        raw: is_small.then(|| inbound.original.clone()),
    };
    (arrival, file)
}

fn arrived(account: &Account, media: MediaRef) -> ArrivedFile {
    let route = account.route();
    let content = match (media.content, media.url) {
        (Some(content), _) => FileContent::Here(content),
        (None, Some(url)) => {
            FileContent::Remote { url, provider: route.provider.clone(), account: route.account.clone() }
        }
        (None, None) => FileContent::NotRead,
    };
    ArrivedFile { name: media.name, content_type: media.content_type, content }
}
