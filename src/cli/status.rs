//! `commlog status`

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::accounts::AccountSource;
use crate::accounts::service::Condition;
use crate::boot::{self, OthersAtWork, ReadStore, Stores, Survey};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print};
use crate::config::{LogUrl, StoreUrl};
use crate::ids::{Position, TenantId};
use crate::log::EventLog;
use crate::log::keys::Lease;
use crate::processes::hold::Hold;
use crate::queries::provider_accounts;

/// Shows how log, read tables, sending and accounts are, without a running server.
#[derive(Debug, Args)]
#[command(
    long_about = "Shows from outside how things are: the log and its last signed checkpoint, whether messages are sent or held \
                  and why, the read tables, provider accounts, and whether a server works with this log. No server need run, \
                  and one that runs is not disturbed: log and key store are opened for reading only.",
    after_help = "Examples:\n  commlog status\n  commlog status --format json | jq -r '.problems[]'\n\nExit codes: 0 if nothing \
                  is wrong, 1 if something is (each problem is listed), 4 if the log cannot be read. Read tables that lag are \
                  not a problem by themselves: a server brings them up to date."
)]
pub struct StatusArgs {
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// What the command found. A part that cannot be read is absent, and its problem says why.
#[derive(Debug, Serialize)]
struct Status {
    log: Value,
    checkpoint: Option<Value>,
    dispatch: Option<Value>,
    others: Option<Value>,
    leases: Option<Vec<Value>>,
    read_tables: Option<Value>,
    accounts: Option<Vec<Value>>,
    problems: Vec<String>,
    #[serde(skip)]
    lines: Vec<(&'static str, String)>,
}

/// Runs `commlog status`.
pub async fn run(session: &Session, args: StatusArgs) -> Outcome {
    let log = boot::open_existing_log(&session.config, &session.ambient).await?;
    let mut status = look_at_log(session, log.as_ref()).await?;
    let others = boot::who_else_writes(&session.config).await;
    status.take_others(others.map_err(Failure::from));
    let survey = boot::survey_read_tables(&session.config, log.as_ref()).await;
    let survey = survey.map_err(|error| status.problem("the read tables cannot be read", &error.into())).ok().flatten();
    status.take_survey(survey.as_ref());
    match Stores::open_to_read(&session.config, &session.ambient).await {
        Ok(stores) => {
            look_at_sending(&mut status, &stores, survey.as_ref()).await;
            stores.close().await;
        }
        Err(error) => status.problem("the key store cannot be read", &error.into()),
    }
    log.close().await;
    match args.format {
        ReportFormat::Json => print::line(json!(status))?,
        ReportFormat::Text => status.print()?,
    }
    match status.problems.as_slice() {
        [] => Ok(()),
        [only] => Err(Failure::new(Exit::Found, only.clone())),
        [first, others @ ..] => {
            Err(Failure::new(Exit::Found, format!("{first} (and {} more, listed above)", others.len())))
        }
    }
}

async fn look_at_log(session: &Session, log: &dyn EventLog) -> Outcome<Status> {
    let head = log.head().await?;
    let events = log.count_between(Position::START, head.position).await?;
    let engine = match session.config.log {
        LogUrl::Sql(StoreUrl::Sqlite(_)) => "sqlite",
        LogUrl::Sql(StoreUrl::Postgres(_)) => "postgresql",
        LogUrl::Kurrent(_) => "kurrentdb",
    };
    let url = session.config.log.to_string();
    let mut text = format!("{url}: {events} events in epoch {}", head.epoch);
    if events > 0 {
        text.push_str(&format!(
            "; the last at {}, position {}",
            head.recorded_at.format("%Y-%m-%d %H:%M:%SZ"),
            head.position
        ));
    }
    Ok(Status {
        log: json!({
            "engine": engine, "url": url, "epoch": head.epoch, "events": events, "position": head.position,
            "recorded_at": (events > 0).then_some(head.recorded_at),
        }),
        checkpoint: None,
        dispatch: None,
        others: None,
        leases: None,
        read_tables: None,
        accounts: None,
        problems: Vec::new(),
        lines: vec![("log", text)],
    })
}

/// What needs the keys: the checkpoint, holds, accounts.
async fn look_at_sending(status: &mut Status, stores: &Stores, survey: Option<&Survey>) {
    match stores.keeper().glance().await {
        Ok(None) => status.line("checkpoint", "none was signed yet"),
        Ok(Some(kept)) => {
            let recorded_at = kept.recorded_at.format("%Y-%m-%d %H:%M:%SZ");
            status.line("checkpoint", format!("signed over {} events, until {recorded_at}", kept.events));
            status.checkpoint =
                Some(json!({ "events": kept.events, "position": kept.position, "recorded_at": kept.recorded_at }));
        }
        Err(error) => {
            status.problem("the log does not match its last checkpoint", &Failure::from_error(Exit::Found, error))
        }
    }
    match stores.journal.key_store().leases().await {
        Ok(leases) => status.take_leases(leases),
        Err(error) => status.problem("the leases of nodes cannot be read", &Failure::unavailable(error)),
    }
    let reads = match survey.and_then(|survey| survey.live.as_ref()) {
        Some(live) if live.is_of_log => match stores.read_store().await {
            Ok(reads) => Some(reads),
            Err(error) => {
                status.problem("the read tables cannot be opened", &error.into());
                None
            }
        },
        _ => None,
    };
    match boot::hold(stores, reads.as_ref()).await {
        Ok(hold) => status.take_hold(hold),
        Err(error) => status.problem("whether messages are sent cannot be determined", &error.into()),
    }
    if let Some(reads) = reads
        && let Err(failure) = list_accounts(status, stores, &reads).await
    {
        status.problem("the provider accounts cannot be read", &failure);
    }
}

async fn list_accounts(status: &mut Status, stores: &Stores, reads: &ReadStore) -> Outcome {
    let service = boot::account_service(stores, reads).await?;
    let with_own = provider_accounts::tenants(&reads.db()).await.map_err(Failure::unavailable)?;
    let tenants: BTreeSet<TenantId> = with_own.into_iter().chain([stores.config().tenant]).collect();
    let mut accounts = Vec::new();
    for tenant in tenants {
        for account in service.list(tenant).await.map_err(Failure::unavailable)? {
            let is_own = account.source == AccountSource::Api;
            if !is_own && tenant != stores.config().tenant {
                continue;
            }
            let word = match &account.condition {
                Condition::Healthy => "healthy",
                Condition::Paused(_) => "paused",
                Condition::Suspended(_) | Condition::Failing { .. } => "suspended",
                Condition::Silent { .. } => "silent",
                Condition::Unusable(_) => "unusable",
            };
            let reason = account.condition.reason();
            if word == "unusable" {
                status.problems.push(format!("the account {} cannot be used", account.name));
            }
            let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            status.line("account", format!("{} {word}{why}", account.name));
            let channels: Vec<&str> = account.channels.iter().map(|channel| channel.word()).collect();
            accounts.push(json!({
                "name": account.name.to_string(), "tenant_id": is_own.then_some(tenant), "channels": channels,
                "condition": word, "reason": reason, "in_flight": account.in_flight,
                "last_sent_at": account.last_sent_at,
            }));
        }
    }
    status.accounts = Some(accounts);
    Ok(())
}

impl Status {
    fn line(&mut self, title: &'static str, text: impl Into<String>) {
        self.lines.push((title, text.into()));
    }

    fn problem(&mut self, what: &str, why: &Failure) {
        self.problems.push(format!("{what}: {}", why.text().replace("\n  because: ", ": ")));
    }

    fn take_others(&mut self, others: Outcome<OthersAtWork>) {
        match others {
            Ok(OthersAtWork::Sender(runs)) => {
                self.line("server", if runs { "one sends from this log" } else { "none sends from this log" });
                self.others = Some(json!({ "sends": runs }));
            }
            Ok(OthersAtWork::Connections(count)) => {
                self.line("server", format!("{count} connections of servers and commands to the log's database"));
                self.others = Some(json!({ "connections": count }));
            }
            Ok(OthersAtWork::Unknown) => self.line("server", "KurrentDB does not tell who works with this log"),
            Err(error) => self.problem("whether a server runs cannot be determined", &error),
        }
    }

    /// None of these were taken if one node runs at a time.
    fn take_leases(&mut self, leases: Vec<Lease>) {
        for lease in &leases {
            let Lease { name, holder, term, since, is_held, .. } = lease;
            let since = since.format("%Y-%m-%d %H:%M:%SZ");
            let text = match is_held {
                true => format!("{name}: {holder} since {since}, term {term}"),
                false => format!("{name}: nobody; {holder} had it, from {since}, term {term}"),
            };
            self.line("lease", text);
        }
        let json = |lease: Lease| {
            json!({
                "name": lease.name, "holder": lease.holder, "term": lease.term, "since": lease.since, "held": lease.is_held,
            })
        };
        self.leases = Some(leases.into_iter().map(json).collect());
    }

    fn take_survey(&mut self, survey: Option<&Survey>) {
        let live = survey.and_then(|survey| survey.live.as_ref());
        let Some((survey, live)) = survey.zip(live) else {
            return self.line("read tables", "none yet: `commlog serve` makes them");
        };
        let mut text = match live.lag_events {
            0 => format!("{}: up to date", live.id),
            lag => format!("{}: {lag} events behind the log", live.id),
        };
        if !survey.building.is_empty() {
            text.push_str(&format!("; {} being built to take over", survey.building.join(", ")));
        }
        if !survey.ready.is_empty() {
            text.push_str(&format!("; {} read by nodes of another version", survey.ready.join(", ")));
        }
        if !live.is_of_log {
            self.problems.push(
                "the read tables were made from another log (was this one restored?): `commlog serve` rebuilds them"
                    .to_owned(),
            );
        }
        if live.parked > 0 {
            self.problems.push(format!("{} events could not be applied to the read tables", live.parked));
        }
        self.line("read tables", text);
        self.read_tables = Some(json!({
            "generation": live.id, "position": live.position, "lag_events": live.lag_events, "is_of_log": live.is_of_log,
            "parked": live.parked, "building": survey.building, "ready": survey.ready,
            "left": survey.left,
        }));
    }

    fn take_hold(&mut self, hold: Option<Hold>) {
        let (word, reason) = match &hold {
            None => {
                self.line("sending", "allowed");
                self.dispatch = Some(json!({ "allowed": true, "reason": null }));
                return;
            }
            Some(Hold::Restored(position)) => (
                "restored",
                format!(
                    "the log lacks the event at position {position}, before which a provider was called: it was restored or replaced"
                ),
            ),
            Some(Hold::Copied) => {
                ("copied", "the log was restored or copied, or was moved with its key store".to_owned())
            }
            Some(Hold::Overdue(tenants)) => {
                let each = tenants.iter().map(|(tenant, count)| format!("{count} of tenant {tenant}"));
                let each: Vec<String> = each.collect();
                ("overdue", format!("messages have been due for more than an hour: {}", each.join(", ")))
            }
        };
        let held_tenants = match &hold {
            Some(Hold::Overdue(tenants)) => Some(tenants.keys().collect::<Vec<_>>()),
            Some(Hold::Restored(_) | Hold::Copied) | None => None,
        };
        self.line("sending", format!("held: {reason}"));
        self.dispatch = Some(json!({ "allowed": false, "hold": word, "reason": reason, "held_tenants": held_tenants }));
        self.problems.push(format!("messages are held, because {reason} (see `commlog confirm-dispatch --help`)"));
    }

    fn print(&self) -> Outcome {
        for (title, text) in &self.lines {
            print::line(format_args!("{title:<12} {text}"))?;
        }
        self.problems.iter().try_for_each(|problem| print::line(format_args!("{:<12} {problem}", "problem")))
    }
}
