//! `commlog forget`

use clap::Args;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::customer::decide::ForgetCustomer;
use crate::ids::CustomerId;

/// `commlog forget`
#[derive(Debug, Args)]
#[command(
    long_about = "Forgets a customer for good, with all records merged into the same person. The keys that seal the \
                  personal data are destroyed, so neither the log nor any backup of it can reveal the person again, \
                  and the read tables are purged. Aggregate figures stay. This cannot be undone."
)]
pub struct ForgetArgs {
    /// The customer's id.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: CustomerId,
    /// The reason, for the record; must not contain personal data.
    #[arg(long, default_value = "request")]
    reason: String,
    #[command(flatten)]
    tenant: TenantArg,
}

/// Runs `commlog forget`.
pub async fn run(session: &Session, args: ForgetArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let command = ForgetCustomer { customer_id: args.customer, reason: args.reason };
    let done = stores.app.forget_customer(&caller, command).await?.into_result()?;
    print::line(format_args!("the key of customer {} is destroyed", done.value))?;
    // A server could do the rest, but then this command could not report completion.
    let reads = session.read_store(&stores).await?;
    let later = |error| {
        Failure::doing(Exit::Unavailable, "the read tables could not be purged yet; commlog serve will do it", error)
    };
    crate::boot::take_erasures_up(&stores, &reads).await.map_err(later)?;
    crate::cli::rebuild::catch_up(&reads, &stores.journal).await?;
    crate::boot::complete_erasures(&stores, &reads).await.map_err(later)?;
    stores.close().await;
    print::line("the read tables are purged; figures stay")
}
