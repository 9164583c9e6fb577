//! `commlog tenants`

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::Session;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::domain::tenant::decide::CreateTenant;
use crate::ids::TenantId;
use crate::queries;

/// Creates and lists tenants.
#[derive(Debug, Args)]
pub struct TenantsArgs {
    #[command(subcommand)]
    what: TenantsCommand,
}

#[derive(Debug, Subcommand)]
enum TenantsCommand {
    /// Creates a tenant and prints its id, for use with --tenant and COMMLOG_TENANT.
    Create {
        /// The tenant's name.
        name: String,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
    },
    /// Lists the tenants.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
}

/// Runs `commlog tenants …`.
pub async fn run(session: &Session, args: TenantsArgs) -> Outcome {
    match args.what {
        TenantsCommand::Create { name, format } => {
            let stores = session.open().await?;
            let caller = session.caller_of(TenantId(session.ambient.uuid()));
            let created =
                stores.app.create_tenant(&caller, CreateTenant { name: name.clone() }).await?.into_result()?;
            stores.close().await;
            format.line(created.value, &json!({ "tenant_id": created.value, "name": name }))
        }
        TenantsCommand::List { format } => {
            let stores = session.open_existing().await?;
            let reads = session.read_store(&stores).await?;
            let tenants = queries::tenants::list(&reads.db()).await;
            stores.close().await;
            let mut listing = Listing::new(format, &["tenant_id", "created_at", "default", "name"]);
            for tenant in tenants.map_err(Failure::unavailable)? {
                listing.row(&json!({
                    "tenant_id": tenant.tenant_id, "name": tenant.name, "created_at": tenant.created_at,
                    "default": tenant.tenant_id == session.config.tenant,
                }))?;
            }
            listing.end("there is no tenant yet")
        }
    }
}
