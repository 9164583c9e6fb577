//! `commlog templates preview`: what a customer would get, on the screen or in a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::check::sample_values;
use super::library::{self, Library};
use super::problem::refused;
use super::values::ValuesArgs;
use crate::app::templates::{PreviewTemplate, Previewed, TemplatePreview};
use crate::boot::Stores;
use crate::campaigns::business::find_business;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::ReportFormat;
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::domain::template::content::choose;
use crate::domain::value::{Channel, sms};
use crate::ids::{ActivityId, CustomerId};
use crate::queries::templates;
use crate::rendering::lint::Level;
use crate::rendering::{Business, compile};

/// `commlog templates preview …`
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The code of a template in the store, or a template's folder.
    #[arg(value_name = "CODE|DIR")]
    template: String,
    /// The channel [default: email, or else the first that it has a text for]
    #[arg(long)]
    channel: Option<Channel>,
    /// The locale [default: the customer's, or else the template's own]
    #[arg(long)]
    locale: Option<String>,
    /// Previews what this customer would get; the log records the access.
    #[arg(long, value_name = "ID", value_parser = ids::given::<CustomerId>)]
    customer: Option<CustomerId>,
    /// The customer's order, invoice or other activity that `order` stands for.
    #[arg(long, value_name = "ID", value_parser = ids::given::<ActivityId>, requires = "customer")]
    activity: Option<ActivityId>,
    #[command(flatten)]
    values: ValuesArgs,
    /// This published version instead of the draft.
    #[arg(long, value_name = "NUMBER")]
    published: Option<u32>,
    /// Writes the page of an email, or the text of another channel, to a file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    tenant: TenantArg,
}

/// Runs `commlog templates preview …`.
pub async fn run(session: &Session, args: PreviewArgs) -> Outcome {
    let given = args.values.read()?;
    let path = Path::new(&args.template);
    let (channel, preview) = if path.is_dir() || path.is_file() {
        of_folder(session, &args, library::open_with_surroundings(path)?, given).await?
    } else {
        of_store(session, &args, given).await?
    };
    report(&args, channel, preview)
}

async fn of_store(
    session: &Session,
    args: &PreviewArgs,
    variables: BTreeMap<String, Value>,
) -> Outcome<(Channel, TemplatePreview)> {
    let stores = session.open_existing().await?;
    let caller = session.caller(&args.tenant);
    let code = args.template.clone();
    let channel = if let Some(channel) = args.channel {
        channel
    } else {
        let reads = session.read_store(&stores).await?;
        let row = templates::by_code(&reads.db(), caller.tenant, &code).await.map_err(Failure::unavailable)?;
        let row = row.ok_or_else(|| {
            Failure::new(Exit::Refused, format!("{code:?} is neither the code of a template nor a folder"))
        })?;
        let contents = super::stored::contents(&row)?;
        contents.first().map_or(Channel::Email, |local| local.content.channel())
    };
    let template = match args.published {
        Some(version) => Previewed::Version { code, version: Some(version) },
        None => Previewed::Draft { code },
    };
    let business = business(session, &stores, args).await?;
    let locale = args.locale.clone();
    let command = PreviewTemplate { template, channel, locale, customer_id: args.customer, business, variables };
    Ok((channel, stores.app.preview_template(&caller, command).await??))
}

async fn of_folder(
    session: &Session,
    args: &PreviewArgs,
    mut library: Library,
    given: BTreeMap<String, Value>,
) -> Outcome<(Channel, TemplatePreview)> {
    if args.published.is_some() {
        return Err(Failure::usage("--published is of a template in the store, not of a folder"));
    }
    if library.folder.problems.iter().any(|problem| problem.level == Level::Error) {
        return Err(refused(&library.folder.problems));
    }
    library.complete(session, &args.tenant).await?;
    let code = match library.folder.templates.keys().collect::<Vec<_>>().as_slice() {
        [code] => (*code).clone(),
        found => {
            let message =
                format!("the folder {} holds {} templates: give the folder of one", args.template, found.len());
            return Err(Failure::new(Exit::Refused, message));
        }
    };
    let template = &library.folder.templates[&code];
    let (draft, samples) = (&template.draft, library.folder.samples_for(template));
    let channel = args.channel.unwrap_or(draft.contents[0].content.channel());
    let (values, zone, own_locale) = if args.customer.is_some() {
        // What is a customer's is not a sample.
        let stores = session.open_existing().await?;
        let business = business(session, &stores, args).await?;
        let mut defaults = draft.variables.clone();
        for (name, value) in samples {
            defaults.entry(name).or_insert(value);
        }
        let caller = session.caller(&args.tenant);
        let valued = stores.app.preview_values(&caller, args.customer, &business, &given, &defaults).await??;
        (valued.values, valued.zone, valued.locale)
    } else {
        let mut values = samples;
        values.extend(given);
        (sample_values(&values, &draft.variables, Some(session.ambient.now())), chrono_tz::Tz::UTC, None)
    };
    let locale = args.locale.clone().or(own_locale);
    let local = choose(&draft.contents, channel, locale.as_deref(), &draft.default_locale)
        .ok_or_else(|| Failure::new(Exit::Refused, format!("the template has no text for the channel {channel}")))?;
    let rendered =
        compile(local, &library.includes(&draft.contents)).and_then(|compiled| compiled.render(&values, zone));
    let rendered =
        rendered.map_err(|fault| refused(&[library.folder.placed_fault(&code, channel, &local.locale, fault)]))?;
    Ok((channel, TemplatePreview { locale: local.locale.clone(), version: None, rendered }))
}

/// What is known of the customer's business, once the access is recorded.
async fn business(session: &Session, stores: &Stores, args: &PreviewArgs) -> Outcome<Business> {
    let Some(customer) = args.customer else { return Ok(Business::default()) };
    let caller = session.caller(&args.tenant);
    let reads = session.read_store(stores).await?;
    let found = find_business(&reads.db(), caller.tenant, customer, args.activity).await;
    let found = found.map_err(Failure::unavailable)?;
    let found = found.ok_or_else(|| Failure::new(Exit::Refused, "this customer has no such activity"))?;
    session.record_read(stores, &caller, reading::of_customers("templates preview", &[customer])).await?;
    Ok(found)
}

fn report(args: &PreviewArgs, channel: Channel, preview: TemplatePreview) -> Outcome {
    let TemplatePreview { locale, version, rendered } = preview;
    if let Some(file) = &args.output {
        let content = rendered.html.as_deref().unwrap_or(&rendered.body);
        std::fs::write(file, content)
            .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot write {}", file.display()), error))?;
        print::note(format_args!("wrote {} ({} bytes)", file.display(), content.len()));
    }
    let is_sms = channel == Channel::Sms;
    let segments = is_sms.then(|| sms::segments(&rendered.body));
    let is_ucs2 = is_sms.then(|| !rendered.body.chars().all(sms::is_gsm));
    let object = json!({
        "channel": channel, "locale": locale, "version": version, "subject": rendered.subject, "body": rendered.body,
        "html": rendered.html, "html_bytes": rendered.html.as_ref().map(String::len), "link": rendered.link,
        "segments": segments, "ucs2": is_ucs2, "variables": rendered.variables(), "steps": rendered.steps(),
    });
    let mut lines = vec![format!("channel  {channel}"), format!("locale   {locale}")];
    lines.extend(version.map(|version| format!("version  {version}")));
    lines.extend(rendered.subject.map(|subject| format!("subject  {subject}")));
    lines.extend(rendered.link.map(|link| format!("link     {link}")));
    lines.extend(segments.map(|segments| {
        let alphabet = if is_ucs2 == Some(true) { "UCS-2: an odd character" } else { "GSM-7" };
        format!("segments {segments} ({alphabet})")
    }));
    args.format.line(format_args!("{}\n\n{}", lines.join("\n"), rendered.body), &object)
}
