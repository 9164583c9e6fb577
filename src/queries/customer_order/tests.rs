//! Which index each order is read from.

use super::*;
use crate::projections::{Registry, Scratch};
use crate::queries::Page;
use crate::queries::customer_list::{Conditions, CustomerFilter};
use crate::queries::select::Select;
use crate::sql::row;

#[tokio::test]
async fn each_order_is_read_from_its_index_with_and_without_filters() {
    row! {
        struct Step {
            detail: String,
        }
    }
    let tenant = TenantId(uuid::Uuid::from_u128(7));
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let euro: Currency = "EUR".parse().unwrap();
    let filters = [
        CustomerFilter::default(),
        CustomerFilter { owner: Some("bob".to_owned()), has_phone: Some(true), ..CustomerFilter::default() },
        CustomerFilter { search: Some("ann".to_owned()), tags: vec!["a".to_owned()], ..CustomerFilter::default() },
    ];
    for (order, index) in [
        (CustomerOrder::NameAscending, "customer_tokens_by_token"),
        (CustomerOrder::NameDescending, "customer_tokens_by_token"),
        (CustomerOrder::LastContactNewest, "customer_last_contacts_by_time"),
        (CustomerOrder::LastContactOldest, "customer_last_contacts_by_time"),
        (CustomerOrder::RevenueHighest(euro), "customer_totals_by_revenue"),
        (CustomerOrder::RevenueLowest(euro), "customer_totals_by_revenue"),
    ] {
        for filter in &filters {
            let conditions = Conditions::of(tenant, filter, order);
            let source = order.sources(tenant).remove(0);
            let mut select = Select::new("", []);
            conditions.source(&mut select, None, &source, order);
            select.page(order.key_within(), &Page::first(50)).unwrap();
            let steps: Vec<Step> =
                select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), "customers").await.unwrap();
            let steps: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
            assert!(steps[0].contains(index), "{order:?}: {steps:#?}");
            let bad = steps
                .iter()
                .any(|step| step.starts_with("SCAN k") || step.starts_with("SCAN c") || step.contains("TEMP"));
            assert!(!bad, "{order:?}: {steps:#?}");
        }
    }
}
