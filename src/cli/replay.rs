//! `commlog replay`

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde_json::json;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print, progress, reading};
use crate::ids::Position;
use crate::projections::AsOf;

/// Writes the read tables as they were at an earlier moment into a new SQLite file.
#[derive(Debug, Args)]
#[command(
    long_about = "Writes the read tables as they were at an earlier moment into a new SQLite file, for any SQL tool. \
                  Customers who have since been forgotten are forgotten there too. The file holds personal data in the \
                  clear, of every tenant: only you may read it, the log records that it was made, and whoever is forgotten \
                  later is not forgotten in it.",
    after_help = "Examples:\n  commlog replay --until 2026-03-31T18:00:00Z --into march.db\n  \
                  sqlite3 march.db 'SELECT count(*) FROM customers'"
)]
pub struct ReplayArgs {
    /// As of this time (recorded at or before): 2026-03-31T18:00:00Z, or a day, meaning its beginning in UTC.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "position")]
    until: Option<DateTime<Utc>>,
    /// As of this position, as shown by mutations and `commlog export events`.
    #[arg(long)]
    position: Option<Position>,
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    into: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Reads a moment: RFC 3339, or a day in UTC.
pub fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    text.parse::<NaiveDate>()
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|midnight| midnight.and_utc())
        .ok_or_else(|| "must be a time such as 2026-03-31T18:00:00Z, or a day such as 2026-03-31".to_owned())
}

/// Runs `commlog replay`.
pub async fn run(session: &Session, args: ReplayArgs) -> Outcome {
    let file = &args.into;
    if file.exists() {
        return Err(Failure::new(Exit::Refused, format!("{} already exists; name a new file", file.display())));
    }
    let stores = session.open_existing().await?;
    let reads = stores.read_store().await?;
    let as_of = match (args.position, args.until) {
        (Some(position), _) => AsOf::Position(position),
        (None, Some(time)) => AsOf::Time(time),
        (None, None) => AsOf::Position(stores.journal.backend().head().await?.position),
    };
    let end = stores.journal.backend().head().await?.position;
    let until = match &as_of {
        AsOf::Position(position) => format!("position {position}"),
        AsOf::Time(time) => time.to_rfc3339(),
    };
    let live = session.read_store(&stores).await?;
    reading::record_of_all(session, &stores, &live, "replay", &format!("until {until}")).await?;
    let bar = progress::bar("events", end.counter());
    let replayed = reads.replay_into(file, as_of, |events| bar.set_position(events)).await;
    bar.finish_and_clear();
    stores.close().await;
    let position = replayed.map_err(Failure::unavailable)?;
    if position == Position::START {
        print::note("no event is that old: the tables are empty");
    }
    args.format.line(
        format_args!("{} holds the read tables as of position {position}", file.display()),
        &json!({ "file": file.display().to_string(), "position": position }),
    )
}
