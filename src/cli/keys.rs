//! `commlog keys`

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::certainty::Certainty;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::session::DEFAULT_NAME;
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::tenant::decide::{IssueApiKey, RevokeApiKey};
use crate::domain::tenant::event::Role;
use crate::ids::ApiKeyId;
use crate::queries;

/// Issues, revokes and lists API keys.
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
        /// Lets the key act for users, whom the front end names in the header Commlog-Actor.
        #[arg(long)]
        acts_for_users: bool,
        /// The moment from when on the key is refused, such as 2026-12-31T00:00:00Z [default: none].
        #[arg(long, value_name = "TIME")]
        expires_at: Option<DateTime<Utc>>,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Revokes a key for good: whoever uses it is refused from then on.
    #[command(after_help = "Examples:\n  commlog keys revoke $KEY --dry-run\n  commlog keys revoke $KEY --yes")]
    Revoke {
        /// The key's id, from `commlog keys list`.
        #[arg(value_parser = ids::given::<ApiKeyId>)]
        key: ApiKeyId,
        #[command(flatten)]
        certainty: Certainty,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Lists a tenant's keys, without their secrets.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
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
        KeysCommand::Issue { role, label, personal, send, acts_for_users, expires_at, format, tenant } => {
            let stores = session.open().await?;
            let caller = session.caller(&tenant);
            session.ensure_tenant(&stores, &caller, DEFAULT_NAME).await?;
            let command =
                IssueApiKey { personal, send, acts_for_users, expires_at, ..IssueApiKey::of(role.into(), label) };
            let issued = stores.app.issue_api_key(&caller, command).await?.into_result()?.value;
            stores.close().await;
            print::note(format_args!("key {}; its token is shown only once:", issued.key_id));
            format.line(&issued.token, &json!({ "key_id": issued.key_id, "token": issued.token }))
        }
        KeysCommand::Revoke { key, certainty, format, tenant } => {
            certainty.check()?;
            let stores = session.open_existing().await?;
            let caller = session.caller(&tenant);
            let reads = session.read_store(&stores).await?;
            let keys = queries::tenants::api_keys(&reads.db(), caller.tenant).await.map_err(Failure::unavailable)?;
            // A key that is not known is refused below.
            if let Some(found) = keys.iter().find(|found| found.key_id == key) {
                let plan = [
                    format!("key {key} is revoked for good; requests with it are refused from then on"),
                    format!(
                        "  {} {:?}, issued {}",
                        found.role,
                        found.label,
                        found.issued_at.format("%Y-%m-%d %H:%M:%SZ")
                    ),
                ];
                if !certainty.settle(&plan)? {
                    stores.close().await;
                    return Ok(());
                }
            }
            let command = RevokeApiKey { key_id: key };
            let revoked = stores.app.revoke_api_key(&caller, command).await?.into_result()?;
            stores.close().await;
            format.line(format_args!("key {} is revoked", revoked.value), &json!({ "key_id": key, "revoked": true }))
        }
        KeysCommand::List { format, tenant } => {
            let stores = session.open_existing().await?;
            let reads = session.read_store(&stores).await?;
            let tenant = session.caller(&tenant).tenant;
            let keys = queries::tenants::api_keys(&reads.db(), tenant).await;
            stores.close().await;
            let mut listing = Listing::new(format, COLUMNS);
            for key in keys.map_err(Failure::unavailable)? {
                listing.row(&json!({
                    "key_id": key.key_id, "role": key.role, "personal": key.personal, "send": key.send,
                    "acts_for_users": key.acts_for_users, "label": key.label,
                    "issued_at": key.issued_at, "revoked_at": key.revoked_at,
                }))?;
            }
            listing.end("no key was issued")
        }
    }
}

const COLUMNS: &[&str] = &["key_id", "role", "personal", "send", "acts_for_users", "issued_at", "revoked_at", "label"];
