//! Campaigns, their metrics, and deliverability.

use std::collections::BTreeMap;

use commlog::domain::campaign::event::{
    AudienceChosen, CampaignApproved, CampaignCancelled, CampaignCreated, CampaignPaused, CampaignPlanChanged,
    CampaignRateChanged, CampaignResumed, CampaignScheduled, CampaignStarted, CampaignUnscheduled, PauseCause,
    RecipientsChosen, RecipientsDecided, WinnerChosen,
};
use commlog::domain::campaign::plan::CampaignPlan;
use commlog::domain::campaign::schedule::{Per, Rate};
use commlog::domain::campaign::state::CampaignState;
use commlog::domain::campaign::winner::{ChosenBy, Winner};
use commlog::domain::message::event::{BounceKind, EngagementClass, MessageKey, MessageReceived};
use commlog::queries::deliverability::{self, DeliverabilityFilter};
use commlog::queries::{Page, campaign_metrics, campaigns};
use commlog::sql::Engine;

use super::events::{
    bounced, clicked, complained, deferred, delivered, dispatch_failed, dispatch_started, failed, key, opened,
    opted_out_by, queued, received, sent, sent_for, suppressed,
};
use super::story::{Story, TENANT, campaign, customer, import, message, minute};
use super::{check, on_both_engines};

on_both_engines! {
    opens_and_clicks_have_three_figures_each,
    an_open_without_a_sending_counts_as_sent,
    variants_are_counted_apart,
    outcomes_count_messages,
    hours_count_reports,
    replies_of_an_import_are_no_response,
    costs_are_exact_per_currency,
    campaigns_are_listed_by_their_beginning,
    a_campaign_stands_where_its_last_step_left_it,
    a_series_waits_and_a_winner_and_an_approval_are_kept,
    costs_that_exceed_64_bits_together_are_exact,
    deliverability_is_counted_by_domain_provider_and_day,
}

fn of_campaign(number: u128, variant: &str) -> MessageKey {
    let variant = (!variant.is_empty()).then(|| variant.to_owned());
    MessageKey { campaign_id: Some(campaign(1)), variant, ..key(message(number)) }
}

async fn opens_and_clicks_have_three_figures_each(engine: Engine) {
    let (human, machine) = (EngagementClass::Human, EngagementClass::Machine);
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell(customer(number), 0, queued(&of_campaign(number, "")));
        story.tell(customer(number), 1, sent(&of_campaign(number, "")));
        story.tell(customer(number), 1, sent(&of_campaign(number, "")));
    }
    for (number, class) in [(1, machine), (1, human), (1, human), (2, machine), (2, machine)] {
        story.tell(customer(number), 2, opened(&of_campaign(number, ""), class));
    }
    story.tell(customer(1), 3, clicked(&of_campaign(1, ""), human));
    story.tell(customer(2), 3, clicked(&of_campaign(2, ""), machine));
    story.tell(customer(4), 3, opened(&key(message(9)), human));
    check(engine, &story, async |db| {
        let rows = campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.variant.as_str(), row.channel.word(), row.queued, row.sent), ("", "email", 3, 3));
        assert_eq!((row.opens, row.opens_machine, row.opens_human), (5, 3, 2));
        assert_eq!((row.unique_opens, row.unique_opens_machine, row.unique_opens_human), (2, 2, 1));
        assert_eq!((row.clicks, row.clicks_machine, row.clicks_human), (2, 1, 1));
        assert_eq!((row.unique_clicks, row.unique_clicks_machine, row.unique_clicks_human), (2, 1, 1));
    })
    .await;
}

async fn an_open_without_a_sending_counts_as_sent(engine: Engine) {
    let mut story = Story::new();
    let key = of_campaign(1, "");
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 2, opened(&key, EngagementClass::Human));
    check(engine, &story, async |db| {
        let row = &campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap()[0];
        assert_eq!((row.sent, row.unique_opens), (1, 1));
    })
    .await;
    story.tell(customer(1), 1, sent(&key));
    check(engine, &story, async |db| {
        assert_eq!(campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap()[0].sent, 1);
    })
    .await;
}

async fn variants_are_counted_apart(engine: Engine) {
    let mut story = Story::new();
    for (number, variant) in [(1, "a"), (2, "b"), (3, "b")] {
        story.tell(customer(number), 0, sent(&of_campaign(number, variant)));
    }
    check(engine, &story, async |db| {
        let rows = campaign_metrics::totals(db, TENANT, &[campaign(1), campaign(2)]).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.variant.as_str(), row.sent)).collect::<Vec<_>>(), [("a", 1), ("b", 2)]);
    })
    .await;
}

async fn outcomes_count_messages(engine: Engine) {
    let key = |number| of_campaign(number, "");
    let mut story = Story::new();
    for number in 1..=8 {
        story.tell(customer(number), 0, queued(&key(number)));
    }
    story.tell(customer(1), 1, suppressed(&key(1)));
    story.tell(customer(2), 1, dispatch_failed(&key(2), 1, Some(9)));
    story.tell(customer(2), 9, dispatch_failed(&key(2), 2, None));
    story.tell(customer(3), 1, failed(&key(3)));
    story.tell(customer(4), 1, bounced(&key(4), BounceKind::Soft));
    story.tell(customer(4), 2, bounced(&key(4), BounceKind::Soft));
    story.tell(customer(5), 2, bounced(&key(5), BounceKind::Hard));
    story.tell(customer(6), 1, deferred(&key(6)));
    story.tell(customer(6), 2, delivered(&key(6)));
    story.tell(customer(6), 3, complained(&key(6)));
    story.tell(customer(7), 3, opted_out_by(&key(7)));
    let reply = MessageReceived { in_reply_to: Some(message(8)), ..received(&of_campaign(80, ""), "Yes") };
    story.tell(customer(8), 4, reply);
    check(engine, &story, async |db| {
        let row = &campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap()[0];
        assert_eq!((row.queued, row.suppressed, row.cancelled, row.sent), (8, 1, 0, 6));
        assert_eq!((row.delivered, row.deferred, row.soft_bounced, row.hard_bounced), (1, 1, 1, 1));
        assert_eq!((row.failed, row.complained, row.opted_out, row.replied), (2, 1, 1, 1));
    })
    .await;
}

async fn hours_count_reports(engine: Engine) {
    let key = of_campaign(1, "a");
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    story.tell(customer(1), 59, sent(&key));
    story.tell(customer(1), 60, opened(&key, EngagementClass::Machine));
    story.tell(customer(1), 119, opened(&key, EngagementClass::Human));
    story.tell(customer(1), 121, clicked(&key, EngagementClass::Human));
    check(engine, &story, async |db| {
        let rows = campaign_metrics::by_hour(db, TENANT, campaign(1), None, None).await.unwrap();
        let read: Vec<_> = rows
            .iter()
            .map(|row| (row.hour, row.queued, row.sent, row.opens_machine, row.opens_human, row.clicks_human))
            .collect();
        let expected = [(minute(0), 1, 1, 0, 0, 0), (minute(60), 0, 0, 1, 1, 0), (minute(120), 0, 0, 0, 0, 1)];
        assert_eq!(read, expected);
        let some =
            campaign_metrics::by_hour(db, TENANT, campaign(1), Some(minute(60)), Some(minute(120))).await.unwrap();
        assert_eq!(some.len(), 1);
    })
    .await;
}

async fn replies_of_an_import_are_no_response(engine: Engine) {
    let key = of_campaign(1, "");
    let mut story = Story::new();
    story.tell(customer(1), 0, queued(&key));
    let imported = MessageReceived {
        in_reply_to: Some(message(1)),
        import_id: Some(import(1)),
        ..received(&of_campaign(2, ""), "Yes")
    };
    story.tell(customer(1), 1, imported);
    check(engine, &story, async |db| {
        let row = &campaign_metrics::totals(db, TENANT, &[campaign(1)]).await.unwrap()[0];
        assert_eq!((row.queued, row.sent, row.replied), (1, 0, 0));
    })
    .await;
}

async fn costs_are_exact_per_currency(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell(customer(number), 0, sent(&of_campaign(number, "")));
    }
    check(engine, &story, async |db| {
        let rows = campaign_metrics::costs(db, TENANT, &[campaign(1)]).await.unwrap();
        assert_eq!((rows[0].currency.as_str(), rows[0].cost_micros, rows[0].segments), ("EUR", 2_100, 3));
    })
    .await;
}

async fn costs_that_exceed_64_bits_together_are_exact(engine: Engine) {
    let mut story = Story::new();
    for number in 1..=3 {
        story.tell(customer(number), 0, sent_for(&of_campaign(number, ""), i64::MAX));
    }
    check(engine, &story, async |db| {
        let rows = campaign_metrics::costs(db, TENANT, &[campaign(1)]).await.unwrap();
        assert_eq!(rows[0].cost(), 3 * i128::from(i64::MAX));
    })
    .await;
}

async fn deliverability_is_counted_by_domain_provider_and_day(engine: Engine) {
    let day = 24 * 60;
    let mut story = Story::new();
    for number in 1..=4 {
        story.tell(customer(number), 0, dispatch_started(&key(message(number)), 1));
        story.tell(customer(number), 1, sent(&key(message(number))));
    }
    story.tell(customer(1), 2, delivered(&key(message(1))));
    story.tell(customer(2), day, bounced(&key(message(2)), BounceKind::Soft));
    story.tell(customer(2), day + 1, bounced(&key(message(2)), BounceKind::Hard));
    story.tell(customer(3), day, complained(&key(message(3))));
    story.tell(customer(3), day, deferred(&key(message(3))));
    story.tell(customer(4), day, failed(&key(message(4))));
    story.tell(customer(5), day, dispatch_failed(&key(message(5)), 1, None));
    check(engine, &story, async |db| {
        let rows = deliverability::by_day(db, TENANT, &DeliverabilityFilter::default(), 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.day).collect::<Vec<_>>(), [minute(day), minute(0)]);
        assert_eq!((rows[0].domain.as_str(), rows[0].provider.as_str()), ("mail.example.com", "simulator"));
        assert_eq!((rows[0].soft_bounced, rows[0].hard_bounced, rows[0].complained), (1, 1, 1));
        assert_eq!((rows[0].deferred, rows[0].failed, rows[0].refused, rows[0].sent), (1, 1, 1, 0));
        assert_eq!((rows[1].sent, rows[1].delivered), (4, 1));
        let other = DeliverabilityFilter { domain: Some("example.org".to_owned()), ..Default::default() };
        assert!(deliverability::by_day(db, TENANT, &other, 10).await.unwrap().is_empty());
    })
    .await;
}

async fn campaigns_are_listed_by_their_beginning(engine: Engine) {
    let of = |number: u128, of: u128| MessageKey { campaign_id: Some(campaign(of)), ..key(message(number)) };
    let mut story = Story::new();
    story.tell(customer(1), 3, queued(&of(1, 1)));
    story.tell(customer(2), 2, queued(&of(2, 2)));
    story.tell(customer(1), 9, queued(&of(3, 2)));
    story.tell(customer(1), 9, queued(&key(message(4))));
    check(engine, &story, async |db| {
        let page = campaigns::list(db, TENANT, &Page::default()).await.unwrap().into_rows();
        let read: Vec<_> =
            page.into_iter().map(|row| (row.campaign_id, row.first_message_at, row.last_message_at)).collect();
        let some = |at| Some(minute(at));
        assert_eq!(read, [(campaign(1), some(3), some(3)), (campaign(2), some(2), some(9))]);
        assert_eq!(campaigns::count(db, TENANT).await.unwrap(), 2);
    })
    .await;
}

async fn a_series_waits_and_a_winner_and_an_approval_are_kept(engine: Engine) {
    let plan: CampaignPlan = serde_json::from_value(serde_json::json!({
        "name": "Spring", "channel": "email", "topic": "news", "template": "spring", "audience": { "everybody": true },
        "rate": { "messages": 600, "per": "minute" },
    }))
    .unwrap();
    let (series, once) = (campaign(1), campaign(2));
    let mut story = Story::new();
    let created = |campaign_id, series| CampaignCreated { campaign_id, plan: plan.clone(), author: None, series };
    let approved = |by: &str| CampaignApproved { campaign_id: series, by: by.to_owned() };
    story.campaign(series, 1, created(series, None));
    story.campaign(series, 1, approved("user:ann"));
    story.campaign(series, 2, CampaignPlanChanged { campaign_id: series, plan: plan.clone(), author: None });
    story.campaign(series, 2, approved("user:bob"));
    story.campaign(series, 2, CampaignScheduled { campaign_id: series, start_at: minute(5), missed: 0 });
    story.campaign(once, 5, created(once, Some(series)));
    story.campaign(once, 5, CampaignStarted { campaign_id: once, versions: BTreeMap::new() });
    story.campaign(series, 5, CampaignScheduled { campaign_id: series, start_at: minute(9), missed: 3 });
    let winner = Winner {
        variant: "short".to_owned(),
        chosen_by: ChosenBy::Test,
        tested: vec![],
        p_value: Some(0.0125),
        needed: None,
    };
    story.campaign(once, 6, WinnerChosen { campaign_id: once, winner });
    let pause = |campaign_id| {
        let reason = "a wrong price".to_owned();
        CampaignPaused { campaign_id, cause: PauseCause::Manual, reason, counts: None }
    };
    for campaign_id in [series, once] {
        story.campaign(campaign_id, 7, pause(campaign_id));
        story.campaign(campaign_id, 8, CampaignResumed { campaign_id });
    }
    check(engine, &story, async |db| {
        let row = campaigns::by_id(db, TENANT, series).await.unwrap().unwrap();
        assert_eq!((row.state, row.start_at), (Some(CampaignState::Scheduled), Some(minute(9))));
        assert_eq!((row.missed, row.approved_by.as_deref()), (3, Some("user:bob")));
        assert_eq!((row.series_id, row.winner, row.cause), (None, None, None));
        let row = campaigns::by_id(db, TENANT, once).await.unwrap().unwrap();
        assert_eq!((row.state, row.series_id), (Some(CampaignState::Running), Some(series)));
        let winner = serde_json::json!({ "variant": "short", "chosen_by": "test", "p_value": 0.0125 });
        assert_eq!((row.winner.map(|winner| winner.0), row.winner_at), (Some(winner), Some(minute(6))));
    })
    .await;
}

async fn a_campaign_stands_where_its_last_step_left_it(engine: Engine) {
    let plan: CampaignPlan = serde_json::from_value(serde_json::json!({
        "name": "Spring", "channel": "email", "topic": "news", "template": "spring", "audience": { "everybody": true },
        "rate": { "messages": 600, "per": "minute" },
    }))
    .unwrap();
    let campaign_id = campaign(1);
    let excluded = |of: &[(u128, &str)]| {
        of.iter().map(|(number, reason)| (customer(*number), (*reason).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let mut story = Story::new();
    story.campaign(campaign_id, 1, CampaignCreated { campaign_id, plan: plan.clone(), author: None, series: None });
    let plan = CampaignPlan { name: "Spring again".to_owned(), ..plan };
    story.campaign(campaign_id, 2, CampaignPlanChanged { campaign_id, plan, author: None });
    story.campaign(campaign_id, 3, CampaignScheduled { campaign_id, start_at: minute(9), missed: 0 });
    story.campaign(campaign_id, 4, CampaignUnscheduled { campaign_id, overdue: true });
    let versions = BTreeMap::from([("spring".to_owned(), 3)]);
    story.campaign(campaign_id, 5, CampaignStarted { campaign_id, versions });
    let chosen = RecipientsChosen {
        campaign_id,
        recipients: vec![customer(1), customer(2), customer(3)],
        rest: false,
        excluded: excluded(&[(4, "list")]),
    };
    story.campaign_run(campaign_id, 5, chosen);
    let chosen = RecipientsChosen { campaign_id, recipients: vec![customer(5)], rest: true, excluded: excluded(&[]) };
    story.campaign_run(campaign_id, 5, chosen);
    story.campaign_run(campaign_id, 5, AudienceChosen { campaign_id, recipients: 4, excluded: 1 });
    let rate = Rate { messages: 5, per: Per::Second, burst: 0 };
    story.campaign(campaign_id, 6, CampaignRateChanged { campaign_id, rate });
    let decided = |part, suppressed: &[(&str, u64)], of: &[(u128, &str)]| RecipientsDecided {
        campaign_id,
        part,
        decided: suppressed.iter().map(|(_, count)| count).sum::<u64>() + of.len() as u64 + 1,
        queued: 1,
        held: 0,
        suppressed: suppressed.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect(),
        excluded: excluded(of),
    };
    story.campaign_run(campaign_id, 6, decided(0, &[("consent", 1)], &[(3, "duplicate_address")]));
    story.campaign_run(campaign_id, 7, decided(1, &[("consent", 2), ("frequency_cap", 4)], &[]));
    let pause = |cause, reason: &str| CampaignPaused { campaign_id, cause, reason: reason.to_owned(), counts: None };
    story.campaign(campaign_id, 7, pause(PauseCause::Manual, "a wrong price"));
    story.campaign(campaign_id, 8, CampaignResumed { campaign_id });
    story.campaign(campaign_id, 9, CampaignCancelled { campaign_id, reason: "no wine left".to_owned() });
    story.tell(customer(1), 6, queued(&MessageKey { campaign_id: Some(campaign_id), ..key(message(1)) }));
    check(engine, &story, async |db| {
        let row = campaigns::by_id(db, TENANT, campaign_id).await.unwrap().unwrap();
        assert_eq!((row.name.as_deref(), row.state), (Some("Spring again"), Some(CampaignState::Cancelled)));
        assert_eq!((row.began_at, row.started_at, row.ended_at), (minute(1), Some(minute(5)), Some(minute(9))));
        assert_eq!((row.start_at, row.reason.as_deref(), row.cause), (None, Some("no wine left"), None));
        assert_eq!(row.versions.map(|versions| versions.0), Some(serde_json::json!({ "spring": 3 })));
        assert_eq!(row.rate.map(|rate| rate.0["messages"].clone()), Some(serde_json::json!(5)));
        assert_eq!((row.recipients, row.audience_chosen, row.decided), (4, true, 3 + 7));
        assert_eq!((row.queued, row.held, row.suppressed, row.excluded), (2, 0, 7, 2));
        assert_eq!((row.first_message_at, row.last_message_at), (Some(minute(6)), Some(minute(6))));
        let by_rule = campaigns::suppressed(db, TENANT, campaign_id).await.unwrap();
        let by_rule: Vec<_> = by_rule.iter().map(|row| (row.rule.as_str(), row.recipients)).collect();
        assert_eq!(by_rule, [("consent", 3), ("frequency_cap", 4)]);
        let page = campaigns::excluded(db, TENANT, campaign_id, &Page::default()).await.unwrap().into_rows();
        let page: Vec<_> = page.iter().map(|row| (row.customer_id, row.reason.as_str())).collect();
        assert_eq!(page, [(customer(3), "duplicate_address"), (customer(4), "list")]);
        assert!(campaigns::active(db).await.unwrap().is_empty());
    })
    .await;
}
