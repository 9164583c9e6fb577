//! `commlog export`: events or the rows of a read model, as JSON lines or CSV.

mod tables;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::app::Caller;
use crate::boot::{ReadStore, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, TenantArg, ids, print, progress, reading};
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::exports::events::{self, EventFile, Period, Selection};
use crate::exports::{ExportError, LineFormat, Output, ReadModel};
use crate::ids::CustomerId;
use crate::queries;

/// Writes events or a read model as JSON lines or CSV.
#[derive(Debug, Args)]
#[command(
    long_about = "Writes a tenant's events, or the rows of a read model, to stdout or a file; `export tables` writes every view \
                  that `commlog tables` lists to a file of its own, all of one moment. Exports that hold personal data are \
                  themselves recorded in the log. Whoever is forgotten later is not forgotten in what was exported.",
    after_help = "Examples:\n  commlog export events --since 2026-01-01 --type MessageBounced\n  commlog export events \
                  --personal --output events.jsonl\n  commlog export events --customer $ID\n  commlog export customers --format csv \
                  > customers.csv\n  commlog export tables --into tables --format parquet --without-personal-data\n\nRead models: \
                  the names of projections/*.sql, such as customers, activities, timeline, messages. \
                  Customers come with their addresses and consent: `commlog import customers` makes the same people of \
                  the CSV file."
)]
pub struct ExportArgs {
    /// `events`, `tables`, or a read model such as `customers`.
    what: String,
    /// How rows are written [default: jsonl, of tables parquet].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The folder for the files of `export tables`; it is made if necessary, and only you may read what is in it.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// Of `export tables`, only the views without personal data. Ids stay, so that joins work: this is pseudonymous, not anonymous.
    #[arg(long)]
    without_personal_data: bool,
    /// Only events that happened at or after this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    since: Option<DateTime<Utc>>,
    /// Only events that happened before this time.
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    until: Option<DateTime<Utc>>,
    /// Only events of this type. Repeatable.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only events of this customer, and of the records merged into the same person.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: Option<CustomerId>,
    /// Writes the personal part of events too. Read models always hold personal data.
    #[arg(long)]
    personal: bool,
    /// CSV that a spreadsheet can open without running anything: what begins as a formula does (=, +, -, @), a cell or a piece
    /// of it behind a semicolon, a tab or a line break, gets an apostrophe in front. The file begins with a byte order mark.
    /// Programs want the cells as they are.
    #[arg(long)]
    spreadsheet: bool,
    /// Writes to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    tenant: TenantArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
    /// A header, then a record a line
    Csv,
    /// A file by columns, for DuckDB, pandas and others; of `tables` only
    Parquet,
}

/// Runs `commlog export`.
pub async fn run(session: &Session, args: ExportArgs) -> Outcome {
    if args.what == "tables" {
        return write_tables(session, &args).await;
    }
    if args.into.is_some() || args.without_personal_data || args.format == Some(Format::Parquet) {
        return Err(Failure::usage(
            "--into, --without-personal-data and --format parquet are for `commlog export tables`",
        ));
    }
    let format = args.format.unwrap_or(Format::Jsonl);
    if args.spreadsheet && format != Format::Csv {
        return Err(Failure::usage("--spreadsheet is for CSV: give --format csv as well"));
    }
    let is_events = args.what == events::EVENTS;
    if !is_events && (args.since.is_some() || args.until.is_some() || !args.types.is_empty()) {
        return Err(Failure::usage("--since, --until and --type choose events; a read model is exported as it stands"));
    }
    if args.customer.is_some() && !is_events {
        return Err(Failure::usage("--customer is for events: commlog export events --customer ID"));
    }
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let out = output(&args)?;
    let result = if is_events {
        write_events(session, &stores, &caller, &args, out).await
    } else {
        write_rows(session, &stores, &caller, &args, out).await
    };
    stores.close().await;
    result
}

/// `commlog export events`
async fn write_events(session: &Session, stores: &Stores, caller: &Caller, args: &ExportArgs, out: Output) -> Outcome {
    if args.personal {
        record_read(session, stores, caller, args).await?;
    }
    let selection = Selection {
        customer: args.customer,
        types: args.types.clone(),
        happened: Period { since: args.since, until: args.until },
        ..Selection::default()
    };
    let (journal, app, with_personal) = (&stores.journal, &stores.app, args.personal);
    let reader = events::Reader { journal, app, caller, selection: &selection, with_personal };
    let file = if args.format == Some(Format::Csv) { EventFile::Csv(out) } else { EventFile::Jsonl(out) };
    let bar = progress::bar("events", 0);
    let reached = |reached: events::Reached| {
        bar.set_length(reached.end.counter());
        bar.set_position(reached.position.counter());
    };
    let written = reader.write(file, reached).await?;
    bar.finish_and_clear();
    if written == 0 {
        print::note("no event matches");
    }
    Ok(())
}

/// `commlog export READ_MODEL`
async fn write_rows(
    session: &Session,
    stores: &Stores,
    caller: &Caller,
    args: &ExportArgs,
    mut out: Output,
) -> Outcome {
    let model = ReadModel::find(&stores.registry()?, &args.what)?;
    let reads = record_read(session, stores, caller, args).await?;
    let format = if args.format == Some(Format::Csv) { LineFormat::Csv } else { LineFormat::Jsonl };
    let bar = progress::counter("rows");
    model.write(&reads.db(), caller.tenant, format, &mut out, |rows| bar.set_position(rows)).await?;
    bar.finish_and_clear();
    Ok(out.finish()?)
}

/// `commlog export tables`
async fn write_tables(session: &Session, args: &ExportArgs) -> Outcome {
    let target = tables::Target::new(args)?;
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = if target.is_personal() {
        record_read(session, &stores, &caller, args).await?
    } else {
        session.read_store(&stores).await?
    };
    let written = target.write(&reads, &caller).await;
    stores.close().await;
    written
}

/// An export of personal data leaves its own trace, before the first line is written.
async fn record_read(session: &Session, stores: &Stores, caller: &Caller, args: &ExportArgs) -> Outcome<ReadStore> {
    let reads = session.read_store(stores).await?;
    let filter = queries::customers::CustomerFilter::default();
    let count = queries::customers::count(&reads.db(), caller.tenant, &filter).await.map_err(Failure::unavailable)?;
    let mut asked = args.what.clone();
    for (name, time) in [("since", args.since), ("until", args.until)] {
        if let Some(time) = time {
            asked.push_str(&format!(" {name} {}", time.to_rfc3339()));
        }
    }
    args.types.iter().for_each(|name| asked.push_str(&format!(" type {name}")));
    let read = match args.customer {
        Some(customer) => RecordPersonalRead { filter: Some(asked), ..reading::of_customers("export", &[customer]) },
        None => reading::of_many("export", count, asked),
    };
    session.record_read(stores, caller, read).await?;
    Ok(reads)
}

/// Where the export goes.
fn output(args: &ExportArgs) -> Outcome<Output> {
    let to: Box<dyn Write + Send> =
        match &args.output {
            None => Box::new(BufWriter::new(io::stdout())),
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|error| {
                Failure::doing(Exit::Unavailable, format!("cannot write {}", path.display()), error)
            })?)),
        };
    Ok(Output::new(to, args.spreadsheet))
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let exit = match &error {
            ExportError::Unknown { .. } => Exit::Usage,
            ExportError::Table { .. }
            | ExportError::Query(_)
            | ExportError::Log(_)
            | ExportError::App(_)
            | ExportError::Event { .. }
            | ExportError::Write(_)
            | ExportError::Parquet(_) => Exit::Unavailable,
            ExportError::Row(_) | ExportError::NoId | ExportError::Column { .. } => Exit::Internal,
        };
        Self::from_error(exit, error)
    }
}
