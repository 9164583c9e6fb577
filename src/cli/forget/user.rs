//! `commlog forget --user`

use serde_json::json;

use super::ForgetArgs;
use super::traces::Traces;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::{Session, rebuild};
use crate::domain::tenant::decide::ForgetUser;
use crate::queries::tenants;

/// Forgets the name of a user whom API keys acted for.
pub(super) async fn run(session: &Session, args: &ForgetArgs, user_id: &str) -> Outcome {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(&stores).await?;
    let users = tenants::users_by_ids(&reads.db(), caller.tenant, &[user_id.into()]).await;
    let name = users.map_err(Failure::unavailable)?.pop().and_then(|user| user.name);
    if let Some(name) = &name {
        let plan = [
            format!("user {user_id} loses the name for good: nothing brings it back"),
            format!("  {}", name.replace(char::is_control, "\u{FFFD}")),
            "  what the user did stays, under the id alone".to_owned(),
        ];
        if !args.certainty.settle(&plan)? {
            stores.close().await;
            return Ok(());
        }
    }
    let command = ForgetUser { user_id: user_id.to_owned() };
    stores.app.forget_user(&caller, command).await?.into_result()?;
    args.sentence(format_args!("the key of user {user_id} is destroyed"))?;
    rebuild::catch_up(&reads, &stores.journal).await?;
    rebuild::scrub(&reads, &stores.journal).await?;
    let mut traces = Traces::default();
    name.iter().for_each(|name| traces.text("the name", name));
    traces.leave_out_what_others_have(&reads, &caller).await?;
    stores.close().await;
    traces.search(&session.config)?;
    args.format.line(
        "the read tables are purged, and their files hold nothing of the user's name",
        &json!({ "user_id": user_id, "key_destroyed": true, "read_tables_purged": true, "files_are_clean": true }),
    )
}
