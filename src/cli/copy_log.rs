//! `commlog copy-log`

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::boot::{self, BootError, OthersAtWork};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print, progress, signal};
use crate::config::{Config, LogUrl};
use crate::ids::Position;
use crate::log::copy::{self, Compared, CopyError, Difference};
use crate::log::load::{LoadError, LogLoader};
use crate::log::{EventLog, LogError};

/// How often the end of the original is looked at once the copy has reached it.
const LOOK: Duration = Duration::from_secs(1);

/// How long the stores may be out of reach without ending `--follow`.
const PATIENCE: Duration = Duration::from_mins(2);

/// Copies a log into another store, event by event as it stands: SQLite, PostgreSQL or KurrentDB.
#[derive(Debug, Args)]
#[command(
    long_about = "Copies a log into another store, of the same kind or another one (SQLite, PostgreSQL, KurrentDB): every event \
                  with its id, version, time and hash, in the same order, and what commands made. The original is only read, \
                  and may be written to meanwhile. A copy that was interrupted goes on where it stands.\n\nThe copy cannot be \
                  opened before --finish has compared it with the original, event by event. It then sends nothing until \
                  `commlog confirm-dispatch`. Only the log is copied: docs/deploy.md says what to do with keys, files of messages and \
                  read tables.",
    after_help = "Examples:\n  commlog copy-log --to postgres://commlog@db/crm_log\n  commlog copy-log --to \
                  postgres://commlog@db/crm_log --follow\n  commlog copy-log --to postgres://commlog@db/crm_log \
                  --finish\n  commlog copy-log --from kurrentdb://node:2113 --to sqlite:log.db --check-only"
)]
pub struct CopyArgs {
    /// The original [default: the configured log]
    #[arg(long, value_name = "URL", value_parser = LogUrl::parse)]
    from: Option<LogUrl>,
    /// Where the copy goes: an empty place, or an unfinished copy of the same log
    #[arg(long, value_name = "URL", value_parser = LogUrl::parse)]
    to: LogUrl,
    /// Goes on copying what is appended to the original, until it is interrupted; with --finish, until no server works with it.
    #[arg(long)]
    follow: bool,
    /// Copies the rest, compares all, and makes the copy a log that can be opened. Stop everything that writes to the original first.
    #[arg(long)]
    finish: bool,
    /// Only compares the two, as far as the copy reaches, and names where they differ; changes nothing.
    #[arg(long, conflicts_with_all = ["follow", "finish"])]
    check_only: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog copy-log`.
pub async fn run(session: &Session, args: CopyArgs) -> Outcome {
    let places = Places::new(session, &args)?;
    if args.finish && args.follow {
        places.refuse_unknown_writers().await?;
    } else if args.finish {
        places.refuse_writers().await?;
    }
    let original = boot::open_existing_log(&places.original, &session.ambient).await?;
    let done = if args.check_only {
        places.check(session, &args, original.as_ref()).await
    } else {
        places.copy(session, &args, original.as_ref()).await
    };
    original.close().await;
    done
}

/// The configuration with the log at either place.
struct Places {
    original: Config,
    copy: Config,
}

impl Places {
    fn new(session: &Session, args: &CopyArgs) -> Outcome<Self> {
        let (mut original, mut copy) = (session.config.clone(), session.config.clone());
        if let Some(from) = &args.from {
            original.log = from.clone();
        }
        copy.log = args.to.clone();
        if original.log == copy.log {
            return Err(Failure::usage(format!("--from and --to are both {}", copy.log)));
        }
        // A node's index is of one log.
        if matches!((&original.log, &copy.log), (LogUrl::Kurrent(_), LogUrl::Kurrent(_))) {
            copy.log_index.set_extension("copy.db");
        }
        Ok(Self { original, copy })
    }

    /// Copies as far as is asked for.
    async fn copy(&self, session: &Session, args: &CopyArgs, original: &dyn EventLog) -> Outcome {
        let origin = original.origin().await?;
        let copy = boot::open_loader(&self.copy, origin.log_id, &session.ambient).await;
        let copy = copy.map_err(|error| self.taken(error, origin.log_id))?;
        let bar = progress::bar("events", original.head().await?.position.counter());
        let follower = Follower { original, copy: copy.as_ref(), bar: &bar, stop: CancellationToken::new() };
        let _signals = args.follow.then(|| signal::cancel_on_interrupt(follower.stop.clone()));
        let (first, began) = (copy.loaded().await.map_err(load_failure)?, Instant::now());
        let reached = if args.follow {
            follower.follow(async || Ok(args.finish && !self.is_written().await?)).await?
        } else {
            follower.catch_up().await?
        };
        if !args.follow {
            note_rate(reached.counter().saturating_sub(first.counter()), began.elapsed());
        }
        if !args.finish || follower.stop.is_cancelled() {
            bar.finish_and_clear();
            return self.report_unfinished(args, original, reached).await;
        }
        let compared = self.finish(original, copy.as_ref(), reached, &bar).await;
        bar.finish_and_clear();
        let compared = compared?;
        self.report_finished(session, args, &compared).await
    }

    /// Compares all, and ends the load.
    async fn finish(
        &self,
        original: &dyn EventLog,
        copy: &dyn LogLoader,
        reached: Position,
        bar: &ProgressBar,
    ) -> Outcome<Compared> {
        bar.reset();
        bar.set_message("are compared");
        let copied = copy.log().await.map_err(load_failure)?;
        let compared =
            copy::compare(original, copied.as_ref(), reached, |position| bar.set_position(position.counter()));
        let compared = compared.await.map_err(failure)?;
        let end = original.head().await?.position;
        if end != reached {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "{} is still written to: {} events were appended during the comparison. Stop what writes to it, and \
                     run this again",
                    self.original.log,
                    end.counter().saturating_sub(reached.counter())
                ),
            ));
        }
        copy.finish(&original.origin().await?).await.map_err(load_failure)?;
        Ok(compared)
    }

    /// Compares as far as the copy reaches.
    async fn check(&self, session: &Session, args: &CopyArgs, original: &dyn EventLog) -> Outcome {
        let origin = original.origin().await?;
        let (copy, is_complete) = match boot::open_existing_log(&self.copy, &session.ambient).await {
            Ok(copy) => (copy, true),
            Err(BootError::Log(LogError::Loading { .. })) => {
                let loader = boot::open_loader(&self.copy, origin.log_id, &session.ambient).await?;
                (loader.log().await.map_err(load_failure)?, false)
            }
            Err(error) => return Err(error.into()),
        };
        let end = copy.head().await?.position;
        let bar = progress::bar("events", end.counter());
        let compared = self.compare(original, &copy, end, &bar, is_complete).await;
        bar.finish_and_clear();
        copy.close().await;
        let compared = compared?;
        let missing = original.count_between(end, original.head().await?.position).await?;
        args.format.line(
            format_args!(
                "{} events in {} streams are the same in both logs, to the last byte, and what {} appends of commands made; \
                 {missing} events of the original follow. The copy is {}",
                compared.events,
                compared.streams,
                compared.commands,
                if is_complete { "complete" } else { "not finished" }
            ),
            &json!({
                "events": compared.events, "streams": compared.streams, "commands": compared.commands,
                "position": compared.end, "missing": missing, "complete": is_complete,
            }),
        )
    }

    async fn compare(
        &self,
        original: &dyn EventLog,
        copy: &Arc<dyn EventLog>,
        end: Position,
        bar: &ProgressBar,
        is_complete: bool,
    ) -> Outcome<Compared> {
        let (ours, theirs) = (original.origin().await?, copy.origin().await?);
        // An operator may have started another epoch on either since.
        if ours.log_id != theirs.log_id || is_complete && ours.epochs.first() != theirs.epochs.first() {
            return Err(failure(Difference::Origin.into()));
        }
        let compared = copy::compare(original, copy.as_ref(), end, |position| bar.set_position(position.counter()));
        compared.await.map_err(failure)
    }

    /// Whether a server, or a command that writes, works with the original.
    async fn is_written(&self) -> Outcome<bool> {
        Ok(match boot::who_else_writes(&self.original).await? {
            OthersAtWork::Sender(at_work) => at_work,
            OthersAtWork::Connections(count) => count > 0,
            OthersAtWork::Unknown => false,
        })
    }

    async fn refuse_writers(&self) -> Outcome {
        if !self.is_written().await? {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Refused,
            format!(
                "a server, or another command that writes, still works with {}: stop it and run this again, or add --follow to \
                 wait for that",
                self.original.log
            ),
        ))
    }

    async fn refuse_unknown_writers(&self) -> Outcome {
        match boot::who_else_writes(&self.original).await? {
            OthersAtWork::Unknown => Err(Failure::usage(
                "KurrentDB does not say who works with it: use --follow alone, stop the servers, then --finish alone",
            )),
            OthersAtWork::Sender(_) | OthersAtWork::Connections(_) => Ok(()),
        }
    }

    /// That the place is taken by what was copied to it is good news.
    fn taken(&self, error: BootError, log_id: Uuid) -> Failure {
        match error {
            BootError::Load(LoadError::Occupied { log_id: found, end, .. }) if found == log_id => Failure::new(
                Exit::Refused,
                format!(
                    "{} is a complete copy of {} up to position {end} already, and can be served. --check-only compares the two",
                    self.copy.log, self.original.log
                ),
            ),
            BootError::Load(error) => load_failure(error),
            error => error.into(),
        }
    }

    async fn report_unfinished(&self, args: &CopyArgs, original: &dyn EventLog, reached: Position) -> Outcome {
        let missing = original.count_between(reached, original.head().await?.position).await?;
        args.format.line(
            format_args!(
                "{} events are copied, up to position {reached}; {missing} were appended to the original since. The copy \
                 cannot be opened yet: run this again as often as you like, then stop the servers and run it with --finish",
                reached.counter()
            ),
            &json!({ "events": reached.counter(), "position": reached, "missing": missing, "complete": false }),
        )
    }

    async fn report_finished(&self, session: &Session, args: &CopyArgs, compared: &Compared) -> Outcome {
        // As a server will open it.
        let copy = boot::open_existing_log(&self.copy, &session.ambient).await?;
        let epoch = copy.epoch().await?;
        copy.close().await;
        args.format.line(
            format_args!(
                "{} holds {} events in {} streams, each the same as in {}, to the last byte, and what {} appends of commands \
                 made. It sends nothing before `commlog confirm-dispatch`; start no server with the original any more",
                self.copy.log, compared.events, compared.streams, self.original.log, compared.commands
            ),
            &json!({
                "events": compared.events, "streams": compared.streams, "commands": compared.commands,
                "position": compared.end, "missing": 0, "complete": true, "epoch": epoch.number,
            }),
        )
    }
}

/// Keeps a copy close to its original.
struct Follower<'l> {
    original: &'l dyn EventLog,
    copy: &'l dyn LogLoader,
    bar: &'l ProgressBar,
    stop: CancellationToken,
}

impl Follower<'_> {
    /// Copies what is there.
    async fn catch_up(&self) -> Outcome<Position> {
        self.reach_end().await.map_err(failure)
    }

    async fn reach_end(&self) -> Result<Position, CopyError> {
        let goes_on = |position: Position| {
            self.bar.set_position(position.counter());
            !self.stop.is_cancelled()
        };
        copy::catch_up(self.original, self.copy, goes_on).await
    }

    /// Copies until it is interrupted, or until nothing more will come: what that is, is asked before the end is read.
    async fn follow(&self, is_over: impl AsyncFn() -> Outcome<bool>) -> Outcome<Position> {
        let mut since = None;
        loop {
            // An original that does not respond is met again below.
            let is_last = is_over().await.unwrap_or(false);
            let now = Instant::now();
            match self.reach_end().await {
                Ok(reached) if self.stop.is_cancelled() => return Ok(reached),
                Ok(reached) if is_last => return Ok(reached),
                Ok(reached) => {
                    since = None;
                    self.bar.set_length(reached.counter());
                }
                Err(error) if is_passing(&error) && since.get_or_insert(now).elapsed() < PATIENCE => {
                    print::note(format_args!("{}; it is tried again", failure(error).text()));
                }
                Err(error) => return Err(failure(error)),
            }
            tokio::select! {
                () = self.stop.cancelled() => return self.copy.loaded().await.map_err(load_failure),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// Tells people, and not scripts, how fast it went.
fn note_rate(events: u64, spent: Duration) {
    if events > 0 {
        let (rate, seconds) = (u128::from(events) * 1_000 / spent.as_millis().max(1), spent.as_secs_f64());
        print::note(format_args!("{events} events were copied in {seconds:.1} s, {rate} events/s"));
    }
}

/// Whether another try may succeed: a store that does not respond at the moment.
fn is_passing(error: &CopyError) -> bool {
    matches!(
        error,
        CopyError::Original(LogError::Database { .. } | LogError::Locked { .. })
            | CopyError::Copy(LoadError::Log(LogError::Database { .. } | LogError::Locked { .. }))
    )
}

fn failure(error: CopyError) -> Failure {
    match error {
        CopyError::Differ(difference) => Failure::from_error(Exit::Found, difference),
        CopyError::Copy(error) => load_failure(error),
        CopyError::Original(error @ LogError::Damaged { .. }) => {
            Failure::doing(Exit::Found, "the original is damaged", error)
        }
        error @ CopyError::Original(_) => Failure::from_error(Exit::Unavailable, error),
    }
}

fn load_failure(error: LoadError) -> Failure {
    let exit = match &error {
        LoadError::Occupied { .. } | LoadError::Other { .. } => Exit::Refused,
        LoadError::Broken(_) | LoadError::Command { .. } => Exit::Found,
        LoadError::Apart { .. } | LoadError::Origin { .. } | LoadError::Log(_) => Exit::Unavailable,
    };
    Failure::from_error(exit, error)
}
