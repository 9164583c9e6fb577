//! `make bench`: every promise on speed and memory, on SQLite and on PostgreSQL, each beside the limit that the same
//! machine has in the same run. A table for people, `target/bench.json` for scripts.
//!
//! Each section runs in a process of its own, so that its peak memory is its own.

mod api;
mod campaign;
mod catch_up;
mod commands;
mod copy;
mod events;
mod growth;
mod import;
mod kurrentdb;
mod lists;
mod load;
mod log;
mod mail;
mod nodes;
mod provider;
mod providers;
mod raw;
mod rendering;
mod report;
mod sending;
mod sinks;
mod stores;
mod timeline;

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/support/doubles/mod.rs"]
mod doubles;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/support/postgres.rs"]
mod postgres;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, ValueEnum};

use report::{Measurement, Report};
use stores::Place;

/// Any failure ends the section with its text.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures commlog.
#[derive(Debug, Parser)]
struct Args {
    /// A tenth of the size, for trying the benchmark itself; its figures say little.
    #[arg(long)]
    quick: bool,
    /// Only this engine.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Only these sections; later ones need the stores that `log` and `catch-up` leave behind.
    #[arg(long, value_enum)]
    only: Vec<Section>,
    /// A file of real orders (.csv or .csv.gz); without one, orders of the same shape are made.
    #[arg(long, env = "COMMLOG_BENCH_ORDERS")]
    orders: Option<PathBuf>,
    /// How many customers the sections `growth`, `lists` and `campaign` have; otherwise 250,000, 50,000 and 30,000.
    #[arg(long)]
    customers: Option<u64>,
    /// How many events the log has that the sections `log` to `copy` are about; otherwise 1,000,000.
    #[arg(long)]
    events: Option<u64>,
    /// Runs one section in this process. Used by the benchmark itself.
    #[arg(long, hide = true, value_enum, requires = "place")]
    child: Option<Section>,
    #[arg(long, hide = true, value_parser = Place::parse)]
    place: Option<Place>,
    /// Serves as the provider in this process. Used by the benchmark itself.
    #[arg(long, hide = true)]
    double: bool,
    /// Serves as one of all providers in this process. Used by the benchmark itself.
    #[arg(long, hide = true)]
    sink: Option<String>,
    /// Serves as KurrentDB in this process. Used by the benchmark itself.
    #[arg(long, hide = true)]
    kurrentdb: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Bulk appends, beside raw multi-row inserts; leaves the log that later sections read.
    Log,
    /// 256 concurrent single-event commands.
    Commands,
    /// All read models from the first event on.
    CatchUp,
    /// Verifying, and reading for replay.
    Verify,
    /// Copying the log that `log` leaves into other stores, beside raw multi-row inserts.
    Copy,
    /// A log in KurrentDB, beside bare calls. Once: the double of it is no store of an engine.
    Kurrentdb,
    /// Three nodes on PostgreSQL, beside one.
    Nodes,
    /// The first page of a long timeline over HTTP.
    Timeline,
    /// Orders from a file.
    Import,
    /// Messages to a provider over HTTP, and its webhooks.
    Sending,
    /// A campaign to everybody.
    Campaign,
    /// The client of every provider, to its double. Once: no store is involved.
    Providers,
    /// Mails that come in.
    Mails,
    /// Mails made of templates.
    Rendering,
    /// A store of customers, orders and messages for `lists`.
    ListsStore,
    /// Fifty smart lists over that store.
    Lists,
    /// A first load of customers and orders, and what is asked then. Only by name: it takes long.
    Growth,
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Events in the log.
    pub events: u64,
    /// Single-event commands.
    pub commands: u64,
    /// Lines of the orders file that is made.
    pub lines: u64,
    /// How long requests are sent.
    pub seconds: u64,
    /// Customers of the lists.
    pub customers: u64,
    /// Recipients of the campaign.
    pub recipients: u64,
}

impl Args {
    fn size(&self) -> Size {
        let usual = Size::of(self.quick);
        Size { events: self.events.unwrap_or(usual.events), ..usual }
    }
}

impl Size {
    fn of(quick: bool) -> Self {
        if quick {
            Self { events: 100_000, commands: 10_000, lines: 20_000, seconds: 3, customers: 2_000, recipients: 2_000 }
        } else {
            Self {
                events: 1_000_000,
                commands: 100_000,
                lines: 541_909,
                seconds: 15,
                customers: 50_000,
                recipients: 30_000,
            }
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match (args.child, &args.place) {
        _ if args.double => {
            commlog::boot::runtime().map_err(Into::into).and_then(|runtime| runtime.block_on(provider::serve()))
        }
        _ if args.kurrentdb => {
            commlog::boot::runtime().map_err(Into::into).and_then(|runtime| runtime.block_on(kurrentdb::serve()))
        }
        _ if args.sink.is_some() => commlog::boot::runtime()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(sinks::serve(args.sink.as_deref().unwrap_or_default()))),
        (Some(section), Some(place)) => child(section, place, &args),
        _ => parent(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("error: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                text.push_str(&format!("\n  because: {source}"));
                cause = source.source();
            }
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one section and prints its measurements as JSON lines.
fn child(section: Section, place: &Place, args: &Args) -> Result {
    let size = args.size();
    let runtime = commlog::boot::runtime()?;
    let measurements = runtime.block_on(async {
        match section {
            Section::Log => log::run(place, size).await,
            Section::Commands => commands::run(place, size).await,
            Section::CatchUp => catch_up::run(place).await,
            Section::Verify => log::verify(place).await,
            Section::Copy => copy::run(place, size).await,
            Section::Kurrentdb => kurrentdb::run(place, size).await,
            Section::Nodes => nodes::run(place, size).await,
            Section::Timeline => timeline::run(place, size).await,
            Section::Sending => sending::run(place, size).await,
            Section::Campaign => campaign::run(place, args.customers.unwrap_or(size.recipients)).await,
            Section::Providers => providers::run(place, size).await,
            Section::Mails => mail::run(place, size).await,
            Section::Rendering => rendering::run(place, size),
            Section::ListsStore => lists::fill(place, args.customers.unwrap_or(size.customers)).await,
            Section::Lists => lists::run(place, args.customers.unwrap_or(size.customers)).await,
            Section::Growth => growth::run(place, args.customers.unwrap_or(250_000)).await,
            Section::Import => import::run(place, size, args.orders.as_deref()).await,
        }
    })?;
    hand_over(&measurements)?;
    hand_over(&[report::peak_memory(place.engine, section.name(), section.memory())])
}

/// Gives measurements to the parent process, which prints them at once.
fn hand_over(measurements: &[Measurement]) -> Result {
    for measurement in measurements {
        println!("{}", serde_json::to_string(measurement)?);
    }
    Ok(())
}

impl Section {
    const ALL: [Self; 16] = [
        Self::Log,
        Self::Commands,
        Self::CatchUp,
        Self::Verify,
        Self::Copy,
        Self::Kurrentdb,
        Self::Nodes,
        Self::Timeline,
        Self::Import,
        Self::Sending,
        Self::Campaign,
        Self::Providers,
        Self::Mails,
        Self::Rendering,
        Self::ListsStore,
        Self::Lists,
    ];

    /// MB that it may take: new tables are built with more than they are followed with.
    const fn memory(self) -> f64 {
        match self {
            // The copy's read tables are built to be compared.
            Self::CatchUp | Self::Copy | Self::ListsStore | Self::Lists | Self::Growth => 400.0,
            Self::Campaign => 300.0,
            Self::Log
            | Self::Commands
            | Self::Verify
            | Self::Kurrentdb
            | Self::Nodes
            | Self::Timeline
            | Self::Import
            | Self::Sending
            | Self::Providers
            | Self::Mails
            | Self::Rendering => 250.0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Log => "bulk append",
            Self::Commands => "commands",
            Self::CatchUp => "catch-up",
            Self::Verify => "verify, reading",
            Self::Copy => "copy-log",
            Self::Kurrentdb => "KurrentDB",
            Self::Nodes => "nodes",
            Self::Timeline => "timeline",
            Self::Import => "import",
            Self::Sending => "sending",
            Self::Campaign => "campaign",
            Self::Providers => "providers",
            Self::Mails => "mails",
            Self::Rendering => "rendering",
            Self::ListsStore => "lists: catch-up",
            Self::Lists => "lists",
            Self::Growth => "growth",
        }
    }
}

fn parent(args: &Args) -> Result {
    let runtime = commlog::boot::runtime()?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(target_folder()?)?;
    let mut report = Report::new(args.quick);
    report.print_head();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if args.engine.is_some_and(|only| only != engine) {
            continue;
        }
        let place = runtime.block_on(Place::prepare(engine, folder.path()))?;
        let all = Section::ALL.iter().filter(|section| args.only.is_empty() || args.only.contains(section));
        let growth = args.only.iter().filter(|section| **section == Section::Growth);
        // The rows of providers and of KurrentDB say nothing of an engine: the first one that is measured tells them.
        let is_first = engine == Engine::Sqlite || args.engine.is_some();
        let chosen = all.chain(growth).filter(|section| match section {
            Section::Providers | Section::Kurrentdb => is_first,
            Section::Nodes => engine == Engine::Postgres,
            _ => true,
        });
        for &section in chosen {
            run_child(section, &place, args, |measurement| report.add(measurement))?;
        }
    }
    report.finish(&target_folder()?.join("bench.json"))
}

fn run_child(section: Section, place: &Place, args: &Args, mut measured: impl FnMut(Measurement)) -> Result {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--child").arg(section.to_possible_value().ok_or("a hidden section")?.get_name());
    command.arg("--place").arg(place.to_string()).stdout(Stdio::piped());
    if args.quick {
        command.arg("--quick");
    }
    if let Some(customers) = args.customers {
        command.arg("--customers").arg(customers.to_string());
    }
    if let Some(events) = args.events {
        command.arg("--events").arg(events.to_string());
    }
    if let Some(orders) = &args.orders {
        command.arg("--orders").arg(orders);
    }
    let mut child = command.spawn()?;
    let output = child.stdout.take().ok_or("a section without output")?;
    for line in BufReader::new(output).lines() {
        measured(serde_json::from_str(&line?)?);
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("a section ended with {status}").into()) }
}

/// Cargo's target folder: the bench binary stands in `<target>/release/deps`.
fn target_folder() -> Result<PathBuf> {
    let binary = std::env::current_exe()?;
    Ok(binary.ancestors().nth(3).ok_or("the benchmark stands in no target folder")?.to_owned())
}
