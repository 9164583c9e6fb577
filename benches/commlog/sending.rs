//! From a command over the dispatcher to a provider over HTTP, and back through its webhook.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use commlog::accounts::{Account, Accounts, Terms, WebhookPath};
use commlog::app::App;
use commlog::domain::customer::decide::{AddressInput, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::Source;
use commlog::domain::message::decide::SendMessage;
use commlog::domain::message::event::MessageClass;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::value::message::Route;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{CustomerId, Position};
use commlog::intake::Intake;
use commlog::processes::backlog::Backlog;
use commlog::processes::dispatcher::{Dispatcher, DispatcherOptions};
use commlog::providers::kit::client::{ClientOptions, HttpClient};
use commlog::providers::sendgrid::{Sendgrid, SendgridWebhook};
use commlog::providers::{Accepted, OutboundMessage, Provider, SendError};
use commlog::queries::Reads;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::concurrently;
use crate::load::percentile;
use crate::log::per_second;
use crate::provider::{Remote, Told, webhook};
use crate::report::{Goal, Measurement};
use crate::stores::{Own, Place, caller};
use crate::{Result, Size};

/// Webhooks at once.
const AT_ONCE: usize = 4;
/// Sends for the latency from command to call.
const SINGLE: usize = 300;

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Sending).await?;
    let app = stores.app.clone();
    app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?.into_result()?;
    let count = size.commands / 5;
    let customers = Arc::new(register(&app, count).await?);
    let reads = stores.read_store().await?;
    let stop = CancellationToken::new();
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });

    let mut double = Remote::start().await?;
    let client = HttpClient::new(ClientOptions::default())?;
    let provider = Arc::new(Sendgrid::try_new(double.settings.clone(), client, stores.ambient().clone())?);
    let webhook = Arc::new(SendgridWebhook::try_new(&double.settings)?);
    let accounts = Accounts::new(vec![Account::new(provider, Some(webhook), Terms::default())]);
    let (dispatching, dispatcher) = dispatch(&app, accounts.clone()).await?;

    let before = stores.journal.backend().head().await?.position.counter();
    let started = Instant::now();
    concurrently(count, {
        let (app, customers) = (app.clone(), customers.clone());
        move |number| {
            let (app, customer) = (app.clone(), customers[usize::try_from(number).unwrap_or_default()]);
            async move { send(&app, customer).await }
        }
    })
    .await?;
    // Queued, started, sent.
    let end = Position::from_counter(before + 3 * count);
    let mut grown = stores.journal.backend().watch();
    grown.wait_for(|head| *head >= end).await?;
    let rate = per_second(count, started.elapsed());
    let sent = Instant::now();
    reads.applied().wait_for(|applied| *applied >= end).await?;
    let lag = sent.elapsed().as_secs_f64();
    dispatching.cancel();
    dispatcher.await?;
    let folder = tempfile::tempdir_in(&place.folder)?;
    let told = double.tell(folder.path()).await?;
    if told.most != 1 || told.mails != count {
        return Err("a message was not sent, or sent twice".into());
    }

    let intake = Intake::new(app.clone(), Reads::new(reads.clone()), accounts, caller().tenant);
    let ingest = ingest(&intake, folder.path(), &told).await?;
    stop.cancel();
    projector.await??;
    let latency = latency(&app, &customers).await?;
    stores.close().await;
    Ok(vec![
        Measurement::new(place.engine, "sending to a local provider", rate, "messages/s", Goal::AtLeast(2_500.0))
            .note(format!("{count} messages, from 256 commands at once to the provider's answers in the log")),
        Measurement::new(place.engine, "read tables behind the last sending", lag, "s", Goal::Below(5.0)),
        Measurement::new(place.engine, "webhooks, 500 events each", ingest, "events/s", Goal::AtLeast(15_000.0))
            .note("verified, interpreted, stored with their own text"),
        Measurement::new(
            place.engine,
            "from a command to the provider's call, idle, p99",
            latency,
            "ms",
            Goal::Below(50.0),
        ),
    ])
}

async fn dispatch(app: &App, accounts: Accounts) -> Result<(CancellationToken, JoinHandle<()>)> {
    let stop = CancellationToken::new();
    let backlog = Backlog::from_log(app).await?;
    let dispatcher = Dispatcher::new(app.clone(), accounts, DispatcherOptions::default());
    Ok((stop.clone(), tokio::spawn(dispatcher.run(backlog.position, backlog.messages, stop))))
}

/// Registers customers with a mail address each.
pub async fn register(app: &App, count: u64) -> Result<Vec<CustomerId>> {
    let registered = Arc::new(Mutex::new(Vec::new()));
    concurrently(count, {
        let (app, registered) = (app.clone(), registered.clone());
        move |number| {
            let (app, registered) = (app.clone(), registered.clone());
            async move {
                let address = AddressInput {
                    region: None,
                    kind: AddressKind::Email,
                    address: format!("somebody{number}@example.org"),
                    label: None,
                    primary: true,
                };
                let command = RegisterCustomer {
                    profile: ProfileInput { name: Some(format!("Somebody {number}")), ..ProfileInput::default() },
                    addresses: vec![address],
                    source: Source::Api,
                };
                let id = app.register_customer(&caller(), command).await?.into_result()?.value;
                registered.lock().map_err(|_| "a caller failed")?.push(id);
                Ok(())
            }
        }
    })
    .await?;
    let registered = registered.lock().map_err(|_| "a caller failed")?;
    Ok(registered.clone())
}

async fn send(app: &App, customer_id: CustomerId) -> Result {
    let message = SendMessage {
        customer_id,
        channel: Channel::Email,
        class: MessageClass::Marketing,
        topic: "news".into(),
        address_id: None,
        subject: Some("A new vintage".into()),
        body: "A new vintage is in. Answer this mail to put a case aside for yourself until Friday.".into(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    };
    app.send_message(&caller(), message, None).await?.into_result()?;
    Ok(())
}

/// Three events for each mail that was taken, in batches.
async fn ingest(intake: &Intake, folder: &Path, told: &Told) -> Result<f64> {
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..told.batches {
        let request = webhook(folder, number)?;
        if running.len() >= AT_ONCE
            && let Some(ended) = running.join_next().await
        {
            recorded(ended?)?;
        }
        let intake = intake.clone();
        running.spawn(async move {
            intake.take("sendgrid", &WebhookPath::new("main"), &request).await.map(|(_, taken)| taken)
        });
    }
    while let Some(ended) = running.join_next().await {
        recorded(ended?)?;
    }
    Ok(per_second(told.events, started.elapsed()))
}

fn recorded(taken: std::result::Result<commlog::intake::Taken, commlog::intake::IntakeError>) -> Result {
    if taken?.kept > 0 {
        return Err("an event was not understood".into());
    }
    Ok(())
}

/// A provider that only notes when it is called.
struct Noting {
    route: Route,
    called: tokio::sync::mpsc::UnboundedSender<Instant>,
}

#[async_trait]
impl Provider for Noting {
    fn route(&self) -> &Route {
        &self.route
    }

    fn channels(&self) -> &[Channel] {
        Channel::ALL
    }

    async fn send(&self, _message: OutboundMessage) -> std::result::Result<Accepted, SendError> {
        // Nobody listens any more when the section ends.
        self.called.send(Instant::now()).ok();
        Ok(Accepted { provider_message_id: None, segments: 1, cost: None })
    }
}

async fn latency(app: &App, customers: &[CustomerId]) -> Result<f64> {
    let (called, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let route = Route { provider: "bench".into(), account: "main".into(), domain: None };
    let account = Account::new(Arc::new(Noting { route, called }), None, Terms::default());
    let (stop, running) = dispatch(app, Accounts::new(vec![account])).await?;
    let mut latencies: Vec<Duration> = vec![];
    for &customer in customers.iter().cycle().take(SINGLE) {
        let asked = Instant::now();
        send(app, customer).await?;
        let at = calls.recv().await.ok_or("the dispatcher ended")?;
        latencies.push(at.duration_since(asked));
    }
    stop.cancel();
    running.await?;
    latencies.sort_unstable();
    Ok(percentile(&latencies, 0.99).as_secs_f64() * 1_000.0)
}
