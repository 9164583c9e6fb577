//! Ids of traces: random ones, and those of messages, which every node derives from the message's id. And which traces are exported.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample};

use crate::ids::MessageId;

/// The bits of a trace's id that are random in every trace: so says the W3C, and so it is in message ids, whose first half is a
/// time and whose second half begins with a mark.
const RANDOM_BITS: u32 = 56;

/// Which share of all traces is exported. All nodes choose the same ones, by their ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Of 2^56.
    below: u64,
}

impl Share {
    /// A share from 0 to 1; what is beyond counts as the nearest of these.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "both factors are at most 2^56 and not negative"
    )]
    pub fn new(share: f64) -> Self {
        Self { below: (share.clamp(0.0, 1.0) * (1_u64 << RANDOM_BITS) as f64) as u64 }
    }

    /// Whether a trace is exported.
    pub fn takes(self, trace: TraceId) -> bool {
        let mut random = [0; 8];
        random[1..].copy_from_slice(&trace.to_bytes()[9..]);
        u64::from_be_bytes(random) < self.below
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let decision = if self.takes(trace) { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        let trace_state = parent.map(|parent| parent.span().span_context().trace_state().clone());
        SamplingResult { decision, attributes: vec![], trace_state: trace_state.unwrap_or_default() }
    }
}

/// The first span of a message's trace, as every node knows it.
pub(super) fn first_span(message: MessageId, share: Share) -> SpanContext {
    let trace = trace_of(message);
    let flags = TraceFlags::default().with_sampled(share.takes(trace));
    SpanContext::new(trace, first_span_id(message), flags, true, TraceState::NONE)
}

fn trace_of(message: MessageId) -> TraceId {
    TraceId::from(message.0.as_u128())
}

/// Both halves of the message's id in one; never zero, which would be no id.
fn first_span_id(message: MessageId) -> SpanId {
    let (time, random) = message.0.as_u64_pair();
    SpanId::from((time ^ random).max(1))
}

thread_local! {
    /// Whose first span begins now.
    static BEGINNING: Cell<Option<MessageId>> = const { Cell::new(None) };
}

/// Lets a span begin as the first one of a message's trace.
pub(super) fn as_first<T>(message: MessageId, begin: impl FnOnce() -> T) -> T {
    BEGINNING.set(Some(message));
    let begun = begin();
    BEGINNING.set(None);
    begun
}

/// Makes the ids of spans and traces. They decide nothing, so that they need not come from the process's own randomness.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        BEGINNING.get().map_or_else(|| self.0.new_trace_id(), trace_of)
    }

    fn new_span_id(&self) -> SpanId {
        BEGINNING.get().map_or_else(|| self.0.new_span_id(), first_span_id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_share_of_messages_is_taken_although_their_ids_begin_alike() {
        let message = |number: u64| {
            let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            let mut bytes = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000).into_bytes();
            bytes[9..].copy_from_slice(&random[..7]);
            MessageId(Uuid::from_bytes(bytes))
        };
        for (share, expected) in [(0.0, 0..=0), (0.25, 2_300..=2_700), (1.0, 10_000..=10_000)] {
            let share = Share::new(share);
            let taken = (0..10_000).filter(|number| share.takes(trace_of(message(*number)))).count();
            assert!(expected.contains(&taken), "{taken} of 10000, not {expected:?}");
        }
    }

    #[test]
    fn the_trace_of_a_message_is_the_same_everywhere() {
        let message = MessageId(Uuid::from_u128(0x0190_1234_5678_7abc_8def_0123_4567_89ab));
        let first = first_span(message, Share::new(1.0));
        assert_eq!(first.trace_id().to_string(), "0190123456787abc8def0123456789ab");
        assert!(first.is_valid() && first.is_sampled() && first.is_remote());
        let ids = Ids::default();
        let begun = as_first(message, || (ids.new_trace_id(), ids.new_span_id()));
        assert_eq!(begun, (first.trace_id(), first.span_id()));
        assert_ne!(ids.new_trace_id(), first.trace_id());
        assert_eq!(first_span_id(MessageId(Uuid::from_u128((1 << 64) + 1))), SpanId::from(1));
    }
}
