//! `commlog demo`: a running example. Everything goes through the same commands as in production; the simulated
//! provider delivers, opens, clicks, replies, bounces and opts out.

mod sample;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Caller};
use crate::boot::master_key::create_private;
use crate::boot::{Node, Port, Running, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::templates::starter;
use crate::cli::{Session, print, signal};
use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::ActivityKind;
use crate::domain::consent::decide::SetConsent;
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::decide::{AddNote, RegisterCustomer};
use crate::domain::customer::event::Source;
use crate::domain::message::decide::{ReceiveMessage, SendMessage};
use crate::domain::message::event::MessageClass;
use crate::domain::tenant::decide::IssueApiKey;
use crate::domain::tenant::event::Role;
use crate::domain::value::Channel;
use crate::ids::{CampaignId, CustomerId, Position};
use crate::log::ReadLimit;
use sample::{CUSTOMERS, SampleCustomer};

/// `commlog demo`
#[derive(Debug, Args)]
#[command(
    long_about = "Starts commlog with sample data and a simulated provider: a small wine merchant with 36 customers, who \
                  keeps sending messages that are delivered, opened, answered or bounced. A second start keeps data and \
                  key. Nothing is ever sent to anybody.",
    after_help = "Examples:\n  commlog demo\n  COMMLOG_DATA_DIR=/tmp/play COMMLOG_LISTEN=127.0.0.1:8080 commlog demo"
)]
pub struct DemoArgs {}

/// The pause between two messages at first, and later.
const PACE: Duration = Duration::from_secs(12);
const LATER_PACE: Duration = Duration::from_secs(180);
const FIRST_MESSAGES: u64 = 60;

/// Runs `commlog demo`.
pub async fn run(session: Session, _: DemoArgs) -> Outcome {
    session.trace()?;
    let port = Port::take(session.config.listen).await?;
    let stores = session.open().await?;
    let caller = Caller::new(session.config.tenant, "demo");
    let key_file = session.config.data_dir.join("demo.key");
    let token = match std::fs::read_to_string(&key_file) {
        Ok(token) => token.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            session.ensure_tenant(&stores, &caller, "Juniper & Oak, wine merchants").await?;
            let token = begin(&stores, &caller).await?;
            keep(&key_file, &token)?;
            token
        }
        Err(error) => {
            return Err(Failure::doing(Exit::Unavailable, format!("cannot read {}", key_file.display()), error));
        }
    };
    let people = customers(&stores, &caller).await?;
    let app = stores.app.clone();
    let stop = CancellationToken::new();
    let _watch = signal::cancel_on_interrupt(stop.clone());
    let mut running = Node::start_at(port, stores, stop.clone()).await?;
    // The page and the key are printed once they work.
    let head = stores_head(&running).await?;
    let shown = running.reads().wait_for(head, Duration::from_secs(60)).await;
    if let Err(error) = shown {
        tracing::warn!(%error, "the read tables have not caught up; the first queries may be incomplete");
    }
    let (address, folder) = (running.address(), session.config.data_dir.display());
    print::line(format_args!(
        "\n  commlog demo is running.\n\n  Open      http://{address}/#key={token}\n  API key   {token}\n\n  \
         Next, on the page:\n    1. Press the triangle: the tabs are queries that run as they are.\n    \
         2. Run the tab \"Live\", open the page in a second window, and run \"Send\" there.\n  Next, in another \
         terminal, with your own data in a folder of its own:\n    commlog import customers crm.csv --dry-run\n    \
         commlog help\n\n  Data are in {folder}. Ctrl-C stops, the next start goes on. Nothing is sent to anybody.\n"
    ))?;
    let lived = tokio::select! {
        lived = live(&app, &caller, &people) => lived,
        ended = running.wait() => ended.map_err(Failure::from),
    };
    let finished = running.finish().await.map_err(Failure::from);
    lived.and(finished)
}

async fn stores_head(running: &Running) -> Outcome<Position> {
    Ok(running.stores().journal.backend().head().await?.position)
}

/// Creates customers, their history, and a key. Every command carries an idempotency key, so that an interrupted
/// demo resumes at its next start.
async fn begin(stores: &Stores, caller: &Caller) -> Outcome<String> {
    let app = &stores.app;
    let since = began(stores).await?;
    for number in 0..CUSTOMERS {
        past(app, caller, number, sample::customer(number, since)).await?;
    }
    starter::publish(app, caller).await?;
    // The key comes last and cannot be repeated: its token is shown only once.
    let key = IssueApiKey {
        role: Role::Admin,
        personal: Some(true),
        send: Some(true),
        acts_for_users: true,
        label: "demo".to_owned(),
    };
    Ok(app.issue_api_key(caller, key).await?.into_result()?.value.token)
}

/// The time of the log's first event: the demo's history is dated relative to it.
async fn began(stores: &Stores) -> Outcome<DateTime<Utc>> {
    let first = stores.journal.read_all(Position::START, ReadLimit::events(1)).await?;
    Ok(first.first().map_or_else(|| stores.ambient().now(), |event| event.envelope.recorded_at))
}

fn keep(file: &Path, token: &str) -> Outcome {
    use std::io::Write;
    create_private(file)
        .and_then(|mut file| writeln!(file, "{token}"))
        .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot write {}", file.display()), error))
}

fn registration(sample: &SampleCustomer) -> RegisterCustomer {
    RegisterCustomer { profile: sample.profile.clone(), addresses: sample.addresses.clone(), source: Source::Demo }
}

/// The ids of the sample's customers, already registered: repeated commands return the first result.
async fn customers(stores: &Stores, caller: &Caller) -> Outcome<Vec<CustomerId>> {
    let since = began(stores).await?;
    let mut ids = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        let caller = caller.clone().with_key(format!("demo: customer {number}"));
        let command = registration(&sample::customer(number, since));
        ids.push(stores.app.register_customer(&caller, command).await?.into_result()?.value);
    }
    Ok(ids)
}

async fn past(app: &App, caller: &Caller, number: usize, sample: SampleCustomer) -> Outcome {
    let key = |what: &str| caller.clone().with_key(format!("demo: {what} {number}"));
    let registered = app.register_customer(&key("customer"), registration(&sample)).await?.into_result()?;
    let customer_id = registered.value;
    let consent = SetConsent {
        customer_id,
        channel: Channel::Email,
        topic: "all".to_owned(),
        state: if sample.opted_out { ConsentState::OptedOut } else { ConsentState::OptedIn },
        method: "form".to_owned(),
        wording: Some("Yes, please email me about new wines and tastings.".to_owned()),
        ip: None,
        user_agent: None,
        message_id: None,
        source: Source::Demo,
    };
    app.set_consent(&key("consent"), consent).await?.into_result()?;
    for order in sample.orders {
        let activity = RecordActivity {
            customer_id,
            kind: ActivityKind::Order,
            name: None,
            reference: Some(order.reference.clone()),
            status: Some("paid".to_owned()),
            occurred_at: Some(order.at),
            amount_micros: None,
            currency: Some("GBP".to_owned()),
            lines: order.lines,
            due_at: None,
            message_id: None,
            title: None,
            attributes: BTreeMap::new(),
            source: Source::Demo,
        };
        app.record_activity(&key(&format!("order {}", order.reference)), activity).await?.into_result()?;
    }
    if let Some((channel, at, text)) = sample.wrote {
        let from = sample.addresses.into_iter().find(|address| address.kind == channel.address_kind());
        let message = ReceiveMessage {
            customer_id: Some(customer_id),
            channel,
            from: from.map(|address| address.address),
            to: None,
            subject: (channel == Channel::Email).then(|| "A question".to_owned()),
            body: text.to_owned(),
            occurred_at: Some(at),
            in_reply_to: None,
            provider: "simulator".to_owned(),
            provider_message_id: Some(format!("demo-{number}")),
            hint: None,
            source: Source::Demo,
            arrival: None,
        };
        app.receive_message(&key("message"), message).await?.into_result()?;
    }
    if number.is_multiple_of(9) {
        let note = AddNote {
            customer_id,
            conversation_id: None,
            text: "Prefers deliveries after five.".to_owned(),
            pinned: true,
        };
        app.add_note(&key("note"), note).await?.into_result()?;
    }
    Ok(())
}

/// Sends messages for as long as the demo runs.
async fn live(app: &App, caller: &Caller, people: &[CustomerId]) -> Outcome {
    // Numbers derived from the clock continue after those of an earlier start.
    let first = app.ambient().now().timestamp().unsigned_abs();
    for number in 0.. {
        let message = sample::message(first + number);
        let campaign_id = message.topic.map(|topic| campaign(caller, topic));
        let command = SendMessage {
            customer_id: people[message.customer % people.len()],
            channel: message.channel,
            class: if message.topic.is_some() { MessageClass::Marketing } else { MessageClass::Transactional },
            topic: message.topic.unwrap_or("service").to_owned(),
            address_id: None,
            subject: message.subject.map(str::to_owned),
            body: message.body.to_owned(),
            send_at: None,
            in_reply_to: None,
            campaign_id,
            variant: campaign_id.map(|_| if number.is_multiple_of(2) { "a" } else { "b" }.to_owned()),
            attachments: vec![],
        };
        if let Err(refusal) = app.send_message(caller, command, None).await?.into_result() {
            tracing::debug!(code = refusal.code, "the demo's message was refused");
        }
        let pace = match number {
            0..6 => Duration::from_millis(400),
            6..FIRST_MESSAGES => PACE,
            _ => LATER_PACE,
        };
        tokio::time::sleep(pace).await;
    }
    Ok(())
}

/// The same campaign for the same topic at every start.
fn campaign(caller: &Caller, topic: &str) -> CampaignId {
    let mut bytes = *caller.tenant.0.as_bytes();
    topic.bytes().enumerate().for_each(|(index, byte)| bytes[index % 16] ^= byte);
    CampaignId(uuid::Uuid::new_v8(bytes))
}
