//! The results of a campaign of the past: its groups, and what its customers did.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::app::campaigns::{campaign_stream, run_stream};
use crate::app::engine::deciding::CommandRun;
use crate::app::engine::error::Stop;
use crate::app::engine::states::decode;
use crate::app::imports::chunk::{Ground, Row};
use crate::app::imports::of_import;
use crate::app::imports::rows::{Newcomer, given, read, who, with_customer};
use crate::app::imports::subject::Who;
use crate::app::{App, AppError, Caller};
use crate::domain::campaign::past::{self, Assigned, PastCampaign, campaign_id, message_id};
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::state::Campaign;
use crate::domain::decision::Context;
use crate::domain::import::decide::{ImportRun, ImportedChunk, RefusedRow, ResultRow};
use crate::domain::import::results::{ResultsOf, result};
use crate::domain::refusal::Refusal;
use crate::ids::{CampaignId, CustomerId, ImportId, TenantSecret};
use crate::log::{AppendError, ReadLimit};

/// How many parts of an audience are read at once.
const PAGE: usize = 16;

/// A campaign of the past, as an import brings it.
#[derive(Debug, Clone)]
pub struct ImportedCampaign {
    /// What it was.
    pub campaign: PastCampaign,
    /// The topic of its messages.
    pub topic: String,
}

/// A customer's row.
#[derive(Clone)]
struct ResultOf {
    campaign_id: CampaignId,
    region: Option<String>,
    row: ResultRow,
}

impl Row for ResultOf {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn who(&self, secret: &TenantSecret) -> Result<Who, Refusal> {
        let addresses = read(&self.row.addresses, self.region.as_deref(), secret)?;
        let nobody = || Err(Refusal::new("NO_CUSTOMER", "the line names no customer"));
        who(given(self.row.customer.as_ref()), None, addresses, nobody, secret)
    }

    fn fact(&self, customer: CustomerId, secret: &TenantSecret) -> Option<Uuid> {
        Some(message_id(secret, self.campaign_id, customer).0)
    }
}

impl App {
    /// The id of the campaign that an import brings.
    pub async fn id_of_imported_campaign(&self, caller: &Caller, import_id: ImportId) -> Result<CampaignId, AppError> {
        Ok(campaign_id(&self.basis(caller).await?.secret, import_id))
    }

    /// Takes in the results of a campaign of the past, a chunk at a time; `part` is the chunk's number, from 0. Customers that
    /// are not known are registered.
    pub async fn import_results(
        &self,
        caller: &Caller,
        run: &ImportRun,
        imported: &ImportedCampaign,
        part: u32,
        rows: Vec<ResultRow>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let (caller, import_id) = (&of_import(caller, run.import_id), run.import_id);
        let is_trial = matches!(ground, Ground::Trial(_));
        if let Err(refusal) = Stop::refusal(self.bring_in(caller, import_id, imported, is_trial).await)? {
            let refused = rows.iter().map(|row| RefusedRow { line: row.line, file_lines: 1, refusal: refusal.clone() });
            return Ok(ImportedChunk { refused: refused.collect(), ..ImportedChunk::default() });
        }
        let campaign_id = self.id_of_imported_campaign(caller, import_id).await?;
        let of = ResultsOf { campaign_id, campaign: imported.campaign.clone(), topic: imported.topic.clone() };
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows = rows.into_iter().map(|row| ResultOf { campaign_id, region: region.clone(), row }).collect();
        // By line: in whose record it stands, and whether the customer was held out. A row that is decided again moves.
        let groups: Mutex<BTreeMap<u64, (CustomerId, bool)>> = Mutex::default();
        let chunk = self
            .take_in(caller, import_id, rows, ground, |subject, ResultOf { row, .. }, context| {
                let newcomer = Newcomer {
                    external_id: row.customer.clone(),
                    addresses: row.addresses.clone(),
                    consents: row.consents.clone(),
                    attributes: row.attributes.clone(),
                    senders: false,
                };
                let (line, held_out) = (row.line, row.variant.is_none());
                with_customer(subject, newcomer, import_id, context, |holder, id| {
                    let events = result(holder, id, row, &of, import_id, context)?;
                    groups.lock().unwrap_or_else(PoisonError::into_inner).insert(line, (id, held_out));
                    Ok(events)
                })
            })
            .await?;
        if !is_trial {
            let refused: HashSet<u64> = chunk.refused.iter().map(|row| row.line).collect();
            let mut assigned = Assigned::default();
            let groups = groups.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (_, (customer, held_out)) in groups.into_iter().filter(|(line, _)| !refused.contains(line)) {
                let group = if held_out { &mut assigned.held_out } else { &mut assigned.recipients };
                group.insert(customer);
            }
            self.record_part(caller, run, campaign_id, part, assigned).await?;
        }
        Ok(chunk)
    }

    /// Records that there was such a campaign, unless that is known.
    async fn bring_in(
        &self,
        caller: &Caller,
        import_id: ImportId,
        imported: &ImportedCampaign,
        is_trial: bool,
    ) -> Result<(), Stop> {
        let basis = self.basis(caller).await?;
        let stream = campaign_stream(caller.tenant, campaign_id(&basis.secret, import_id));
        let decide = |state: &Campaign, context: &Context<'_>| {
            past::import(state, imported.campaign.clone(), import_id, context)
        };
        if is_trial {
            let decided = self.read_fresh_state::<Campaign, _>(stream, |loaded| {
                self.deciding(&basis, |context| decide(&loaded.state, context))
            });
            decided.await??;
            return Ok(());
        }
        self.decide(&CommandRun::new(caller, stream, None), &basis, decide).await?;
        Ok(())
    }

    /// Records who of a chunk was in which group. What another run of the import recorded already is left out.
    async fn record_part(
        &self,
        caller: &Caller,
        run: &ImportRun,
        campaign_id: CampaignId,
        part: u32,
        mut assigned: Assigned,
    ) -> Result<(), AppError> {
        let (basis, stream) = (self.basis(caller).await?, run_stream(caller.tenant, campaign_id));
        for is_again in [false, true] {
            if is_again {
                self.leave_out_recorded(caller, campaign_id, &mut assigned).await?;
            }
            if assigned.is_empty() {
                return Ok(());
            }
            let events = self.deciding(&basis, |context| assigned.events(campaign_id, part, run.started_at, context));
            match self.append_fact::<CampaignRun>(caller, stream, None, events).await {
                Ok(_) => return Ok(()),
                Err(AppError::Append(AppendError::EventIdTaken { .. })) if !is_again => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn leave_out_recorded(
        &self,
        caller: &Caller,
        campaign_id: CampaignId,
        assigned: &mut Assigned,
    ) -> Result<(), AppError> {
        let (stream, mut version) = (run_stream(caller.tenant, campaign_id), 0);
        loop {
            let events = self.shared.journal.read_stream(stream, version, ReadLimit::events(PAGE)).await?;
            let Some(last) = events.last() else { return Ok(()) };
            version = last.envelope.version;
            for recorded in &events {
                assigned.leave_out(&decode::<CampaignRun>(recorded)?.event);
            }
        }
    }

    /// Records that the whole audience of a campaign of the past is known.
    pub(super) async fn end_imported_campaign(&self, caller: &Caller, import_id: ImportId) -> Result<(), AppError> {
        let campaign_id = self.id_of_imported_campaign(caller, import_id).await?;
        self.record_on_run(caller, campaign_id, |run| past::end(run, campaign_id)).await.map(drop)
    }

    /// Takes a campaign of the past back, with the import that brought it.
    pub(super) async fn retract_imported_campaign(&self, caller: &Caller, import_id: ImportId) -> Result<(), AppError> {
        let campaign_id = self.id_of_imported_campaign(caller, import_id).await?;
        self.record_on_campaign(caller, campaign_id, |state, _| past::retract(state, campaign_id, import_id)).await
    }
}
