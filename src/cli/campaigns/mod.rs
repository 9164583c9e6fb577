//! `commlog campaign`

mod achieved;
mod plan;

use std::time::Duration;

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::campaigns::{dry_run, service};
use crate::cli::campaign_effects::{EffectsArgs, compare};
use crate::cli::campaigns::plan::{PlanArgs, create, rate};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::lists::Opened;
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::decide::{
    CancelCampaign, ChooseWinner, PauseCampaign, Readiness, SetCampaignBudget, SetCampaignRate, StartCampaign,
};
use crate::domain::campaign::schedule::Rate;
use crate::domain::campaign::state::CampaignState;
use crate::domain::value::Currency;
use crate::ids::CampaignId;
use crate::queries::campaigns::{self, CampaignRow};
use crate::queries::page::PAGE;
use crate::queries::{Page, Reads};

/// How often `status --watch` looks.
const EVERY: Duration = Duration::from_secs(1);

/// Plans, tries, starts, pauses and reports campaigns.
#[derive(Debug, Args)]
pub struct CampaignArgs {
    #[command(subcommand)]
    what: CampaignCommand,
}

/// The campaign that a command is about.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The campaign's id.
    #[arg(value_parser = ids::given::<CampaignId>)]
    pub campaign: CampaignId,
    #[command(flatten)]
    pub tenant: TenantArg,
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Shows all campaigns, the one that began last first.
    Show {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Creates a campaign as a draft; nothing is sent.
    Create {
        #[command(flatten)]
        plan: Box<PlanArgs>,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Shows what a campaign would do if it started now: outcomes by rule, segments, when it would end. Nothing is sent.
    DryRun {
        #[command(flatten)]
        one: One,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Starts a campaign, or schedules its start; a running server sends it.
    Start {
        #[command(flatten)]
        one: One,
        /// Confirms that a campaign to everybody is meant to go to everybody.
        #[arg(long)]
        everybody: bool,
    },
    /// Approves a campaign that somebody else wrote: it may be started as it is planned now.
    Approve {
        #[command(flatten)]
        one: One,
    },
    /// Chooses the variant that the rest of the audience receives, before the test has ended or where it was undecided.
    ChooseWinner {
        #[command(flatten)]
        one: One,
        /// The variant's name.
        variant: String,
    },
    /// Makes a scheduled campaign a draft again.
    Unschedule {
        #[command(flatten)]
        one: One,
    },
    /// Pauses a running campaign; queued messages wait too.
    Pause {
        #[command(flatten)]
        one: One,
        /// Why, for people.
        #[arg(long)]
        reason: String,
    },
    /// Resumes a paused campaign where it stopped.
    Resume {
        #[command(flatten)]
        one: One,
    },
    /// Changes a campaign's rate, also while it runs.
    Rate {
        #[command(flatten)]
        one: One,
        /// The rate, such as 600/minute; 0/minute for none.
        #[arg(value_name = "NUMBER/TIME", value_parser = rate)]
        rate: Rate,
    },
    /// Changes what a campaign may cost, also while it runs.
    Budget {
        #[command(flatten)]
        one: One,
        /// The budget, such as "250 EUR"; 0 for none.
        #[arg(value_name = "AMOUNT CURRENCY", value_parser = plan::money)]
        budget: (i64, Currency),
    },
    /// Stops a campaign for good: queued messages are cancelled.
    Cancel {
        #[command(flatten)]
        one: One,
        /// Why, for people.
        #[arg(long)]
        reason: String,
    },
    /// Shows where a campaign stands, and what became of its audience.
    Status {
        #[command(flatten)]
        one: One,
        /// Shows it again every second until the campaign ends.
        #[arg(long)]
        watch: bool,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
    },
    /// Compares a campaign's variants with each other, and with the customers who were held out.
    Effects(EffectsArgs),
    /// Shows what a campaign achieved, by variant and channel or by something else.
    Results {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        results: achieved::ResultsArgs,
    },
    /// Lists the recipients of whom something became.
    Recipients {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        recipients: achieved::RecipientsArgs,
    },
}

/// Runs `commlog campaign …`.
pub async fn run(session: &Session, args: CampaignArgs) -> Outcome {
    match args.what {
        CampaignCommand::Show { format, tenant } => show(&Opened::of(session, &tenant).await?, format).await,
        CampaignCommand::Create { plan, format, tenant } => create(session, *plan, format, &tenant).await,
        CampaignCommand::DryRun { one, format } => dry(session, &one, format).await,
        CampaignCommand::Start { one, everybody } => {
            let opened = Opened::of(session, &one.tenant).await?;
            crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
            let reads = Reads::new(opened.reads.clone());
            let command = StartCampaign { everybody, ready: Readiness::default() };
            let caller = session.caller(&one.tenant);
            let started = service::start(&opened.stores.app, &reads, &caller, one.campaign, command).await;
            started.map_err(Failure::unavailable)?.into_result()?;
            print::line(format_args!("campaign {} is started; a running server sends it at its time", one.campaign))
        }
        CampaignCommand::Approve { one } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            opened.stores.app.approve_campaign(&caller, one.campaign).await?.into_result()?;
            print::line(format_args!("campaign {} is approved", one.campaign))
        }
        CampaignCommand::ChooseWinner { one, variant } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let command = ChooseWinner { variant: variant.clone() };
            opened.stores.app.choose_winner(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("the rest of campaign {} receives {variant}", one.campaign))
        }
        CampaignCommand::Unschedule { one } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            opened.stores.app.unschedule_campaign(&caller, one.campaign).await?.into_result()?;
            print::line(format_args!("campaign {} is a draft", one.campaign))
        }
        CampaignCommand::Pause { one, reason } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let command = PauseCampaign { reason };
            opened.stores.app.pause_campaign(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("campaign {} is paused", one.campaign))
        }
        CampaignCommand::Resume { one } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            opened.stores.app.resume_campaign(&caller, one.campaign).await?.into_result()?;
            print::line(format_args!("campaign {} goes on", one.campaign))
        }
        CampaignCommand::Rate { one, rate } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let command = SetCampaignRate { rate };
            opened.stores.app.set_campaign_rate(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("campaign {} has the rate of {} messages", one.campaign, rate.messages))
        }
        CampaignCommand::Budget { one, budget: (micros, currency) } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let before = opened.stores.app.campaign(caller.tenant, one.campaign).await?;
            let price_micros = before.and_then(|campaign| campaign.plan.budget).map_or(0, |budget| budget.price_micros);
            let budget = Budget { micros, currency, warn_percent: Budget::WARN_PERCENT, price_micros };
            let command = SetCampaignBudget { budget: Some(budget) };
            opened.stores.app.set_campaign_budget(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("campaign {} has the new budget", one.campaign))
        }
        CampaignCommand::Cancel { one, reason } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let command = CancelCampaign { reason };
            opened.stores.app.cancel_campaign(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("campaign {} is cancelled", one.campaign))
        }
        CampaignCommand::Status { one, watch, format } => status(session, &one, watch, format).await,
        CampaignCommand::Effects(args) => compare(session, args).await,
        CampaignCommand::Results { one, results } => achieved::results(session, &one, results).await,
        CampaignCommand::Recipients { one, recipients } => achieved::recipients(session, &one, recipients).await,
    }
}

async fn show(opened: &Opened, format: Format) -> Outcome {
    let mut listing = Listing::new(format, &["campaign_id", "state", "began_at", "recipients", "decided", "name"]);
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = campaigns::list(&opened.reads.db(), opened.tenant, &wanted).await.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows() {
            listing.row(&as_json(&row))?;
        }
    }
    listing.end("there are no campaigns")
}

fn as_json(row: &CampaignRow) -> Value {
    json!({
        "campaign_id": row.campaign_id, "import_id": row.import_id, "name": row.name, "state": row.state,
        "began_at": row.began_at,
        "plan": row.plan.as_ref().map(|plan| &plan.0), "rate": row.rate.as_ref().map(|rate| &rate.0),
        "start_at": row.start_at, "started_at": row.started_at, "ended_at": row.ended_at,
        "versions": row.versions.as_ref().map(|versions| &versions.0), "reason": row.reason, "cause": row.cause,
        "changed_at": row.changed_at, "changed_by": row.changed_by, "audience_chosen": row.audience_chosen,
        "recipients": row.recipients, "decided": row.decided, "queued": row.queued, "held": row.held,
        "suppressed": row.suppressed, "excluded": row.excluded,
    })
}

async fn dry(session: &Session, one: &One, format: Format) -> Outcome {
    let opened = Opened::of(session, &one.tenant).await?;
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    let reads = Reads::new(opened.reads.clone());
    let caller = session.caller(&one.tenant);
    let run = dry_run::dry_run(&opened.stores.app, &reads, &caller, one.campaign).await;
    let run = run.map_err(Failure::unavailable)??;
    let audience = run.audience;
    print::note(format_args!(
        "templates {:?}, audience {audience}, {} SMS segments or messages{}",
        run.versions,
        run.segments,
        run.finished_at.map(|at| format!(", finished at {at}")).unwrap_or_default()
    ));
    let mut listing = Listing::new(format, &["customers", "outcome"]);
    let mut rows = vec![("queued".to_owned(), run.queued), ("held".to_owned(), run.held)];
    rows.extend(run.suppressed.into_iter().map(|(rule, count)| (format!("suppressed by {rule}"), count)));
    rows.extend(run.excluded.into_iter().map(|(reason, count)| {
        let said = run.refusals.get(&reason).map(|said| format!(" ({said})")).unwrap_or_default();
        (format!("left out: {reason}{said}"), count)
    }));
    for (outcome, customers) in rows {
        listing.row(&json!({ "customers": customers, "outcome": outcome }))?;
    }
    listing.end("nobody is in the audience")
}

async fn status(session: &Session, one: &One, watch: bool, format: ReportFormat) -> Outcome {
    let opened = Opened::of(session, &one.tenant).await?;
    let mut last = None;
    loop {
        crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
        let row = campaigns::by_id(&opened.reads.db(), opened.tenant, one.campaign).await;
        let row = row.map_err(Failure::unavailable)?;
        let row = row.ok_or_else(|| Failure::new(Exit::Refused, "no campaign has this id"))?;
        let state = row.state.map_or("planned elsewhere", CampaignState::word);
        let sentence = format!(
            "{state}{}: {} of {} recipients decided on, {} queued, {} held, {} suppressed, {} left out{}",
            row.start_at
                .map(|at| format!(" for {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)))
                .unwrap_or_default(),
            row.decided,
            row.recipients,
            row.queued,
            row.held,
            row.suppressed,
            row.excluded,
            row.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default()
        );
        let ended = !matches!(row.state, Some(CampaignState::Scheduled | CampaignState::Running));
        if last.as_ref() != Some(&row) {
            format.line(sentence, &as_json(&row))?;
        }
        if !watch || ended {
            return Ok(());
        }
        last = Some(row);
        tokio::time::sleep(EVERY).await;
    }
}
