//! `commlog serve`

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::boot::{Node, Port};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::DEFAULT_NAME;
use crate::cli::{Session, print, signal};
use crate::config::{KEYS, LogFormat, Roles};

/// Serves the API, keeps the read tables up to date and dispatches messages.
#[derive(Debug, Args)]
#[command(
    long_about = "Serves the GraphQL API, keeps the read tables up to date and dispatches messages. Each part can also run \
                  on separate nodes that share the same stores.",
    after_long_help = configuration()
)]
pub struct ServeArgs {
    /// This node's roles, separated by commas: api, projector, processes [default: all]
    #[arg(long, value_name = "LIST", value_parser = Roles::parse)]
    roles: Option<Roles>,
}

fn configuration() -> String {
    let mut text = "Examples:\n  commlog serve\n  commlog serve --config /etc/commlog.toml --roles api\n  \
                    COMMLOG_LOG_URL=postgres://commlog@db/crm commlog serve\n\nConfiguration keys, in commlog.toml or as \
                    COMMLOG_<KEY> in the environment:\n"
        .to_owned();
    for (key, meaning) in KEYS {
        text.push_str(&format!("  {key:<16} {meaning}\n"));
    }
    text
}

/// Runs `commlog serve` until SIGINT or SIGTERM.
pub async fn run(mut session: Session, args: ServeArgs) -> Outcome {
    session.trace()?;
    session.config.roles = args.roles.unwrap_or(session.config.roles);
    let port = Port::take(session.config.listen).await?;
    let stores = session.open().await?;
    let caller = session.caller(&crate::cli::TenantArg { tenant: None });
    session.ensure_tenant(&stores, &caller, DEFAULT_NAME).await?;
    let stop = CancellationToken::new();
    let _watch = signal::cancel_on_interrupt(stop.clone());
    let mut running = Node::start_at(port, stores, stop.clone()).await?;
    let what = if session.config.roles.api {
        "keys: commlog keys issue --role admin --label me"
    } else {
        "health, readiness and metrics only"
    };
    let address = running.address();
    match session.config.log_format {
        LogFormat::Text => print::note(format_args!("listening on http://{address}/  ({what})")),
        LogFormat::Json => tracing::info!("listening on http://{address}/"),
    }
    let waited = running.wait().await;
    let finished = running.finish().await;
    waited.and(finished).map_err(Failure::from)
}
