//! `commlog replay`

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, print, progress};
use crate::ids::Position;
use crate::projections::AsOf;

/// `commlog replay`
#[derive(Debug, Args)]
#[command(
    long_about = "Writes the read tables as they were at an earlier moment into a new SQLite file, for any SQL tool. \
                  Customers who have since been forgotten are forgotten there too.",
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
    let bar = progress::bar("events", stores.journal.backend().head().await?.position.counter());
    let replayed = reads.replay_into(file, as_of, |events| bar.set_position(events)).await;
    bar.finish_and_clear();
    stores.close().await;
    let position = replayed.map_err(Failure::unavailable)?;
    print::line(format_args!("{} holds the read tables as of position {position}", file.display()))
}
