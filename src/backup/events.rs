//! Portions of a log in a file: events as they stand, and what commands made of them.

use super::encoding::{Decoder, Encoder, Unreadable};
use crate::ids::{CommandId, CorrelationId, EventId, Position, SubjectId, TenantId};
use crate::log::cover::CommandRecord;
use crate::log::load::Portion;
use crate::log::{Category, Envelope, SealedEvent, StreamId};

/// A portion as the bytes of a frame.
pub(super) fn encode(portion: &Portion) -> Vec<u8> {
    let mut encoder = Encoder(Vec::with_capacity(portion.events.len() * 512));
    encoder.fixed(&portion.after.bytes());
    encoder.number(portion.events.len() as u64);
    portion.events.iter().for_each(|event| put_event(&mut encoder, event));
    encoder.number(portion.commands.len() as u64);
    portion.commands.iter().for_each(|command| put_command(&mut encoder, command));
    encoder.0
}

/// Reads a portion.
pub(super) fn decode(bytes: &[u8]) -> Result<Portion, Unreadable> {
    let mut decoder = Decoder(bytes);
    let after = position(&mut decoder)?;
    let events = (0..decoder.number()?).map(|_| event(&mut decoder)).collect::<Result<_, _>>()?;
    let commands = (0..decoder.number()?).map(|_| command(&mut decoder)).collect::<Result<_, _>>()?;
    decoder.end()?;
    Ok(Portion { after, events, commands })
}

fn put_event(encoder: &mut Encoder, event: &SealedEvent) {
    let envelope = &event.envelope;
    encoder.fixed(&envelope.position.bytes());
    put_stream(encoder, &envelope.stream);
    encoder.number(envelope.version);
    encoder.id(envelope.id.0);
    encoder.bytes(envelope.event_type.as_bytes());
    encoder.fixed(&envelope.schema_version.to_be_bytes());
    encoder.time(envelope.occurred_at);
    encoder.time(envelope.recorded_at);
    encoder.bytes(envelope.actor.as_bytes());
    encoder.optional_id(envelope.command_id.map(CommandId::uuid));
    encoder.optional_id(envelope.correlation_id.map(CorrelationId::uuid));
    encoder.optional_id(envelope.causation_id.map(EventId::uuid));
    encoder.optional_id(envelope.subject.map(SubjectId::uuid));
    encoder.fixed(&envelope.epoch.to_be_bytes());
    encoder.fixed(&envelope.hash);
    encoder.bytes(&event.data);
    encoder.optional_bytes(event.personal.as_deref());
}

fn event(decoder: &mut Decoder<'_>) -> Result<SealedEvent, Unreadable> {
    let envelope = Envelope {
        position: position(decoder)?,
        stream: stream(decoder)?,
        version: decoder.number()?,
        id: decoder.id()?,
        event_type: decoder.text()?.to_owned(),
        schema_version: u16::from_be_bytes(decoder.fixed()?),
        occurred_at: decoder.time()?,
        recorded_at: decoder.time()?,
        actor: decoder.text()?.to_owned(),
        command_id: decoder.optional_id()?,
        correlation_id: decoder.optional_id()?,
        causation_id: decoder.optional_id()?,
        subject: decoder.optional_id()?,
        epoch: u32::from_be_bytes(decoder.fixed()?),
        hash: decoder.fixed()?,
    };
    let data = decoder.bytes()?.to_vec();
    Ok(SealedEvent { envelope, data, personal: decoder.optional_bytes()?.map(<[u8]>::to_vec) })
}

fn put_command(encoder: &mut Encoder, record: &CommandRecord) {
    encoder.id(record.command.0.0);
    encoder.id(record.command.1.0);
    encoder.number(record.ordinal);
    encoder.fixed(&record.fingerprint);
    put_stream(encoder, &record.stream);
    encoder.number(record.first_version);
    encoder.number(record.last_version);
    encoder.fixed(&record.position.bytes());
}

fn command(decoder: &mut Decoder<'_>) -> Result<CommandRecord, Unreadable> {
    Ok(CommandRecord {
        command: (decoder.id::<TenantId>()?, decoder.id::<CommandId>()?),
        ordinal: decoder.number()?,
        fingerprint: decoder.fixed()?,
        stream: stream(decoder)?,
        first_version: decoder.number()?,
        last_version: decoder.number()?,
        position: position(decoder)?,
    })
}

fn put_stream(encoder: &mut Encoder, stream: &StreamId) {
    encoder.id(stream.tenant.0);
    encoder.bytes(stream.category.name().as_bytes());
    encoder.id(stream.key);
}

fn stream(decoder: &mut Decoder<'_>) -> Result<StreamId, Unreadable> {
    let tenant = decoder.id()?;
    let category: Category = decoder.text()?.parse().map_err(|_| Unreadable)?;
    Ok(StreamId { tenant, category, key: decoder.id()? })
}

fn position(decoder: &mut Decoder<'_>) -> Result<Position, Unreadable> {
    Position::try_from_bytes(&decoder.fixed::<16>()?).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn portion() -> Portion {
        let stream = StreamId::new(TenantId(Uuid::from_u128(1)), Category::CampaignRun, Uuid::from_u128(2));
        let command = CommandId(Uuid::from_u128(3));
        let event = |number: u64, personal: Option<Vec<u8>>| SealedEvent {
            envelope: Envelope {
                position: Position::from_counter(number),
                stream,
                version: number,
                id: EventId(Uuid::from_u128(9)),
                event_type: "MessageQueued".to_owned(),
                schema_version: 2,
                occurred_at: DateTime::from_timestamp_micros(-7).expect("a time"),
                recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a time"),
                actor: "key:é".to_owned(),
                command_id: personal.is_some().then_some(command),
                correlation_id: personal.is_none().then_some(CorrelationId(Uuid::from_u128(4))),
                causation_id: None,
                subject: personal.is_some().then_some(SubjectId(Uuid::from_u128(5))),
                epoch: 3,
                hash: [number.to_be_bytes()[7]; 32],
            },
            data: b"{}".to_vec(),
            personal,
        };
        let record = CommandRecord {
            command: (stream.tenant, command),
            ordinal: 1,
            fingerprint: [8; 32],
            stream,
            first_version: 5,
            last_version: 6,
            position: Position::from_counter(6),
        };
        let events = vec![event(5, None), event(6, Some(vec![])), event(7, Some(vec![1, 2]))];
        Portion { after: Position::from_counter(4), events, commands: vec![record] }
    }

    #[test]
    fn a_portion_comes_back_as_it_was_and_no_part_of_it_passes_for_one() {
        let bytes = encode(&portion());
        assert_eq!(decode(&bytes), Ok(portion()));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), Err(Unreadable), "{length}");
        }
        assert_eq!(decode(&[bytes.as_slice(), &[0]].concat()), Err(Unreadable));
    }
}
