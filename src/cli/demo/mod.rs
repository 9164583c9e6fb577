//! `commlog demo`: a running example. Everything goes through the same commands as in production; the simulated
//! provider delivers, opens, clicks, replies, bounces and opts out.

mod campaigns;
mod past;
mod sample;
mod shop;

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Caller};
use crate::boot::master_key::create_private;
use crate::boot::{Node, Port, Running, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, print, signal};
use crate::domain::tenant::decide::IssueApiKey;
use crate::domain::tenant::event::Role;
use crate::ids::{CustomerId, Position};
use crate::log::ReadLimit;
use sample::CUSTOMERS;

/// The shop's name.
const SHOP: &str = "Juniper & Oak, wine merchants";

/// Starts a server with sample data and a simulated provider; prints its URL and an API key.
#[derive(Debug, Args)]
#[command(
    long_about = "Starts commlog with sample data and a simulated provider: a small wine merchant with 120 customers and \
                  three months of history, who keeps sending messages that are delivered, opened, answered or bounced. A \
                  second start keeps data and key. Nothing is ever sent to anybody.",
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
    let caller = Caller::new(session.config.tenant, "demo");
    let key_file = session.config.data_dir.join("demo.key");
    let known = match std::fs::read_to_string(&key_file) {
        Ok(token) => Some(token.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::doing(Exit::Unavailable, format!("cannot read {}", key_file.display()), error));
        }
    };
    if known.is_none() {
        let since = began(&session).await?;
        past::live(&session, &caller, SHOP, since).await?;
    }
    let stores = session.open().await?;
    let token = match known {
        Some(token) => token,
        None => {
            let token = issue(&stores.app, &caller).await?;
            keep(&key_file, &token)?;
            token
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
        "\n  commlog demo is running. The shop and its three months of history are made up by the simulator.\n\n  \
         Open      http://{address}/#key={token}\n  API key   {token}\n  GraphiQL  http://{address}/graphiql\n\n  \
         Next, on the page:\n    1. Look at Today, and open a customer.\n    2. Answer somebody in the Inbox: the \
         simulator reads it.\n  Next, in another terminal, with your own data in a folder of its own:\n    commlog \
         import customers crm.csv --dry-run\n    commlog help\n\n  Data are in {folder}. Ctrl-C stops, the next start \
         goes on. Nothing is sent to anybody.\n"
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

/// The key comes last and cannot be repeated: its token is shown only once.
async fn issue(app: &App, caller: &Caller) -> Outcome<String> {
    let key = IssueApiKey {
        personal: Some(true),
        send: Some(true),
        acts_for_users: true,
        ..IssueApiKey::of(Role::Admin, "demo")
    };
    Ok(app.issue_api_key(caller, key).await?.into_result()?.value.token)
}

/// When the demo's past begins: three months ago, or where an interrupted start began it.
async fn began(session: &Session) -> Outcome<DateTime<Utc>> {
    let stores = session.open().await?;
    let first = stores.journal.read_all(Position::START, ReadLimit::events(1)).await?;
    let now = stores.ambient().now();
    stores.close().await;
    Ok(first.first().map_or(now - TimeDelta::days(past::DAYS), |event| event.envelope.recorded_at))
}

fn keep(file: &Path, token: &str) -> Outcome {
    use std::io::Write;
    create_private(file)
        .and_then(|mut file| writeln!(file, "{token}"))
        .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot write {}", file.display()), error))
}

/// The ids of the sample's customers, already registered: repeated commands return the first result.
async fn customers(stores: &Stores, caller: &Caller) -> Outcome<Vec<CustomerId>> {
    let mut ids = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        let caller = caller.clone().with_key(format!("demo: customer {number}"));
        let command = shop::registration(sample::customer(number, stores.ambient().now()));
        ids.push(stores.app.register_customer(&caller, command).await?.into_result()?.value);
    }
    Ok(ids)
}

/// Sends messages for as long as the demo runs.
async fn live(app: &App, caller: &Caller, people: &[CustomerId]) -> Outcome {
    // Numbers derived from the clock continue after those of an earlier start.
    let first = app.ambient().now().timestamp().unsigned_abs();
    for number in 0.. {
        let message = sample::message(first + number);
        let command = shop::letter_of_ours(people[message.customer % people.len()], &message);
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
