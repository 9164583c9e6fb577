//! What every command starts from: configuration, clock, diagnostics.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::app::Caller;
use crate::boot::{ReadStore, Stores};
use crate::cli::diagnostics::{self, Lossy};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::{TenantArg, print};
use crate::clock::Ambient;
use crate::config::{Config, LogFormat};
use crate::domain::tenant::decide::{CreateTenant, RecordPersonalRead};
use crate::ids::TenantId;
use crate::log::{Category, StreamId};
use crate::traces;

/// The name of the tenant that the first command creates.
pub const DEFAULT_NAME: &str = "default";

/// One run of a command.
pub struct Session {
    /// The configuration.
    pub config: Config,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// Who runs the command: `cli`, or `user:<id>/cli`.
    actor: String,
    /// Writes what diagnostics are left when the command ends.
    written: OnceLock<WorkerGuard>,
}

impl Session {
    /// A command with this configuration, run by a user or by nobody who is named.
    #[must_use]
    pub fn new(config: Config, ambient: Ambient, acting: Option<String>) -> Self {
        let actor = acting.map_or_else(|| "cli".to_owned(), |user| format!("user:{user}/cli"));
        Self { config, ambient, actor, written: OnceLock::new() }
    }

    /// Writes diagnostics to stderr, and exports traces, as configured: for commands that serve.
    pub fn trace(&self) -> Outcome {
        let filter = EnvFilter::try_new(&self.config.log_filter)
            .map_err(|error| Failure::doing(Exit::Usage, "log_filter is not valid", error))?;
        let (writer, written) = diagnostics::in_background(std::io::stderr());
        self.written.set(written).ok();
        diagnostics::report_panics();
        crate::boot::start_traces(&self.config)?;
        let set = match traces::layer() {
            // The filter stands before everything then: what nobody wants to see is not even made.
            None => tracing_subscriber::registry().with(filter).with(self.lines(writer)).try_init(),
            Some(exported) => {
                let lines = self.lines(writer).with_filter(filter);
                tracing_subscriber::registry().with(lines).with(exported).try_init()
            }
        };
        set.map_err(|error| Failure::doing(Exit::Internal, "diagnostics are already set up", error))
    }

    /// Diagnostics as lines of the configured format.
    fn lines<S>(&self, writer: NonBlocking) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(std::io::stderr().is_terminal());
        match self.config.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        }
    }

    /// Writes only errors to stderr: for commands with an output of their own.
    pub fn trace_errors_only(&self) {
        let builder =
            tracing_subscriber::fmt().with_env_filter(EnvFilter::new("error")).with_writer(Lossy(std::io::stderr));
        let builder = builder.with_ansi(std::io::stderr().is_terminal());
        // Only a second subscriber in one process can fail here, and the first one does.
        let _ = builder.finish().try_init();
    }

    /// The caller that commands are recorded under, for the tenant given.
    #[must_use]
    pub fn caller(&self, tenant: &TenantArg) -> Caller {
        self.caller_of(tenant.tenant.unwrap_or(self.config.tenant))
    }

    /// The same for a tenant by its id.
    #[must_use]
    pub fn caller_of(&self, tenant: TenantId) -> Caller {
        Caller::new(tenant, self.actor.as_str())
    }

    /// Opens log and key store, and creates them on the first command.
    pub async fn open(&self) -> Outcome<Stores> {
        Ok(Stores::open(&self.config, &self.ambient).await?)
    }

    /// Opens stores that must exist: commands that only read never create an empty log.
    pub async fn open_existing(&self) -> Outcome<Stores> {
        Ok(Stores::open_existing(&self.config, &self.ambient).await?)
    }

    /// Opens the read tables and brings them up to date.
    pub async fn read_store(&self, stores: &Stores) -> Outcome<ReadStore> {
        let reads = stores.read_store().await?;
        if reads.is_rebuilding() {
            print::note("the read tables were made from another log (was this one restored?) and are rebuilt");
        }
        crate::cli::rebuild::catch_up(&reads, &stores.journal).await?;
        Ok(reads)
    }

    /// Records an access to personal data, before any of it is shown.
    pub async fn record_read(&self, stores: &Stores, caller: &Caller, command: RecordPersonalRead) -> Outcome {
        stores.app.record_personal_read(caller, command).await?.into_result()?;
        Ok(())
    }

    /// Creates the default tenant on the first command; a tenant named by `--tenant` must exist.
    pub async fn ensure_tenant(&self, stores: &Stores, caller: &Caller, name: &str) -> Outcome {
        let stream = StreamId::new(caller.tenant, Category::Tenant, caller.tenant.0);
        if stores.journal.backend().stream_heads(&[stream]).await?.iter().any(Option::is_some) {
            return Ok(());
        }
        if caller.tenant != self.config.tenant {
            let advice = "`commlog tenants list` shows the existing ones, `commlog tenants create` adds one";
            return Err(Failure::new(Exit::Refused, format!("there is no tenant {}; {advice}", caller.tenant)));
        }
        let create = CreateTenant { name: name.to_owned() };
        match stores.app.create_tenant(caller, create).await?.into_result() {
            // Another process was faster.
            Err(refusal) if refusal.code != "TENANT_EXISTS" => Err(refusal.into()),
            _ => Ok(()),
        }
    }
}
