//! `commlog campaign`

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::campaigns::{dry_run, service};
use crate::cli::campaign_effects::{EffectsArgs, compare};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::lists::Opened;
use crate::cli::templates::values::ValuesArgs;
use crate::cli::{Session, TenantArg, ids, print};
use crate::domain::campaign::decide::{
    CancelCampaign, CreateCampaign, PauseCampaign, Readiness, SetCampaignRate, StartCampaign,
};
use crate::domain::campaign::experiment::shares::{Shares, Variant, WHOLE};
use crate::domain::campaign::plan::{Audience, CampaignPlan, Experiment, VariantText};
use crate::domain::campaign::schedule::{Per, Rate, Schedule, Thresholds, When};
use crate::domain::campaign::state::CampaignState;
use crate::domain::value::Channel;
use crate::ids::CampaignId;
use crate::queries::campaigns::{self, CampaignRow};
use crate::queries::page::PAGE;
use crate::queries::{Page, Reads, campaign_metrics};

/// How often `status --watch` looks.
const EVERY: Duration = Duration::from_secs(1);

/// `commlog campaign …`
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

#[derive(Debug, Args)]
struct Plan {
    /// The name.
    name: String,
    /// The channel: email or sms.
    #[arg(long)]
    channel: Channel,
    /// The topic that consent is judged for.
    #[arg(long, default_value = "newsletter")]
    topic: String,
    /// The code of a published template.
    #[arg(long)]
    template: String,
    /// The published version of the template [default: the newest when the campaign starts]
    #[arg(long, value_name = "NUMBER")]
    template_version: Option<u32>,
    #[command(flatten)]
    values: ValuesArgs,
    /// A list whose members it goes to, by id or name; repeat it for several.
    #[arg(long = "list", value_name = "LIST", required_unless_present = "everybody")]
    lists: Vec<String>,
    /// It goes to all customers.
    #[arg(long, conflicts_with = "lists")]
    everybody: bool,
    /// A list whose members are left out, by id or name; repeat it for several.
    #[arg(long, value_name = "LIST")]
    exclude: Vec<String>,
    /// When it starts, once it is started, as in 2026-12-24T09:00:00Z [default: at once]
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// When it starts on each recipient's clock, as in 2026-12-24T09:00.
    #[arg(long, value_name = "LOCAL TIME", conflicts_with = "at", value_parser = local_time)]
    local_time: Option<NaiveDateTime>,
    /// Over how many minutes recipients are spread.
    #[arg(long, default_value_t = 0, value_name = "MINUTES")]
    spread: u32,
    /// The share of the audience that gets nothing, in percent.
    #[arg(long, default_value_t = 0, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..100))]
    hold_out: u32,
    /// A variant: its name, its share in percent and its template; repeat it for each.
    #[arg(long = "variant", value_name = "NAME:PERCENT[:TEMPLATE]", value_parser = variant)]
    variants: Vec<(Variant, Option<String>)>,
    /// How fast, such as 600/minute, 10/second, 5000/hour or 0/minute for no limit [default: 60/minute by SMS, 600 by email]
    #[arg(long, value_name = "NUMBER/TIME", value_parser = rate)]
    rate: Option<Rate>,
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
        plan: Box<Plan>,
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
    /// Shows what a campaign achieved, by variant and channel.
    Results {
        #[command(flatten)]
        one: One,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
}

/// Reads a rate such as `600/minute`.
fn rate(text: &str) -> Result<Rate, String> {
    let (messages, per) = text.split_once('/').ok_or("give a number and a time, such as 600/minute")?;
    let messages = messages.trim().parse().map_err(|_| "the number of messages must be a whole number".to_owned())?;
    let per = match per.trim() {
        "second" => Per::Second,
        "minute" => Per::Minute,
        "hour" => Per::Hour,
        _ => return Err("the time must be second, minute or hour".to_owned()),
    };
    Ok(Rate { messages, per, burst: 0 })
}

/// Reads a time on a clock such as `2026-12-24T09:00`.
fn local_time(text: &str) -> Result<NaiveDateTime, String> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    read.ok_or_else(|| "give a day and a time, such as 2026-12-24T09:00".to_owned())
}

/// Reads a variant such as `short:50:weekly-short`.
fn variant(text: &str) -> Result<(Variant, Option<String>), String> {
    let mut parts = text.splitn(3, ':');
    let (name, share) = (parts.next().unwrap_or_default(), parts.next());
    let share: Option<u32> = share.and_then(|share| share.trim_end_matches('%').parse().ok());
    let share = share.filter(|share| *share <= 100).ok_or("give a name and a share in percent, such as short:50")?;
    Ok((Variant { name: name.to_owned(), share: share * 100 }, parts.next().map(str::to_owned)))
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
        CampaignCommand::Cancel { one, reason } => {
            let (opened, caller) = (Opened::of(session, &one.tenant).await?, session.caller(&one.tenant));
            let command = CancelCampaign { reason };
            opened.stores.app.cancel_campaign(&caller, one.campaign, command).await?.into_result()?;
            print::line(format_args!("campaign {} is cancelled", one.campaign))
        }
        CampaignCommand::Status { one, watch, format } => status(session, &one, watch, format).await,
        CampaignCommand::Effects(args) => compare(session, args).await,
        CampaignCommand::Results { one, format } => results(session, &one, format).await,
    }
}

async fn create(session: &Session, plan: Plan, format: ReportFormat, tenant: &TenantArg) -> Outcome {
    let opened = Opened::of(session, tenant).await?;
    let mut audience = Audience { everybody: plan.everybody, lists: vec![], exclude: vec![] };
    for named in &plan.lists {
        audience.lists.push(opened.list(named).await?.list_id);
    }
    for named in &plan.exclude {
        audience.exclude.push(opened.list(named).await?.list_id);
    }
    let when = match (plan.at, plan.local_time) {
        (Some(at), _) => When::At { at },
        (None, Some(local)) => When::LocalTime { date: local.date(), time: local.time() },
        (None, None) => When::Now {},
    };
    let variables = plan.values.read()?;
    let experiment = experiment(plan.variants, plan.hold_out)?;
    let Plan { name, channel, topic, template, template_version: version, rate, spread, .. } = plan;
    let plan = CampaignPlan {
        name,
        channel,
        topic,
        template,
        version,
        variables,
        audience,
        schedule: Schedule { when, spread_minutes: spread },
        rate: rate.unwrap_or_else(|| Rate::default_of(channel)),
        thresholds: Thresholds::default(),
        experiment,
    };
    let campaign_id = CampaignId(opened.stores.ambient().uuid());
    let command = CreateCampaign { campaign_id, plan };
    let made = opened.stores.app.create_campaign(&session.caller(tenant), command).await?.into_result()?.value;
    let sentence = format!("campaign {} is made, as a draft", made.campaign_id);
    format.line(sentence, &json!({ "campaign_id": made.campaign_id }))
}

/// The experiment of given variants; with a hold-out alone, of one variant.
fn experiment(given: Vec<(Variant, Option<String>)>, hold_out: u32) -> Outcome<Option<Experiment>> {
    if given.is_empty() && hold_out == 0 {
        return Ok(None);
    }
    let texts = given.iter().filter_map(|(variant, template)| {
        Some((variant.name.clone(), VariantText { template: template.clone()?, version: None }))
    });
    let texts = texts.collect();
    let mut variants: Vec<Variant> = given.into_iter().map(|(variant, _)| variant).collect();
    if variants.is_empty() {
        variants.push(Variant { name: "campaign".to_owned(), share: WHOLE });
    }
    let shares = Shares::try_new(variants, hold_out * 100, None);
    let shares = shares.map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    Ok(Some(Experiment { shares, texts }))
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
            "{state}: {} of {} recipients decided on, {} queued, {} held, {} suppressed, {} left out{}",
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

async fn results(session: &Session, one: &One, format: Format) -> Outcome {
    let opened = Opened::of(session, &one.tenant).await?;
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    let rows = campaign_metrics::totals(&opened.reads.db(), opened.tenant, &[one.campaign]).await;
    let columns = &[
        "variant",
        "channel",
        "queued",
        "suppressed",
        "sent",
        "delivered",
        "unique_opens_human",
        "unique_clicks_human",
        "replied",
        "opted_out",
    ];
    let mut listing = Listing::new(format, columns);
    for row in rows.map_err(Failure::unavailable)? {
        listing.row(&json!({
            "variant": row.variant, "channel": row.channel, "queued": row.queued, "suppressed": row.suppressed,
            "cancelled": row.cancelled, "sent": row.sent, "delivered": row.delivered, "deferred": row.deferred,
            "soft_bounced": row.soft_bounced, "hard_bounced": row.hard_bounced, "failed": row.failed,
            "complained": row.complained, "opted_out": row.opted_out, "replied": row.replied,
            "opens": row.opens, "opens_machine": row.opens_machine, "opens_human": row.opens_human,
            "unique_opens": row.unique_opens, "unique_opens_human": row.unique_opens_human,
            "clicks": row.clicks, "clicks_machine": row.clicks_machine, "clicks_human": row.clicks_human,
            "unique_clicks": row.unique_clicks, "unique_clicks_human": row.unique_clicks_human,
        }))?;
    }
    listing.end("no message was requested in this campaign")
}
