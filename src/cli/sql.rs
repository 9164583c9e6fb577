//! `commlog sql`

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;

use crate::boot::{ReadStore, Stores};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::listing::Table;
use crate::cli::{Session, print, reading};
use crate::projections::views::{PERSONAL_SCHEMA, SCHEMA, View};
use crate::sql::ask::{Datum, Part, Question};
use crate::sql::{self, Engine};

/// Runs a query over the views for analysts, and prints its rows.
#[derive(Debug, Args)]
#[command(
    long_about = "Runs one query over the views that `commlog tables` lists, and prints its rows. Nothing can be changed. It reads \
                  the rows of all tenants. Views whose names end in _personal need --personal, and so do columns of the tables \
                  behind the views that no other view shows (on PostgreSQL, all of these tables). That they were read is \
                  recorded in the log, with the names of what was read, not the query.",
    after_help = "Examples:\n  commlog sql \"SELECT channel, count(*) FROM v_messages GROUP BY channel\"\n  commlog sql --format csv \
                  --file docs/queries/sqlite/busiest-hours.sql > hours.csv\n  commlog sql --personal \"SELECT name FROM \
                  v_customers_personal WHERE territory = 'North'\"\n\nOn SQLite the query is SQLite's SQL, on PostgreSQL PostgreSQL's. \
                  Rows are read as they come: an export of any size takes no more memory."
)]
pub struct SqlArgs {
    /// The query: one SELECT, WITH or VALUES.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    query: Option<String>,
    /// Reads the query from this file; - is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value = "table")]
    format: SqlFormat,
    /// Allows the query to read personal data, which is recorded in the log.
    #[arg(long)]
    personal: bool,
    /// Ends the query after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SqlFormat {
    /// Columns, for people
    #[value(alias = "text")]
    Table,
    /// A header, then a record a line
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object per line
    Jsonl,
}

/// Rows on the way from the database.
const AHEAD: usize = 256;

/// Runs `commlog sql`.
pub async fn run(session: &Session, args: SqlArgs) -> Outcome {
    let sql = query(&args)?;
    let stores = session.open_existing().await?;
    let reads = session.read_store(&stores).await?;
    let done = ask(session, &stores, &reads, &args, sql).await;
    stores.close().await;
    done
}

async fn ask(session: &Session, stores: &Stores, reads: &ReadStore, args: &SqlArgs, sql: String) -> Outcome {
    let db = reads.db();
    let engine = db.engine();
    if engine == Engine::Postgres && !args.personal && sql.contains("commlog_g") {
        return Err(Failure::usage(format!(
            "the tables behind the views need --personal; `commlog tables` lists the views of {SCHEMA}"
        )));
    }
    let question = Question {
        sql,
        most: Duration::from_secs(args.timeout),
        search_path: format!("{SCHEMA}, {PERSONAL_SCHEMA}"),
        is_personal: Arc::new(judge(engine, &reads.views())),
    };
    let failed = |error: sql::Error| failure(&question, engine, &error);
    let mut connection = db.session().await.map_err(failed)?;
    let personal = connection.examine(&question).await.map_err(failed)?;
    if !personal.is_empty() && !args.personal {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "the query reads what may be personal data ({}): add --personal, which is recorded in the log, or use only views \
                 whose names do not end in _personal",
                personal.join(", ")
            ),
        ));
    }
    if !personal.is_empty() {
        reading::record_of_all(session, stores, reads, "sql", &personal.join(", ")).await?;
    }
    let (send, receive) = mpsc::channel(AHEAD);
    let (asked, written) = tokio::join!(connection.ask(&question, send), write(receive, args.format));
    // A reader that went away ends both.
    written?;
    asked.map_err(failed)
}

fn query(args: &SqlArgs) -> Outcome<String> {
    let text = match (&args.query, &args.file) {
        (Some(query), _) => query.clone(),
        (None, Some(file)) => read(file)
            .map_err(|error| Failure::doing(Exit::Unavailable, format!("cannot read {}", file.display()), error))?,
        (None, None) => String::new(),
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("the query is empty"));
    }
    Ok(text)
}

fn read(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}

/// What counts as personal data: on SQLite every column of a table that the views without personal data do not show; on
/// PostgreSQL what lies in the schema with personal data.
fn judge(engine: Engine, views: &[View]) -> impl Fn(&str, &str) -> bool + Send + Sync + use<> {
    let plain = views.iter().filter(|view| !view.is_personal);
    let mut open: BTreeSet<(String, String)> = BTreeSet::new();
    for view in plain {
        open.extend(view.table_columns().map(|column| (view.table.clone(), column.to_owned())));
    }
    // The columns of the views themselves, which follow from the tables', and rows that are counted.
    let names: BTreeSet<String> = views.iter().map(|view| view.name.clone()).collect();
    move |first: &str, second: &str| match engine {
        Engine::Postgres => first == PERSONAL_SCHEMA,
        Engine::Sqlite => {
            let is_whole_row = second.is_empty() || second.eq_ignore_ascii_case("rowid");
            let is_known =
                names.contains(first) || first.starts_with("sqlite_") || first == "json_each" || first == "json_tree";
            !(is_known || is_whole_row || open.contains(&(first.to_owned(), second.to_owned())))
        }
    }
}

/// What is wrong with the query, and where.
fn failure(question: &Question, engine: Engine, error: &sql::Error) -> Failure {
    if error.is_timeout(engine) {
        let seconds = question.most.as_secs();
        return Failure::new(Exit::Refused, format!("the query took longer than {seconds} s; --timeout allows more"));
    }
    let said = error.said();
    let mut text = said.clone();
    if let Some(offset) = error.offset(&question.sql) {
        let before = &question.sql[..offset.min(question.sql.len())];
        let (line, column) =
            (before.matches('\n').count() + 1, before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1);
        text.push_str(&format!(" (line {line}, column {column})"));
    }
    if said.contains("no such table") || said.contains("does not exist") {
        text.push_str("; `commlog tables` lists views and their columns");
    }
    // SQLITE_ERROR: the text, not the file.
    let is_mistake = matches!(error, sql::Error::NotAQuery)
        || error.sqlite().is_some_and(|(code, _)| code == 1)
        || error.postgres_code().is_some();
    Failure::new(if is_mistake { Exit::Refused } else { Exit::Unavailable }, text)
}

async fn write(mut parts: mpsc::Receiver<Part>, format: SqlFormat) -> Outcome {
    let mut writer = Writer::new(format);
    while let Some(part) = parts.recv().await {
        match part {
            Part::Columns(columns) => writer.begin(columns)?,
            Part::Row(row) => writer.row(&row)?,
        }
        if writer.closed {
            return Ok(());
        }
    }
    writer.end()
}

/// Rows on their way to stdout.
struct Writer {
    format: SqlFormat,
    columns: Vec<String>,
    table: Table,
    written: u64,
    /// A reader that went away (`| head`) ends the output quietly.
    closed: bool,
}

impl Writer {
    fn new(format: SqlFormat) -> Self {
        Self { format, columns: Vec::new(), table: Table::default(), written: 0, closed: false }
    }

    fn begin(&mut self, columns: Vec<String>) -> Outcome {
        match self.format {
            SqlFormat::Csv => self.record(&columns)?,
            SqlFormat::Table => self.table = Table::new(columns.clone()),
            SqlFormat::Json | SqlFormat::Jsonl => {}
        }
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: &[Datum]) -> Outcome {
        self.written += 1;
        match self.format {
            SqlFormat::Table => {
                let cells = row.iter().map(|cell| if *cell == Datum::Null { "-".to_owned() } else { cell.to_string() });
                self.table.row(cells.collect())
            }
            SqlFormat::Csv => self.record(&row.iter().map(Datum::to_string).collect::<Vec<_>>()),
            SqlFormat::Jsonl => self.line(&object(&self.columns, row)),
            SqlFormat::Json => {
                let opening = if self.written == 1 { "[" } else { "," };
                self.line(&format!("{opening}{}", object(&self.columns, row)))
            }
        }
    }

    fn end(self) -> Outcome {
        match self.format {
            SqlFormat::Table => self.table.end(),
            SqlFormat::Json => print::line(if self.written == 0 { "[]" } else { "]" }),
            SqlFormat::Csv | SqlFormat::Jsonl => Ok(()),
        }
    }

    fn record(&mut self, cells: &[String]) -> Outcome {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let text = writer.write_record(cells).map_err(std::io::Error::from).and_then(|()| {
            let bytes = writer.into_inner().map_err(|error| error.into_error())?;
            String::from_utf8(bytes).map_err(std::io::Error::other)
        })?;
        self.line(text.trim_end_matches(['\r', '\n']))
    }

    fn line(&mut self, text: &str) -> Outcome {
        self.closed = !print::line_to_reader(text)?;
        Ok(())
    }
}

/// A row as one JSON object; decimals keep all their digits.
fn object(columns: &[String], row: &[Datum]) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let member = |(column, cell): (&String, &Datum)| {
        let value = match cell {
            Datum::Null => "null".to_owned(),
            Datum::Bool(value) => value.to_string(),
            Datum::Int(value) => value.to_string(),
            Datum::Real(value) => serde_json::Value::from(*value).to_string(),
            // PostgreSQL's NaN and Infinity are no numbers of JSON.
            Datum::Decimal(digits) if digits.parse::<f64>().is_ok_and(f64::is_finite) => digits.clone(),
            Datum::Json(document) => document.clone(),
            Datum::Decimal(other) | Datum::Text(other) => text(other),
        };
        format!("{}:{value}", text(column))
    };
    let members: Vec<String> = columns.iter().zip(row).map(member).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_an_object_with_the_digits_that_the_database_gave() {
        let columns = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let row = [
            Datum::Decimal("12345678901234567890.10".into()),
            Datum::Null,
            Datum::Text("é\"\n".into()),
            Datum::Real(0.5),
            Datum::Decimal("NaN".into()),
        ];
        let expected = r#"{"a":12345678901234567890.10,"b":null,"c":"é\"\n","d":0.5,"e":"NaN"}"#;
        assert_eq!(object(&columns, &row), expected);
    }
}
