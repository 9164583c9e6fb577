//! `commlog lists`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::boot::Stores;
use crate::campaigns::service::users_of_list;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing, ReportFormat};
use crate::cli::{Session, TenantArg, ids, print, reading};
use crate::domain::list::criteria::{self, Criterion};
use crate::domain::list::decide::{ChangeMembers, CreateList, DeleteList, MOST_AT_ONCE, UpdateList};
use crate::ids::{CustomerId, ListId, TenantId};
use crate::processes::lists::evaluate_now;
use crate::projections::ReadStore;
use crate::queries::lists::{self, ListRow, Moment};
use crate::queries::page::PAGE;
use crate::queries::{Page, Reads, customers};

/// Creates, previews, explains and exports lists of customers.
#[derive(Debug, Args)]
pub struct ListsArgs {
    #[command(subcommand)]
    what: ListsCommand,
}

const CRITERIA: &str = "Criteria are JSON, in a file, from - (standard input) or as the argument itself:\n  \
    commlog lists preview '{\"all\": [{\"noOrderInDays\": {\"days\": 30}}, {\"consent\": {\"channel\": \"email\", \"state\": \"opted_in\"}}]}'\n\
    docs/lists.md has every criterion.";

#[derive(Debug, Subcommand)]
enum ListsCommand {
    /// Shows all lists with their number of members.
    Show {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Creates a list: a smart one with --criteria, a static one without.
    #[command(after_help = CRITERIA)]
    Create {
        /// The name.
        name: String,
        /// The criteria for members: a file, - or JSON.
        #[arg(long, value_name = "FILE|-|JSON")]
        criteria: Option<String>,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Changes a list's name or criteria.
    #[command(after_help = CRITERIA)]
    Update {
        /// The list's id, or its name.
        list: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        /// Other criteria: a file, - or JSON.
        #[arg(long, value_name = "FILE|-|JSON")]
        criteria: Option<String>,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Deletes a list whose members no other list asks for.
    Delete {
        /// The list's id, or its name.
        list: String,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Counts the customers who meet criteria, without a list.
    #[command(after_help = CRITERIA)]
    Preview {
        /// A file, - or JSON.
        #[arg(value_name = "FILE|-|JSON")]
        criteria: String,
        /// Leaves orders and messages after this moment out; profiles, consents and lists are those of now [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<chrono::DateTime<chrono::Utc>>,
        /// Prints the ids of all customers who meet them, one per line, instead of a count.
        #[arg(long)]
        ids: bool,
        /// Output format of the count.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Explains why a customer is a member of a list, or is not.
    Explain {
        /// The list's id, or its name.
        list: String,
        /// The customer's id.
        #[arg(value_parser = ids::given::<CustomerId>)]
        customer: CustomerId,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Shows a list's members, the most recent first.
    Members {
        /// The list's id, or its name.
        list: String,
        /// The most members that are shown.
        #[arg(long, default_value_t = 50, value_name = "NUMBER")]
        limit: usize,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Shows changes of a list's members, the most recent first.
    Changes {
        /// The list's id, or its name.
        list: String,
        /// From this time on.
        #[arg(long, value_name = "TIME")]
        since: Option<chrono::DateTime<chrono::Utc>>,
        /// Before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<chrono::DateTime<chrono::Utc>>,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Writes all members with name and addresses as CSV to standard output; the log records the access.
    Export {
        /// The list's id, or its name.
        list: String,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Adds customers to a static list: ids, one per line, of a file or -.
    Add {
        /// The list's id, or its name.
        list: String,
        /// The file with a customer's id per line; further columns of a CSV are left out.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Removes customers from a static list: ids, one per line, of a file or -.
    Remove {
        /// The list's id, or its name.
        list: String,
        /// The file with a customer's id per line; further columns of a CSV are left out.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        #[command(flatten)]
        tenant: TenantArg,
    },
}

/// What a command works with.
pub(super) struct Opened {
    pub stores: Stores,
    pub reads: ReadStore,
    pub tenant: TenantId,
}

impl Opened {
    pub async fn of(session: &Session, tenant: &TenantArg) -> Outcome<Self> {
        let stores = session.open_existing().await?;
        let reads = session.read_store(&stores).await?;
        Ok(Self { tenant: session.caller(tenant).tenant, stores, reads })
    }

    pub async fn list(&self, named: &str) -> Outcome<ListRow> {
        let db = self.reads.db();
        if let Ok(id) = ids::given::<ListId>(named) {
            let found = lists::by_id(&db, self.tenant, id).await.map_err(Failure::unavailable)?;
            return found.ok_or_else(|| Failure::new(Exit::Refused, "this list does not exist"));
        }
        let mut found = lists::by_name(&db, self.tenant, named).await.map_err(Failure::unavailable)?;
        match (found.pop(), found.len()) {
            (Some(list), 0) => Ok(list),
            (None, _) => Err(Failure::new(Exit::Refused, format!("there is no list with the id or name {named:?}"))),
            (Some(_), _) => {
                Err(Failure::new(Exit::Refused, format!("several lists have the name {named:?}: give the id")))
            }
        }
    }

    async fn moment(&self, at: Option<chrono::DateTime<chrono::Utc>>) -> Outcome<Moment> {
        let now = at.unwrap_or_else(|| self.stores.ambient().now());
        let today = self.stores.app.local_day(self.tenant, now).await?;
        Ok(Moment { now, today, past: at.is_some() })
    }

    /// Evaluates a list that was made or changed, as a server would, and waits for its members.
    async fn evaluated(&self, list_id: ListId) -> Outcome<ListRow> {
        crate::cli::rebuild::catch_up(&self.reads, &self.stores.journal).await?;
        let reads = Reads::new(self.reads.clone());
        let evaluated = evaluate_now(&self.stores.app, &reads, self.tenant, list_id).await;
        evaluated.map_err(Failure::unavailable)?;
        crate::cli::rebuild::catch_up(&self.reads, &self.stores.journal).await?;
        self.list(&list_id.to_string()).await
    }
}

/// Runs `commlog lists …`.
pub async fn run(session: &Session, args: ListsArgs) -> Outcome {
    match args.what {
        ListsCommand::Show { format, tenant } => show(&Opened::of(session, &tenant).await?, format).await,
        ListsCommand::Create { name, criteria, format, tenant } => {
            let criteria = criteria.as_deref().map(read_criteria).transpose()?;
            let opened = Opened::of(session, &tenant).await?;
            let command = CreateList { list_id: ListId(opened.stores.ambient().uuid()), name, criteria };
            let made = opened.stores.app.create_list(&session.caller(&tenant), command).await?.into_result()?.value;
            let list = opened.evaluated(made.list_id).await?;
            report(format, "made", &list)
        }
        ListsCommand::Update { list, name, criteria, format, tenant } => {
            let criteria = criteria.as_deref().map(read_criteria).transpose()?;
            let opened = Opened::of(session, &tenant).await?;
            let list = opened.list(&list).await?;
            let command = UpdateList { name, criteria };
            let caller = session.caller(&tenant);
            opened.stores.app.update_list(&caller, list.list_id, command).await?.into_result()?;
            let list = opened.evaluated(list.list_id).await?;
            report(format, "changed", &list)
        }
        ListsCommand::Delete { list, tenant } => {
            let opened = Opened::of(session, &tenant).await?;
            let list = opened.list(&list).await?;
            let users = users_of_list(&opened.reads.db(), opened.tenant, list.list_id).await;
            let used_by = users.map_err(Failure::unavailable)?;
            let caller = session.caller(&tenant);
            opened.stores.app.delete_list(&caller, list.list_id, DeleteList { used_by }).await?.into_result()?;
            print::line(format_args!("list {} is deleted", list.list_id))
        }
        ListsCommand::Preview { criteria, at, ids, format, tenant } => {
            let criteria = read_criteria(&criteria)?;
            preview(&Opened::of(session, &tenant).await?, &criteria, at, ids, format).await
        }
        ListsCommand::Explain { list, customer, format, tenant } => {
            explain(&Opened::of(session, &tenant).await?, &list, customer, format).await
        }
        ListsCommand::Members { list, limit, format, tenant } => {
            members(&Opened::of(session, &tenant).await?, &list, limit, format).await
        }
        ListsCommand::Changes { list, since, until, format, tenant } => {
            changes(&Opened::of(session, &tenant).await?, &list, (since, until), format).await
        }
        ListsCommand::Export { list, tenant } => export(session, &tenant, &list).await,
        ListsCommand::Add { list, file, tenant } => change(session, &tenant, &list, &file, true).await,
        ListsCommand::Remove { list, file, tenant } => change(session, &tenant, &list, &file, false).await,
    }
}

/// Criteria of a file, of standard input, or the JSON itself.
fn read_criteria(given: &str) -> Outcome<Criterion> {
    let text = if given.trim_start().starts_with('{') { given.to_owned() } else { read_text(Path::new(given))? };
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Exit::Refused, format!("the criteria are not JSON: {error}")))?;
    Ok(criteria::read(&json)?)
}

pub(super) fn read_text(path: &Path) -> Outcome<String> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::doing(Exit::Unavailable, "cannot read standard input", error))?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
        .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot read {}", path.display()), error))
}

fn report(format: ReportFormat, what: &str, list: &ListRow) -> Outcome {
    let sentence = format!("list {} ({}) is {what}; members: {}", list.list_id, list.name, list.members);
    format.line(sentence, &as_json(list))
}

fn as_json(list: &ListRow) -> Value {
    json!({
        "list_id": list.list_id, "name": list.name, "kind": list.kind, "members": list.members,
        "criteria": list.criteria.as_ref().map(|criteria| &criteria.0), "rule_version": list.rule_version,
        "evaluated_version": list.evaluated_version, "evaluated_at": list.evaluated_at,
        "created_at": list.created_at, "changed_at": list.changed_at, "changed_by": list.changed_by,
    })
}

async fn show(opened: &Opened, format: Format) -> Outcome {
    let mut listing = Listing::new(format, &["list_id", "kind", "members", "evaluated_at", "name"]);
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = lists::list(&opened.reads.db(), opened.tenant, &wanted).await.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows() {
            listing.row(&as_json(&row))?;
        }
    }
    listing.end("there are no lists")
}

async fn preview(
    opened: &Opened,
    criteria: &Criterion,
    at: Option<chrono::DateTime<chrono::Utc>>,
    ids: bool,
    format: ReportFormat,
) -> Outcome {
    let moment = opened.moment(at).await?;
    let (db, tenant) = (opened.reads.db(), opened.tenant);
    if ids {
        for id in lists::meeting(&db, tenant, criteria, &moment).await.map_err(Failure::unavailable)? {
            print::line(id)?;
        }
        return Ok(());
    }
    let reads = Reads::new(opened.reads.clone());
    let preview =
        lists::preview(&db, reads.samples(), tenant, criteria, &moment).await.map_err(Failure::unavailable)?;
    let sentence = if preview.exact {
        format!("{} of {} customers meet the criteria", preview.count, preview.of)
    } else {
        format!(
            "about {} of {} customers meet the criteria, give or take {} (estimated from {} of them)",
            preview.count, preview.of, preview.margin, preview.looked_at
        )
    };
    format.line(
        sentence,
        &json!({
            "count": preview.count, "exact": preview.exact, "margin": preview.margin, "looked_at": preview.looked_at,
            "of": preview.of, "examples": preview.examples,
        }),
    )
}

async fn explain(opened: &Opened, list: &str, customer: CustomerId, format: Format) -> Outcome {
    let list = opened.list(list).await?;
    let (db, tenant) = (opened.reads.db(), opened.tenant);
    let members = lists::of_customer(&db, tenant, customer).await.map_err(Failure::unavailable)?;
    let since = members.iter().find(|member| member.list_id == list.list_id).map(|member| member.entered_at);
    match since {
        Some(since) => print::note(format_args!("is a member since {since}")),
        None => print::note("is not a member"),
    }
    let Some(criteria) = list.read_criteria().map_err(|error| Failure::from_error(Exit::Internal, error))? else {
        return Ok(());
    };
    let moment = opened.moment(None).await?;
    let (holds, explained) =
        lists::explain(&db, tenant, &criteria, &moment, customer).await.map_err(Failure::unavailable)?;
    print::note(if holds { "meets the criteria" } else { "does not meet the criteria" });
    let mut listing = Listing::new(format, &["holds", "path", "criterion", "seen"]);
    for criterion in explained {
        listing.row(&json!({
            "holds": criterion.holds, "path": criterion.path, "criterion": criterion.criterion, "seen": criterion.seen,
        }))?;
    }
    listing.end("the list has no criteria")
}

async fn members(opened: &Opened, list: &str, limit: usize, format: Format) -> Outcome {
    let list = opened.list(list).await?;
    let mut listing = Listing::new(format, &["customer_id", "entered_at", "cause", "rule_version"]);
    let (mut page, mut left) = (Some(Page::first(PAGE.largest)), limit);
    while let Some(wanted) = page.take().filter(|_| left > 0) {
        let slice = lists::members(&opened.reads.db(), opened.tenant, list.list_id, &wanted).await;
        let slice = slice.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows().into_iter().take(left) {
            left -= 1;
            listing.row(&json!({
                "customer_id": row.customer_id, "entered_at": row.entered_at, "cause": row.cause,
                "rule_version": row.rule_version,
            }))?;
        }
    }
    listing.end("the list has no members")
}

async fn changes(
    opened: &Opened,
    list: &str,
    between: (Option<chrono::DateTime<chrono::Utc>>, Option<chrono::DateTime<chrono::Utc>>),
    format: Format,
) -> Outcome {
    let list = opened.list(list).await?;
    let mut listing = Listing::new(format, &["changed_at", "entered", "cause", "rule_version", "customer_id"]);
    let mut page = Some(Page::first(PAGE.largest));
    while let Some(wanted) = page.take() {
        let slice = lists::changes(&opened.reads.db(), opened.tenant, list.list_id, between, &wanted).await;
        let slice = slice.map_err(Failure::unavailable)?;
        page = slice.next(PAGE.largest);
        for row in slice.into_rows() {
            listing.row(&json!({
                "changed_at": row.changed_at, "entered": row.entered, "cause": row.cause,
                "rule_version": row.rule_version, "customer_id": row.customer_id,
            }))?;
        }
    }
    listing.end("nobody entered or left")
}

async fn export(session: &Session, tenant: &TenantArg, list: &str) -> Outcome {
    let opened = Opened::of(session, tenant).await?;
    let list = opened.list(list).await?;
    let db = opened.reads.db();
    let ids = lists::member_ids(&db, opened.tenant, list.list_id).await.map_err(Failure::unavailable)?;
    let caller = session.caller(tenant);
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    let failed = |error: csv::Error| Failure::doing(Exit::Unavailable, "cannot write", error);
    out.write_record(["customer_id", "external_id", "name", "email", "phone", "locale", "entered_at"])
        .map_err(failed)?;
    for piece in ids.chunks(PAGE.largest) {
        session.record_read(&opened.stores, &caller, reading::of_customers("lists export", piece)).await?;
        let rows = customers::by_ids(&db, opened.tenant, piece).await.map_err(Failure::unavailable)?;
        let addresses = customers::addresses(&db, opened.tenant, piece).await.map_err(Failure::unavailable)?;
        let entered = lists::entered_among(&db, opened.tenant, list.list_id, piece).await;
        let entered = entered.map_err(Failure::unavailable)?;
        for row in rows {
            let primary = |kind: crate::domain::value::AddressKind| {
                let mut own = addresses.iter().filter(|own| own.customer_id == row.customer_id && own.kind == kind);
                own.find(|own| own.is_primary).and_then(|own| own.address.clone()).unwrap_or_default()
            };
            let since = entered.iter().find(|member| member.customer_id == row.customer_id);
            let since = since.map(|member| member.entered_at.to_rfc3339()).unwrap_or_default();
            let cell =
                |text: Option<&String>| crate::files::cells::defused(text.map_or("", String::as_str)).into_owned();
            out.write_record([
                row.customer_id.to_string(),
                cell(row.external_id.as_ref()),
                cell(row.name.as_ref()),
                primary(crate::domain::value::AddressKind::Email),
                primary(crate::domain::value::AddressKind::Phone),
                row.locale.clone().unwrap_or_default(),
                since,
            ])
            .map_err(failed)?;
        }
    }
    out.flush().map_err(|error| Failure::doing(Exit::Unavailable, "cannot write", error))?;
    opened.stores.close().await;
    Ok(())
}

async fn change(session: &Session, tenant: &TenantArg, list: &str, file: &Path, enter: bool) -> Outcome {
    let text = read_text(file)?;
    let mut members = Vec::new();
    for (number, line) in (1usize..).zip(text.lines()) {
        let cell = line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"');
        if cell.is_empty() || (number == 1 && cell.eq_ignore_ascii_case("customer_id")) {
            continue;
        }
        let id = ids::given::<CustomerId>(cell)
            .map_err(|reason| Failure::new(Exit::Refused, format!("line {number}: {reason}")))?;
        members.push((number, id));
    }
    let opened = Opened::of(session, tenant).await?;
    let list = opened.list(list).await?;
    let caller = session.caller(tenant);
    for piece in members.chunks(MOST_AT_ONCE) {
        let command = ChangeMembers { enter, members: piece.iter().map(|(_, id)| *id).collect() };
        let outcome = opened.stores.app.change_list_members(&caller, list.list_id, command).await?;
        outcome.into_result().map_err(|refusal| {
            let place = refusal.field.as_deref().and_then(|field| {
                let index: usize = field.strip_prefix("customer_ids[")?.strip_suffix(']')?.parse().ok()?;
                piece.get(index).map(|(number, _)| format!("line {number}: "))
            });
            Failure::new(Exit::Refused, format!("{}{}", place.unwrap_or_default(), refusal.message))
        })?;
    }
    crate::cli::rebuild::catch_up(&opened.reads, &opened.stores.journal).await?;
    let list = opened.list(&list.list_id.to_string()).await?;
    opened.stores.close().await;
    print::line(format_args!("list {} ({}) has {} members", list.list_id, list.name, list.members))
}
