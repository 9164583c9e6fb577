//! `commlog tables`

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::listing::{Format, Listing};
use crate::cli::{Session, print};
use crate::config::{Config, StoreUrl};
use crate::projections::views::{self, Column, PERSONAL_SCHEMA, SCHEMA, View};
use crate::projections::{ProjectionError, Registry};

/// Lists the views for analysts, and what their columns mean.
#[derive(Debug, Args)]
#[command(
    long_about = "Lists the views that analysts query, each with the question that it answers; with a view's name, its columns \
                  with their meaning and unit. `commlog sql` queries them, and so does any tool, at the place that is printed.",
    after_help = "Examples:\n  commlog tables\n  commlog tables v_messages\n  commlog tables v_messages --format jsonl\n  commlog \
                  tables --markdown > docs/tables.md"
)]
pub struct TablesArgs {
    /// Lists the columns of this view; the name of its table works as well.
    view: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Prints all views and columns as a page instead.
    #[arg(long, conflicts_with_all = ["view", "format"])]
    markdown: bool,
}

/// Runs `commlog tables`.
pub fn run(session: &Session, args: &TablesArgs) -> Outcome {
    if args.markdown {
        // The page documents what this binary carries, whatever the configuration adds.
        return print::text(markdown(&views::of_registry(&builtin()?)));
    }
    let registry = match &session.config.projections_dir {
        None => builtin()?,
        Some(folder) => Registry::load_dir(folder).map_err(ProjectionError::from).map_err(Failure::unavailable)?,
    };
    let views = views::of_registry(&registry);
    match &args.view {
        None => list(session, &views, args.format),
        Some(name) => list_columns(find(&views, name)?, args.format),
    }
}

fn builtin() -> Outcome<Registry> {
    Registry::builtin().map_err(ProjectionError::from).map_err(Failure::unavailable)
}

fn find<'v>(views: &'v [View], name: &str) -> Outcome<&'v View> {
    let is_named = |view: &&View| view.name == name || (view.table == name && !view.is_personal);
    views
        .iter()
        .find(is_named)
        .ok_or_else(|| Failure::usage(format!("there is no view {name:?}; `commlog tables` lists the views")))
}

fn list(session: &Session, views: &[View], format: Format) -> Outcome {
    let mut listing = Listing::new(format, &["view", "personal", "question"]);
    for view in views {
        listing.row(&json!({
            "view": view.name, "personal": view.is_personal, "table": view.table, "question": view.question,
            "columns": view.columns.iter().map(|column| &column.name).collect::<Vec<_>>(),
        }))?;
    }
    let is_table = listing.is_table();
    listing.end("there are no views")?;
    if is_table {
        print::note(format!("\n{}", place(&session.config)));
    }
    Ok(())
}

/// Where the views are.
fn place(config: &Config) -> String {
    match &config.read {
        StoreUrl::Sqlite(folder) => format!(
            "They are in {}: open it for reading only (`sqlite3 -readonly`, `mode=ro`).",
            folder.join("live.db").display()
        ),
        StoreUrl::Postgres(_) => format!(
            "They are in the database of the read tables: {SCHEMA} has the views without personal data, {PERSONAL_SCHEMA} those \
             with it."
        ),
    }
}

fn list_columns(view: &View, format: Format) -> Outcome {
    let mut listing = Listing::new(format, &["column", "type", "personal", "meaning"]);
    for column in &view.columns {
        listing.row(&json!({
            "column": column.name, "type": column.kind.word(), "personal": column.is_personal, "meaning": column.meaning,
        }))?;
    }
    listing.end("the view has no columns")
}

fn markdown(views: &[View]) -> String {
    let mut page = String::from(
        "<!-- Generated from projections/*.sql: `make tables` writes it, `make lint` compares it. -->\n\n# The tables that \
         analysts read\n\n[analysts.md](analysts.md) shows how to open them. Each view over a read table answers one question. \
         `v_NAME` has no personal data; where there is `v_NAME_personal`, it has the same columns, and those that are marked \
         *personal*. Those are empty once the customer was forgotten, unless they say otherwise.\n\n\
         | type | SQLite | PostgreSQL | Parquet |\n|---|---|---|---|\n\
         | id | text with dashes | `uuid` | text |\n\
         | text | text | `text` | text |\n\
         | integer | integer | `bigint`, sums `numeric` | 64 bits; sums decimal, 0 places |\n\
         | decimal | floating point: exact is the column of micros | `numeric` | decimal, 6 places |\n\
         | boolean | 1 or 0 | `boolean` | boolean |\n\
         | time | text such as `2026-03-31T18:00:00.000000Z`, UTC | `timestamptz` | timestamp in microseconds, UTC |\n\
         | json | text | `jsonb` | text |\n\
         | hex | text | `text` | text |\n\n\
         Join on the ids, and on `tenant_id` too where there are several tenants. Sums for each customer go by `person_id`, because \
         who was merged has several records, and sums of amounts by `currency`.\n",
    );
    for view in views.iter().filter(|view| !view.is_personal) {
        // The view with personal data, if there is one, has all columns.
        let whole = views.iter().find(|other| other.is_personal && other.table == view.table);
        page.push_str(&format!("\n## {}\n\n{}", view.name, view.question));
        if let Some(whole) = whole {
            page.push_str(&format!(" With personal data: `{}`.", whole.name));
        }
        page.push_str("\n\n| column | type | meaning |\n|---|---|---|\n");
        for column in &whole.unwrap_or(view).columns {
            page.push_str(&line(column));
        }
    }
    page
}

fn line(column: &Column) -> String {
    let mark = if column.is_personal { "*personal*: " } else { "" };
    format!("| `{}` | {} | {mark}{} |\n", column.name, column.kind.word(), column.meaning.replace('|', "\\|"))
}
