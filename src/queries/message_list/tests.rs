//! Which index each filter and each pair of them is read from.

use super::*;
use crate::projections::{Registry, Scratch};

fn filters() -> Vec<(&'static str, MessageFilter)> {
    let id = uuid::Uuid::from_u128(1);
    let moment = DateTime::from_timestamp(1_767_225_600, 0);
    let all = MessageFilter::default;
    vec![
        ("direction", MessageFilter { direction: Some(Direction::Outbound), ..all() }),
        ("channels", MessageFilter { channels: vec![Channel::Push], ..all() }),
        ("states", MessageFilter { states: vec![MessageState::Failed, MessageState::Bounced], ..all() }),
        ("campaign", MessageFilter { campaign_id: Some(CampaignId(id)), ..all() }),
        ("reason", MessageFilter { reason: Some("consent".to_owned()), ..all() }),
        ("customer", MessageFilter { customer_id: Some(CustomerId(id)), ..all() }),
        ("time", MessageFilter { created_since: moment, created_until: moment, ..all() }),
    ]
}

fn both(one: &MessageFilter, other: &MessageFilter) -> MessageFilter {
    let (one, other) = (one.clone(), other.clone());
    MessageFilter {
        customer_id: one.customer_id.or(other.customer_id),
        direction: one.direction.or(other.direction),
        states: [one.states, other.states].concat(),
        channels: [one.channels, other.channels].concat(),
        campaign_id: one.campaign_id.or(other.campaign_id),
        variant: one.variant.or(other.variant),
        outcome: one.outcome.or(other.outcome),
        provider: one.provider.or(other.provider),
        account: one.account.or(other.account),
        reason: one.reason.or(other.reason),
        created_since: one.created_since.or(other.created_since),
        created_until: one.created_until.or(other.created_until),
    }
}

/// What SQLite does to find a page, a line for each step over messages or reasons.
async fn steps(db: &Db, plan: &Plan<'_>, page: &Page) -> Vec<String> {
    explained(db, plan.page(MessageOrder::NewestFirst, page).expect("the page exists")).await
}

async fn explained(db: &Db, select: Select) -> Vec<String> {
    row! {
        struct Step {
            detail: String,
        }
    }
    let steps: Vec<Step> = select.wrapped("EXPLAIN QUERY PLAN ", "").all(db, READING).await.expect("a plan");
    steps.into_iter().map(|step| step.detail).collect()
}

#[tokio::test]
async fn each_filter_and_each_pair_of_them_is_read_in_the_order_of_an_index() {
    let tenant = TenantId(uuid::Uuid::from_u128(7));
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let filters = filters();
    let ways = |filter: &MessageFilter| match filter {
        _ if filter.customer_id.is_some() => "messages_of_customer",
        _ if filter.reason.is_some() => "message_reasons_by_why",
        _ if filter.campaign_id.is_some() => "messages_of_campaign",
        _ if !filter.states.is_empty() => "messages_of_state",
        _ => "messages_newest",
    };
    for (first, one) in &filters {
        for (second, other) in &filters {
            let filter = both(one, other);
            let plan = Plan::of(tables.db(), tenant, &filter).await.unwrap().expect("something can be found");
            let steps = steps(tables.db(), &plan, &Page::first(50)).await;
            let scans = steps.iter().filter(|step| step.starts_with("SCAN m") || step.starts_with("SCAN r"));
            assert_eq!(scans.count(), 0, "{first} and {second}: {steps:#?}");
            let read = steps.iter().filter(|step| step.contains(ways(&filter))).count();
            assert_eq!(read, plan.branches.len(), "{first} and {second}: {steps:#?}");
            let counting = explained(tables.db(), plan.count(true, FEW)).await;
            let read = counting.iter().filter(|step| step.contains(ways(&filter))).count();
            assert_eq!(read, plan.branches.len(), "counting {first} and {second}: {counting:#?}");
        }
    }
}

#[tokio::test]
async fn messages_of_an_account_are_read_in_the_order_of_its_index() {
    let tenant = TenantId(uuid::Uuid::from_u128(7));
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let filter = MessageFilter { account: Some("main".to_owned()), ..MessageFilter::default() };
    let account = Account { account: "main".to_owned(), provider: "twilio".to_owned() };
    let branch = Branch {
        account: Some(account),
        state: Some(MessageState::Failed),
        channel: Some(Channel::Sms),
        ..Branch::default()
    };
    let plan = Plan { tenant, filter: &filter, person: vec![], branches: vec![branch] };
    let steps = steps(tables.db(), &plan, &Page::first(50)).await;
    assert!(steps.iter().any(|step| step.contains("messages_of_account")), "{steps:#?}");
}

#[tokio::test]
async fn recipients_by_outcome_are_read_in_the_order_of_the_campaigns_index() {
    let tenant = TenantId(uuid::Uuid::from_u128(7));
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    for &outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::Converted) {
        let campaign_id = Some(CampaignId(uuid::Uuid::from_u128(1)));
        let variant = Some("a".to_owned());
        let filter = MessageFilter { campaign_id, variant, outcome: Some(outcome), ..MessageFilter::default() };
        let plan = Plan::of(tables.db(), tenant, &filter).await.unwrap().expect("something can be found");
        let steps = steps(tables.db(), &plan, &Page::first(50)).await;
        let read = steps.iter().filter(|step| step.contains("messages_of_campaign")).count();
        assert_eq!(read, plan.branches.len(), "{outcome}: {steps:#?}");
        // A page of each is read in order; only these pages are sorted, to be put together.
        let in_order = |pair: &[String]| !pair[0].contains("messages_of_campaign") || !pair[1].contains("TEMP B-TREE");
        assert!(steps.windows(2).all(in_order), "{outcome}: {steps:#?}");
    }
}
