//! Events of a campaign and of its run. Plans are the tenant's own, and recipients are named by their ids alone, so nothing is
//! sealed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::campaign::budget::Budget;
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::schedule::{Counts, Rate, is_zero};
use crate::domain::campaign::winner::Winner;
use crate::domain::event::{event, stream_events};
use crate::domain::value::{Channel, words};
use crate::ids::{CampaignId, CustomerId, ImportId};

words! {
    /// What stopped a campaign for a while.
    PauseCause, "cause of a pause" {
        /// A colleague.
        Manual = "manual",
        /// Its run could not go on.
        Failure = "failure",
        /// Too many of its messages went wrong.
        Threshold = "threshold",
        /// Its budget is spent.
        Budget = "budget",
        /// No variant has won, and a colleague has to choose.
        Winner = "winner",
    }
}

words! {
    /// Why somebody of the audience is not written to, without being judged by the rules on sending.
    Exclusion, "exclusion" {
        /// A member of an excluded list.
        List = "list",
        /// Held out, to be compared with those who are written to.
        HoldOut = "hold_out",
        /// Another recipient is the same person.
        DuplicatePerson = "duplicate_person",
        /// Another recipient has the same address.
        DuplicateAddress = "duplicate_address",
        /// The customer was forgotten.
        Forgotten = "forgotten",
    }
}

event! {
    /// A campaign was made, as a draft.
    CampaignCreated 1 {
        campaign_id: CampaignId,
        plan: CampaignPlan,
        /// Who wrote the plan; absent for an occurrence of a series.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
        /// The recurring campaign that it is an occurrence of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        series: Option<CampaignId>,
    }
}

event! {
    /// It is to do something else. Only before it starts.
    CampaignPlanChanged 1 {
        campaign_id: CampaignId,
        plan: CampaignPlan,
        /// Who wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
    }
}

event! {
    /// Somebody who did not write it says that it may start.
    CampaignApproved 1 {
        campaign_id: CampaignId,
        by: String,
    }
}

event! {
    /// It starts at a time.
    CampaignScheduled 1 {
        campaign_id: CampaignId,
        start_at: DateTime<Utc>,
        /// How many occurrences of a recurring campaign were left out before, because no server ran in their hour.
        #[serde(default, skip_serializing_if = "is_zero")]
        missed: u32,
    }
}

event! {
    /// It is a draft again.
    CampaignUnscheduled 1 {
        campaign_id: CampaignId,
        /// Its start was missed by so much that a colleague has to say whether it still goes out.
        #[serde(default)]
        overdue: bool,
    }
}

event! {
    /// It goes out. Whom it goes to is chosen after this.
    CampaignStarted 1 {
        campaign_id: CampaignId,
        /// The published versions of its templates by code, for the whole run.
        versions: BTreeMap<String, u32>,
    }
}

event! {
    /// Nothing of it is sent until it is resumed.
    CampaignPaused 1 {
        campaign_id: CampaignId,
        cause: PauseCause,
        /// For people.
        reason: String,
        /// What had become of its messages, where that was the cause: it is measured from there when it goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counts: Option<Counts>,
    }
}

event! {
    /// It goes on.
    CampaignResumed 1 {
        campaign_id: CampaignId,
    }
}

event! {
    /// It goes out at another rate from now on.
    CampaignRateChanged 1 {
        campaign_id: CampaignId,
        /// 0 messages: without a limit of its own.
        rate: Rate,
    }
}

event! {
    /// It may cost this much from now on.
    CampaignBudgetChanged 1 {
        campaign_id: CampaignId,
        /// Absent: as much as it does.
        budget: Option<Budget>,
    }
}

event! {
    /// Most of its budget is spent.
    CampaignBudgetNoticed 1 {
        campaign_id: CampaignId,
        /// With what is expected of messages without a price, in micros of the budget's currency.
        spent_micros: i64,
        budget: Budget,
    }
}

event! {
    /// The rest of its audience gets this variant.
    WinnerChosen 1 {
        campaign_id: CampaignId,
        winner: Winner,
    }
}

event! {
    /// Nothing more of it is sent.
    CampaignCancelled 1 {
        campaign_id: CampaignId,
        reason: String,
    }
}

event! {
    /// Everybody of its audience was decided on.
    CampaignCompleted 1 {
        campaign_id: CampaignId,
    }
}

event! {
    /// A campaign of the past was brought in by an import. Nothing of it is ever sent from here.
    CampaignImported 1 {
        campaign_id: CampaignId,
        import_id: ImportId,
        /// For people.
        name: String,
        channel: Channel,
        /// When it went out.
        started_at: DateTime<Utc>,
        /// The names of its variants, in their order.
        variants: Vec<String>,
        /// Whether customers were held out, to be compared with the others.
        held_out: bool,
    }
}

event! {
    /// The import that brought it was undone: its figures are gone.
    CampaignRetracted 1 {
        campaign_id: CampaignId,
        import_id: ImportId,
    }
}

event! {
    /// A part of the audience, by customer id: who is written to, and who is left out.
    RecipientsChosen 1 {
        campaign_id: CampaignId,
        recipients: Vec<CustomerId>,
        /// They wait until a variant has won among the others.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rest: bool,
        /// Why each of them is left out: an [`Exclusion`], or the code of a refusal.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        excluded: BTreeMap<CustomerId, String>,
    }
}

event! {
    /// The audience is complete; who enters a list from now on is not part of it.
    AudienceChosen 1 {
        campaign_id: CampaignId,
        /// How many are written to, in all parts.
        recipients: u64,
        /// How many are left out.
        excluded: u64,
    }
}

event! {
    /// Each recipient of a part was decided on: a message is queued, held or suppressed, or the recipient is left out.
    RecipientsDecided 1 {
        campaign_id: CampaignId,
        /// The part, from 0: those of the rest follow all others.
        part: u32,
        /// How many, however they were decided on.
        decided: u64,
        queued: u64,
        held: u64,
        /// By rule.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        suppressed: BTreeMap<String, u64>,
        /// Why each of them is left out: an [`Exclusion`], or the code of a refusal.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        excluded: BTreeMap<CustomerId, String>,
    }
}

stream_events! {
    /// Everything that can happen to a campaign.
    CampaignEvent {
        CampaignCreated,
        CampaignPlanChanged,
        CampaignApproved,
        CampaignScheduled,
        CampaignUnscheduled,
        CampaignStarted,
        CampaignPaused,
        CampaignResumed,
        CampaignRateChanged,
        CampaignBudgetChanged,
        CampaignBudgetNoticed,
        WinnerChosen,
        CampaignCancelled,
        CampaignCompleted,
        CampaignImported,
        CampaignRetracted,
    }
}

stream_events! {
    /// Everything that can happen in the run of a campaign, in a stream of its own.
    CampaignRunEvent {
        RecipientsChosen,
        AudienceChosen,
        RecipientsDecided,
    }
}
