//! `commlog find`

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::ids::{CustomerId, TenantId};
use crate::queries::customers::{self, CustomerFilter, CustomerOrder, CustomerRow};
use crate::queries::page::PAGE;
use crate::queries::search::count_words;
use crate::queries::{Db, Page};

/// Finds customers by name, email address, phone number or id.
#[derive(Debug, Args)]
#[command(
    long_about = "Finds customers by beginnings of words of their name, by an email address, a phone number, the number that \
                  they have in your own system, or their id. A customer who was merged is found as the survivor. Names and addresses are \
                  shown, so the log records the access.",
    after_help = "Examples:\n  commlog find amara okafor\n  commlog find amara@example.org\n  commlog find +44 20 7946 0123\n  \
                  commlog find Customer:01920000-0000-7000-8000-00000000c0de --format json"
)]
pub struct FindArgs {
    /// What to look for; all words must occur.
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// The most customers that are shown, from 1 to 200.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

const COLUMNS: &[&str] = &["customer_id", "name", "external_id", "addresses", "orders", "last_contact_at"];

/// Runs `commlog find`.
pub async fn run(session: &Session, args: FindArgs) -> Outcome {
    let text = args.text.join(" ");
    let id = id_of(&text)?;
    if id.is_none() && count_words(&text) == 0 {
        return Err(Failure::usage("there is nothing to look for: give letters or digits"));
    }
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    let db = reads.db();
    let limit = usize::from(args.limit).min(PAGE.largest);
    let (found, more) = match id {
        Some(id) => {
            let row = customers::by_id(&db, caller.tenant, id).await.map_err(Failure::unavailable)?;
            (row.into_iter().collect(), false)
        }
        None => {
            let region = stores.app.policy(caller.tenant).await?.default_region.clone();
            let filter = CustomerFilter { search: Some(text), region, ..CustomerFilter::default() };
            search(&db, caller.tenant, &filter, limit).await?
        }
    };
    let ids: Vec<CustomerId> = found.iter().map(|row| row.customer_id).collect();
    if !ids.is_empty() {
        session.record_read(&stores, &caller, reading::of_customers("find", &ids)).await?;
    }
    let addresses = customers::addresses(&db, caller.tenant, &ids).await.map_err(Failure::unavailable)?;
    stores.close().await;
    let mut listing = Listing::new(args.format, COLUMNS);
    for row in &found {
        let own = addresses.iter().filter(|own| own.customer_id == row.customer_id);
        let own: Vec<&str> = own.filter_map(|own| own.address.as_deref()).collect();
        listing.row(&json!({
            "customer_id": row.customer_id, "name": row.name, "external_id": row.external_id, "addresses": own.join(" "),
            "orders": row.orders, "last_contact_at": row.last_inbound_at.max(row.last_outbound_at),
            "registered_at": row.registered_at, "forgotten_at": row.forgotten_at, "merged": row.merged,
        }))?;
    }
    if more {
        print::note(format_args!("there are more than {limit}: add a word, or give a higher --limit"));
    }
    listing.end("no customer is found")
}

/// The id, if the text is one; one of something else is an error.
fn id_of(text: &str) -> Outcome<Option<CustomerId>> {
    let bare = text.split_once(':').map_or(text, |(_, bare)| bare);
    if text.starts_with("Customer:") || Uuid::try_parse(bare).is_ok() {
        return ids::given::<CustomerId>(text).map(Some).map_err(Failure::usage);
    }
    Ok(None)
}

/// A page of customers whose words begin so, and whether there are more.
async fn search(db: &Db, tenant: TenantId, filter: &CustomerFilter, limit: usize) -> Outcome<(Vec<CustomerRow>, bool)> {
    filter.check().map_err(|(_, reason)| Failure::new(Exit::Refused, format!("the text {reason}")))?;
    let slice = customers::list(db, tenant, filter, CustomerOrder::default(), &Page::first(limit))
        .await
        .map_err(Failure::unavailable)?;
    let more = slice.has_next;
    Ok((slice.into_rows().into_iter().collect(), more))
}
