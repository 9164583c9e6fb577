//! How a file is read: what was said about it, and what its first reading shows.

use crate::app::imports::Ground;
use crate::app::{App, AppError, Caller};
use crate::domain::import::decide::{
    ConsentRow, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions, MessageRow, OrderOptions,
    OrderRow,
};
use crate::domain::import::event::ImportKind;
use crate::domain::value::{Channel, Currency};
use crate::files::columns::Mapping;
use crate::files::customers::CustomerReader;
use crate::files::messages::MessageReader;
use crate::files::numbers::DecimalMark;
use crate::files::orders::OrderReader;
use crate::files::records::Encoding;
use crate::files::row::{HeaderError, Settings};
use crate::files::source::Source;
use crate::files::survey::{Reading, Survey, SurveyError};
use crate::files::times::{FormatError, TimeReader};

/// What is said about a file; what is absent, the file shows.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the file holds.
    pub kind: ImportKind,
    /// Columns that are read as something else than their names say.
    pub mappings: Vec<Mapping>,
    /// The system that exported it; `none`: the columns are read by their names alone.
    pub from: Option<String>,
    /// What everybody in the file said.
    pub consents: Vec<ConsentRow>,
    /// The country of phone numbers that name none.
    pub region: Option<String>,
    /// The currency of prices that have none.
    pub currency: Option<Currency>,
    /// The zone of times that name none.
    pub time_zone: Option<chrono_tz::Tz>,
    /// The format of times that are not ISO 8601, in strftime notation.
    pub time_format: Option<String>,
    /// What separates decimals.
    pub decimal: Option<DecimalMark>,
    /// How bytes become text.
    pub encoding: Encoding,
    /// The channel of messages that name none.
    pub channel: Option<Channel>,
    /// What to do when a customer already has a value.
    pub customers: CustomerOptions,
    /// Whether rows without a customer go to the anonymous one.
    pub anonymous: bool,
    /// Rows without any id are numbered by their line, with this in front.
    pub number_rows: Option<String>,
}

/// Why a file cannot be read as planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Its first reading failed.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The format of times is none.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A column is missing.
    #[error(transparent)]
    Columns(#[from] HeaderError),
    /// Its results cannot be told apart by rows alone.
    #[error("the results of a campaign are imported by `commlog import campaign-results`")]
    Results,
}

impl Plan {
    /// Nothing is said but what the file holds.
    #[must_use]
    pub fn of(kind: ImportKind) -> Self {
        Self {
            kind,
            mappings: vec![],
            from: None,
            consents: vec![],
            region: None,
            currency: None,
            time_zone: None,
            time_format: None,
            decimal: None,
            encoding: Encoding::Auto,
            channel: None,
            customers: CustomerOptions::default(),
            anonymous: false,
            number_rows: None,
        }
    }

    /// Reads the file for the first time. `seen` is called with the number of lines so far.
    pub fn survey(&self, source: &Source, seen: impl FnMut(u64)) -> Result<Survey, SurveyError> {
        let reading = Reading {
            kind: self.kind,
            encoding: self.encoding,
            mappings: self.mappings.clone(),
            from: self.from.clone(),
            decimal_mark: self.decimal,
        };
        Survey::take(source, &reading, seen)
    }

    /// How values are read. What the file's system always writes is not asked for.
    pub fn settings(&self, survey: &Survey) -> Result<Settings, FormatError> {
        let preset = survey.preset;
        let zone = self.time_zone.or(preset.and_then(|preset| preset.zone)).unwrap_or(chrono_tz::UTC);
        let currency = preset.and_then(|preset| preset.currency?.parse().ok());
        Ok(Settings {
            times: TimeReader::try_new(zone, self.time_format.as_deref())?,
            numbers: survey.numbers.clone(),
            currency: self.currency.or(currency),
            channel: self.channel.or(preset.and_then(|preset| preset.channel)),
            anonymous: self.anonymous,
            number_rows: self.number_rows.clone(),
            region: self.region.clone(),
            consents: self.consents.clone(),
        })
    }
}

/// What reads the rows of a file.
pub enum Rows {
    /// Customers.
    Customers(CustomerReader),
    /// Orders.
    Orders(OrderReader),
    /// Messages.
    Messages(MessageReader),
}

impl Rows {
    /// The reader of a file that was read once.
    pub fn try_new(plan: &Plan, survey: Survey, settings: Settings) -> Result<Self, PlanError> {
        Ok(match plan.kind {
            ImportKind::Customers => {
                Self::Customers(CustomerReader::try_new(survey.columns, settings, survey.identities)?)
            }
            ImportKind::Orders => Self::Orders(OrderReader::try_new(survey.columns, settings, survey.ends)?),
            ImportKind::Messages => Self::Messages(MessageReader::try_new(survey.columns, settings)?),
            ImportKind::CampaignResults => return Err(PlanError::Results),
        })
    }
}

/// Rows of one kind, which the application takes in.
pub trait TakenIn: Sized {
    /// Takes in a chunk.
    fn take_in(
        app: &App,
        caller: &Caller,
        run: &ImportRun,
        plan: &Plan,
        rows: Vec<Self>,
        ground: Ground<'_>,
    ) -> impl Future<Output = Result<ImportedChunk, AppError>> + Send;
}

impl TakenIn for CustomerRow {
    async fn take_in(
        app: &App,
        caller: &Caller,
        run: &ImportRun,
        plan: &Plan,
        rows: Vec<Self>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        app.import_customers(caller, run, &plan.customers, rows, ground).await
    }
}

impl TakenIn for OrderRow {
    async fn take_in(
        app: &App,
        caller: &Caller,
        run: &ImportRun,
        plan: &Plan,
        rows: Vec<Self>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let options = OrderOptions { anonymous: plan.anonymous };
        app.import_orders(caller, run, &options, rows, ground).await
    }
}

impl TakenIn for MessageRow {
    async fn take_in(
        app: &App,
        caller: &Caller,
        run: &ImportRun,
        plan: &Plan,
        rows: Vec<Self>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let options = MessageOptions { anonymous: plan.anonymous };
        app.import_messages(caller, run, &options, rows, ground).await
    }
}
