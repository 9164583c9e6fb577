//! `commlog addresses`

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::accounts::ValidationService;
use crate::accounts::validation::{Plan, Validated};
use crate::app::{Caller, Outcome as Answer};
use crate::boot;
use crate::cli::certainty::confirm;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, print, progress};
use crate::domain::address::decide::AddressRef;
use crate::domain::address::validation::ValidateAddress;
use crate::domain::refusal::Refusal;
use crate::domain::value::AddressKind;
use crate::domain::value::validation::Validity;

/// How many addresses are asked about at once.
const AT_ONCE: usize = 8;
/// How many addresses one run takes.
const MOST: usize = 1_000_000;
/// The longest line of a file, in bytes.
const LONGEST_LINE: u64 = 4_096;

/// Checks whether messages can arrive at addresses.
#[derive(Debug, Args)]
pub struct AddressesArgs {
    #[command(subcommand)]
    what: AddressesCommand,
}

#[derive(Debug, Subcommand)]
enum AddressesCommand {
    // Described by its arguments, as the commands themselves are.
    Validate(ValidateArgs),
}

/// Says whether messages can arrive at phone numbers and email addresses, and records it.
#[derive(Debug, Args)]
#[command(
    long_about = "Says whether messages can arrive at phone numbers and email addresses, and records it: from then on, \
                  nothing is sent to those where they cannot. What is known and still counts is asked for nowhere; what can \
                  be told without asking comes next; then the first service of [[validators]] that checks addresses of this \
                  kind is asked, within what it may do in a day. What that may cost is said before, and asked for unless \
                  --yes is given. Exit code 1 if an address cannot be written to, 3 if one could not be checked.",
    after_help = "Examples:\n  commlog addresses validate +442079460018 ada@example.org\n  commlog addresses validate --file \
                  addresses.txt --yes --format jsonl\n  cut -d, -f2 customers.csv | commlog addresses validate --file - --dry-run"
)]
struct ValidateArgs {
    /// The addresses. What has an @ is an email address, everything else a phone number.
    #[arg(required_unless_present = "file", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Reads addresses from a file, one on each line; - is standard input. Blank lines and those that begin with # are left out.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Says what it would take, and asks nobody.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Asks services without asking you before.
    #[arg(long)]
    yes: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["address", "validity", "reason", "line_type", "validator", "checked_at", "refusal"];

/// Runs `commlog addresses …`.
pub async fn run(session: &Session, args: AddressesArgs) -> Outcome {
    match args.what {
        AddressesCommand::Validate(args) => validate(session, args).await,
    }
}

async fn validate(session: &Session, args: ValidateArgs) -> Outcome {
    let mut texts = args.addresses.clone();
    if let Some(file) = &args.file {
        texts.extend(read(file)?);
    }
    if texts.len() > MOST {
        return Err(Failure::usage(format!("at most {MOST} addresses can be checked in one run")));
    }
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    session.ensure_tenant(&stores, &caller, crate::cli::session::DEFAULT_NAME).await?;
    let service = boot::validation_service(&stores)?;
    let ended = checked(&service, &caller, &args, &texts).await;
    stores.close().await;
    ended
}

async fn checked(service: &ValidationService, caller: &Caller, args: &ValidateArgs, texts: &[String]) -> Outcome {
    let addresses: Vec<AddressRef> = texts.iter().map(|text| address(text)).collect();
    let plan = service.plan(caller, &addresses).await?;
    let costs = costs(service, caller, &plan).await?;
    if args.dry_run {
        return print::line(said(&plan, &costs));
    }
    if !plan.asked.is_empty() {
        print::note(said(&plan, &costs));
        if !args.yes && !may_ask(&plan)? {
            return Ok(());
        }
    }
    let bar = progress::bar("addresses", texts.len() as u64);
    let mut answers = futures::stream::iter(texts.iter().zip(addresses))
        .map(|(text, address)| async move {
            (text, service.validate(caller, ValidateAddress { address, among: None }).await)
        })
        .buffered(AT_ONCE);
    let mut listing = Listing::new(args.format, COLUMNS);
    let (mut undeliverable, mut refusals) = (0_u64, BTreeMap::<&'static str, (u64, Refusal)>::new());
    while let Some((text, answer)) = answers.next().await {
        bar.inc(1);
        let row = match answer? {
            Answer::Done(done) => {
                undeliverable += u64::from(done.value.validation.validity == Validity::Undeliverable);
                found(text, &done.value)
            }
            Answer::Refused(refusal) => {
                let row = json!({ "address": text, "refusal": refusal.code, "message": refusal.message });
                refusals.entry(refusal.code).or_insert((0, refusal)).0 += 1;
                row
            }
        };
        bar.suspend(|| listing.row(&row))?;
    }
    bar.finish_and_clear();
    listing.end("there is no address")?;
    if refusals.is_empty() {
        return match undeliverable {
            0 => Ok(()),
            1 => Err(Failure::new(Exit::Found, "messages cannot arrive at 1 address")),
            many => Err(Failure::new(Exit::Found, format!("messages cannot arrive at {many} addresses"))),
        };
    }
    let lines = refusals.values().map(|(count, refusal)| format!("{count} not checked: {}", refusal.message));
    Err(Failure::new(Exit::Refused, lines.collect::<Vec<_>>().join("\n  ")))
}

/// Asks whether services may be asked.
fn may_ask(plan: &Plan) -> Outcome<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let advice =
            "services may be paid for this, and there is no terminal to ask at: --yes does it, --dry-run only says it";
        return Err(Failure::usage(advice));
    }
    let checks: u64 = plan.asked.values().sum();
    confirm(&format!("Have {checks} checks made?"))
}

fn address(text: &str) -> AddressRef {
    let kind = if text.contains('@') || text.contains('＠') { AddressKind::Email } else { AddressKind::Phone };
    AddressRef::Text { kind, address: text.to_owned() }
}

/// What each service would be paid for, with its limit of today and, where the configuration says it, the price.
async fn costs(service: &ValidationService, caller: &Caller, plan: &Plan) -> Outcome<Vec<String>> {
    let mut lines = vec![];
    for status in service.services(caller).await? {
        let Some(checks) = plan.asked.get(status.name) else { continue };
        let mut line = format!("{checks} at {}", status.title);
        if let Some(daily) = status.daily {
            line.push_str(&format!(
                " ({} of {daily} checks of today are left)",
                daily.saturating_sub(status.made_today)
            ));
        }
        if status.cost_micros > 0 {
            let micros = u128::from(status.cost_micros) * u128::from(*checks);
            line.push_str(&format!(", which costs {}.{:06}", micros / 1_000_000, micros % 1_000_000));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// A plan in words.
fn said(plan: &Plan, costs: &[String]) -> String {
    let mut lines = vec![];
    for (count, what) in [
        (plan.known, "known already, for nothing"),
        (plan.offline, "can be told without asking anybody"),
        (plan.others, "written twice, or unknown"),
        (plan.left_out, "without a service that may check them today"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    }
    lines.extend(costs.iter().cloned());
    if lines.is_empty() { "there is no address".to_owned() } else { lines.join("\n") }
}

fn found(text: &str, found: &Validated) -> Value {
    let validation = &found.validation;
    json!({
        "address": text, "address_id": found.address_id, "validity": validation.validity, "reason": validation.reason,
        "line_type": validation.line_type, "carrier": validation.carrier, "validator": validation.validator,
        "checked_at": validation.checked_at, "counts_until": validation.counts_until(), "asked": found.is_asked,
        "refusal": null,
    })
}

/// The addresses of a file.
fn read(file: &PathBuf) -> Outcome<Vec<String>> {
    let unreadable = |error| Failure::doing(Exit::Unavailable, format!("cannot read {}", file.display()), error);
    let source: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(std::fs::File::open(file).map_err(unreadable)?),
    };
    let (mut source, mut addresses, mut number) = (BufReader::new(source), vec![], 0_u64);
    loop {
        let mut line = vec![];
        number += 1;
        if source.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(addresses);
        }
        let wrong = |what: &str| Failure::new(Exit::Refused, format!("{}, line {number}: {what}", file.display()));
        if line.len() as u64 > LONGEST_LINE {
            return Err(wrong("is too long for an address"));
        }
        let line = String::from_utf8(line).map_err(|_| wrong("is not UTF-8"))?;
        let line = line.trim_start_matches('\u{FEFF}').trim();
        if !line.is_empty() && !line.starts_with('#') {
            addresses.push(line.to_owned());
        }
        if addresses.len() > MOST {
            return Err(Failure::usage(format!("at most {MOST} addresses can be checked in one run")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_would_take_is_said_in_words() {
        let plan = Plan { known: 2, offline: 1, left_out: 3, ..Plan::default() };
        let said = said(&plan, &["7 at NeverBounce (10 of 10 checks of today are left)".to_owned()]);
        assert_eq!(
            said,
            "2 known already, for nothing\n1 can be told without asking anybody\n3 without a service that may check them \
             today\n7 at NeverBounce (10 of 10 checks of today are left)"
        );
        assert_eq!(super::said(&Plan::default(), &[]), "there is no address");
    }
}
