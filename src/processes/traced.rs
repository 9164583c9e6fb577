//! The spans of a dispatch, as part of its message's trace.

use tracing::Span;
use tracing::field::Empty;

use crate::app::{AppError, DispatchDecision, Ticket};
use crate::domain::message::dispatch::CallOutcome;
use crate::processes::work::Job;
use crate::traces;

/// Looking at a message, as part of the message's trace.
pub(super) fn look(job: &Job) -> Span {
    let span = tracing::debug_span!(
        parent: None,
        "dispatch",
        otel.kind = "consumer",
        tenant = %job.tenant,
        message_id = %job.message_id,
        channel = job.channel.word(),
        decision = Empty,
    );
    traces::of_message(&span, job.message_id);
    span
}

/// Notes on the current span what was decided about its message.
pub(super) fn decided(begun: &Result<DispatchDecision, AppError>) {
    let decision = match begun {
        Ok(DispatchDecision::Go(_)) => "call",
        Ok(DispatchDecision::NotBefore(_)) => "later",
        Ok(DispatchDecision::Nothing) => "nothing",
        Err(_) => "failed",
    };
    Span::current().record("decision", decision);
}

/// A call of the provider.
pub(super) fn send(ticket: &Ticket) -> Span {
    tracing::debug_span!(
        "send",
        provider = ticket.attempt.route.provider.as_str(),
        attempt = ticket.attempt.number,
        otel.status_code = Empty,
        outcome = Empty,
        class = Empty,
        code = Empty,
    )
}

/// Notes on its span what came of a call.
pub(super) fn sent(span: &Span, outcome: &CallOutcome) {
    match outcome {
        CallOutcome::Accepted { .. } => {
            span.record("outcome", "accepted");
        }
        CallOutcome::Refused { class, code, .. } => {
            span.record("outcome", "refused").record("class", class.word()).record("code", code.as_deref());
            span.record("otel.status_code", "error");
        }
        CallOutcome::Unknown { cause } => {
            span.record("outcome", "unknown").record("code", cause.as_str()).record("otel.status_code", "error");
        }
    }
}
