//! `commlog back-test`

use std::path::PathBuf;

use chrono::{DateTime, NaiveTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::campaigns::back_test::{BackTest, Counts, Prepared, Question, back_test, prepare};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{ReportFormat, Table};
use crate::cli::lists::Opened;
use crate::cli::{Session, TenantArg, print, progress};
use crate::domain::tenant::change_policy::UpdatePolicy;
use crate::domain::tenant::policy::{CapWindow, FrequencyCap, QuietHours, RuleAction};
use crate::domain::value::Channel;
use crate::graphql::policy::object::PolicyPatch;
use crate::queries::Reads;

/// Tries a cap, quiet hours or an excluded list on past messages: who would not have been written to?
#[derive(Debug, Args)]
#[command(
    long_about = "Decides again on each message of a period, as its customer stood at that moment, by the code that sends, with \
                  changed rules: which would not have been sent, and which later? A message that would not have been sent \
                  counts against no later cap; one that would have waited counts when it would have been sent. What customers \
                  and providers did stays as it was. Nothing is recorded or sent. Without a change, the rules in force are tried.",
    after_help = "Examples:\n  commlog back-test --cap 3/week\n  commlog back-test --cap sms:1/day:hold --quiet-hours \
                  sms:21:00-08:00\n  commlog back-test --exclude-list \"Open complaints\" --since 2026-01-01 --until \
                  2026-02-01\n  commlog back-test --policy changes.json --format json"
)]
pub struct BackTestArgs {
    /// Reads changes of the rules from a JSON file, as `updatePolicy` takes them; `-`: from standard input.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A frequency cap: NUMBER/day, /week, /month, or /24h for the last 24 hours; with a channel in front and :hold behind. Repeat it for
    /// several; they replace all caps in force.
    #[arg(long = "cap", value_name = "[CHANNEL:]NUMBER/TIME[:hold]", value_parser = cap)]
    caps: Vec<FrequencyCap>,
    /// Quiet hours by the customer's clock, such as 21:00-08:00; with a channel in front and :abort behind. Repeat it for several; they
    /// replace all quiet hours in force.
    #[arg(long, value_name = "[CHANNEL:]FROM-TO[:abort]", value_parser = quiet_hours)]
    quiet_hours: Vec<QuietHours>,
    /// Whether marketing needs an opt-in.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    require_opt_in: Option<bool>,
    /// A list, by id or name, whose members would have got no marketing while they were members; repeat it for several.
    #[arg(long = "exclude-list", value_name = "LIST")]
    exclude: Vec<String>,
    /// Only messages requested at or after this time [default: 30 days before the end]
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    since: Option<DateTime<Utc>>,
    /// Only messages requested before this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::cli::replay::time)]
    until: Option<DateTime<Utc>>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    tenant: TenantArg,
}

/// Reads a cap such as `sms:1/day:hold`.
fn cap(text: &str) -> Result<FrequencyCap, String> {
    let (channel, rest) = of_channel(text)?;
    let (rest, action) = with_action(rest, RuleAction::Abort)?;
    let wrong = "give a number and a time, such as 3/week, 1/day, 10/month or 2/48h";
    let (limit, window) = rest.split_once('/').ok_or(wrong)?;
    let limit = limit.trim().parse().map_err(|_| wrong)?;
    let window = match window.trim() {
        "day" => CapWindow::Day,
        "week" => CapWindow::Week,
        "month" => CapWindow::Month,
        hours => CapWindow::Rolling { hours: hours.strip_suffix('h').and_then(|h| h.parse().ok()).ok_or(wrong)? },
    };
    Ok(FrequencyCap { channel, topic: None, limit, window, action })
}

/// Reads quiet hours such as `sms:21:00-08:00`.
fn quiet_hours(text: &str) -> Result<QuietHours, String> {
    let (channel, rest) = of_channel(text)?;
    let (rest, action) = with_action(rest, RuleAction::Hold)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let hours = rest.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
    let (from, to) = hours.ok_or("give two times, such as 21:00-08:00")?;
    Ok(QuietHours { channel, from, to, action })
}

/// The channel in front of a rule, if one is.
fn of_channel(text: &str) -> Result<(Option<Channel>, &str), String> {
    match text.split_once(':') {
        Some((channel, rest)) if channel.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Ok((Some(channel.parse().map_err(|error| format!("{error}"))?), rest))
        }
        _ => Ok((None, text)),
    }
}

/// The action behind a rule, if one is.
fn with_action(text: &str, usual: RuleAction) -> Result<(&str, RuleAction), String> {
    match text.rsplit_once(':') {
        Some((rest, action)) if action.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Ok((rest, action.parse().map_err(|error| format!("{error}"))?))
        }
        _ => Ok((text, usual)),
    }
}

/// Runs `commlog back-test`.
pub async fn run(session: &Session, args: BackTestArgs) -> Outcome {
    let policy = changes(&args)?;
    let opened = Opened::of(session, &args.tenant).await?;
    let mut lists = vec![];
    for named in &args.exclude {
        lists.push(opened.list(named).await?);
    }
    let exclude = lists.iter().map(|list| list.list_id).collect();
    let (app, reads, caller) = (&opened.stores.app, Reads::new(opened.reads.clone()), session.caller(&args.tenant));
    let question = Question { policy, exclude, since: args.since, until: args.until };
    let prepared = prepare(app, &reads, &caller, question, None).await.map_err(Failure::unavailable)??;
    for list in lists.iter().filter(|list| list.created_at > prepared.proposal.since) {
        print::note(format_args!(
            "{} was made at {}: before that, nobody was a member of it",
            list.name, list.created_at
        ));
    }
    let bar = progress::bar("messages", prepared.messages);
    let found = back_test(app, &reads, &caller, &prepared, |done| bar.set_position(done)).await;
    let found = found.map_err(Failure::unavailable)?;
    bar.finish_and_clear();
    match args.format {
        ReportFormat::Json => print::line(as_json(&prepared, &found)),
        ReportFormat::Text => as_text(&prepared, &found),
    }
}

/// The changes of the file, then those of the command line.
fn changes(args: &BackTestArgs) -> Outcome<UpdatePolicy> {
    let mut changes = match &args.policy {
        None => UpdatePolicy::default(),
        Some(file) => {
            let text = crate::cli::lists::read_text(file)?;
            let wrong = |reason: String| Failure::new(Exit::Refused, format!("{}: {reason}", file.display()));
            let json: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
            PolicyPatch::read(json).map_err(wrong)?
        }
    };
    if !args.caps.is_empty() {
        changes.caps = Some(args.caps.clone());
    }
    if !args.quiet_hours.is_empty() {
        changes.quiet_hours = Some(args.quiet_hours.clone());
    }
    changes.require_opt_in = args.require_opt_in.or(changes.require_opt_in);
    Ok(changes)
}

fn as_text(prepared: &Prepared, found: &BackTest) -> Outcome {
    let (proposal, totals) = (&prepared.proposal, &found.totals);
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%MZ");
    print::line(format_args!(
        "{} messages to {} customers, requested from {} to {}",
        totals.messages,
        found.customers,
        day(proposal.since),
        day(proposal.until)
    ))?;
    print::line(format_args!(
        "would not have been sent: {}, later: {}, sooner: {}, sent though they were stopped: {}; customers concerned: {}",
        totals.not_sent, totals.later, totals.sooner, totals.sent, found.changed_customers
    ))?;
    print::line(format_args!(
        "no change: {} sent, {} not sent, {} waiting",
        totals.sent_as_well, totals.stopped_as_well, totals.waiting_as_well
    ))?;
    if found.forgotten_customers > 0 {
        print::line(format_args!(
            "left out: {} messages to {} customers who were forgotten since",
            found.forgotten_messages, found.forgotten_customers
        ))?;
    }
    if !found.by_rule.is_empty() {
        let titles = ["change", "rule", "messages", "customers", "mean hours", "most hours", "example message"];
        let mut table = Table::new(titles.map(str::to_uppercase).to_vec());
        for ((change, rule), ruled) in &found.by_rule {
            let hours = |hours: Option<f64>| hours.map_or("-".to_owned(), |hours| format!("{hours:.1}"));
            table.row(vec![
                change.word().replace('_', " "),
                rule.clone(),
                ruled.messages.to_string(),
                ruled.customers.to_string(),
                hours(ruled.mean_hours()),
                hours(ruled.most_hours()),
                ruled.examples.first().map_or("-".to_owned(), |example| example.message_id.to_string()),
            ])?;
        }
        print::line("")?;
        table.end()?;
    }
    let campaigns = found.by_campaign.iter().map(|(id, counts)| {
        let name = id.map_or("no campaign".to_owned(), |id| id.to_string());
        (name, *counts)
    });
    let others = Some(("other campaigns".to_owned(), found.other_campaigns)).filter(|(_, counts)| counts.messages > 0);
    counted("campaign", campaigns.chain(others))?;
    counted("channel", found.by_channel.iter().map(|(channel, counts)| (channel.to_string(), *counts)))?;
    counted("day", found.by_day.iter().map(|(day, counts)| (day.to_string(), *counts)))
}

/// A table of numbers by something; without rows, nothing.
fn counted(what: &str, rows: impl Iterator<Item = (String, Counts)>) -> Outcome {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    print::line("")?;
    let titles = [what, "messages", "no change", "not sent", "later", "sooner", "sent"];
    let mut table = Table::new(titles.map(str::to_uppercase).to_vec());
    for (name, counts) in rows {
        let unchanged = counts.messages - counts.changed();
        let numbers = [counts.messages, unchanged, counts.not_sent, counts.later, counts.sooner, counts.sent];
        table.row(std::iter::once(name).chain(numbers.iter().map(u64::to_string)).collect())?;
    }
    table.end()
}

fn as_json(prepared: &Prepared, found: &BackTest) -> Value {
    let rules = found.by_rule.iter().map(|((change, rule), ruled)| {
        let examples = ruled.examples.iter().map(|example| {
            json!({
                "customer_id": example.customer_id, "message_id": example.message_id, "requested_at": example.asked_at,
                "was_sent_at": example.was_sent_at, "would_be_sent_at": example.would_be_sent_at,
            })
        });
        json!({
            "change": change, "rule": rule, "messages": ruled.messages, "customers": ruled.customers,
            "first_at": ruled.first_at, "last_at": ruled.last_at, "mean_hours": ruled.mean_hours(),
            "most_hours": ruled.most_hours(), "still_waiting": ruled.still_waiting,
            "examples": examples.collect::<Vec<_>>(),
        })
    });
    let of = |name: &str, key: Value, counts: &Counts| {
        let mut row = counts_as_json(counts);
        row[name] = key;
        row
    };
    let campaigns = found.by_campaign.iter().map(|(id, counts)| of("campaign_id", json!(id), counts));
    let channels = found.by_channel.iter().map(|(channel, counts)| of("channel", json!(channel), counts));
    let days = found.by_day.iter().map(|(day, counts)| of("day", json!(day), counts));
    json!({
        "since": prepared.proposal.since, "until": prepared.proposal.until, "policy": prepared.proposal.policy,
        "customers": found.customers, "changed_customers": found.changed_customers,
        "forgotten_customers": found.forgotten_customers, "forgotten_messages": found.forgotten_messages,
        "totals": counts_as_json(&found.totals), "other_campaigns": counts_as_json(&found.other_campaigns),
        "by_campaign": campaigns.collect::<Vec<_>>(), "by_channel": channels.collect::<Vec<_>>(),
        "by_day": days.collect::<Vec<_>>(), "by_rule": rules.collect::<Vec<_>>(),
    })
}

fn counts_as_json(counts: &Counts) -> Value {
    json!({
        "messages": counts.messages, "sent_as_well": counts.sent_as_well, "stopped_as_well": counts.stopped_as_well,
        "waiting_as_well": counts.waiting_as_well, "not_sent": counts.not_sent, "later": counts.later,
        "sooner": counts.sooner, "sent": counts.sent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_has_a_number_a_time_and_perhaps_a_channel_and_an_action() {
        let expected =
            FrequencyCap { channel: None, topic: None, limit: 3, window: CapWindow::Week, action: RuleAction::Abort };
        assert_eq!(cap("3/week"), Ok(expected.clone()));
        let (channel, window, action) = (Some(Channel::Sms), CapWindow::Rolling { hours: 48 }, RuleAction::Hold);
        assert_eq!(cap("sms:2/48h:hold"), Ok(FrequencyCap { channel, limit: 2, window, action, ..expected }));
        for wrong in ["", "3", "three/week", "3/fortnight", "fax:1/day", "1/day:drop", "-1/day", "1/h"] {
            assert!(cap(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quiet_hours_have_two_times_and_perhaps_a_channel_and_an_action() {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
        let (from, to) = (time(21), time(8));
        let expected = QuietHours { channel: None, from, to, action: RuleAction::Hold };
        assert_eq!(quiet_hours("21:00-08:00"), Ok(expected.clone()));
        let (channel, action) = (Some(Channel::Sms), RuleAction::Abort);
        assert_eq!(quiet_hours("sms:21:00-08:00:abort"), Ok(QuietHours { channel, action, ..expected }));
        for wrong in ["", "21-8", "21:00", "25:00-08:00", "fax:21:00-08:00", "21:00-08:00:drop"] {
            assert!(quiet_hours(wrong).is_err(), "{wrong}");
        }
    }
}
