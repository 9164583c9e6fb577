//! The spans of a command: what it loads, decides and appends. They are made here, once, and not in each of the many functions
//! that are generic over what is decided.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Span;
use tracing::field::Empty;

use crate::app::AppError;
use crate::app::engine::deciding::{Attempted, CommandRun};
use crate::domain::event::Event as _;
use crate::domain::message::event::MessageQueued;
use crate::ids::MessageId;
use crate::log::{Append, StreamId};
use crate::traces;

/// A decision on one stream, once.
pub(super) fn command(run: &CommandRun<'_>) -> Span {
    tracing::debug_span!(
        "command",
        tenant = %run.caller.tenant,
        stream = run.stream.category.name(),
        outcome = Empty,
        code = Empty,
        events = Empty,
    )
}

/// Folding a stream that is not in memory.
pub(super) fn load(stream: StreamId) -> Span {
    tracing::debug_span!("load", stream = stream.category.name())
}

/// The decision itself.
pub(super) fn decide() -> Span {
    tracing::debug_span!("decide")
}

/// Notes on its span what came of a command.
pub(super) fn note<E>(span: &Span, tried: &Result<Attempted<E>, AppError>) {
    if span.is_disabled() {
        return;
    }
    let (outcome, events, code) = match tried {
        Ok(Attempted::Done(made)) if made.repeated => ("repeated", made.events.len(), None),
        Ok(Attempted::Done(made)) => ("done", made.events.len(), None),
        Ok(Attempted::Refused(refusal)) => ("refused", 0, Some(refusal.code)),
        Ok(Attempted::Moved) => ("moved", 0, None),
        Err(_) => ("failed", 0, None),
    };
    note_outcome(span, outcome, events, code);
}

fn note_outcome(span: &Span, outcome: &'static str, events: usize, code: Option<&str>) {
    span.record("outcome", outcome);
    span.record("events", events);
    if let Some(code) = code {
        span.record("code", code);
    }
}

/// Which messages an append queues, so that their traces begin once they are in the log. None, if traces are not exported.
pub(super) fn queued(append: &Append) -> Vec<MessageId> {
    #[derive(Deserialize)]
    struct Queued {
        message_id: MessageId,
        /// Of a message that an import brought, which was sent elsewhere.
        #[serde(default)]
        import_id: Option<IgnoredAny>,
    }

    if !traces::is_on() {
        return vec![];
    }
    let queued = append.events.iter().filter(|event| event.event_type == MessageQueued::TYPE);
    let read = queued.filter_map(|event| serde_json::from_slice::<Queued>(&event.data).ok());
    read.filter(|queued| queued.import_id.is_none()).map(|queued| queued.message_id).collect()
}
