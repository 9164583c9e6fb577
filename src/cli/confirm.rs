//! `commlog confirm-dispatch`

use clap::Args;
use serde_json::{Value, json};

use crate::boot;
use crate::cli::failure::Outcome;
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, print};
use crate::processes::outlook::{Expected, Group, Outlook};

/// Allows a restored or copied log to send again.
#[derive(Debug, Args)]
#[command(
    long_about = "Allows sending from a log that was restored from a backup, cut short, copied or replaced. commlog \
                  recognises such a log by its content, and holds all of its messages, because they may have been sent \
                  already: after the backup was made, or by another copy. What the log does not know of is sent \
                  again once you confirm, so look at it first with --dry-run, and cancel what must not be. Make sure that no \
                  other server sends from this log or from the one that it was copied from. Running servers notice within a \
                  second.",
    after_help = "Examples:\n  commlog confirm-dispatch --dry-run   what would go out: how many, by which account, how old\n  \
                  commlog confirm-dispatch --yes"
)]
pub struct ConfirmArgs {
    /// Only shows what goes out once you confirm; changes nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Confirms; so does the command without any option.
    #[arg(long)]
    yes: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
}

/// Runs `commlog confirm-dispatch`.
pub async fn run(session: &Session, args: ConfirmArgs) -> Outcome {
    let stores = session.open_existing().await?;
    if args.dry_run {
        let reads = session.read_store(&stores).await?;
        let outlook = boot::outlook(&stores, &reads).await?;
        let hold = boot::hold(&stores, Some(&reads)).await?;
        stores.close().await;
        return show(session, &args, &outlook, hold.is_some());
    }
    let epoch = stores.app.confirm_dispatch().await?;
    stores.close().await;
    args.format.line(format_args!("epoch {epoch} begins: this log sends messages again"), &json!({ "epoch": epoch }))
}

fn show(session: &Session, args: &ConfirmArgs, outlook: &Outlook, is_held: bool) -> Outcome {
    if args.format == ReportFormat::Json {
        let groups: Vec<Value> = outlook.groups.iter().map(|(group, expected)| as_json(group, expected)).collect();
        let total = outlook.total();
        return print::line(json!({
            "held": is_held, "now": total.now, "overdue": total.overdue, "later": total.later, "oldest": total.oldest,
            "called": outlook.called, "groups": groups,
        }));
    }
    for (Group { tenant, channel, account }, expected) in &outlook.groups {
        let account =
            account.as_deref().map_or_else(|| "no account that serves it".to_owned(), |name| format!("by {name}"));
        let of = if *tenant == session.config.tenant { String::new() } else { format!(" of tenant {tenant}") };
        print::line(format_args!("{} {account}{of}: {}", channel.word(), sentence(expected)))?;
    }
    if outlook.called > 0 {
        print::line(format_args!(
            "{} messages were about to be sent when the log ended: they become in doubt, and are not sent again by themselves \
             (`commlog in-doubt`)",
            outlook.called
        ))?;
    }
    let total = sentence(&outlook.total());
    match is_held {
        true => print::line(format_args!("held until you confirm: {total}")),
        false => print::line(format_args!("nothing is held: {total}")),
    }
}

fn sentence(expected: &Expected) -> String {
    let mut text = format!("{} messages go out at once", expected.now);
    if expected.overdue > 0 {
        text.push_str(&format!(", {} of them more than an hour late", expected.overdue));
    }
    if let Some(oldest) = expected.oldest {
        text.push_str(&format!(", the oldest due since {}", oldest.format("%Y-%m-%d %H:%M:%SZ")));
    }
    if expected.later > 0 {
        text.push_str(&format!("; {} later, at their time", expected.later));
    }
    text
}

fn as_json(group: &Group, expected: &Expected) -> Value {
    json!({
        "tenant_id": group.tenant, "channel": group.channel.word(), "account": group.account, "now": expected.now,
        "overdue": expected.overdue, "later": expected.later, "oldest": expected.oldest,
    })
}
