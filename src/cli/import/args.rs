//! The arguments of `commlog import`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::certainty::Certainty;
use crate::cli::import::results::{RESULTS, ResultsArgs};
use crate::cli::listing::{Format, ReportFormat};
use crate::cli::{TenantArg, ids};
use crate::domain::consent::event::ConsentState;
use crate::domain::import::decide::{Collision, ConsentRow};
use crate::domain::value::place;
use crate::domain::value::{Channel, Currency};
use crate::files::columns::Mapping;
use crate::files::numbers::DecimalMark;
use crate::files::records::Encoding;
use crate::ids::ImportId;

const EXAMPLES: &str = "\
Examples:
  commlog import orders online-retail.csv.gz
  commlog import orders shop.csv --currency EUR --time-zone Europe/Vienna --map 'Order no'=order
  commlog import customers crm.csv --dry-run
  commlog import customers crm.csv --collision overwrite --collision owner=never --refused refused.csv
  commlog import messages sms-messages.tsv.gz --anonymous
  commlog import campaign-results --help
  commlog import undo 0198c0de-0000-8000-8000-000000000000

The first line names the columns. Usual names are understood; use --map for the rest, and --map COLUMN=- to leave one \
out. Separators, quotes, byte order marks, line ends and gzip are detected; .tsv files are never quoted. A line that is \
not UTF-8 is read as Windows-1252, and the first such line is reported.

An order consists of all lines with its number, wherever they are, and is imported with all of them or not at all. Lines \
without a customer are refused unless --anonymous is given: pooled under one placeholder customer, they would silently \
skew per-customer figures.

The exports of usual systems are known by their header, and the run says which one it found. The amount of an order is \
the shop's own total, less what was refunded; without a total it is the sum of the lines, less the discount, with shipping \
and tax. A failed payment is refused. An order is known by its customer and number: one that is imported again with \
another time, line or amount is corrected, and the report says so.

Opt-outs come in with the columns and files of these systems, in both senses: consent_email (yes: agreed) and \
opt_out_email (yes: opted out), and the same for sms, whatsapp and voice. A column that may be about consent and is not \
known stops the import with the question; a word in such a column that is not known refuses its line.

Of messages, only what customers wrote is imported; a column direction, type or is_from_me shows it.

Importing a file again changes nothing, so an interrupted import is finished by giving the same command again.";

/// Imports customers, orders or messages from CSV files; lists imports and undoes them.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct ImportArgs {
    #[command(subcommand)]
    pub what: ImportCommand,
}

/// What to import, or what to do with an import.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Customers, one a line: profile, addresses, tags, consent, free attributes.
    #[command(after_long_help = EXAMPLES)]
    Customers(FileArgs),
    /// Orders, one line item a line, grouped by order number.
    #[command(after_long_help = EXAMPLES)]
    Orders(FileArgs),
    /// Inbound messages, one a line.
    #[command(after_long_help = EXAMPLES)]
    Messages(FileArgs),
    /// The results of a past campaign, one customer a line: group, what the customer did and spent. Nothing is sent.
    #[command(after_long_help = RESULTS)]
    CampaignResults(Box<ResultsArgs>),
    /// Undoes an import, its opt-outs too; what stood before stands again. The log keeps a record of it.
    Undo {
        /// The import's id, as printed when it ran and as `commlog import list` shows it.
        #[arg(value_parser = ids::given::<ImportId>)]
        import: ImportId,
        #[command(flatten)]
        certainty: Certainty,
        /// Output format.
        #[arg(long, value_enum, default_value = "text")]
        format: ReportFormat,
        #[command(flatten)]
        tenant: TenantArg,
    },
    /// Lists the imports of a tenant, newest first.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
        #[command(flatten)]
        tenant: TenantArg,
    },
}

/// The file, and how to read it.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The file: .csv or .tsv, plain or .gz.
    pub file: PathBuf,
    #[command(flatten)]
    pub tenant: TenantArg,
    /// Reads a column as a field, `attribute.NAME` for a free attribute, `-` or `ignore` to leave it out. Repeatable.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = mapping)]
    pub map: Vec<Mapping>,
    /// The system that exported the file: shopify, mailchimp, hubspot, salesforce, klaviyo, brevo, activecampaign,
    /// woocommerce, outlook, google, mautic, listmonk, constant-contact; stripe; twilio. Usually the header shows it; `none`
    /// reads the columns by their names alone.
    #[arg(long, value_name = "SYSTEM")]
    pub from: Option<String>,
    /// What everybody in the file said, such as email=opted_out for a list of people who unsubscribed. Repeatable.
    #[arg(long, value_name = "CHANNEL=STATE", value_parser = consent)]
    pub consent: Vec<ConsentRow>,
    /// Country of phone numbers that name none, in lines that name none (two letters) [default: the tenant's]
    #[arg(long, value_name = "COUNTRY", value_parser = place::region)]
    pub region: Option<String>,
    /// Does everything that the import does but write to the log, and reports what it would do.
    #[arg(long)]
    pub dry_run: bool,
    /// Writes refused lines to this CSV file, each with its number and the reason. Corrected, the file can be imported.
    #[arg(long, value_name = "FILE")]
    pub refused: Option<PathBuf>,
    /// Ends with exit code 3 if any line was refused, not only if all were.
    #[arg(long)]
    pub strict: bool,
    /// Imports lines without a customer under the tenant's anonymous placeholder.
    #[arg(long)]
    pub anonymous: bool,
    /// Currency of prices that have none (ISO 4217).
    #[arg(long, value_name = "CODE", value_parser = |text: &str| text.parse::<Currency>())]
    pub currency: Option<Currency>,
    /// Zone of times that name none (IANA name) [default: UTC]
    #[arg(long, value_name = "ZONE", value_parser = place::time_zone)]
    pub time_zone: Option<chrono_tz::Tz>,
    /// Format of times that are not ISO 8601, in strftime notation: '%d/%m/%Y %H:%M'
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,
    /// Decimal separator [default: the one that the values of a column show; where they leave a choice, the import asks]
    #[arg(long, value_enum)]
    pub decimal: Option<DecimalWord>,
    /// Character encoding.
    #[arg(long, value_enum, default_value = "auto")]
    pub encoding: EncodingWord,
    /// Channel of messages that name none.
    #[arg(long, value_name = "CHANNEL", value_parser = |text: &str| text.parse::<Channel>())]
    pub channel: Option<Channel>,
    /// What to do when a customer already has a value: never, if-blank (the default) or overwrite; FIELD=RULE for one
    /// field. Repeatable. An opt-out is never overwritten.
    #[arg(long, value_name = "[FIELD=]RULE", value_parser = collision)]
    pub collision: Vec<CollisionRule>,
    /// Numbers customers or orders that have no id: PREFIX and the number of the line. The same file then gives the same
    /// ones.
    #[arg(long, value_name = "PREFIX")]
    pub number_rows: Option<String>,
    /// Output format of the report.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

pub(super) fn mapping(text: &str) -> Result<Mapping, String> {
    match text.rsplit_once('=') {
        Some((column, field)) if !column.is_empty() && !field.is_empty() => {
            Ok(Mapping { column: column.to_owned(), field: field.to_owned() })
        }
        _ => Err("must be COLUMN=FIELD".to_owned()),
    }
}

fn consent(text: &str) -> Result<ConsentRow, String> {
    let wrong = || "must be CHANNEL=STATE, such as email=opted_out".to_owned();
    let (channel, state) = text.split_once('=').ok_or_else(wrong)?;
    let channel = channel.parse::<Channel>().map_err(|error| error.reason)?;
    let state = state.parse::<ConsentState>().map_err(|error| error.reason)?;
    Ok(ConsentRow { channel, topic: "all".to_owned(), state, said_at: None })
}

/// The words for [`DecimalMark`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DecimalWord {
    /// 1234.56
    Point,
    /// 1234,56
    Comma,
}

impl From<DecimalWord> for DecimalMark {
    fn from(word: DecimalWord) -> Self {
        match word {
            DecimalWord::Point => Self::Point,
            DecimalWord::Comma => Self::Comma,
        }
    }
}

/// The words for [`Encoding`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EncodingWord {
    /// UTF-8; a line that is not is read as Windows-1252
    Auto,
    /// UTF-8; a line that is not is refused
    #[value(name = "utf-8")]
    Utf8,
    /// Windows-1252, which holds all of Latin-1's letters
    #[value(name = "windows-1252", alias = "latin-1")]
    Windows1252,
}

impl From<EncodingWord> for Encoding {
    fn from(word: EncodingWord) -> Self {
        match word {
            EncodingWord::Auto => Self::Auto,
            EncodingWord::Utf8 => Self::Utf8,
            EncodingWord::Windows1252 => Self::Windows1252,
        }
    }
}

/// A rule of `--collision`.
#[derive(Debug, Clone)]
pub struct CollisionRule {
    /// The field that it is for; absent: all fields without a rule of their own.
    pub field: Option<String>,
    /// What to do.
    pub collision: Collision,
}

/// The words for [`Collision`].
#[derive(Clone, Copy, ValueEnum)]
enum CollisionWord {
    Never,
    IfBlank,
    Overwrite,
}

fn collision(text: &str) -> Result<CollisionRule, String> {
    let (field, word) = match text.split_once('=') {
        Some((field, word)) => (Some(field.to_owned()), word),
        None => (None, text),
    };
    let word = CollisionWord::from_str(word, true).map_err(|_| "must be never, if-blank or overwrite".to_owned())?;
    let collision = match word {
        CollisionWord::Never => Collision::Never,
        CollisionWord::IfBlank => Collision::IfBlank,
        CollisionWord::Overwrite => Collision::Overwrite,
    };
    Ok(CollisionRule { field, collision })
}
