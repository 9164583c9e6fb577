//! `commlog templates`: templates as a folder of files that lives in version control. `names` and `manifest` say what the
//! files are, `disk` reads them, `reader` and `folder` make templates of them and back, `library` finds what they include.

mod check;
pub mod disk;
pub mod folder;
mod library;
mod manifest;
pub mod names;
mod origin;
mod preview;
mod problem;
mod pull;
mod push;
mod reader;
mod seen;
pub mod starter;
mod stored;
pub mod values;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, TenantArg, print};
use crate::domain::template::decide::ArchiveTemplate;
use crate::rendering::lint::Level;
pub use check::{findings, sample_values};
pub use library::Library;

const FOLDER: &str = "A template is a folder with its code as the name. template.toml has title, kind, class, subjects and \
    default values; en.mjml (or en.html) is the layout of a mail, en.txt its plain text, en.sms.txt an SMS. \
    `commlog templates init DIR` writes examples; docs/templates.md has all of it.";

/// How many of the files that are left alone are named.
const SHOWN: usize = 30;

/// Lists, checks, previews, pulls and pushes the templates of messages.
#[derive(Debug, Args)]
#[command(after_help = FOLDER)]
pub struct TemplatesArgs {
    #[command(subcommand)]
    what: TemplatesCommand,
}

#[derive(Debug, Subcommand)]
enum TemplatesCommand {
    /// Lists the templates of the store.
    List {
        /// The archived templates instead of the others.
        #[arg(long)]
        archived: bool,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Writes the starter set into a folder: eight designed templates in English and German.
    Init(starter::InitArgs),
    /// Checks a folder of templates, without a store too; exit code 1 if there are mistakes.
    #[command(after_help = FOLDER)]
    Lint {
        /// The folder: a template's, or one of such folders.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Exit code 1 for warnings too.
        #[arg(long)]
        strict: bool,
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Shows a template as a customer would get it, or with sample values; sends nothing.
    Preview(Box<preview::PreviewArgs>),
    /// Archives a template: it is not offered any more, its versions stay. `push --restore` brings it back.
    Archive {
        /// The template's code.
        code: String,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Writes the drafts of the store into a folder.
    #[command(after_help = FOLDER)]
    Pull(pull::PullArgs),
    /// Saves the templates of a folder as drafts; --publish publishes them.
    #[command(after_help = FOLDER)]
    Push(push::PushArgs),
}

/// Runs `commlog templates …`.
pub async fn run(session: &Session, args: TemplatesArgs) -> Outcome {
    match args.what {
        TemplatesCommand::List { archived, format, tenant } => list(session, archived, format, &tenant).await,
        TemplatesCommand::Init(args) => starter::run(&args),
        TemplatesCommand::Lint { folder, strict, format, tenant } => {
            let mut library = library::open_with_surroundings(&folder)?;
            library.now = Some(session.ambient.now());
            library.complete(session, &tenant).await?;
            lint(&library, strict, format)
        }
        TemplatesCommand::Preview(args) => preview::run(session, *args).await,
        TemplatesCommand::Archive { code, tenant } => {
            let stores = session.open_existing().await?;
            let command = ArchiveTemplate { code: code.clone() };
            stores.app.archive_template(&session.caller(&tenant), command).await?.into_result()?;
            print::line(format_args!("template {code} is archived"))
        }
        TemplatesCommand::Pull(args) => pull::run(session, args).await,
        TemplatesCommand::Push(args) => push::run(session, args).await,
    }
}

async fn list(session: &Session, archived: bool, format: Format, tenant: &TenantArg) -> Outcome {
    let stores = session.open_existing().await?;
    let reads = session.read_store(&stores).await?;
    let columns = &["template", "kind", "class", "version", "texts", "changed_at", "title"];
    let mut listing = Listing::new(format, columns);
    for row in stored::rows(&reads.db(), session.caller(tenant).tenant, archived).await? {
        let contents = stored::contents(&row)?;
        let texts: Vec<String> =
            contents.iter().map(|local| format!("{}.{}", local.content.channel(), local.locale)).collect();
        listing.row(&json!({
            "template": row.code, "kind": row.kind, "class": row.class, "version": row.published_version,
            "texts": texts.join(" "), "changed_at": row.changed_at, "title": row.title, "revision": row.revision,
            "default_locale": row.default_locale, "changed_by": row.changed_by, "archived": row.archived,
        }))?;
    }
    listing.end("there are no templates; `commlog templates init DIR` writes some to begin with")
}

fn lint(library: &Library, strict: bool, format: Format) -> Outcome {
    let mut problems = library.folder.problems.clone();
    problems.extend(findings(library, library.folder.templates.keys()));
    problems.extend(library.in_order().err().unwrap_or_default());
    let problems = check::sorted(problems);
    if problems.is_empty() {
        must_have_templates(library)?;
    }
    let mut listing = Listing::new(format, &[]);
    let is_table = listing.is_table();
    for problem in &problems {
        if is_table {
            print::line(problem)?;
        } else {
            listing.row(&problem.as_json())?;
        }
    }
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = problems.len() - errors;
    if is_table {
        report_ignored(library);
    } else {
        listing.end("")?;
    }
    let counted = format!(
        "{}, {}, {}",
        counted(library.folder.templates.len() + library.folder.broken.len(), "template"),
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    if errors > 0 || (strict && warnings > 0) {
        return Err(Failure::new(Exit::Found, counted));
    }
    print::note(counted);
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Refuses a folder without a template.
fn must_have_templates(library: &Library) -> Outcome {
    if library.folder.templates.is_empty() {
        let root = library.folder.root.display();
        let message = format!(
            "there are no templates in {root}: each is a folder with a template.toml; `commlog templates init` writes some"
        );
        return Err(Failure::new(Exit::Refused, message));
    }
    Ok(())
}

/// Notes what a command left as it was.
fn report_others(what: &str, names: &[&str]) {
    if !names.is_empty() {
        print::note(format_args!("{what}: {}", names.join(", ").replace(char::is_control, "\u{FFFD}")));
    }
}

/// Names in a cell of a table, or as a list.
fn names_for(is_table: bool, names: &[String]) -> Value {
    if is_table { Value::from(names.join(", ")) } else { Value::from(names) }
}

fn report_ignored(library: &Library) {
    let names: Vec<&str> = library.ignored.iter().map(String::as_str).take(SHOWN).collect();
    report_others("not files of a template, and left alone", &names);
    if library.ignored.len() > SHOWN {
        print::note(format_args!("and {} more", library.ignored.len() - SHOWN));
    }
}
