//! `commlog templates pull`: the store's templates into a folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::folder::{files_of, is_same, through_files};
use super::library::{self, Library};
use super::names::{MANIFEST, SAMPLE};
use super::seen::Seen;
use super::stored::{self, Stored};
use super::{disk, names_for, report_others};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, print};
use crate::domain::template::state::Draft;

/// `commlog templates pull …`
#[derive(Debug, Args)]
pub struct PullArgs {
    /// The folder; it is made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Overwrites files that were changed since the folder was pulled or pushed.
    #[arg(long)]
    overwrite: bool,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    tenant: TenantArg,
}

/// What becomes of a template's files.
#[derive(Debug, Default)]
struct Step {
    code: String,
    change: &'static str,
    /// Paths below the folder, with what to write.
    written: BTreeMap<String, String>,
    removed: Vec<String>,
}

/// Runs `commlog templates pull …`.
pub async fn run(session: &Session, args: PullArgs) -> Outcome {
    let stores = session.open_existing().await?;
    let tenant = session.caller(&args.tenant).tenant;
    let reads = session.read_store(&stores).await?;
    let in_store = stored::load(&reads.db(), tenant).await?;
    let library = match args.folder.try_exists() {
        Ok(false) => Library::of(super::folder::Folder::at(&args.folder)),
        _ => library::open(&args.folder)?,
    };
    let mut seen = Seen::read(&library.folder.root);
    // A template's own folder is brought up to date alone.
    let only = library.folder.single();
    let wanted = in_store.offered.values().filter(|stored| only.is_none_or(|code| *code == stored.draft.code));
    let steps: Vec<Step> = wanted.map(|stored| step(&library, stored)).collect::<Outcome<_>>()?;
    must_not_overwrite(&args, &library, &steps, &seen)?;
    if !args.dry_run {
        for step in &steps {
            for (path, content) in &step.written {
                disk::write(&library.folder.root, path, content)?;
            }
            step.removed.iter().try_for_each(|path| disk::remove(&library.folder.root, path))?;
            seen.agree(&in_store.offered[&step.code].draft);
        }
        seen.write(&library.folder.root)?;
    }
    report(&args, &steps, &library, &in_store)
}

/// The files that a template lacks, has too many, or has with another content.
fn step(library: &Library, stored: &Stored) -> Outcome<Step> {
    let (folder, draft) = (&library.folder, &stored.draft);
    let code = draft.code.clone();
    let found = folder.templates.get(&code);
    if found.is_some_and(|template| is_same(draft, &template.draft)) {
        return Ok(Step { code, change: "unchanged", ..Step::default() });
    }
    let below = found.map(|template| &template.folder).or_else(|| folder.broken.get(&code)).cloned();
    let change = if below.is_some() { "changed" } else { "new" };
    let below = below.unwrap_or_else(|| code.clone());
    let path_of = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
    let there = folder.files_in(&below);
    let cannot = || Failure::new(Exit::Internal, format!("the template {code} cannot be written as files"));
    let new = files_of(&through_files(draft).ok_or_else(cannot)?);
    let old = found.map(|template| files_of(&template.draft)).unwrap_or_default();
    let mut step = Step { code: code.clone(), change, ..Step::default() };
    for (name, content) in &new {
        if old.get(name) != Some(content) {
            let path = there.get(name).cloned().unwrap_or_else(|| path_of(name));
            step.written.insert(path, content.clone());
        }
    }
    let gone = there.iter().filter(|(name, _)| !new.contains_key(*name) && *name != SAMPLE && *name != MANIFEST);
    step.removed = gone.map(|(_, path)| path.clone()).collect();
    Ok(step)
}

/// Refuses to overwrite what was changed in the folder, unless that is wanted.
fn must_not_overwrite(args: &PullArgs, library: &Library, steps: &[Step], seen: &Seen) -> Outcome {
    let folder = &library.folder;
    let is_own = |draft: &Draft| !seen.is(draft);
    let of_folder = |step: &&Step| match folder.templates.get(&step.code) {
        Some(template) => is_own(&template.draft),
        None => folder.broken.contains_key(&step.code),
    };
    let changed: Vec<String> = steps
        .iter()
        .filter(|step| step.change == "changed" && !args.overwrite)
        .filter(of_folder)
        .map(|step| {
            let files: Vec<&str> = step.written.keys().chain(&step.removed).map(String::as_str).collect();
            format!("\n  {}: {}", step.code, files.join(", "))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the folder has changes that the store has not seen; nothing was changed:{}\n`commlog templates push {}` brings them \
         there, `pull --overwrite` replaces them",
        changed.concat(),
        folder.root.display()
    );
    Err(Failure::new(Exit::Refused, message))
}

fn report(args: &PullArgs, steps: &[Step], library: &Library, in_store: &stored::StoredTemplates) -> Outcome {
    let mut listing = Listing::new(args.format, &["template", "change", "files"]);
    let is_table = listing.is_table();
    for step in steps {
        let written = step.written.keys().cloned();
        let removed = step.removed.iter().map(|path| format!("{path} (removed)"));
        listing.row(&json!({
            "template": step.code, "change": step.change, "dry_run": args.dry_run,
            "files": names_for(is_table, &written.chain(removed).collect::<Vec<_>>()),
        }))?;
    }
    listing.end("the store has no templates")?;
    if is_table {
        let here = library.folder.templates.keys().filter(|code| !in_store.offered.contains_key(*code));
        let (archived, others): (Vec<&str>, Vec<&str>) =
            here.map(String::as_str).partition(|code| in_store.archived.contains(*code));
        report_others("in the folder only, and left as they are", &others);
        report_others("archived in the store; their folders are left as they are", &archived);
        super::report_ignored(library);
        if args.dry_run {
            print::note("dry run: nothing was changed");
        }
    }
    Ok(())
}
