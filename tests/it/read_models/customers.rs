use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::event::{
    CustomerAbsorbed, CustomerAddressRemoved, CustomerRegistered, CustomerRetracted, Profile,
};
use commlog::domain::value::{AddressKind, Channel, Direction};
use commlog::queries::customers::{self, ConsentFilter, ContactFilter, CustomerFilter, CustomerOrder};
use commlog::queries::{Cursor, Page};
use commlog::sql::{Db, Engine};
use serde_json::json;

use super::events::{address_added, consent, forgotten, order, profile_changed, received, registered};
use super::story::{Story, TENANT, activity, address, customer, import, message, minute};
use super::{check, events, on_both_engines, told};

on_both_engines! {
    the_newest_profile_counts,
    one_address_of_a_kind_is_primary,
    a_search_finds_names_and_addresses_by_their_beginnings,
    a_search_finds_what_people_type_and_telephones_show,
    filters_restrict_the_list_and_its_count,
    customers_are_found_by_when_we_last_heard_of_each_other,
    customers_are_listed_by_name_last_contact_and_revenue,
    words_that_many_have_are_found_like_those_that_few_have,
    a_list_is_paged_both_ways_without_gaps,
    a_customer_that_was_taken_back_is_gone_until_registered_again,
    totals_and_last_contacts_stand_beside_the_profile,
}

async fn names(db: &Db, filter: CustomerFilter) -> Vec<String> {
    let page = customers::list(db, TENANT, &filter, CustomerOrder::default(), &Page::default()).await.unwrap();
    let count = customers::count(db, TENANT, &filter).await.unwrap();
    let names: Vec<String> = page.into_rows().into_iter().map(|row| row.name.unwrap_or_default()).collect();
    assert_eq!(count, names.len() as u64);
    names
}

async fn found(db: &Db, search: &str) -> Vec<String> {
    names(db, CustomerFilter { search: Some(search.to_owned()), ..CustomerFilter::default() }).await
}

async fn the_newest_profile_counts(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 1, profile_changed("Anne", Profile { tags: vec!["a".into()], ..Profile::default() }));
    let newest = Profile {
        owner: Some("bob".to_owned()),
        lead_score: Some(7),
        tags: vec!["b".to_owned(), "c".to_owned()],
        ..Profile::default()
    };
    story.tell(customer(1), 2, profile_changed("Anna", newest));
    check(engine, &story, async |db| {
        let row = customers::by_id(db, TENANT, customer(1)).await.unwrap().unwrap();
        assert_eq!((row.name.as_deref(), row.owner.as_deref(), row.lead_score), (Some("Anna"), Some("bob"), Some(7)));
        assert_eq!((row.territory, row.external_id), (None, None));
        assert_eq!((row.tags.0, row.attributes.unwrap().0), (json!(["b", "c"]), json!({})));
        assert_eq!((row.registered_at, row.changed_at), (minute(0), minute(2)));
        assert_eq!((row.source.word(), row.anonymous), ("api", false));
        let tagged = |tag: &str| CustomerFilter { tags: vec![tag.to_owned()], ..CustomerFilter::default() };
        assert_eq!(names(db, tagged("b")).await, ["Anna"]);
        assert!(names(db, tagged("a")).await.is_empty());
    })
    .await;
}

async fn one_address_of_a_kind_is_primary(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 1, address_added(address(1), "ann@example.com", true));
    story.tell(customer(1), 2, address_added(address(2), "ann@example.org", true));
    story.tell(customer(1), 3, address_added(address(3), "+447911123456", true));
    let removed =
        |primary| CustomerAddressRemoved { address_id: address(2), kind: AddressKind::Email, primary, import_id: None };
    let before = story.clone();
    story.tell(customer(1), 4, removed(Some(address(1))));
    let primaries = async |db: &Db| {
        let rows = customers::addresses(db, TENANT, &[customer(1)]).await.unwrap();
        rows.into_iter().map(|row| (row.address.unwrap(), row.is_primary)).collect::<Vec<_>>()
    };
    check(engine, &before, async |db| {
        let expected = [("ann@example.com", false), ("ann@example.org", true), ("+447911123456", true)];
        assert_eq!(primaries(db).await, expected.map(|(text, primary)| (text.to_owned(), primary)));
    })
    .await;
    check(engine, &story, async |db| {
        let expected = [("ann@example.com", true), ("+447911123456", true)];
        assert_eq!(primaries(db).await, expected.map(|(text, primary)| (text.to_owned(), primary)));
        assert!(found(db, "ann@example.org").await.is_empty());
    })
    .await;
    story.tell(customer(1), 5, address_added(address(2), "ann@example.org", false));
    check(engine, &story, async |db| {
        assert_eq!(primaries(db).await.len(), 3);
        assert_eq!(found(db, "ann@example.org").await, ["Ann"]);
    })
    .await;
}

async fn a_search_finds_names_and_addresses_by_their_beginnings(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("José O'Neil"));
    story.tell(customer(1), 1, address_added(address(1), "jo.neil@Example.com", true));
    story.tell(customer(1), 1, address_added(address(2), "+447911123456", true));
    story.tell(customer(2), 2, registered("Joan Neilson"));
    check(engine, &story, async |db| {
        assert_eq!(found(db, "jos").await, ["José O'Neil"]);
        assert_eq!(found(db, "NEIL jo").await, ["Joan Neilson", "José O'Neil"]);
        assert_eq!(found(db, "neils").await, ["Joan Neilson"]);
        assert_eq!(found(db, "jo.neil@exam").await, ["José O'Neil"]);
        assert_eq!(found(db, "+447911").await, ["José O'Neil"]);
        assert_eq!(found(db, "crm").await.len(), 2);
        assert!(found(db, "eil").await.is_empty());
    })
    .await;
}

async fn a_search_finds_what_people_type_and_telephones_show(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Hannah Cohen"));
    story.tell(customer(1), 1, address_added(address(1), "+442079460033", true));
    story.tell(customer(1), 1, address_added(address(2), "hannah.cohen@example.com", true));
    story.tell(customer(2), 2, registered("Søren Đặng-Sørensen"));
    story.tell(customer(2), 3, address_added(address(3), "+390612345678", true));
    story.tell(customer(3), 4, registered("Łukasz Svoboda"));
    story.tell(customer(4), 5, registered("Ægir Weiß Þórsson"));
    check(engine, &story, async |db| {
        for typed in [
            "+442079460033",
            "+4420",
            "+44 20 7946 0033",
            "+44 (0)20 7946 0033",
            "442079460033",
            "020 7946 0033",
            "02079460033",
            "(020) 7946-0033",
            "020.7946.0033",
            "0044 20 7946 0033",
            "011 44 20 7946 0033",
            "7946 0033",
            "0033",
            "460033",
            "hannah c",
            "cohen hannah",
            "hannah.cohen@",
            "@example.com",
            "@example",
            "annah",
            "HANNAH 0033",
            "cohen 7946 0033",
        ] {
            assert_eq!(found(db, typed).await, ["Hannah Cohen"], "{typed}");
        }
        for typed in ["sorensen", "sørensen", "SØREN", "dang", "06 1234 5678", "+39 06 12345678", "rense"] {
            assert_eq!(found(db, typed).await, ["Søren Đặng-Sørensen"], "{typed}");
        }
        for typed in ["vobod", "boda", "lukasz", "Łuk"] {
            assert_eq!(found(db, typed).await, ["Łukasz Svoboda"], "{typed}");
        }
        for typed in ["aegir", "weiss", "WEISS", "thorsson"] {
            assert_eq!(found(db, typed).await, ["Ægir Weiß Þórsson"], "{typed}");
        }
        for typed in ["7946 0034", "0034", "oda", "@example.org", "020 7946 0033 1"] {
            assert!(found(db, typed).await.is_empty(), "{typed}");
        }
    })
    .await;
}

async fn filters_restrict_the_list_and_its_count(engine: Engine) {
    let mut story = Story::new();
    let with = |name: &str, profile: Profile| CustomerRegistered { profile, ..registered(name) };
    let profile = Profile {
        territory: Some("north".to_owned()),
        account_type: Some("wholesale".to_owned()),
        priority: Some("high".to_owned()),
        industry: Some("wine".to_owned()),
        lead_score: Some(10),
        ..Profile::default()
    };
    story.tell(customer(1), 0, with("Ann", profile));
    story.tell(customer(1), 0, address_added(address(1), "ann@example.com", true));
    story.tell(customer(2), 1, with("Ben", Profile { lead_score: Some(20), ..Profile::default() }));
    story.tell(customer(2), 1, address_added(address(2), "+447911123456", true));
    story.tell(customer(3), 2, registered("Cat"));
    story.tell(customer(3), 3, forgotten());
    check(engine, &story, async |db| {
        let all = CustomerFilter::default();
        let filter = |change: fn(&mut CustomerFilter)| {
            let mut filter = all.clone();
            change(&mut filter);
            filter
        };
        assert_eq!(names(db, all.clone()).await, ["Ben", "Ann"]);
        assert_eq!(names(db, filter(|f| f.include_forgotten = true)).await, ["", "Ben", "Ann"]);
        assert_eq!(names(db, filter(|f| f.territory = Some("north".into()))).await, ["Ann"]);
        assert_eq!(names(db, filter(|f| f.account_type = Some("retail".into()))).await, [""; 0]);
        assert_eq!(names(db, filter(|f| f.priority = Some("high".into()))).await, ["Ann"]);
        assert_eq!(names(db, filter(|f| f.industry = Some("wine".into()))).await, ["Ann"]);
        assert_eq!(names(db, filter(|f| f.lead_score_min = Some(11))).await, ["Ben"]);
        assert_eq!(names(db, filter(|f| f.lead_score_max = Some(10))).await, ["Ann"]);
        assert_eq!(names(db, filter(|f| f.has_email = Some(true))).await, ["Ann"]);
        assert_eq!(names(db, filter(|f| f.has_email = Some(false))).await, ["Ben"]);
        assert_eq!(names(db, filter(|f| f.has_phone = Some(true))).await, ["Ben"]);
        assert_eq!(names(db, filter(|f| f.anonymous = Some(true))).await, [""; 0]);
        assert_eq!(names(db, filter(|f| f.registered_since = Some(minute(1)))).await, ["Ben"]);
        assert_eq!(names(db, filter(|f| f.registered_until = Some(minute(1)))).await, ["Ann"]);
    })
    .await;
}

async fn customers_are_found_by_when_we_last_heard_of_each_other(engine: Engine) {
    let mut story = Story::new();
    for (number, name) in [(1, "Ann"), (2, "Ben"), (3, "Cat"), (4, "Dan")] {
        let profile =
            Profile { locale: Some(if number < 3 { "en-GB" } else { "de" }.to_owned()), ..Profile::default() };
        story.tell(
            customer(number),
            i64::try_from(number).unwrap(),
            CustomerRegistered { profile, ..registered(name) },
        );
    }
    let key = |number| events::key(message(number));
    story.tell(customer(1), 10, received(&key(1), "Hi"));
    story.tell(customer(1), 20, received(&key(2), "Hi again"));
    story.tell(customer(2), 12, received(&key(3), "Hello"));
    story.tell(customer(3), 13, events::queued(&key(4)));
    story.tell(customer(3), 14, events::sent(&key(4)));
    story.tell(customer(1), 15, order(activity(1), 5_000_000, None));
    story.tell(customer(2), 16, consent(Channel::Email, "news", ConsentState::OptedIn));
    // What a merged customer wrote counts for the survivor.
    story.tell(customer(4), 30, CustomerAbsorbed { absorbed_id: customer(2) });
    check(engine, &story, async |db| {
        let contact = |direction, change: fn(&mut ContactFilter)| {
            let mut contact = ContactFilter { direction, channel: None, since: None, until: None, never: false };
            change(&mut contact);
            CustomerFilter { contacts: vec![contact], ..CustomerFilter::default() }
        };
        let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
        assert_eq!(names(db, contact(inbound, |_| {})).await, ["Dan", "Ann"]);
        assert_eq!(names(db, contact(inbound, |c| c.since = Some(minute(13)))).await, ["Ann"]);
        assert_eq!(names(db, contact(inbound, |c| c.until = Some(minute(13)))).await, ["Dan"]);
        assert_eq!(names(db, contact(inbound, |c| c.never = true)).await, ["Cat"]);
        assert_eq!(names(db, contact(outbound, |c| c.never = true)).await, ["Dan", "Ann"]);
        assert_eq!(names(db, contact(outbound, |c| c.channel = Some(Channel::Email))).await, ["Cat"]);
        assert_eq!(names(db, contact(outbound, |c| c.channel = Some(Channel::Sms))).await, [""; 0]);
        let email_never = |c: &mut ContactFilter| (c.channel, c.never) = (Some(Channel::Sms), true);
        assert_eq!(names(db, contact(outbound, email_never)).await, ["Dan", "Cat", "Ann"]);
        let all = CustomerFilter::default;
        assert_eq!(names(db, CustomerFilter { locale: Some("de".to_owned()), ..all() }).await, ["Dan", "Cat"]);
        assert_eq!(names(db, CustomerFilter { last_order_since: Some(minute(15)), ..all() }).await, ["Ann"]);
        assert_eq!(names(db, CustomerFilter { last_order_until: Some(minute(15)), ..all() }).await, [""; 0]);
        let oldest = customers::list(db, TENANT, &all(), CustomerOrder::OldestFirst, &Page::first(2)).await.unwrap();
        let next = oldest.next(2).unwrap();
        let oldest: Vec<_> = oldest.into_rows().into_iter().filter_map(|row| row.name).collect();
        let rest = customers::list(db, TENANT, &all(), CustomerOrder::OldestFirst, &next).await.unwrap();
        let rest: Vec<_> = rest.into_rows().into_iter().filter_map(|row| row.name).collect();
        assert_eq!((oldest, rest), (vec!["Ann".to_owned(), "Cat".to_owned()], vec!["Dan".to_owned()]));
        let agreed = |state| {
            let consent = ConsentFilter { channel: Channel::Email, state, topic: Some("news".to_owned()) };
            CustomerFilter { consents: vec![consent], ..CustomerFilter::default() }
        };
        // Ben's own record agreed; the survivor's consent is recorded in its own stream.
        assert_eq!(names(db, agreed(ConsentState::OptedIn)).await, [""; 0]);
    })
    .await;
    story.tell(customer(4), 31, consent(Channel::Email, "news", ConsentState::OptedIn));
    check(engine, &story, async |db| {
        let consent = ConsentFilter { channel: Channel::Email, state: ConsentState::OptedIn, topic: None };
        let found = names(db, CustomerFilter { consents: vec![consent], ..CustomerFilter::default() }).await;
        assert_eq!(found, ["Dan"]);
    })
    .await;
}

async fn customers_are_listed_by_name_last_contact_and_revenue(engine: Engine) {
    let mut story = Story::new();
    for (number, name) in [(1, "zoe"), (2, "Émile"), (3, "ann"), (4, " ANN  b"), (5, ""), (6, "Gone"), (7, "Bob")] {
        story.tell(customer(number), i64::try_from(number).unwrap(), registered(name));
    }
    let key = |number| events::key(message(number));
    story.tell(customer(1), 10, received(&key(1), "Hi"));
    story.tell(customer(2), 11, events::queued(&key(2)));
    story.tell(customer(2), 12, events::sent(&key(2)));
    story.tell(customer(3), 20, received(&key(3), "Hello"));
    story.tell(customer(7), 30, received(&key(4), "Hello"));
    // 999.5 and 1,000.6 of two records are more than 2,000 of one; what is negative sorts below nothing.
    story.tell(customer(1), 15, order(activity(1), 2_000_000_000, None));
    story.tell(customer(3), 16, order(activity(2), 999_500_000, None));
    story.tell(customer(7), 16, order(activity(3), 1_000_600_000, None));
    story.tell(customer(2), 17, order(activity(4), -5_000_000, None));
    story.tell(customer(4), 18, order(activity(5), 0, None));
    story.tell(customer(6), 19, forgotten());
    story.tell(customer(3), 40, CustomerAbsorbed { absorbed_id: customer(7) });
    check(engine, &story, async |db| {
        let listed = async |order: CustomerOrder, filter: &CustomerFilter| {
            let (mut names, mut page) = (Vec::new(), Page::first(2));
            loop {
                let slice = customers::list(db, TENANT, filter, order, &page).await.unwrap();
                let next = slice.next(2);
                names.extend(slice.into_rows().into_iter().map(|row| row.name.unwrap_or_default().trim().to_owned()));
                let Some(next) = next else { break };
                page = next;
            }
            let counted = customers::count_list(db, TENANT, filter, order).await.unwrap();
            assert_eq!((counted.count, counted.exact), (names.len() as u64, true), "{order:?}");
            names
        };
        let pounds = "GBP".parse().unwrap();
        let territory = CustomerFilter { territory: Some("north".to_owned()), ..CustomerFilter::default() };
        for filter in [CustomerFilter::default(), territory] {
            for (up, down, expected) in [
                (
                    CustomerOrder::NameAscending,
                    CustomerOrder::NameDescending,
                    vec!["ann", "ANN  b", "Émile", "zoe", ""],
                ),
                (CustomerOrder::LastContactOldest, CustomerOrder::LastContactNewest, vec!["zoe", "Émile", "ann"]),
                (
                    CustomerOrder::RevenueLowest(pounds),
                    CustomerOrder::RevenueHighest(pounds),
                    vec!["Émile", "ANN  b", "zoe", "ann"],
                ),
            ] {
                assert_eq!(listed(up, &filter).await, expected, "{up:?}");
                let reversed: Vec<&str> = expected.into_iter().rev().collect();
                assert_eq!(listed(down, &filter).await, reversed, "{down:?}");
            }
        }
        let other = CustomerOrder::RevenueHighest("USD".parse().unwrap());
        assert_eq!(listed(other, &CustomerFilter::default()).await, [""; 0]);
    })
    .await;
}

async fn words_that_many_have_are_found_like_those_that_few_have(engine: Engine) {
    const MANY: u128 = 10_100;
    let mut story = Story::new();
    for number in 0..MANY {
        let rare = if number % 5_000 == 1 { " Rare" } else { "" };
        let at = i64::try_from(number).expect("a small number");
        story.tell(customer(number), at, registered(&format!("Crowd Walk{rare}")));
    }
    // Who was merged is found as the survivor, whatever that one's name is.
    story.tell(customer(MANY), 20_000, registered("Zed"));
    story.tell(customer(MANY), 20_001, CustomerAbsorbed { absorbed_id: customer(3) });
    let tables = told(engine, &story, 30_000).await;
    let filter = |search: &str| CustomerFilter { search: Some(search.to_owned()), ..CustomerFilter::default() };
    for (search, count) in [("crowd walk", 10_100), ("crowd", 10_100), ("walk rare", 3), ("crowd zzz", 0)] {
        let found = customers::count(tables.db(), TENANT, &filter(search)).await.unwrap();
        assert_eq!(found, count, "{search}");
    }
    let page = customers::list(tables.db(), TENANT, &filter("walk crow"), CustomerOrder::default(), &Page::first(2))
        .await
        .unwrap();
    let ids: Vec<_> = page.into_rows().into_iter().map(|row| (row.customer_id, row.merged)).collect();
    assert_eq!(ids, [(customer(MANY), vec![customer(3)]), (customer(MANY - 1), vec![])]);
}

async fn a_list_is_paged_both_ways_without_gaps(engine: Engine) {
    let mut story = Story::new();
    for number in 0..7 {
        story.tell(customer(number), number as i64 / 2, registered(&number.to_string()));
    }
    let tables = told(engine, &story, 100).await;
    let all = CustomerFilter::default();
    let step = async |page: Page| {
        let slice = customers::list(tables.db(), TENANT, &all, CustomerOrder::default(), &page).await.unwrap();
        let ends = (slice.has_previous, slice.has_next);
        let cursors: Vec<Cursor> = slice.rows.iter().map(|(cursor, _)| cursor.clone()).collect();
        let names: Vec<String> = slice.into_rows().into_iter().map(|row| row.name.unwrap()).collect();
        (names.concat(), cursors, ends)
    };
    let (names, cursors, ends) = step(Page::first(3)).await;
    assert_eq!((names.as_str(), ends), ("654", (false, true)));
    let (names, cursors, ends) = step(Page::first(3).after(cursors[2].clone())).await;
    assert_eq!((names.as_str(), ends), ("321", (true, true)));
    let (names, _, ends) = step(Page::first(3).after(cursors[2].clone())).await;
    assert_eq!((names.as_str(), ends), ("0", (true, false)));
    let (names, _, ends) = step(Page::last(2).before(cursors[0].clone())).await;
    assert_eq!((names.as_str(), ends), ("54", (true, true)));
    let (names, _, ends) = step(Page::last(2)).await;
    assert_eq!((names.as_str(), ends), ("10", (true, false)));
    let foreign = Page::first(1).after(Cursor::from_text("AAAA"));
    assert!(customers::list(tables.db(), TENANT, &all, CustomerOrder::default(), &foreign).await.is_err());
}

async fn a_customer_that_was_taken_back_is_gone_until_registered_again(engine: Engine) {
    let mut story = Story::new();
    let imported = CustomerRegistered { import_id: Some(import(1)), ..registered("Ann") };
    story.tell(customer(1), 0, imported.clone());
    story.tell(customer(1), 0, profile_changed("Ann", Profile { tags: vec!["x".into()], ..Profile::default() }));
    story.tell(customer(1), 0, address_added(address(1), "ann@example.com", true));
    story.tell(customer(1), 1, CustomerRetracted { import_id: import(1) });
    check(engine, &story, async |db| {
        let dump = super::dump(db).await;
        assert!(dump.is_empty(), "{dump:?}");
    })
    .await;
    story.tell(customer(1), 2, CustomerRegistered { import_id: Some(import(2)), ..imported });
    check(engine, &story, async |db| {
        let row = customers::by_id(db, TENANT, customer(1)).await.unwrap().unwrap();
        assert_eq!((row.registered_at, row.import_id), (minute(2), Some(import(2))));
        assert_eq!(row.tags.0, json!([]));
        assert_eq!(found(db, "ann").await, ["Ann"]);
        assert!(found(db, "ann@example.com").await.is_empty());
        assert!(customers::addresses(db, TENANT, &[customer(1)]).await.unwrap().is_empty());
    })
    .await;
}

async fn totals_and_last_contacts_stand_beside_the_profile(engine: Engine) {
    let mut story = Story::new();
    story.tell(customer(1), 0, registered("Ann"));
    story.tell(customer(1), 10, order(activity(1), 5_000_000, None));
    story.tell(customer(1), 20, order(activity(2), -1_000_000, None));
    let key = events::key(message(1));
    story.tell(customer(1), 30, events::queued(&key));
    story.tell(customer(1), 31, events::sent(&key));
    story.tell(customer(1), 40, received(&events::key(message(2)), "Hi"));
    check(engine, &story, async |db| {
        let row = customers::by_id(db, TENANT, customer(1)).await.unwrap().unwrap();
        assert_eq!((row.orders, row.cancellations, row.last_order_at), (2, 1, Some(minute(10))));
        assert_eq!((row.last_outbound_at, row.last_inbound_at), (Some(minute(31)), Some(minute(40))));
        let revenue = customers::revenue(db, TENANT, &[customer(1)]).await.unwrap();
        assert_eq!(revenue.len(), 1);
        assert_eq!((revenue[0].currency.as_str(), revenue[0].revenue_micros), ("GBP", 4_000_000));
    })
    .await;
}
