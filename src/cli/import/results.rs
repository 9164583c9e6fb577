//! `commlog import campaign-results`: a campaign that another system ran.

use std::cell::Cell;
use std::collections::BTreeMap;

use clap::Args;

use crate::app::imports::ImportedCampaign;
use crate::cli::Session;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::import::args::{FileArgs, mapping};
use crate::cli::import::{open, refused};
use crate::domain::campaign::past::PastCampaign;
use crate::domain::import::event::ImportKind;
use crate::domain::value::Channel;
use crate::files::columns::Mapping;
use crate::files::results::ResultReader;

pub(super) const RESULTS: &str = "\
Example:
  commlog import campaign-results test.csv.gz --name 'Holiday test' --started-at 2008-03-20T09:00:00Z \
--arm segment --hold-out 'No E-Mail' --number-rows test --activity visit=visit --spend spend --currency USD
  commlog campaign effects ID --metric activity --activity-kind visit
  commlog campaign effects ID --metric ordered

One file is one campaign, with a line for each customer. The campaign comes in as completed: its messages stand in the history \
of the customers as sent, those who were held out are left out with the reason hold_out, and what the columns of --activity and \
--spend say is recorded as activities and orders. Nothing of it is ever sent, and it can be neither started nor resumed.

Whoever is missing from the file is missing from the comparison: export everybody who was assigned to a group, also those \
whose message bounced.

A cell of --activity is yes or no (also 1, 0, true, false; blank is no), a whole number of times, or the time at which it was \
done. What has no time of its own happened right after the start.

A customer in two groups is refused with all lines; of several lines in one group the first one counts. If lines were refused, \
correct the file, undo the import and import the file again: the refused lines alone would be another campaign.";

/// The file, and what it says of the campaign.
#[derive(Debug, Args)]
pub struct ResultsArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The name of the campaign.
    #[arg(long)]
    name: String,
    /// When it started, such as 2024-03-20T09:00:00Z; without an offset in the zone of --time-zone
    #[arg(long, value_name = "TIME")]
    started_at: String,
    /// The column of the groups: each of its values is a variant, but for that of --hold-out
    #[arg(long, value_name = "COLUMN")]
    arm: String,
    /// The value in the column of the groups that stands for those who got nothing [default: everybody got a variant]
    #[arg(long, value_name = "VALUE")]
    hold_out: Option<String>,
    /// The column of the customers' ids.
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// A column that says whether the customer did something, and what: order, invoice, payment, shipment, appointment or a
    /// name of yours, such as visit. Repeatable.
    #[arg(long, value_name = "COLUMN=KIND", value_parser = mapping)]
    activity: Vec<Mapping>,
    /// The column of what the customer spent: it is recorded as an order, unless it is 0 or blank
    #[arg(long, value_name = "COLUMN")]
    spend: Option<String>,
    /// The column of the time of activities and order [default: right after the start]
    #[arg(long, value_name = "COLUMN")]
    at: Option<String>,
    /// The topic of its messages.
    #[arg(long, default_value = "newsletter")]
    topic: String,
}

/// Imports the results of a campaign.
pub(super) async fn import(session: &Session, args: ResultsArgs) -> Outcome {
    let ResultsArgs { mut file, name, started_at, arm, hold_out, id, activity, spend, at, topic } = args;
    let field = |column: Option<String>, field: &str| column.map(|column| Mapping { column, field: field.to_owned() });
    let named = [field(Some(arm), "arm"), field(id, "customer"), field(spend, "spend"), field(at, "at")];
    file.map.extend(named.into_iter().flatten());
    file.map.extend(activity.into_iter().map(|own| Mapping { field: format!("activity.{}", own.field), ..own }));
    let mut columns = BTreeMap::new();
    for Mapping { column, field } in &file.map {
        if let Some(before) = columns.insert(column, field) {
            let message = format!("the column {column:?} is given as {before} and as {field}: it can be one of them");
            return Err(Failure::new(Exit::Refused, message));
        }
    }
    let (job, survey, settings) = open(session, ImportKind::CampaignResults, &file).await?;
    let started_at = settings.times.read(&started_at);
    let started_at = started_at.map_err(|reason| Failure::new(Exit::Usage, format!("--started-at {reason}")))?;
    let reader = ResultReader::try_new(survey.columns, settings, survey.groups, hold_out.clone()).map_err(refused)?;
    let campaign = PastCampaign {
        name,
        channel: file.channel.unwrap_or(Channel::Email),
        started_at,
        variants: reader.variants().iter().cloned().collect(),
        held_out: hold_out.is_some(),
    };
    let campaign = campaign.checked(session.ambient.now())?;
    let imported = ImportedCampaign { campaign, topic: crate::domain::text::word("topic", &topic)? };
    // Chunks are the same at every run, as are their numbers.
    let part = Cell::new(0);
    job.run(reader, async |node, caller, run, rows, ground| {
        let number = part.replace(part.get() + 1);
        node.app.import_results(caller, run, &imported, number, rows, ground).await
    })
    .await
}
