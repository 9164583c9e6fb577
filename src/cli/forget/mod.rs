//! `commlog forget`

mod traces;
mod user;

use clap::Args;
use serde_json::json;

use crate::app::Caller;
use crate::boot::{ReadStore, Stores};
use crate::cli::certainty::Certainty;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::domain::customer::decide::ForgetCustomer;
use crate::ids::{CustomerId, SubjectId};
use crate::queries::timeline::{self, TimelineFilter, TimelineKind};
use crate::queries::{customer_roots, customers};
use traces::Traces;

/// Forgets a customer, or a user's name, for good: destroys the key and purges the read tables.
#[derive(Debug, Args)]
#[command(
    long_about = "Forgets a customer for good, with all records merged into the same person. The keys that seal the \
                  personal data are destroyed, so neither the log nor any backup of it can reveal the person again, \
                  and the read tables are purged. Aggregate figures stay. This cannot be undone, so the command shows who \
                  will be forgotten, which the log records, and asks; --dry-run only shows it.",
    after_help = "Examples:\n  commlog find amara\n  commlog forget --customer $ID --dry-run\n  commlog forget --customer $ID \
                  --reason 'request of 3 March' --yes"
)]
pub struct ForgetArgs {
    #[command(flatten)]
    whom: Whom,
    /// The reason of a customer's forgetting, for the record; must not contain personal data.
    #[arg(long, default_value = "request")]
    reason: String,
    #[command(flatten)]
    certainty: Certainty,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    tenant: TenantArg,
}

/// Who is forgotten.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// The customer's id.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: Option<CustomerId>,
    /// Instead of a customer: a user whom an API key acted for, such as a colleague who left, by the id that the front end
    /// gave. The key that seals the name is destroyed, so that the name in the log cannot be read any more. What the user did
    /// stays, under the id.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
}

/// Runs `commlog forget`.
pub async fn run(session: &Session, args: ForgetArgs) -> Outcome {
    args.certainty.check()?;
    match (args.whom.customer, &args.whom.user) {
        (Some(customer), _) => run_customer(session, &args, customer).await,
        (None, Some(id)) => user::run(session, &args, id).await,
        (None, None) => Err(Failure::usage("--customer or --user says who is forgotten")),
    }
}

async fn run_customer(session: &Session, args: &ForgetArgs, customer: CustomerId) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    if let Some(plan) = plan(session, &stores, &caller, &reads, customer).await?
        && !args.certainty.settle(&plan)?
    {
        stores.close().await;
        return Ok(());
    }
    let mut traces = what_may_be_left(&stores, &caller, &reads, customer).await?;
    let command = ForgetCustomer { customer_id: customer, reason: args.reason.clone() };
    let done = stores.app.forget_customer(&caller, command).await?.into_result()?;
    args.sentence(format_args!("the key of customer {} is destroyed", done.value))?;
    // A server could do the rest, but then this command could not report completion.
    let later = |error| {
        Failure::doing(Exit::Unavailable, "the read tables could not be purged yet; commlog serve will do it", error)
    };
    crate::cli::rebuild::catch_up(&reads, &stores.journal).await?;
    crate::boot::take_erasures_up(&stores, &reads).await.map_err(later)?;
    crate::cli::rebuild::catch_up(&reads, &stores.journal).await?;
    crate::boot::complete_erasures(&stores, &reads).await.map_err(later)?;
    crate::cli::rebuild::catch_up(&reads, &stores.journal).await?;
    crate::cli::rebuild::scrub(&reads, &stores.journal).await?;
    traces.leave_out_what_others_have(&reads, &caller).await?;
    stores.close().await;
    traces.search(&session.config)?;
    args.format.line(
        "the read tables are purged, and their files hold nothing of the customer; figures stay",
        &json!({
            "customer_id": done.value, "key_destroyed": true, "read_tables_purged": true, "files_are_clean": true,
        }),
    )
}

impl ForgetArgs {
    /// For people only.
    fn sentence(&self, text: impl std::fmt::Display) -> Outcome {
        match self.format {
            ReportFormat::Text => print::line(text),
            ReportFormat::Json => Ok(()),
        }
    }
}

/// What the files must not hold once the person is forgotten.
async fn what_may_be_left(
    stores: &Stores,
    caller: &Caller,
    reads: &ReadStore,
    customer: CustomerId,
) -> Outcome<Traces> {
    let (db, tenant) = (reads.db(), caller.tenant);
    let mut traces = Traces::default();
    let person = customer_roots::whole(&db, tenant, customer).await.map_err(Failure::unavailable)?.ids();
    let subjects: Vec<SubjectId> = person.iter().map(|&id| id.into()).collect();
    traces.keys(stores.journal.wrapped_keys(&subjects).await?);
    for row in customers::by_ids(&db, tenant, &person).await.map_err(Failure::unavailable)? {
        for (what, text) in [("the name", &row.name), ("the customer's number", &row.external_id)] {
            text.iter().for_each(|text| traces.text(what, text));
        }
    }
    for own in customers::addresses(&db, tenant, &person).await.map_err(Failure::unavailable)? {
        own.address.iter().for_each(|address| traces.text("an address", address));
    }
    Ok(traces)
}

/// Who will be forgotten, in words; [`None`] for a customer who is not known.
async fn plan(
    session: &Session,
    stores: &Stores,
    caller: &Caller,
    reads: &ReadStore,
    customer: CustomerId,
) -> Outcome<Option<Vec<String>>> {
    let (db, tenant) = (reads.db(), caller.tenant);
    let Some(row) = customers::by_id(&db, tenant, customer).await.map_err(Failure::unavailable)? else {
        return Ok(None);
    };
    session.record_read(stores, caller, reading::of_customers("forget", &[customer])).await?;
    let addresses = customers::addresses(&db, tenant, &[row.customer_id]).await.map_err(Failure::unavailable)?;
    let all = TimelineFilter::default();
    let messages = TimelineFilter { kinds: vec![TimelineKind::Message], ..TimelineFilter::default() };
    let entries = timeline::count_of_customer(&db, tenant, customer, &all).await.map_err(Failure::unavailable)?;
    let messages = timeline::count_of_customer(&db, tenant, customer, &messages).await.map_err(Failure::unavailable)?;
    let name = match (&row.name, row.forgotten_at) {
        (_, Some(at)) => format!("forgotten since {}", at.format("%Y-%m-%d %H:%M:%SZ")),
        (Some(name), None) => name.clone(),
        (None, None) => "without a name".to_owned(),
    };
    let own: Vec<&str> = addresses.iter().filter_map(|own| own.address.as_deref()).collect();
    let mut plan = vec![
        format!("customer {} is forgotten for good: nothing brings the personal data back", row.customer_id),
        format!("  {name}, registered {}", row.registered_at.format("%Y-%m-%d")),
        format!("  addresses: {}", if own.is_empty() { "none".to_owned() } else { own.join(", ") }),
        format!(
            "  {entries} entries in the timeline, {messages} of them messages; {} orders, whose figures stay",
            row.orders
        ),
    ];
    if !row.merged.is_empty() {
        let merged: Vec<String> = row.merged.iter().map(ToString::to_string).collect();
        plan.push(format!("  with the records merged into the same person: {}", merged.join(", ")));
    }
    // Texts from outside must not steer a terminal.
    Ok(Some(plan.into_iter().map(|line| line.replace(char::is_control, "\u{FFFD}")).collect()))
}
