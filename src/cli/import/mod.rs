//! `commlog import`: reads files with [`crate::files`], hands their rows to `app` in chunks, and reports.

pub mod args;
mod results;
pub(super) mod trial;

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::app::Caller;
use crate::app::imports::{Ground, Trial};
use crate::boot::{BootError, Stores};
use crate::cli::certainty::Certainty;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::session::DEFAULT_NAME;
use crate::cli::{Session, print, progress};
use crate::domain::import::decide::{CompleteImport, CustomerOptions, ImportRun, StartImport, UndoImport};
use crate::domain::import::event::ImportKind;
use crate::files::chunks;
use crate::files::preview::Preview;
use crate::files::refused::RefusedLines;
use crate::files::row::{RowReader, Settings};
use crate::files::source::Source;
use crate::files::survey::Survey;
use crate::ids::{CampaignId, ImportId};
use crate::imports::{Carrier, CarryError, Ended, Plan, Rows, TakenIn, Totals, Watch};
use crate::queries::page::PAGE;
use crate::queries::{self, Page};
use args::{CollisionRule, FileArgs, ImportArgs, ImportCommand};

/// Runs `commlog import …`.
pub async fn run(session: &Session, args: ImportArgs) -> Outcome {
    match args.what {
        ImportCommand::Customers(file) => import(session, ImportKind::Customers, file).await,
        ImportCommand::Orders(file) => import(session, ImportKind::Orders, file).await,
        ImportCommand::Messages(file) => import(session, ImportKind::Messages, file).await,
        ImportCommand::CampaignResults(results) => results::import(session, *results).await,
        ImportCommand::Undo { import, certainty, format, tenant } => {
            undo(session, &session.caller(&tenant), import, certainty, format).await
        }
        ImportCommand::List { format, tenant } => list(session, &session.caller(&tenant), format).await,
    }
}

/// Reads a file for the first time: what is in it, and how its values are read.
async fn open<'a>(session: &'a Session, kind: ImportKind, args: &'a FileArgs) -> Outcome<(Job<'a>, Survey, Settings)> {
    let started = Instant::now();
    let source = Source::open(&args.file).map_err(refused)?;
    let mut plan = plan(kind, args);
    let survey = survey(&source, &plan).await?;
    if let Some(preset) = survey.preset {
        print::note(format_args!("read as {} (--from none reads the columns by their names alone)", preset.title));
    }
    if plan.region.is_none() {
        plan.region = default_region(session, args).await?;
    }
    let settings = plan.settings(&survey).map_err(|error| Failure::from_error(Exit::Usage, error))?;
    print::note(format_args!("columns: {}", survey.columns.describe()));
    if let Some(line) = survey.fallback {
        print::note(format_args!("not UTF-8 from line {line} on: such lines are read as Windows-1252"));
    }
    let (digest, records) = (survey.digest.clone(), survey.records);
    Ok((Job { session, plan, source, digest, records, args, started }, survey, settings))
}

fn plan(kind: ImportKind, args: &FileArgs) -> Plan {
    let mut customers = CustomerOptions::default();
    for CollisionRule { field, collision } in &args.collision {
        match field {
            None => customers.collision = *collision,
            Some(field) => drop(customers.by_field.insert(field.clone(), *collision)),
        }
    }
    Plan {
        kind,
        mappings: args.map.clone(),
        from: args.from.clone(),
        consents: args.consent.clone(),
        region: args.region.clone(),
        currency: args.currency,
        time_zone: args.time_zone,
        time_format: args.time_format.clone(),
        decimal: args.decimal.map(Into::into),
        encoding: args.encoding.into(),
        channel: args.channel,
        customers,
        anonymous: args.anonymous,
        number_rows: args.number_rows.clone(),
    }
}

async fn import(session: &Session, kind: ImportKind, args: FileArgs) -> Outcome {
    let (job, survey, settings) = open(session, kind, &args).await?;
    match Rows::try_new(&job.plan, survey, settings).map_err(refused)? {
        Rows::Customers(reader) => job.run_rows(reader).await,
        Rows::Orders(reader) => job.run_rows(reader).await,
        Rows::Messages(reader) => {
            if let Some(channel) = reader.assumed_channel().filter(|_| args.channel.is_none()) {
                print::note(format_args!(
                    "messages that name no channel are read as {channel} (use --channel for another)"
                ));
            }
            job.run_rows(reader).await
        }
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::from_error(Exit::Refused, error)
}

async fn survey(source: &Source, plan: &Plan) -> Outcome<Survey> {
    let (source, plan) = (source.clone(), plan.clone());
    let bar = progress::counter("lines read");
    let taken = tokio::task::spawn_blocking(move || {
        let survey = plan.survey(&source, |records| bar.set_position(records));
        bar.finish_and_clear();
        survey
    });
    taken.await.map_err(|error| Failure::from_error(Exit::Internal, error))?.map_err(refused)
}

/// The country of phone numbers that the tenant's policy names, if there is a log already.
async fn default_region(session: &Session, args: &FileArgs) -> Outcome<Option<String>> {
    let stores = match Stores::open_existing(&session.config, &session.ambient).await {
        Ok(stores) => stores,
        Err(BootError::NoLog { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let region = stores.app.policy(session.caller(&args.tenant).tenant).await?.default_region.clone();
    stores.close().await;
    Ok(region)
}

/// One file on its way into the log.
struct Job<'a> {
    session: &'a Session,
    plan: Plan,
    source: Source,
    digest: String,
    records: u64,
    args: &'a FileArgs,
    started: Instant,
}

/// Shows rows before the first is imported, and how far the file is.
struct Shown {
    shows: bool,
    bar: ProgressBar,
    interrupted: CancellationToken,
}

impl Watch for Shown {
    fn rows(&mut self, rows: &[impl Preview]) {
        if std::mem::take(&mut self.shows) {
            show(rows);
        }
    }

    fn lines(&mut self, lines: u64, _totals: &Totals) {
        self.bar.inc(lines);
    }

    fn is_stopped(&self) -> bool {
        self.interrupted.is_cancelled()
    }
}

impl From<CarryError> for Failure {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::File(error) => refused(error),
            CarryError::App(error) => error.into(),
            CarryError::Refused(error) => Self::unavailable(error),
        }
    }
}

impl Job<'_> {
    async fn run_rows<R>(self, reader: R) -> Outcome
    where
        R: RowReader + 'static,
        R::Row: Preview + TakenIn,
    {
        let plan = self.plan.clone();
        self.run(reader, async |node, caller, run, rows, ground| {
            R::Row::take_in(&node.app, caller, run, &plan, rows, ground).await
        })
        .await
    }

    async fn run<R: RowReader + 'static>(
        self,
        reader: R,
        take_in: impl AsyncFn(
            &Stores,
            &Caller,
            &ImportRun,
            Vec<R::Row>,
            Ground<'_>,
        ) -> Result<crate::domain::import::decide::ImportedChunk, crate::app::AppError>,
    ) -> Outcome
    where
        R::Row: Preview,
    {
        let refused_lines = RefusedLines::try_new(self.args.refused.as_deref(), reader.columns().header());
        let mut totals = Totals::new(refused_lines.map_err(Failure::unavailable)?);
        let keep_lines = totals.refused.keeps_lines();
        let chunks = chunks::start(self.source.clone(), self.args.encoding.into(), reader, keep_lines);
        let mut caller = self.session.caller(&self.args.tenant);
        // Dropped last: the folder of a log that was made for a trial only.
        let mut scratch = None;
        let start =
            StartImport { kind: self.plan.kind, file_digest: self.digest.clone(), file_name: self.source.name() };
        let (stores, run) = if self.args.dry_run {
            let stores = trial::stores(self.session, &caller, &mut scratch).await?;
            let run = stores.app.try_import(&caller, start).await?.into_result()?.value;
            (stores, run)
        } else {
            let stores = self.session.open().await?;
            self.session.ensure_tenant(&stores, &caller, DEFAULT_NAME).await?;
            let run = stores.app.start_import(&caller, start).await?.into_result()?.value;
            (stores, run)
        };
        caller.correlation = Some(run.import_id.into());
        let mut trial = self.args.dry_run.then(Trial::default);
        let interrupted = CancellationToken::new();
        let _watch = crate::cli::signal::cancel_on_interrupt(interrupted.clone());
        let shows = self.args.dry_run || std::io::stderr().is_terminal();
        let bar = progress::bar("lines", self.records);
        let mut carrier = Carrier::new(chunks, &mut totals, Shown { shows, bar: bar.clone(), interrupted });
        while let Some(rows) = carrier.next().await? {
            let ground = trial.as_mut().map_or(Ground::Log, Ground::Trial);
            carrier.took(&take_in(&stores, &caller, &run, rows, ground).await?)?;
        }
        if carrier.ended() == Ended::Stopped {
            bar.abandon();
            stores.close().await;
            let advice = "interrupted; what was imported so far stands, and the same command continues from there";
            return Err(Failure::new(Exit::Interrupted, advice));
        }
        bar.finish_and_clear();
        if trial.is_some() {
            stores.close().await;
            return self.report_dry_run(&totals);
        }
        let complete = CompleteImport {
            import_id: run.import_id,
            lines: self.records,
            appended: totals.appended,
            already: totals.already,
            refused: totals.refused.total(),
        };
        stores.app.complete_import(&caller, complete).await?.into_result()?;
        let campaign = match self.plan.kind {
            ImportKind::CampaignResults => Some(stores.app.id_of_imported_campaign(&caller, run.import_id).await?),
            ImportKind::Customers | ImportKind::Orders | ImportKind::Messages => None,
        };
        stores.close().await;
        self.report(&totals, &run, campaign)
    }

    fn report_dry_run(&self, totals: &Totals) -> Outcome {
        if self.args.format == ReportFormat::Json {
            print::line(self.object(totals, None))?;
            return self.judge(totals);
        }
        print::line(format_args!("dry run of {}: nothing was written to the log", self.source.name()))?;
        print::line(format_args!(
            "  {} lines: {} {} can be imported, {} lines are refused",
            self.records,
            totals.taken(),
            self.plan.kind,
            totals.refused.total()
        ))?;
        print::line(format_args!(
            "  {} of them known already, {} events would be appended",
            totals.already, totals.appended
        ))?;
        report_changes(totals)?;
        self.report_refused(totals)
    }

    /// The report as an object.
    fn object(&self, totals: &Totals, run: Option<&ImportRun>) -> serde_json::Value {
        let refusals: Vec<_> = totals.refused.summary(usize::MAX).into_iter().collect();
        let refusals = refusals
            .into_iter()
            .map(|(count, line, reason)| json!({ "lines": count, "first_line": line, "reason": reason }));
        let left_out = totals
            .left_out()
            .map(|(reason, count)| json!({ "values": count.values, "first_line": count.first_line, "reason": reason }));
        json!({
            "import_id": run.map(|run| run.import_id), "dry_run": run.is_none(), "file": self.source.name(),
            "kind": self.plan.kind, "lines": self.records, "rows": totals.rows, "taken": totals.taken(),
            "already": totals.already, "appended": totals.appended, "corrected": totals.corrected,
            "registered": totals.registered, "joined": totals.joined, "opt_outs": totals.opt_outs,
            "refused": totals.refused.total(), "refusals": refusals.collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(), "seconds": self.started.elapsed().as_secs_f64(),
        })
    }

    fn report(&self, totals: &Totals, run: &ImportRun, campaign: Option<CampaignId>) -> Outcome {
        if self.args.format == ReportFormat::Json {
            let mut object = self.object(totals, Some(run));
            if let Some(campaign) = campaign {
                object["campaign_id"] = json!(campaign);
            }
            print::line(object)?;
            return self.judge(totals);
        }
        let seconds = self.started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.records as f64 / seconds.max(0.001);
        print::line(format_args!("import {} of {}", run.import_id, self.source.name()))?;
        print::line(format_args!(
            "  {} lines: {} {} read, {} of them known already, {} events appended, {} lines refused",
            self.records,
            totals.rows,
            self.plan.kind,
            totals.already,
            totals.appended,
            totals.refused.total()
        ))?;
        report_changes(totals)?;
        print::line(format_args!("  {seconds:.1} s, {rate:.0} lines/s"))?;
        if let Some(campaign) = campaign {
            print::line(format_args!("  compare its groups with: commlog campaign effects {campaign}"))?;
        }
        if totals.appended > 0 || run.completed_before {
            print::line(format_args!("  undo it with: commlog import undo {}", run.import_id))?;
        }
        self.report_refused(totals)
    }

    /// Reports what was refused.
    fn report_refused(&self, totals: &Totals) -> Outcome {
        for (reason, count) in totals.left_out() {
            let values = if count.values == 1 { "value" } else { "values" };
            print::line(format_args!(
                "  left out: {} {values}, first line {}: {reason}",
                count.values, count.first_line
            ))?;
        }
        for (count, line, reason) in totals.refused.summary(10) {
            let lines = if count == 1 { "line" } else { "lines" };
            print::line(format_args!("  refused: {count} {lines}, first line {line}: {reason}"))?;
        }
        let refused = totals.refused.total();
        match &self.args.refused {
            Some(file) if refused > 0 => print::line(format_args!("  refused lines are in {}", file.display()))?,
            None if refused > 0 => print::line("  (--refused FILE writes them to a file that can be corrected)")?,
            Some(_) | None => {}
        }
        self.judge(totals)
    }

    /// A file of which nothing could be imported is a refusal; single lines are with `--strict`.
    fn judge(&self, totals: &Totals) -> Outcome {
        let refused = totals.refused.total();
        let nothing = refused > 0 && totals.taken() == 0;
        if nothing {
            return Err(Failure::new(Exit::Refused, format!("every line of {} was refused", self.source.name())));
        }
        if self.args.strict && refused > 0 {
            return Err(Failure::new(Exit::Refused, format!("{refused} lines of {} were refused", self.source.name())));
        }
        Ok(())
    }
}

/// What an import changes beside what it counts; a dry run says it in the same words.
fn report_changes(totals: &Totals) -> Outcome {
    if totals.corrected > 0 {
        print::line(format_args!(
            "  {} of them corrected: the log knew them with another time, status, amount or text",
            totals.corrected
        ))?;
    }
    for (count, what) in [
        (totals.registered, "new customers"),
        (totals.joined, "ids joined to customers who have the address already"),
        (totals.opt_outs, "opt-outs"),
    ] {
        if count > 0 {
            print::line(format_args!("  {count} {what}"))?;
        }
    }
    Ok(())
}

/// How many rows are shown as they are understood, before any is imported.
const SHOWN: usize = 3;

fn show(rows: &[impl Preview]) {
    print::note(format_args!("the first rows, as they are understood:"));
    for row in rows.iter().take(SHOWN) {
        print::note(format_args!("  {}", row.preview()));
    }
}

async fn undo(
    session: &Session,
    caller: &Caller,
    import: ImportId,
    certainty: Certainty,
    format: ReportFormat,
) -> Outcome {
    certainty.check()?;
    let stores = session.open_existing().await?;
    let reads = session.read_store(&stores).await?;
    // An import that is not known is refused below.
    let row = queries::imports::by_id(&reads.db(), caller.tenant, import).await.map_err(Failure::unavailable)?;
    if let Some(row) = row {
        let file = row.file_name.as_deref().unwrap_or("a file without a name").replace(char::is_control, "\u{FFFD}");
        let count =
            |count: Option<i64>| count.map_or_else(|| "an unknown number of".to_owned(), |count| count.to_string());
        let plan = [
            format!("import {import} is undone: what it brought is retracted, its opt-outs and ids too"),
            format!(
                "  {} of {file}, {} on {}: {} lines, {} events",
                row.kind,
                row.state,
                row.started_at.format("%Y-%m-%d %H:%M:%SZ"),
                count(row.lines),
                count(row.appended)
            ),
            "  customers with more than what was imported are kept; importing the file again restores it".to_owned(),
        ];
        if !certainty.settle(&plan)? {
            stores.close().await;
            return Ok(());
        }
    }
    let bar = progress::counter("facts");
    let done = stores.app.undo_import(caller, UndoImport { import_id: import }).await?.into_result();
    bar.finish_and_clear();
    stores.close().await;
    let undone = done?.value;
    format.line(
        format_args!(
            "import {import} is undone: {} facts were undone, {} were kept (opt-outs, and customers with more than \
             what was imported)\n  the log keeps both; importing the file again restores it",
            undone.retracted, undone.kept
        ),
        &json!({ "import_id": import, "retracted": undone.retracted, "kept": undone.kept }),
    )
}

const COLUMNS: &[&str] = &["import_id", "started_at", "kind", "state", "lines", "appended", "refused", "file_name"];

async fn list(session: &Session, caller: &Caller, format: Format) -> Outcome {
    let stores = session.open_existing().await?;
    let reads = session.read_store(&stores).await?;
    let mut listing = Listing::new(format, COLUMNS);
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = queries::imports::list(&reads.db(), caller.tenant, &wanted).await.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for import in slice.into_rows() {
            listing.row(&json!({
                "import_id": import.import_id, "kind": import.kind, "state": import.state, "run": import.run,
                "actor": import.actor, "started_at": import.started_at, "completed_at": import.completed_at,
                "undone_at": import.undone_at, "lines": import.lines, "appended": import.appended,
                "already": import.already, "refused": import.refused, "retracted": import.retracted, "kept": import.kept,
                "file_name": import.file_name, "file_digest": import.file_digest,
            }))?;
        }
    }
    stores.close().await;
    listing.end("nothing was imported")
}
