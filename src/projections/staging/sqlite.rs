//! The staging relations on SQLite: temporary tables, with `temp_store` in memory.

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::{Batch, Forgotten, StagedEvent};

pub const CREATE: &str = include_str!("sqlite.sql");

/// Rows of one INSERT: few different statements, so that all stay prepared, and few calls for a large batch.
const ROWS: [usize; 4] = [256, 32, 4, 1];

type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

pub async fn fill(
    connection: &mut SqliteConnection,
    batch: &Batch,
    events: &[usize],
    forgotten: &Forgotten,
) -> Result<(), sqlx::Error> {
    for table in ["batch", "batch_tokens", "batch_lines"] {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *connection).await?;
    }
    let staged: Vec<&StagedEvent> =
        events.iter().map(|&index| &batch.events[index]).filter(|event| event.malformed.is_none()).collect();
    insert(connection, "INSERT INTO batch VALUES ", BATCH, &staged, |query, event| {
        bind_event(query, event, event.is_forgotten(forgotten))
    })
    .await?;
    let lines: Vec<_> = staged
        .iter()
        .flat_map(|event| event.extra.lines.iter().zip(1i64..).map(move |(line, number)| (*event, line, number)))
        .collect();
    insert(connection, "INSERT INTO batch_lines VALUES ", 9, &lines, |query, (event, line, number)| {
        query
            .bind(event.ordinal)
            .bind(event.ids.activity)
            .bind(event.stream.tenant.uuid())
            .bind(event.ids.customer)
            .bind(*number)
            .bind(line.sku.clone())
            .bind(line.description.clone())
            .bind(line.quantity_milli)
            .bind(line.unit_price_micros)
    })
    .await?;
    let tokens: Vec<_> = staged
        .iter()
        .filter(|event| !event.is_forgotten(forgotten))
        .flat_map(|event| event.extra.tokens.iter().map(move |token| (*event, token)))
        .collect();
    insert(connection, "INSERT INTO batch_tokens VALUES ", 6, &tokens, |query, (event, (field, token))| {
        query
            .bind(event.ordinal)
            .bind(event.stream.tenant.uuid())
            .bind(event.ids.customer)
            .bind(event.id.uuid())
            .bind(*field)
            .bind(token.clone())
    })
    .await
}

/// Columns of `batch`.
const BATCH: usize = 35;

fn bind_event<'q>(query: Bound<'q>, event: &StagedEvent, forgotten: bool) -> Bound<'q> {
    let (ids, words) = (&event.ids, &event.words);
    query
        .bind(event.ordinal)
        .bind(event.position.bytes().to_vec())
        .bind(event.id.uuid())
        .bind(event.stream.tenant.uuid())
        .bind(event.stream.category.name())
        .bind(event.stream.key)
        .bind(event.version)
        .bind(event.event_type.clone())
        .bind(event.occurred_at)
        .bind(event.recorded_at)
        .bind(event.actor.clone())
        .bind(event.command_id)
        .bind(event.correlation_id)
        .bind(event.causation_id)
        .bind(ids.customer)
        .bind(ids.message)
        .bind(ids.campaign)
        .bind(ids.conversation)
        .bind(ids.activity)
        .bind(ids.address)
        .bind(ids.note)
        .bind(ids.import)
        .bind(ids.key)
        .bind(ids.in_reply_to)
        .bind(words.channel.clone())
        .bind(words.variant.clone())
        .bind(words.class.clone())
        .bind(words.state.clone())
        .bind(words.provider.clone())
        .bind(words.account.clone())
        .bind(words.domain.clone())
        .bind(event.hour)
        .bind(event.day)
        .bind(event.data.clone())
        .bind(event.personal.as_ref().filter(|_| !forgotten).cloned())
}

/// Inserts rows of `columns` values, many at a time.
async fn insert<T>(
    connection: &mut SqliteConnection,
    into: &str,
    columns: usize,
    rows: &[T],
    bind: impl for<'q> Fn(Bound<'q>, &T) -> Bound<'q>,
) -> Result<(), sqlx::Error> {
    let mut rest = rows;
    for size in ROWS {
        if rest.len() < size {
            continue;
        }
        let row = if columns == BATCH { row_of_batch() } else { format!("({})", vec!["?"; columns].join(",")) };
        let sql = format!("{into}{}", vec![row; size].join(","));
        while rest.len() >= size {
            let (some, after) = rest.split_at(size);
            rest = after;
            let query = some.iter().fold(sqlx::query(AssertSqlSafe(sql.as_str())), &bind);
            query.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Payloads are parsed once here instead of once in every statement.
fn row_of_batch() -> String {
    let mut values = vec!["?"; BATCH];
    values[BATCH - 2] = "jsonb(?)";
    values[BATCH - 1] = "jsonb(?)";
    format!("({})", values.join(","))
}
