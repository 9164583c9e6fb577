//! `commlog accounts`

mod add;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::accounts::service::{AccountStatus, Condition};
use crate::boot;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::{Session, TenantArg, print};
use crate::domain::account::event::AccountName;
use crate::providers::kind::{self, Kind};

/// Sets up, lists and tests provider accounts.
#[derive(Debug, Args)]
pub struct AccountsArgs {
    #[command(subcommand)]
    what: AccountsCommand,
}

#[derive(Debug, Subcommand)]
enum AccountsCommand {
    // Described by its arguments, as the commands themselves are.
    Add(add::AddArgs),
    /// Lists a tenant's provider accounts and how they are.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Lists the providers that accounts can be set up at, with their settings.
    Providers {
        /// Print the page of the documentation instead.
        #[arg(long)]
        markdown: bool,
    },
    /// Asks the provider whether it lets an account send; sends nothing. Exit code 1 if it does not.
    #[command(after_help = "Example:\n  commlog accounts test twilio/main")]
    Test {
        /// Which account, as `commlog accounts list` shows it: provider/name.
        #[arg(value_parser = name)]
        account: AccountName,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
}

fn name(text: &str) -> Result<AccountName, String> {
    let (provider, account) = text.split_once('/').ok_or("must be provider/name, such as twilio/main")?;
    Ok(AccountName { provider: provider.to_owned(), account: account.to_owned() })
}

/// Runs `commlog accounts …`.
pub async fn run(session: &Session, args: AccountsArgs) -> Outcome {
    if let AccountsCommand::Providers { markdown } = args.what {
        return if markdown {
            print::line(kind::page().trim_end())
        } else {
            Kind::all().iter().try_for_each(|kind| provider(kind))
        };
    }
    if let AccountsCommand::Add(args) = args.what {
        return add::run(session, args).await;
    }
    let stores = session.open_existing().await?;
    let reads = session.read_store(&stores).await?;
    let service = boot::account_service(&stores, &reads).await?;
    match args.what {
        AccountsCommand::Providers { .. } | AccountsCommand::Add(_) => Ok(()),
        AccountsCommand::List { format, tenant } => {
            let list = service.list(session.caller(&tenant).tenant).await;
            stores.close().await;
            let mut listing = Listing::new(format, &["name", "channels", "source", "condition", "reason"]);
            list.map_err(Failure::unavailable)?.iter().try_for_each(|account| listing.row(&row(account)))?;
            listing.end("there is no account")
        }
        AccountsCommand::Test { account, format, tenant } => {
            let tested = service.test(&session.caller(&tenant), account.clone()).await;
            stores.close().await;
            let result = tested?.into_result()?.value;
            let class = result.class.map_or("in doubt", |class| class.word());
            let code = result.code.clone();
            let class_of = (!result.passed).then_some(class);
            let object =
                json!({ "account": account.to_string(), "passed": result.passed, "class": class_of, "code": code });
            if result.passed || format == ReportFormat::Json {
                format.line(format_args!("{account} may send"), &object)?;
            }
            if result.passed {
                return Ok(());
            }
            let code = result.code.unwrap_or_default();
            Err(Failure::new(Exit::Found, format!("{account} may not send: {class} {code}")))
        }
    }
}

fn provider(kind: &Kind) -> Outcome {
    let channels: Vec<_> = kind.channels.iter().map(|channel| channel.word()).collect();
    print::line(format_args!("{} ({}): {}", kind.name, kind.title, channels.join(", ")))?;
    kind.settings.iter().try_for_each(|setting| {
        let marks = [(setting.is_required, ", required"), (setting.is_secret, ", secret")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        let variable = setting.variable.map(|variable| format!(" [{variable}]")).unwrap_or_default();
        let default = setting.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
        print::line(format_args!("  {}{marks}: {}{variable}{default}", setting.name, setting.help))
    })
}

fn row(account: &AccountStatus) -> Value {
    let (condition, since, until) = match &account.condition {
        Condition::Healthy => ("healthy", None, None),
        Condition::Paused(paused) => ("paused", Some(paused.since), None),
        Condition::Suspended(rest) => ("rests", None, Some(rest.until)),
        Condition::Failing { until, .. } => ("rests", None, Some(*until)),
        Condition::Silent { since, .. } => ("silent", *since, None),
        Condition::Unusable(_) => ("unusable", None, None),
    };
    let reason = account.condition.reason();
    let channels: Vec<&str> = account.channels.iter().map(|channel| channel.word()).collect();
    json!({
        "name": account.name.to_string(), "channels": channels.join(","),
        "source": format!("{:?}", account.source).to_lowercase(), "condition": condition, "since": since, "until": until,
        "reason": reason, "last_sent_at": account.last_sent_at, "in_flight": account.in_flight,
        "webhook_url": account.webhook_url,
    })
}
