//! Events of a list. Names and criteria are the tenant's own; members are named by their ids alone, so nothing is sealed.

use chrono::{DateTime, Utc};

use crate::domain::event::{event, stream_events};
use crate::domain::list::criteria::Criterion;
use crate::domain::value::words;
use crate::ids::{CustomerId, ListId, Position};

words! {
    /// How a list gets its members.
    ListKind, "list kind" {
        /// Colleagues and files add and remove them.
        Static = "static",
        /// Who meets its criteria is a member.
        Smart = "smart",
    }
}

words! {
    /// Why somebody entered or left a list.
    MemberCause, "cause" {
        /// A colleague, a file or another program said so.
        Manual = "manual",
        /// The criteria were made or changed, or the list was looked through as a whole.
        Criteria = "criteria",
        /// Something was recorded about the customer.
        Event = "event",
        /// Time passed.
        Time = "time",
        /// The customer was merged, forgotten or taken back.
        Customer = "customer",
    }
}

event! {
    /// A list was made.
    ListCreated 1 {
        list_id: ListId,
        kind: ListKind,
        name: String,
        /// Of a smart list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        criteria: Option<Criterion>,
        /// The lists whose members the criteria ask for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        uses: Vec<ListId>,
    }
}

event! {
    /// It has another name.
    ListRenamed 1 {
        list_id: ListId,
        name: String,
    }
}

event! {
    /// It has other criteria; its members stay who they are until it was evaluated.
    ListCriteriaChanged 1 {
        list_id: ListId,
        criteria: Criterion,
        uses: Vec<ListId>,
        /// Counts the changes, from 1 for the first criteria.
        rule_version: u32,
    }
}

event! {
    /// It does not exist any more, and nobody is a member.
    ListDeleted 1 {
        list_id: ListId,
    }
}

event! {
    /// Customers became members. Who is one already stays one.
    MembersEntered 1 {
        list_id: ListId,
        members: Vec<CustomerId>,
        cause: MemberCause,
        /// Of the criteria that they met; 0 of a static list.
        rule_version: u32,
    }
}

event! {
    /// Customers are members no more.
    MembersLeft 1 {
        list_id: ListId,
        members: Vec<CustomerId>,
        cause: MemberCause,
        /// Of the criteria that they no longer met; 0 of a static list.
        rule_version: u32,
    }
}

event! {
    /// All customers were looked at, and who entered and left stands before this.
    ListEvaluated 1 {
        list_id: ListId,
        /// Of the criteria.
        rule_version: u32,
        /// The moment that windows of time were reckoned from.
        evaluated_at: DateTime<Utc>,
        /// Everything up to here was taken into account.
        evaluated_position: Position,
    }
}

stream_events! {
    /// Everything that can happen to a list.
    ListEvent {
        ListCreated,
        ListRenamed,
        ListCriteriaChanged,
        ListDeleted,
    }
}

stream_events! {
    /// Everything that can happen to the members of a list, in a stream of their own.
    MembersEvent {
        MembersEntered,
        MembersLeft,
        ListEvaluated,
    }
}
