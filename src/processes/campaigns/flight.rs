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

/// What a task found.
struct Landed {
    group: u64,
    /// The part that its recipients are of.
    part: u32,
    found: Vec<(CustomerId, Judged)>,
}

/// Those who began together: how many of them are in the air, and the addresses of all.
struct Group {
    number: u64,
    open: usize,
    addresses: BTreeSet<AddressId>,
}

/// Those in the air.
#[derive(Default)]
pub(super) struct Flight {
    tasks: JoinSet<Result<Landed, CampaignError>>,
    groups: Vec<Group>,
    begun: u64,
}

impl Flight {
    /// Whether some of these addresses are written to by those in the air.
    pub fn shares(&self, addresses: &BTreeSet<AddressId>) -> bool {
        self.groups.iter().any(|group| !group.addresses.is_disjoint(addresses))
    }

    fn open(&self) -> usize {
        self.groups.iter().map(|group| group.open).sum()
    }

    /// Asks for the messages to recipients of a part, none of whom stands in the way of another or of those in the air.
    pub fn begin(&mut self, asking: &Asking, part: u32, recipients: &[CustomerId], addresses: BTreeSet<AddressId>) {
        if recipients.is_empty() {
            return;
        }
        let group = self.begun;
        self.begun += 1;
        self.groups.push(Group { number: group, open: recipients.len(), addresses });
        for some in recipients.chunks(BY_TASK) {
            let (asking, some) = (asking.clone(), some.to_vec());
            self.tasks.spawn(async move {
                let asked = futures::stream::iter(some).map(|id| asking.ask(id)).buffer_unordered(BY_TASK);
                Ok(Landed { group, part, found: asked.try_collect().await? })
            });
        }
    }

    /// Waits until no more than so many are in the air; what became of the others goes to their parts.
    pub async fn land(&mut self, most: usize, parts: &mut [&mut Part]) -> Result<(), CampaignError> {
        while self.open() > most {
            let Some(landed) = self.tasks.join_next().await else { return Ok(()) };
            // A fault in a task is one of the runner.
            let landed = landed.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
            let Landed { group, part, found } = landed;
            if let Some(group) = self.groups.iter_mut().find(|one| one.number == group) {
                group.open -= found.len();
            }
            self.groups.retain(|group| group.open > 0);
            if let Some(part) = parts.iter_mut().find(|one| one.number == part) {
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
