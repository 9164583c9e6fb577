//! `commlog templates push`: a folder's templates into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::folder::{FolderTemplate, differing, files_of, is_same};
use super::library::{self, Library};
use super::problem::{Problem, refused};
use super::seen::Seen;
use super::stored::{self, Stored, StoredTemplates};
use super::{check, disk, names_for, report_others};
use crate::app::{App, Caller};
use crate::boot::{BootError, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::import::trial;
use crate::cli::listing::{Format, Listing};
use crate::cli::session::DEFAULT_NAME;
use crate::cli::{Session, TenantArg, print};
use crate::domain::template::decide::{PublishTemplate, SaveTemplate, content_hash};
use crate::domain::template::state::Draft;
use crate::ids::TenantId;
use crate::queries::{Db, templates};
use crate::rendering::includes_of;
use crate::rendering::lint::Level;

/// `commlog templates push …`
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The folder: a template's, or one of such folders.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Publishes them too, partials before what includes them.
    #[arg(long)]
    publish: bool,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Overwrites drafts that were changed in the store since the folder was pulled or pushed.
    #[arg(long)]
    overwrite: bool,
    /// Brings archived templates back that are in the folder.
    #[arg(long)]
    restore: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

/// What becomes of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    New,
    Changed,
    Restored,
    Unchanged,
    /// Archived in the store: it stays so.
    Archived,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Restored => "restored",
            Self::Unchanged => "unchanged",
            Self::Archived => "archived",
        }
    }

    const fn is_saved(self) -> bool {
        matches!(self, Self::New | Self::Changed | Self::Restored)
    }
}

/// What is done with a template.
#[derive(Debug)]
struct Step {
    code: String,
    change: Change,
    /// The files by which the store differs.
    files: Vec<String>,
    publishes: bool,
    /// The version that is published now.
    version: Option<i64>,
}

/// Runs `commlog templates push …`.
pub async fn run(session: &Session, args: PushArgs) -> Outcome {
    let mut library = library::open(&args.folder)?;
    if library.folder.problems.iter().any(|problem| problem.level == Level::Error) {
        return Err(refused(&library.folder.problems));
    }
    super::must_have_templates(&library)?;
    let order = library.in_order().map_err(|problems| refused(&problems))?;
    let caller = session.caller(&args.tenant);
    // Dropped last: the folder of a log that was made for a dry run only.
    let mut scratch = None;
    let stores = if args.dry_run {
        trial::stores(session, &caller, &mut scratch).await?
    } else {
        let stores = match Stores::open_existing(&session.config, &session.ambient).await {
            // No log is made for what is refused.
            Err(BootError::NoLog { .. }) => {
                must_be_right(&library, &order)?;
                session.open().await?
            }
            opened => opened?,
        };
        session.ensure_tenant(&stores, &caller, DEFAULT_NAME).await?;
        stores
    };
    let reads = session.read_store(&stores).await?;
    let in_store = stored::load(&reads.db(), caller.tenant).await?;
    library.complete_from(&stores.app, &caller).await?;
    let mut steps = vec![];
    for code in &order {
        steps.push(step(&args, &library, &in_store, &steps, code, &reads.db(), caller.tenant).await?);
    }
    let mut seen = Seen::read(&library.folder.root);
    must_not_overwrite(&args, &library, &in_store, &steps, &seen)?;
    let touched = steps.iter().filter(|step| step.change.is_saved() || step.publishes).map(|step| &step.code);
    must_be_right(&library, touched)?;
    let mut done = Ok(());
    if !args.dry_run {
        done = carry_out(&stores.app, &caller, &library, &in_store, &mut steps).await;
        if done.is_ok() {
            let kept = steps.iter().filter(|step| step.change != Change::Archived);
            kept.for_each(|step| seen.agree(&library.folder.templates[&step.code].draft));
            // What was asked for is done: the next push asks for --overwrite, that is all.
            seen.write(&library.folder.root).unwrap_or_else(|failure| print::note(failure.text()));
        }
    }
    report(&args, &steps, &library, &in_store)?;
    done
}

/// Refuses templates that cannot be compiled.
fn must_be_right<'c>(library: &Library, codes: impl IntoIterator<Item = &'c String>) -> Outcome {
    let findings = check::findings(library, codes);
    if findings.iter().any(|problem| problem.level == Level::Error) {
        return Err(refused(&findings));
    }
    Ok(())
}

async fn step(
    args: &PushArgs,
    library: &Library,
    in_store: &StoredTemplates,
    before: &[Step],
    code: &str,
    db: &Db,
    tenant: TenantId,
) -> Outcome<Step> {
    let draft = &library.folder.templates[code].draft;
    let stored = in_store.offered.get(code);
    let change = match stored {
        Some(stored) if is_same(&stored.draft, draft) => Change::Unchanged,
        Some(_) => Change::Changed,
        None if !in_store.archived.contains(code) => Change::New,
        None if args.restore => Change::Restored,
        None => Change::Archived,
    };
    let files = match stored {
        Some(stored) if change == Change::Changed => differing(&stored.draft, draft),
        None if change.is_saved() => files_of(draft).into_keys().collect(),
        _ => vec![],
    };
    let version = stored.and_then(|stored| stored.version);
    if stored.is_some_and(|stored| version.is_some() && stored.draft.kind != draft.kind) {
        let file = disk::shown(&library.folder.root, &library.folder.templates[code].folder);
        let message = "kind: cannot change once a version was published";
        return Err(refused(&[Problem::error(file, None, "INVALID_INPUT", message)]));
    }
    let mut step = Step { code: code.to_owned(), change, files, publishes: false, version };
    if args.publish && change != Change::Archived {
        step.publishes = change.is_saved() || is_behind(library, in_store, before, stored, db, tenant).await?;
    }
    Ok(step)
}

/// Whether publishing an unchanged draft makes another version: of what was never published, was published otherwise, or
/// includes what will be published.
async fn is_behind(
    library: &Library,
    in_store: &StoredTemplates,
    before: &[Step],
    stored: Option<&Stored>,
    db: &Db,
    tenant: TenantId,
) -> Outcome<bool> {
    let Some(Stored { draft, version: Some(version), .. }) = stored else { return Ok(true) };
    let mut pins = BTreeMap::new();
    for code in includes_of(&draft.contents).unwrap_or_default() {
        if before.iter().any(|step| step.code == code && step.publishes) {
            return Ok(true);
        }
        let of_store = in_store.offered.get(&code).and_then(|stored| stored.version);
        let pinned = of_store.and_then(|version| u32::try_from(version).ok()).or(library.stored_version(&code));
        pins.extend(pinned.map(|version| (code, version)));
    }
    let published = templates::version(db, tenant, &draft.code, *version).await.map_err(Failure::unavailable)?;
    Ok(published.is_none_or(|published| published.content_hash != content_hash(draft, &pins)))
}

/// Refuses to overwrite what somebody changed in the store, unless that is wanted.
fn must_not_overwrite(
    args: &PushArgs,
    library: &Library,
    in_store: &StoredTemplates,
    steps: &[Step],
    seen: &Seen,
) -> Outcome {
    let mut changed = vec![];
    for step in steps.iter().filter(|step| step.change == Change::Changed && !args.overwrite) {
        if let Some(stored) = in_store.offered.get(&step.code).filter(|stored| !seen.is(&stored.draft)) {
            let (by, at) = (&stored.changed_by, stored.changed_at.format("%Y-%m-%d %H:%M:%SZ"));
            changed.push(format!("\n  {}: {} (by {by}, {at})", step.code, step.files.join(", ")));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let root = library.folder.root.display();
    let message = format!(
        "the store has drafts that this folder has not seen; nothing was changed:{}\n`commlog templates pull {root}` brings them \
         here, `push --overwrite` replaces them",
        changed.concat()
    );
    Err(Failure::new(Exit::Refused, message))
}

/// Saves what changed, then publishes.
async fn carry_out(
    app: &App,
    caller: &Caller,
    library: &Library,
    in_store: &StoredTemplates,
    steps: &mut [Step],
) -> Outcome {
    let half_done = |code: &str, failure: Failure| {
        let message = format!("{code}: {}\nwhat comes before it is done: correct this and push again", failure.text());
        Failure::new(failure.exit, message)
    };
    for step in steps.iter().filter(|step| step.change.is_saved()) {
        let draft = library.folder.templates[&step.code].draft.clone();
        let revision = in_store.offered.get(&step.code).map(|stored| stored.revision);
        save(app, caller, draft, revision).await.map_err(|failure| half_done(&step.code, failure))?;
    }
    for step in steps.iter_mut().filter(|step| step.publishes) {
        let published = publish(app, caller, &step.code).await;
        step.version = published.map_err(|failure| half_done(&step.code, failure))?.map(i64::from);
    }
    Ok(())
}

/// Saves a draft; `revision` is that of the store's.
pub async fn save(app: &App, caller: &Caller, draft: Draft, revision: Option<u32>) -> Outcome {
    let Draft { code, title, kind, class, default_locale, variables, contents } = draft;
    let default_locale = Some(default_locale);
    let command = SaveTemplate { code, title, kind, class, default_locale, variables, contents, revision };
    app.save_template(caller, command).await?.into_result()?;
    Ok(())
}

/// Publishes a draft, and returns the version.
pub async fn publish(app: &App, caller: &Caller, code: &str) -> Outcome<Option<u32>> {
    let command = PublishTemplate { code: code.to_owned(), revision: None };
    Ok(app.publish_template(caller, command).await?.into_result()?.value.version)
}

fn report(args: &PushArgs, steps: &[Step], library: &Library, in_store: &StoredTemplates) -> Outcome {
    let mut listing = Listing::new(args.format, &["template", "change", "published", "version", "files"]);
    let is_table = listing.is_table();
    for step in steps {
        let template: &FolderTemplate = &library.folder.templates[&step.code];
        listing.row(&json!({
            "template": step.code, "change": step.change.word(), "published": step.publishes, "version": step.version,
            "files": names_for(is_table, &step.files), "folder": template.folder, "dry_run": args.dry_run,
        }))?;
    }
    listing.end("there are no templates")?;
    if is_table {
        let here: BTreeSet<&String> = library.folder.templates.keys().collect();
        let others: Vec<&str> =
            in_store.offered.keys().filter(|code| !here.contains(code)).map(String::as_str).collect();
        report_others("in the store only, and left as they are", &others);
        let archived = steps.iter().filter(|step| step.change == Change::Archived).map(|step| step.code.as_str());
        report_others("archived in the store, and left so (--restore brings them back)", &archived.collect::<Vec<_>>());
        super::report_ignored(library);
        if args.dry_run {
            print::note("dry run: nothing was changed");
        }
    }
    Ok(())
}
