//! `commlog tenants`

use clap::{Args, Subcommand};

use crate::app::Caller;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::{Session, print};
use crate::domain::tenant::decide::CreateTenant;
use crate::ids::TenantId;
use crate::queries;

/// `commlog tenants …`
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
    },
    /// Lists the tenants.
    List,
}

/// Runs `commlog tenants …`.
pub async fn run(session: &Session, args: TenantsArgs) -> Outcome {
    match args.what {
        TenantsCommand::Create { name } => {
            let stores = session.open().await?;
            let caller = Caller::new(TenantId(session.ambient.uuid()), "cli");
            let created = stores.app.create_tenant(&caller, CreateTenant { name }).await?.into_result()?;
            stores.close().await;
            print::line(created.value)
        }
        TenantsCommand::List => {
            let stores = session.open_existing().await?;
            let reads = session.read_store(&stores).await?;
            let tenants = queries::tenants::list(&reads.db()).await;
            stores.close().await;
            for tenant in tenants.map_err(Failure::unavailable)? {
                let default = if tenant.tenant_id == session.config.tenant { "  (default)" } else { "" };
                print::line(format_args!("{}  {}{default}", tenant.tenant_id, tenant.name))?;
            }
            Ok(())
        }
    }
}
