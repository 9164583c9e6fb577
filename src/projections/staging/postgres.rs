//! The staging relations on PostgreSQL: temporary tables, filled from arrays in one statement each.

use sqlx::PgConnection;

use super::{Batch, Forgotten, StagedEvent};

pub const CREATE: &str = include_str!("postgres.sql");

/// Empties all temporary tables of the connection: those here, and those that projections declare.
pub const EMPTY: &str = "\
    DO $$ BEGIN EXECUTE (\
        SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') FROM pg_class \
        WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'); END $$";

const INSERT_BATCH: &str = "\
    INSERT INTO batch SELECT * FROM unnest(\
        $1::bigint[], $2::bytea[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[], $8::text[], \
        $9::timestamptz[], $10::timestamptz[], $11::text[], $12::uuid[], $13::uuid[], $14::uuid[], $15::uuid[], \
        $16::uuid[], $17::uuid[], $18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::uuid[], $23::uuid[], \
        $24::uuid[], $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], \
        $32::timestamptz[], $33::timestamptz[], $34::text[]::jsonb[], $35::text[]::jsonb[])";

const INSERT_LINES: &str = "\
    INSERT INTO batch_lines SELECT * FROM unnest(\
        $1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::bigint[], \
        $9::bigint[])";

const INSERT_TOKENS: &str = "\
    INSERT INTO batch_tokens SELECT * FROM unnest(\
        $1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])";

pub async fn add(
    connection: &mut PgConnection,
    batch: &Batch,
    events: &[usize],
    behind: i64,
    forgotten: &Forgotten,
) -> Result<(), sqlx::Error> {
    let staged: Vec<&StagedEvent> =
        events.iter().map(|&index| &batch.events[index]).filter(|event| event.malformed.is_none()).collect();
    fill_batch(connection, &staged, behind, forgotten).await?;
    fill_lines(connection, &staged, behind).await?;
    fill_tokens(connection, &staged, behind, forgotten).await
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

async fn fill_batch(
    connection: &mut PgConnection,
    staged: &[&StagedEvent],
    behind: i64,
    forgotten: &Forgotten,
) -> Result<(), sqlx::Error> {
    let personal = |event: &&StagedEvent| event.personal.clone().filter(|_| !event.is_forgotten(forgotten));
    let query = sqlx::query(INSERT_BATCH)
        .bind(column(staged, |event| behind + event.ordinal))
        .bind(column(staged, |event| event.position.bytes().to_vec()))
        .bind(column(staged, |event| event.id.uuid()))
        .bind(column(staged, |event| event.stream.tenant.uuid()))
        .bind(column(staged, |event| event.stream.category.name()))
        .bind(column(staged, |event| event.stream.key))
        .bind(column(staged, |event| event.version))
        .bind(column(staged, |event| event.event_type.as_str()))
        .bind(column(staged, |event| event.occurred_at))
        .bind(column(staged, |event| event.recorded_at))
        .bind(column(staged, |event| event.actor.as_str()))
        .bind(column(staged, |event| event.command_id))
        .bind(column(staged, |event| event.correlation_id))
        .bind(column(staged, |event| event.causation_id))
        .bind(column(staged, |event| event.ids.customer))
        .bind(column(staged, |event| event.ids.message))
        .bind(column(staged, |event| event.ids.campaign))
        .bind(column(staged, |event| event.ids.conversation))
        .bind(column(staged, |event| event.ids.activity))
        .bind(column(staged, |event| event.ids.address))
        .bind(column(staged, |event| event.ids.note))
        .bind(column(staged, |event| event.ids.import))
        .bind(column(staged, |event| event.ids.key))
        .bind(column(staged, |event| event.ids.in_reply_to))
        .bind(column(staged, |event| event.words.channel.as_deref()))
        .bind(column(staged, |event| event.words.variant.as_deref()))
        .bind(column(staged, |event| event.words.class.as_deref()))
        .bind(column(staged, |event| event.words.state.as_deref()))
        .bind(column(staged, |event| event.words.provider.as_deref()))
        .bind(column(staged, |event| event.words.account.as_deref()))
        .bind(column(staged, |event| event.words.domain.as_deref()))
        .bind(column(staged, |event| event.hour))
        .bind(column(staged, |event| event.day))
        .bind(column(staged, |event| event.data.as_str()))
        .bind(column(staged, personal));
    query.execute(connection).await.map(drop)
}

async fn fill_lines(connection: &mut PgConnection, staged: &[&StagedEvent], behind: i64) -> Result<(), sqlx::Error> {
    let lines: Vec<_> = staged
        .iter()
        .flat_map(|event| event.extra.lines.iter().zip(1i64..).map(move |(line, number)| (*event, line, number)))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(INSERT_LINES)
        .bind(column(&lines, |(event, _, _)| behind + event.ordinal))
        .bind(column(&lines, |(event, _, _)| event.ids.activity))
        .bind(column(&lines, |(event, _, _)| event.stream.tenant.uuid()))
        .bind(column(&lines, |(event, _, _)| event.ids.customer))
        .bind(column(&lines, |(_, _, number)| *number))
        .bind(column(&lines, |(_, line, _)| line.sku.as_str()))
        .bind(column(&lines, |(_, line, _)| line.description.as_deref()))
        .bind(column(&lines, |(_, line, _)| line.quantity_milli))
        .bind(column(&lines, |(_, line, _)| line.unit_price_micros));
    query.execute(connection).await.map(drop)
}

async fn fill_tokens(
    connection: &mut PgConnection,
    staged: &[&StagedEvent],
    behind: i64,
    forgotten: &Forgotten,
) -> Result<(), sqlx::Error> {
    let tokens: Vec<_> = staged
        .iter()
        .filter(|event| !event.is_forgotten(forgotten))
        .flat_map(|event| event.extra.tokens.iter().map(move |token| (*event, token)))
        .collect();
    if tokens.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(INSERT_TOKENS)
        .bind(column(&tokens, |(event, _)| behind + event.ordinal))
        .bind(column(&tokens, |(event, _)| event.stream.tenant.uuid()))
        .bind(column(&tokens, |(event, _)| event.ids.customer))
        .bind(column(&tokens, |(event, _)| event.id.uuid()))
        .bind(column(&tokens, |(_, (field, _))| *field))
        .bind(column(&tokens, |(_, (_, token))| token.as_str()));
    query.execute(connection).await.map(drop)
}
