//! Hands what providers tell to the use cases, as a webhook would.

use std::time::Duration;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::Source;
use crate::domain::message::decide::{ReceiveMessage, ReceivedMessage, RecordProviderFact};
use crate::providers::{Callback, Callbacks};

/// How many callbacks are recorded at once: their appends share commits.
const AT_ONCE: usize = 64;
/// How often a callback is tried while the log does not answer.
const ATTEMPTS: u32 = 8;

/// Takes callbacks until they end or `shutdown` is cancelled.
pub async fn run(app: App, callbacks: Callbacks, shutdown: CancellationToken) {
    let app = &app;
    callbacks
        .take_until(shutdown.cancelled())
        .for_each_concurrent(AT_ONCE, |callback| async move {
            let mut pause = Duration::from_millis(100);
            for attempt in 1..=ATTEMPTS {
                match record(app, callback.clone()).await {
                    Ok(()) => return,
                    Err(error) if attempt == ATTEMPTS => {
                        tracing::error!(%error, cause = ?std::error::Error::source(&error), "a callback is lost");
                    }
                    Err(_) => tokio::time::sleep(pause).await,
                }
                pause *= 2;
            }
        })
        .await;
}

/// Records one callback. Repeating it changes nothing.
pub async fn record(app: &App, callback: Callback) -> Result<(), AppError> {
    let refused = match callback {
        Callback::Report { correlation, occurred_at, provider_event_id, report } => {
            let actor = format!("provider:{}", correlation.route.provider);
            let caller = Caller::new(correlation.tenant, actor);
            let fact = RecordProviderFact { correlation, occurred_at, provider_event_id, report, raw: None };
            app.record_provider_fact(&caller, fact).await?.into_result().err()
        }
        inbound @ Callback::Inbound { .. } => return receive(app, inbound).await.map(drop),
    };
    if let Some(refusal) = refused {
        tracing::info!(code = refusal.code, "a callback was refused");
    }
    Ok(())
}

/// Takes in what a customer wrote; nothing of a report, or of what is refused.
pub async fn receive(app: &App, callback: Callback) -> Result<Option<ReceivedMessage>, AppError> {
    let Callback::Inbound {
        tenant,
        customer_id,
        channel,
        provider,
        provider_message_id,
        from,
        subject,
        body,
        in_reply_to,
        occurred_at,
    } = callback
    else {
        return Ok(None);
    };
    let caller = Caller::new(tenant, format!("provider:{provider}"));
    let message = ReceiveMessage {
        customer_id,
        channel,
        from: Some(from),
        to: None,
        subject,
        body,
        occurred_at: Some(occurred_at),
        in_reply_to,
        provider,
        provider_message_id: Some(provider_message_id),
        hint: None,
        source: Source::Provider,
        arrival: None,
    };
    match app.receive_message(&caller, message).await?.into_result() {
        Ok(done) => Ok(Some(done.value)),
        Err(refusal) => {
            tracing::info!(code = refusal.code, "a message that came in was refused");
            Ok(None)
        }
    }
}
