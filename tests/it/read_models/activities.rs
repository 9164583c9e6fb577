use commlog::domain::activity::event::{ActivityKind, ActivityRecorded, LineItem};
use commlog::ids::CustomerId;
use commlog::queries::activities::{self, ActivityFilter};
use commlog::queries::customers::{self, RevenueRow};
use commlog::queries::{Page, timeline};
use commlog::sql::{Db, Engine};

use super::events::{order, registered, retracted};
use super::story::{Story, TENANT, activity, customer, import, minute};
use super::{check, on_both_engines};

on_both_engines! {
    an_activity_shows_all_that_was_recorded,
    only_orders_are_revenue_and_cancellations_lower_it,
    revenue_is_exact_to_the_last_micro,
    the_revenue_of_orders_that_exceed_64_bits_together_is_exact,
    what_is_taken_back_leaves_totals_and_timeline_exactly,
    what_is_imported_again_after_an_undo_counts_again,
}

async fn revenue(db: &Db, customer: CustomerId) -> Vec<RevenueRow> {
    customers::revenue(db, TENANT, &[customer]).await.unwrap()
}

async fn an_activity_shows_all_that_was_recorded(engine: Engine) {
    let mut story = Story::new();
    let recorded = ActivityRecorded {
        kind: ActivityKind::Invoice,
        status: Some("paid".to_owned()),
        due_at: Some(minute(99)),
        lines: vec![
            LineItem {
                sku: "A".to_owned(),
                description: Some("Rope".to_owned()),
                quantity_milli: 2500,
                unit_price_micros: 3,
            },
            LineItem { sku: "B".to_owned(), description: None, quantity_milli: -1000, unit_price_micros: 4 },
        ],
        ..order(activity(1), 12, Some(import(1)))
    };
    story.tell(customer(1), 5, recorded);
    story.tell(customer(1), 6, order(activity(2), 1, None));
    check(engine, &story, async |db| {
        let row = activities::by_id(db, TENANT, activity(1)).await.unwrap().unwrap();
        assert_eq!((row.kind.word(), row.status.as_deref(), row.amount_micros), ("invoice", Some("paid"), Some(12)));
        assert_eq!((row.currency.as_deref(), row.reference.as_deref()), (Some("GBP"), Some("536365")));
        assert_eq!((row.line_count, row.due_at, row.occurred_at), (2, Some(minute(99)), minute(5)));
        assert_eq!((row.title.as_deref(), row.import_id), (Some("A lantern"), Some(import(1))));
        let lines = activities::lines(db, TENANT, &[activity(1), activity(2)]).await.unwrap();
        let read: Vec<_> =
            lines.iter().map(|line| (line.line, line.sku.as_str(), line.description.as_deref())).collect();
        assert_eq!(read, [(1, "A", Some("Rope")), (2, "B", None), (1, "85123A", None)]);
        assert_eq!((lines[0].quantity_milli, lines[1].quantity_milli), (2500, -1000));
        let filter = ActivityFilter { kinds: vec![ActivityKind::Order], ..ActivityFilter::default() };
        let orders = activities::of_customer(db, TENANT, customer(1), &filter, &Page::default()).await.unwrap();
        assert_eq!(orders.into_rows().iter().map(|row| row.activity_id).collect::<Vec<_>>(), [activity(2)]);
        assert_eq!(activities::count_of_customer(db, TENANT, customer(1), &filter).await.unwrap(), 1);
    })
    .await;
}

async fn only_orders_are_revenue_and_cancellations_lower_it(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 5, order(activity(1), 10_000_000, None));
    story.tell(customer(1), 9, order(activity(2), -2_500_000, None));
    let invoice = ActivityRecorded { kind: ActivityKind::Invoice, ..order(activity(3), 10_000_000, None) };
    story.tell(customer(1), 6, invoice);
    let euro = ActivityRecorded { currency: "EUR".parse().ok(), ..order(activity(4), 1_000_000, None) };
    story.tell(customer(1), 7, euro);
    let free = ActivityRecorded { amount_micros: None, currency: None, ..order(activity(5), 0, None) };
    story.tell(customer(1), 3, free);
    check(engine, &story, async |db| {
        let rows = revenue(db, customer(1)).await;
        let read: Vec<_> =
            rows.iter().map(|row| (row.currency.as_str(), row.revenue_micros, row.orders, row.cancellations)).collect();
        assert_eq!(read, [("", 0, 1, 0), ("EUR", 1_000_000, 1, 0), ("GBP", 7_500_000, 2, 1)]);
        assert_eq!((rows[2].first_order_at, rows[2].last_order_at), (Some(minute(5)), Some(minute(5))));
    })
    .await;
}

async fn revenue_is_exact_to_the_last_micro(engine: Engine) {
    let mut story = Story::new();
    // Beyond what a floating-point number of 64 bits can tell apart.
    let amounts = [9_007_199_254_740_993, 1, 2, -9_007_199_254_740_993, 9_007_199_254_740_993];
    for (number, amount) in (1..).zip(amounts) {
        story.tell(customer(1), 0, order(activity(number), amount, None));
    }
    check(engine, &story, async |db| {
        assert_eq!(revenue(db, customer(1)).await[0].revenue(), 9_007_199_254_740_996);
    })
    .await;
}

async fn the_revenue_of_orders_that_exceed_64_bits_together_is_exact(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=4 {
        story.tell(customer(1), 0, order(activity(number), i64::MAX, Some(import(1))));
        story.tell(customer(2), 0, order(activity(10 + number), -i64::MAX, None));
    }
    story.tell(customer(2), 1, order(activity(20), 7, None));
    story.tell(customer(1), 2, retracted(&order(activity(4), i64::MAX, Some(import(1)))));
    check(engine, &story, async |db| {
        assert_eq!(revenue(db, customer(1)).await[0].revenue(), 3 * i128::from(i64::MAX));
        assert_eq!(revenue(db, customer(2)).await[0].revenue(), 7 - 4 * i128::from(i64::MAX));
    })
    .await;
}

async fn what_is_taken_back_leaves_totals_and_timeline_exactly(engine: Engine) {
    let imported = |number, micros| order(activity(number), micros, Some(import(1)));
    let mut story = Story::new();
    story.tell(customer(1), 4, order(activity(1), 1_000_000, None));
    story.tell(customer(1), 2, imported(2, 4_000_000));
    story.tell(customer(1), 9, imported(3, 8_000_000));
    story.tell(customer(2), 9, imported(4, 1));
    story.tell(customer(1), 10, retracted(&imported(3, 8_000_000)));
    story.tell(customer(1), 10, retracted(&imported(2, 4_000_000)));
    story.tell(customer(2), 10, retracted(&imported(4, 1)));
    check(engine, &story, async |db| {
        let rows = revenue(db, customer(1)).await;
        assert_eq!((rows[0].revenue_micros, rows[0].orders), (1_000_000, 1));
        assert_eq!((rows[0].first_order_at, rows[0].last_order_at), (Some(minute(4)), Some(minute(4))));
        assert!(revenue(db, customer(2)).await.is_empty());
        assert!(activities::by_id(db, TENANT, activity(3)).await.unwrap().is_none());
        assert!(activities::lines(db, TENANT, &[activity(2), activity(3)]).await.unwrap().is_empty());
        let (all, page) = (timeline::TimelineFilter::default(), Page::default());
        let entries = timeline::of_customer(db, TENANT, customer(1), &all, &page).await.unwrap();
        let entries: Vec<_> = entries.into_rows().into_iter().map(|row| row.entry_id).collect();
        assert_eq!(entries, [activity(1).0]);
    })
    .await;
}

async fn what_is_imported_again_after_an_undo_counts_again(engine: Engine) {
    let first = order(activity(1), 4_000_000, Some(import(1)));
    let again = ActivityRecorded { import_id: Some(import(2)), ..first.clone() };
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 2, first.clone());
    story.tell(customer(1), 3, retracted(&first));
    story.tell(customer(1), 2, again.clone());
    check(engine, &story, async |db| {
        let rows = revenue(db, customer(1)).await;
        assert_eq!((rows[0].revenue_micros, rows[0].orders), (4_000_000, 1));
        let row = activities::by_id(db, TENANT, activity(1)).await.unwrap().unwrap();
        assert_eq!((row.import_id, row.line_count), (Some(import(2)), 1));
        assert_eq!(activities::lines(db, TENANT, &[activity(1)]).await.unwrap().len(), 1);
        let count = timeline::count_of_customer(db, TENANT, customer(1), &Default::default()).await.unwrap();
        assert_eq!(count, 2);
    })
    .await;
    story.tell(customer(1), 4, retracted(&again));
    check(engine, &story, async |db| {
        assert!(revenue(db, customer(1)).await.is_empty());
        assert!(activities::by_id(db, TENANT, activity(1)).await.unwrap().is_none());
    })
    .await;
}
