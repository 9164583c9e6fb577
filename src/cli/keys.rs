//! `commlog keys`

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::failure::Outcome;
use crate::cli::session::DEFAULT_NAME;
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::tenant::decide::{IssueApiKey, RevokeApiKey};
use crate::domain::tenant::event::Role;
use crate::ids::ApiKeyId;
use crate::queries;

/// `commlog keys …`
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    what: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Issues a key and prints its token (shown only once).
    #[command(after_help = "Example:\n  commlog keys issue --role agent --label 'help desk'\n  \
                            curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:7700/graphql …")]
    Issue {
        /// The role that decides what the key may do.
        #[arg(long, value_enum)]
        role: RoleWord,
        /// A note on the key's purpose.
        #[arg(long)]
        label: String,
        /// Whether the key may see personal data [default: depends on the role]
        #[arg(long, value_name = "true|false")]
        personal: Option<bool>,
        /// Whether the key may send messages [default: depends on the role]
        #[arg(long, value_name = "true|false")]
        send: Option<bool>,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Revokes a key.
    Revoke {
        /// The key's id, from `commlog keys list`.
        #[arg(value_parser = ids::given::<ApiKeyId>)]
        key: ApiKeyId,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Lists a tenant's keys, without their secrets.
    List {
        #[command(flatten)]
        tenant: TenantArg,
    },
}

/// The words for [`Role`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleWord {
    /// Everything
    Admin,
    /// Edits campaigns and customers; does not send
    Marketer,
    /// Answers customers
    Agent,
    /// Reads; no personal data unless granted
    Analyst,
    /// Reads events and exports
    Auditor,
    /// Writes events only
    Ingest,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Admin => Self::Admin,
            RoleWord::Marketer => Self::Marketer,
            RoleWord::Agent => Self::Agent,
            RoleWord::Analyst => Self::Analyst,
            RoleWord::Auditor => Self::Auditor,
            RoleWord::Ingest => Self::Ingest,
        }
    }
}

/// Runs `commlog keys …`.
pub async fn run(session: &Session, args: KeysArgs) -> Outcome {
    match args.what {
        KeysCommand::Issue { role, label, personal, send, tenant } => {
            let stores = session.open().await?;
            let caller = session.caller(&tenant);
            session.ensure_tenant(&stores, &caller, DEFAULT_NAME).await?;
            let command = IssueApiKey { role: role.into(), personal, send, label };
            let issued = stores.app.issue_api_key(&caller, command).await?.into_result()?.value;
            stores.close().await;
            print::note(format_args!("key {}; its token is shown only once:", issued.key_id));
            print::line(issued.token)
        }
        KeysCommand::Revoke { key, tenant } => {
            let stores = session.open_existing().await?;
            let command = RevokeApiKey { key_id: key };
            let revoked = stores.app.revoke_api_key(&session.caller(&tenant), command).await?.into_result()?;
            stores.close().await;
            print::line(format_args!("key {} is revoked", revoked.value))
        }
        KeysCommand::List { tenant } => {
            let stores = session.open_existing().await?;
            let reads = session.read_store(&stores).await?;
            let tenant = session.caller(&tenant).tenant;
            let keys = queries::tenants::api_keys(&reads.db(), tenant).await;
            stores.close().await;
            for key in keys.map_err(crate::cli::failure::Failure::unavailable)? {
                let may = match (key.personal, key.send) {
                    (true, true) => "sees personal data, sends",
                    (true, false) => "sees personal data",
                    (false, true) => "sends",
                    (false, false) => "",
                };
                let since = key.issued_at.format("%Y-%m-%d");
                let end = key.revoked_at.map_or(String::new(), |at| format!("  revoked {}", at.format("%Y-%m-%d")));
                print::line(format_args!("{}  {:<8}  {since}  {}  {may}{end}", key.key_id, key.role, key.label))?;
            }
            Ok(())
        }
    }
}
