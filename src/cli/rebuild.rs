//! `commlog rebuild`

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::boot::{Hindrance, ReadStore};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print, progress};
use crate::ids::Position;
use crate::log::{Journal, ReadLimit};
use crate::projections::TableComparison;

/// Rebuilds the read tables beside the live ones; --check compares the two instead.
#[derive(Debug, Args)]
#[command(
    long_about = "Rebuilds all read tables from the first event, beside the live ones, which keep serving until the new \
                  ones have caught up. With --check, the new tables are compared with the live ones at the same \
                  position instead, then discarded.",
    after_help = "Exits with code 1 if --check finds a difference."
)]
pub struct RebuildArgs {
    /// Compares the tables instead of replacing them.
    #[arg(long)]
    check: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog rebuild`.
pub async fn run(session: &Session, args: RebuildArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let reads = stores.read_store().await?;
    if args.check {
        catch_up(&reads, &stores.journal).await?;
    }
    let total = stores.journal.backend().head().await?.position.counter();
    let bar = progress::bar("events", total);
    if !args.check {
        let rebuilt = reads.rebuild(|events| bar.set_position(events)).await;
        bar.finish_and_clear();
        stores.close().await;
        rebuilt.map_err(Failure::unavailable)?;
        let object = json!({ "generation": reads.live().id, "events": total });
        let text = format_args!("a new generation of read tables, built from {total} events, is live");
        return args.format.line(text, &object);
    }
    let compared = reads.check(|events| bar.set_position(events)).await;
    bar.finish_and_clear();
    stores.close().await;
    let compared = compared.map_err(Failure::unavailable)?;
    let different = compared.iter().filter(|table| table.difference.is_some()).count();
    match args.format {
        ReportFormat::Json => {
            let table = |table: &TableComparison| {
                let difference = table.difference.as_ref().map(ToString::to_string);
                json!({ "table": table.table, "rows": table.rows, "difference": difference })
            };
            let tables: Vec<_> = compared.iter().map(table).collect();
            print::line(json!({ "equal": different == 0, "tables": tables }))?;
        }
        ReportFormat::Text => {
            for table in &compared {
                let what =
                    table.difference.as_ref().map_or_else(|| "equal".to_owned(), |found| format!("DIFFERENT: {found}"));
                print::line(format_args!("{:<28} {:>10} rows  {what}", table.table, table.rows))?;
            }
            if different == 0 {
                print::line("every table matches the log")?;
            }
        }
    }
    if different == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Found, format!("{different} tables differ from the log")))
}

/// How long read tables that cannot be advanced are waited for: a store may be away, or locked, for a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// Brings the live read tables up to the log's end, unless a server is already doing so.
///
/// # Errors
/// Names the position and the cause if they cannot be advanced.
pub async fn catch_up(reads: &ReadStore, journal: &Journal) -> Outcome {
    let head = journal.backend().head().await?.position;
    if *reads.applied().borrow() >= head {
        return Ok(());
    }
    let stop = CancellationToken::new();
    let runner = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let bar = progress::bar("events applied", head.counter());
    let (mut applied, built, hindrance) = (reads.applied(), reads.built(), reads.hindrance());
    let (mut furthest, mut since, mut hindered) = (Position::START, Instant::now(), None);
    loop {
        let at = *applied.borrow_and_update();
        let reached = at.max(*built.borrow());
        bar.set_position(reached.counter());
        if at >= head || runner.is_finished() {
            break;
        }
        if reached > furthest {
            (furthest, since) = (reached, Instant::now());
        }
        hindered = hindrance.borrow().clone().filter(|found| found.is_lasting || since.elapsed() >= PATIENCE);
        if hindered.is_some() {
            break;
        }
        // The projector may have ended with an error instead of moving on.
        let _ = tokio::time::timeout(Duration::from_millis(200), applied.changed()).await;
    }
    bar.finish_and_clear();
    stop.cancel();
    runner.await.map_err(|error| Failure::from_error(Exit::Internal, error))?.map_err(Failure::unavailable)?;
    match hindered {
        Some(hindered) => Err(held_up(journal, head, hindered).await),
        None => Ok(()),
    }
}

/// Says where the read tables stand, what comes next, and why it does not come in.
async fn held_up(journal: &Journal, head: Position, Hindrance { after, cause, .. }: Hindrance) -> Failure {
    let next = journal.backend().read_all(after, ReadLimit::events(1)).await.unwrap_or_default();
    let next = next.first().map(|event| &event.envelope);
    let next = next.map_or_else(
        || "an event that cannot be read".to_owned(),
        |envelope| format!("event {} ({}) at position {}", envelope.id, envelope.event_type, envelope.position),
    );
    let (shown, all) = (after.counter(), head.counter());
    Failure::new(
        Exit::Unavailable,
        format!(
            "the read tables cannot be brought up to date: they show {shown} of {all} events, and do not get past what \
             comes next, {next}\n  because: {cause}\n`commlog verify` names the first event that is damaged"
        ),
    )
}

/// The longest time that files may take to be cleaned: a reader that holds an older state of them is in the way.
const SCRUB_TIME: Duration = Duration::from_secs(120);

/// Waits until the files of the live read tables hold nothing of forgotten customers.
pub async fn scrub(reads: &ReadStore, journal: &Journal) -> Outcome {
    let head = journal.backend().head().await?.position;
    let stop = CancellationToken::new();
    let runner = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let scrubbed = reads.wait_scrubbed(head, SCRUB_TIME).await;
    stop.cancel();
    runner.await.map_err(|error| Failure::from_error(Exit::Internal, error))?.map_err(Failure::unavailable)?;
    scrubbed.map_err(|error| {
        let what = "the files of the read tables could not be cleaned yet; commlog serve will do it";
        Failure::doing(Exit::Unavailable, what, error)
    })
}
