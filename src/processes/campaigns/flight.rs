//! Recipients who are being asked for, by several tasks: those of a part, and the last ones of the part before.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use super::part::Part;
use crate::app::{App, Caller, CampaignText, Judged};
use crate::campaigns::CampaignError;
use crate::campaigns::dry_run::known_of;
use crate::ids::{AddressId, CustomerId};
use crate::queries::Reads;

/// How many recipients one task asks for: several decide on several processors.
const BY_TASK: usize = 64;

/// So few recipients may be in the air when the next ones begin: the last commits of some need not be waited for by others.
pub(super) const LAST: usize = 256;

/// What a recipient is asked for with.
#[derive(Clone)]
pub(super) struct Asking {
    pub app: App,
    pub reads: Reads,
    pub caller: Caller,
    pub text: std::sync::Arc<CampaignText>,
}

/// What a task found: the part that its recipients are of, and what became of each.
type Landed = Result<(u32, Vec<(CustomerId, Judged)>), CampaignError>;

/// Those in the air.
#[derive(Default)]
pub(super) struct Flight {
    tasks: JoinSet<Landed>,
    open: usize,
    /// The addresses of those who began together with the last ones.
    addresses: BTreeSet<AddressId>,
}

impl Flight {
    /// Whether some of these addresses are written to by those in the air.
    pub fn shares(&self, addresses: &BTreeSet<AddressId>) -> bool {
        self.open > 0 && !self.addresses.is_disjoint(addresses)
    }

    /// Asks for the messages to recipients of a part, none of whom stands in the way of another or of those in the air.
    pub fn begin(&mut self, asking: &Asking, part: u32, recipients: &[CustomerId], addresses: BTreeSet<AddressId>) {
        for some in recipients.chunks(BY_TASK) {
            let (asking, some) = (asking.clone(), some.to_vec());
            self.open += some.len();
            self.tasks.spawn(async move {
                let asked = futures::stream::iter(some).map(|id| asking.ask(id)).buffer_unordered(BY_TASK);
                Ok((part, asked.try_collect().await?))
            });
        }
        self.addresses = addresses;
    }

    /// Waits until no more than so many are in the air; what became of the others goes to their parts.
    pub async fn land(&mut self, most: usize, parts: &mut [&mut Part]) -> Result<(), CampaignError> {
        while self.open > most {
            let Some(landed) = self.tasks.join_next().await else { return Ok(()) };
            // A fault in a task is one of the runner.
            let (number, found) = landed.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
            self.open -= found.len();
            if let Some(part) = parts.iter_mut().find(|part| part.number == number) {
                part.add(found);
            }
        }
        Ok(())
    }
}

impl Asking {
    pub async fn ask(&self, customer_id: CustomerId) -> Result<(CustomerId, Judged), CampaignError> {
        let known = known_of(&self.reads, &self.caller, &self.text, customer_id).await?;
        let judged = self.app.send_in_campaign(&self.caller, &self.text, customer_id, &known).await?;
        Ok((customer_id, judged))
    }
}
