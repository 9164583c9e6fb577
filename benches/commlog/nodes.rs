//! Three nodes as processes on one PostgreSQL, beside one node: commands over HTTP, and messages that the node whose turn it is
//! hands over to a provider.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use commlog::domain::tenant::decide::CreateTenant;
use commlog::ids::CustomerId;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::api::Api;
use crate::doubles::sendgrid::KEY;
use crate::load::highest_rate;
use crate::log::per_second;
use crate::provider::Remote;
use crate::report::{Goal, Measurement};
use crate::sending::register;
use crate::stores::{MASTER_KEY, Own, Place, admin_key, caller};
use crate::{Result, Size};

const NODES: usize = 3;

/// Connections to all nodes together, each with a customer of its own.
const CONNECTIONS: u64 = 96;

/// The longest that it may take until everything is sent.
const PATIENCE: Duration = Duration::from_mins(10);

const NOTE: &str = "mutation($id: ID!) { done: addNote(customerId: $id, text: \"Called about the delivery on Friday; asked for the \
    invoice to be sent again.\") { position refusal { code } } }";

const SEND: &str = "mutation($id: ID!) { done: sendMessage(input: { customerId: $id, channel: EMAIL, class: TRANSACTIONAL, topic: \
    \"orders\", subject: \"Your order\", body: \"Your order is on its way.\" }) { position refusal { code } } }";

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Nodes).await?;
    stores.app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?.into_result()?;
    let customers = register(&stores.app, CONNECTIONS).await?;
    let token = admin_key(&stores).await?.value.token;
    stores.close().await;
    let mut double = Remote::start().await?;
    let file = Path::new(&place.folder).join("nodes.toml");
    std::fs::write(
        &file,
        format!(
            "[[accounts]]\nprovider = 'sendgrid'\nname = 'main'\napi_key = '{KEY}'\nfrom = '{}'\nbase_url = '{}'\n",
            double.settings.from.email, double.settings.base_url
        ),
    )?;

    let lasting = Duration::from_secs(size.seconds);
    let mut nodes = vec![Process::start(place, 0, &file).await?];
    let one = Figures::of(place, &nodes, &token, &customers, lasting).await?;
    for number in 1..NODES {
        nodes.push(Process::start(place, number, &file).await?);
    }
    let three = Figures::of(place, &nodes, &token, &customers, lasting).await?;
    drop(nodes);
    let folder = tempfile::tempdir_in(&place.folder)?;
    let told = double.tell(folder.path()).await?;
    if told.most != 1 || told.mails != one.messages + three.messages {
        return Err("a message was not sent, or sent twice".into());
    }
    let row = |work: &str, value: f64, unit: &str, limit: f64| {
        Measurement::new(place.engine, format!("three nodes: {work}"), value, unit, Goal::None)
            .limit(limit, format!("{unit} with one node"))
    };
    Ok(vec![
        row("single-event commands over HTTP", three.commands, "commands/s", one.commands)
            .note(format!("{CONNECTIONS} connections")),
        row("sending to a local provider", three.dispatch, "messages/s", one.dispatch).note(format!(
            "{} messages, from their commands over HTTP to the provider's answers in the log",
            three.messages
        )),
    ])
}

/// What some nodes do.
struct Figures {
    /// A second.
    commands: f64,
    /// Messages a second.
    dispatch: f64,
    /// Their number.
    messages: u64,
}

impl Figures {
    async fn of(
        place: &Place,
        nodes: &[Process],
        token: &str,
        customers: &[CustomerId],
        lasting: Duration,
    ) -> Result<Self> {
        let commands = drive(nodes, token, customers, NOTE, lasting).await?;
        let mut log = PgConnection::connect(place.database(Own::Nodes).ok_or("no database was made")?).await?;
        let before = count(&mut log, "MessageSent").await?;
        let started = Instant::now();
        drive(nodes, token, customers, SEND, lasting).await?;
        let queued = count(&mut log, "MessageQueued").await?;
        while count(&mut log, "MessageSent").await? < queued {
            if started.elapsed() > PATIENCE {
                return Err("messages are not sent".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let messages = queued - before;
        Ok(Self { commands, dispatch: per_second(messages, started.elapsed()), messages })
    }
}

/// Gives the same command for each customer again and again, to all nodes. Commands a second.
async fn drive(
    nodes: &[Process],
    token: &str,
    customers: &[CustomerId],
    mutation: &str,
    lasting: Duration,
) -> Result<f64> {
    let mut running = JoinSet::new();
    for (node, customer) in nodes.iter().cycle().zip(customers) {
        let api = Api { address: node.address, token: token.to_owned() };
        let variables = json!({ "id": format!("Customer:{customer}") });
        // What is refused would look like work that was done.
        api.mutate("done", mutation, variables.clone()).await?;
        let request = api.request(mutation, &variables);
        running.spawn(async move { highest_rate(api.address, &request, 1, lasting).await });
    }
    let mut rate = 0.0;
    while let Some(ended) = running.join_next().await {
        rate += ended??;
    }
    Ok(rate)
}

/// How many events of a type the log holds.
async fn count(log: &mut PgConnection, event_type: &str) -> Result<u64> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM log.events WHERE type = $1").bind(event_type).fetch_one(log).await?;
    Ok(count.try_into()?)
}

/// A node, which ends with this.
struct Process {
    address: SocketAddr,
    _child: Child,
}

impl Process {
    async fn start(place: &Place, number: usize, file: &Path) -> Result<Self> {
        let data: PathBuf = Path::new(&place.folder).join(format!("node-{number}"));
        let (log, keys) = place.database(Own::Nodes).zip(place.keys(Own::Nodes)).ok_or("no database was made")?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_commlog"))
            .arg("serve")
            .arg("--config")
            .arg(file)
            .envs([("COMMLOG_LISTEN", "127.0.0.1:0"), ("COMMLOG_LOG_FILTER", "error")])
            .envs([("COMMLOG_LOG_URL", log), ("COMMLOG_KEYS_URL", keys)])
            .env("COMMLOG_MASTER_KEY", MASTER_KEY.repeat(32))
            .env("COMMLOG_DATA_DIR", data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no pipe")?).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or("the node did not start")?;
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.split('/').next().unwrap_or_default().parse()?;
            }
        };
        // Whatever it says later must find a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { address, _child: child })
    }
}
