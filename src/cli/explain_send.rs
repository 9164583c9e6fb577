//! `commlog explain-send`

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::boot;
use crate::campaigns::business::find_business;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::message::decide::{SendDecision, SendMessage, SendRequest};
use crate::domain::message::event::MessageClass;
use crate::domain::message::origin::UseTemplate;
use crate::domain::message::rules::{Finding, Found, NotAsked};
use crate::domain::value::Channel;
use crate::ids::{AddressId, CustomerId};
use crate::rendering::Business;

/// Says what would become of a message if it were sent now, and what every rule finds.
#[derive(Debug, Args)]
#[command(
    long_about = "Says what would become of a message to a customer if it were sent now, by the same decision as sending, and what \
                  every rule finds. Nothing is sent or recorded.",
    after_help = "Examples:\n  commlog explain-send --customer $ID --channel email --topic offers\n  commlog explain-send --customer \
                  $ID --channel sms --topic orders --class transactional --body 'Your order left'\n  commlog explain-send --customer \
                  $ID --channel email --topic offers --template spring --format jsonl | jq 'select(.outcome != \"passes\")'\n\n\
                  `commlog why` explains a message that was asked for already."
)]
pub struct ExplainSendArgs {
    /// The customer's id.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: CustomerId,
    /// The channel: email, sms, whatsapp, voice, push or in_app.
    #[arg(long, value_name = "CHANNEL", value_parser = |text: &str| text.parse::<Channel>())]
    channel: Channel,
    /// The topic whose consent is checked, such as newsletter.
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// The class: marketing or transactional.
    #[arg(long, value_name = "CLASS", default_value = "marketing", value_parser = |text: &str| text.parse::<MessageClass>())]
    class: MessageClass,
    /// The id of the customer's address [default: the primary one]
    #[arg(long, value_name = "ID", value_parser = ids::given::<AddressId>)]
    address: Option<AddressId>,
    /// The code of the template that it is made of.
    #[arg(long, value_name = "CODE")]
    template: Option<String>,
    /// The text, at which rules do not look; its length matters.
    #[arg(long, value_name = "TEXT", default_value = "a text", conflicts_with = "template")]
    body: String,
    /// Not sent before this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    send_at: Option<DateTime<Utc>>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["rule", "outcome", "because", "until", "inputs"];

/// Runs `commlog explain-send`.
pub async fn run(session: &Session, args: ExplainSendArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    // What the accounts carry limits what can be sent.
    boot::account_service(&stores, &reads).await?;
    let business = match args.template {
        Some(_) => {
            let known = find_business(&reads.db(), caller.tenant, args.customer, None).await;
            known.map_err(Failure::unavailable)?.unwrap_or_default()
        }
        None => Business::default(),
    };
    let explained = stores.app.explain_send(&caller, args.request(), business).await?;
    stores.close().await;
    let mut listing = Listing::new(args.format, COLUMNS);
    if listing.is_table()
        && let Ok(decision) = &explained.decided
    {
        print::line(format_args!("{}\n", verdict(decision)))?;
    }
    for finding in &explained.findings {
        listing.row(&row(finding))?;
    }
    listing.end("no rule is asked")?;
    match explained.decided {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Failure::new(Exit::Refused, format!("it would be refused: {}", refusal.message))),
    }
}

impl ExplainSendArgs {
    fn request(&self) -> SendRequest {
        let template = self.template.clone().map(|code| UseTemplate {
            code,
            version: None,
            locale: None,
            variables: std::collections::BTreeMap::new(),
            activity_id: None,
            test: None,
        });
        let message = SendMessage {
            customer_id: self.customer,
            channel: self.channel,
            class: self.class,
            topic: self.topic.clone(),
            address_id: self.address,
            subject: None,
            body: if template.is_some() { String::new() } else { self.body.clone() },
            send_at: self.send_at,
            in_reply_to: None,
            campaign_id: None,
            variant: None,
            attachments: vec![],
        };
        SendRequest { message, canned_reply: None, template }
    }
}

fn verdict(decision: &SendDecision) -> String {
    match decision {
        SendDecision::Queued => "it would be sent at once".to_owned(),
        SendDecision::Held { until, rule } => format!("it would be held until {until} by the rule {rule}"),
        SendDecision::Suppressed { rule } => format!("it would not be sent: the rule {rule}"),
    }
}

fn row(finding: &Finding) -> Value {
    let (outcome, because, until) = match finding.found {
        Found::Passes => ("passes", None, None),
        Found::Holds { until } => ("holds", None, Some(until)),
        Found::Suppresses => ("suppresses", None, None),
        Found::NotAsked(why) => ("not_asked", Some(reason(why)), None),
    };
    json!({ "rule": finding.rule, "outcome": outcome, "because": because, "until": until, "inputs": finding.inputs })
}

const fn reason(why: NotAsked) -> &'static str {
    match why {
        NotAsked::Nowhere => "nowhere",
        NotAsked::Transactional => "transactional",
        NotAsked::Planned => "planned",
        NotAsked::NotPlanned => "not_planned",
        NotAsked::Emergency => "emergency",
        NotAsked::OtherChannel => "other_channel",
        NotAsked::Template => "template",
    }
}
