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
        CustomerFilter {
            lead_score_min: Some(5),
            registered_since: Some(DateTime::UNIX_EPOCH),
            ..CustomerFilter::default()
        },
        CustomerFilter { search: Some("ann".to_owned()), tags: vec!["a".to_owned()], ..CustomerFilter::default() },
    ];
    for (order, index) in [
        (CustomerOrder::NameAscending, "customers_by_name"),
        (CustomerOrder::NameDescending, "customers_by_name"),
        (CustomerOrder::LastContactNewest, "customer_last_contacts_by_time"),
        (CustomerOrder::LastContactOldest, "customer_last_contacts_by_time"),
        (CustomerOrder::RevenueHighest(euro), "customer_totals_by_revenue"),
        (CustomerOrder::RevenueLowest(euro), "customer_totals_by_revenue"),
    ] {
        for filter in &filters {
            let conditions = Conditions::of(tenant, filter, order);
            let mut select = Select::new("", []);
            match order.sources(tenant).into_iter().next() {
                Some(source) => {
                    conditions.source(&mut select, None, &source, order);
                    select.page(order.key_within(), &Page::first(50)).unwrap();
                }
                None => conditions.named(&mut select, order, &Page::first(50)).unwrap(),
            }
            let steps: Vec<Step> =
                select.wrapped("EXPLAIN QUERY PLAN ", "").all(tables.db(), "customers").await.unwrap();
            let steps: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
            assert!(steps.iter().any(|step| step.contains(index)), "{order:?}: {steps:#?}");
            let is_covered = steps.iter().any(|step| step.contains("COVERING INDEX customers_by_name"));
            assert_eq!(is_covered, order.is_by_name(), "{order:?}: {steps:#?}");
            let bad = steps
                .iter()
                .any(|step| step.starts_with("SCAN t") || step.starts_with("SCAN c") || step.contains("TEMP"));
            assert!(!bad, "{order:?}: {steps:#?}");
        }
    }
}
