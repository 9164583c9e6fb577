//! The first page of a long timeline over HTTP: authentication, GraphQL, SQL, JSON.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use commlog::boot::Node;
use commlog::config::DEFAULT_TENANT;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::value::message::MessageState;
use commlog::domain::value::{Channel, Direction};
use commlog::projections::ReadStore;
use commlog::queries::messages::undispatched;
use commlog::queries::timeline::{self, TimelineFilter, TimelineRow};
use commlog::queries::{Cursor, Page};
use tokio_util::sync::CancellationToken;

use crate::events::TALKATIVE;
use crate::load::{self, Request};
use crate::report::{Goal, Measurement, goal};
use crate::stores::{Own, Place, admin_key, caller};
use crate::{Result, Size};

const RATE: u32 = 300;
const CONNECTIONS: usize = 16;
const ROWS: usize = 50;

pub async fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Shared).await?;
    stores.app.create_tenant(&caller(), CreateTenant { name: "bench".into() }).await?;
    let token = admin_key(&stores).await?;
    let stop = CancellationToken::new();
    let running = Node::start(stores, stop.clone()).await?;
    running.reads().wait_for(token.position, Duration::from_mins(10)).await?;
    settle(running.reads()).await?;
    let request = Request::post("/graphql", &token.value.token, &query());
    let answer = load::once(running.address(), &request).await?;
    if answer.contains("\"errors\"") || answer.matches("\"cursor\"").count() < ROWS {
        return Err(format!("the API answered {}", answer.chars().take(600).collect::<String>()).into());
    }
    let (bare, bare_server) = serve_bare(running.reads().clone(), stop.clone()).await?;
    let bare_request = Request::get("/");
    load::once(bare, &bare_request).await?;

    let seconds = Duration::from_secs(size.seconds);
    load::highest_rate(running.address(), &request, CONNECTIONS, Duration::from_secs(1)).await?;
    let latencies = load::latencies(running.address(), &request, RATE, seconds).await?;
    let highest = load::highest_rate(running.address(), &request, CONNECTIONS, seconds).await?;
    let limit = load::highest_rate(bare, &bare_request, CONNECTIONS, seconds).await?;
    running.finish().await?;
    bare_server.await??;

    let p99 = load::percentile(&latencies, 0.99).as_secs_f64() * 1_000.0;
    let p50 = load::percentile(&latencies, 0.5).as_secs_f64() * 1_000.0;
    let goals = goal(place.engine, Goal::Below(10.0), Goal::Below(15.0));
    Ok(vec![
        Measurement::new(place.engine, "timeline first page at 300 requests/s, p99", p99, "ms", goals)
            .note(format!("p50 {p50:.2} ms; a page of {ROWS}; the customer has a tenth of the log's events")),
        Measurement::new(place.engine, "timeline first page, highest rate", highest, "requests/s", Goal::None)
            .limit(limit, "requests/s of a bare axum handler with the same SQL"),
        Measurement::new(
            place.engine,
            "highest rate beside the bare handler",
            100.0 * highest / limit,
            "%",
            Goal::AtLeast(35.0),
        ),
    ])
}

/// Lets the dispatcher finish with the messages that the log leaves queued: what is measured is a node at rest.
async fn settle(reads: &ReadStore) -> Result {
    let mut applied = reads.applied();
    loop {
        applied.mark_unchanged();
        if undispatched(&reads.db(), None, 1).await?.rows.is_empty() {
            return Ok(());
        }
        applied.changed().await?;
    }
}

fn query() -> String {
    let query = "query($customer: ID!, $first: Int!) { timeline(customerId: $customer, first: $first) { edges { cursor node \
                 { kind occurredAt channel direction author { actor } message { messageId state subject preview opens { total } clicks { \
                 total } } activity { activityId title reference amount { currency micros } } note { noteId text } } } pageInfo { \
                 hasNextPage endCursor } } }";
    serde_json::json!({ "query": query, "variables": { "customer": TALKATIVE.to_string(), "first": ROWS } }).to_string()
}

/// The same SQL through the same function, with nothing around it but axum and the rows as JSON.
async fn serve_bare(
    reads: ReadStore,
    stop: CancellationToken,
) -> Result<(SocketAddr, tokio::task::JoinHandle<std::io::Result<()>>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/", get(bare)).with_state(Arc::new(reads));
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    Ok((address, tokio::spawn(server.into_future())))
}

/// What the query asks for, as one flat object.
#[derive(serde::Serialize)]
struct Entry<'a> {
    cursor: &'a str,
    kind: &'a str,
    occurred_at: chrono::DateTime<chrono::Utc>,
    channel: Option<&'a str>,
    direction: Option<&'a str>,
    author: &'a str,
    id: uuid::Uuid,
    state: Option<&'a str>,
    subject: Option<&'a str>,
    preview: Option<&'a str>,
    opens: Option<i64>,
    clicks: Option<i64>,
    title: Option<&'a str>,
    reference: Option<&'a str>,
    amount_micros: Option<i64>,
    currency: Option<&'a str>,
    note: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn new(cursor: &'a Cursor, row: &'a TimelineRow) -> Self {
        Self {
            cursor: cursor.as_str(),
            kind: row.kind.word(),
            occurred_at: row.occurred_at,
            channel: row.channel.map(Channel::word),
            direction: row.direction.map(Direction::word),
            author: &row.author,
            id: row.entry_id,
            state: row.message_state.map(MessageState::word),
            subject: row.message_subject.as_deref(),
            preview: row.message_preview.as_deref(),
            opens: row.opened_count,
            clicks: row.clicked_count,
            title: row.activity_title.as_deref(),
            reference: row.activity_reference.as_deref(),
            amount_micros: row.amount_micros,
            currency: row.currency.as_deref(),
            note: row.note.as_deref(),
        }
    }
}

async fn bare(State(reads): State<Arc<ReadStore>>) -> impl IntoResponse {
    let page = Page::first(ROWS);
    let filter = TimelineFilter::default();
    match timeline::of_customer(&reads.db(), DEFAULT_TENANT, TALKATIVE, &filter, &page).await {
        Ok(slice) => {
            let rows: Vec<_> = slice.rows.iter().map(|(cursor, row)| Entry::new(cursor, row)).collect();
            axum::Json(rows).into_response()
        }
        Err(error) => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
