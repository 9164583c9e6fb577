//! The campaigns of the demo's past, run as the runner runs them.

use std::time::Duration;

use serde_json::{Value, json};

use super::past::ToGo;
use crate::app::{App, Caller, DispatchSignal, Interest, Lane, Share, Signal};
use crate::campaigns::service;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::domain::campaign::decide::{CreateCampaign, Readiness, StartCampaign};
use crate::domain::campaign::plan::CampaignPlan;
use crate::ids::CampaignId;
use crate::processes::campaigns::Runner;
use crate::queries::Reads;

/// On which day of the past each one starts.
pub const DAYS: [i64; 3] = [24, 52, 83];

/// How long the read tables may take to show what was recorded.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sold, as the templates of the starter set name it.
fn plan(number: usize) -> Value {
    let rate = json!({ "messages": 0, "per": "minute" });
    let everybody = json!({ "everybody": true });
    let special = |name: &str, description: &str, price: &str, old: &str| {
        json!({
            "name": name, "description": description, "price": price, "old_price": old, "currency": "GBP",
            "url": "https://shop.example.com/specials",
        })
    };
    match number {
        0 => json!({
            "name": "Autumn specials", "channel": "email", "topic": "weekly_specials", "template": "weekly-specials",
            "audience": everybody, "rate": rate,
            "variables": {
                "product": product(),
                "valid_until": "2030-01-01 20:00:00 +0000",
                "specials": [
                    special("Riesling Kabinett 2022", "Slate, green apple, a little salt.", "11.70", "13.75"),
                    special("Sancerre 2023", "Flint and gooseberry, from old vines.", "16.90", "19.90"),
                ],
            },
            "experiment": {
                "shares": {
                    "variants": [{ "name": "two wines", "share": 5000 }, { "name": "one wine", "share": 5000 }],
                    "hold_out": 1500,
                },
                "texts": { "one wine": { "template": "new-product" } },
            },
        }),
        1 => json!({
            "name": "Barolo evening", "channel": "email", "topic": "tastings", "template": "tasting-invitation",
            "fallbacks": [{ "channel": "sms", "template": "tasting-invitation" }],
            "audience": everybody, "rate": rate,
            "variables": { "event": {
                "name": "Six Barolos, one long table", "date": "2030-01-01 18:00:00 +0000",
                "place": "14 Mill Lane, first floor", "price": "35", "currency": "GBP", "seats": 12,
                "url": "https://shop.example.com/tastings/barolo",
            } },
        }),
        _ => json!({
            "name": "Riesling by text message", "channel": "sms", "topic": "weekly_specials", "template": "weekly-specials",
            "audience": everybody, "rate": rate,
            "variables": {
                "valid_until": "2030-01-01 20:00:00 +0000",
                "specials": [special("Riesling Kabinett 2022", "Slate, green apple.", "11.70", "13.75")],
            },
        }),
    }
}

fn product() -> Value {
    json!({
        "name": "Tawny Port 10 Years", "origin": "Douro, Portugal", "price": "24.60", "currency": "GBP",
        "description": "Ten years in small oak casks: dried figs, roasted almonds, orange peel.",
        "url": "https://shop.example.com/tawny-port",
    })
}

/// Runs a campaign to its end; returns the messages that are to go.
pub async fn run(app: &App, reads: &Reads, runner: &mut Runner, caller: &Caller, number: usize) -> Outcome<Vec<ToGo>> {
    let internal = |error| Failure::from_error(Exit::Internal, error);
    let plan: CampaignPlan = serde_json::from_value(plan(number)).map_err(internal)?;
    let key = |what: &str| caller.clone().with_key(format!("demo: {what} campaign {number}"));
    let command = CreateCampaign { campaign_id: CampaignId(app.ambient().uuid()), plan };
    let campaign_id = app.create_campaign(&key("create"), command).await?.into_result()?.value.campaign_id;
    let mut after = app.end().await?;
    let start = StartCampaign { everybody: true, ready: Readiness::default() };
    let started = service::start(app, reads, &key("start"), campaign_id, start).await;
    started.map_err(|error| Failure::from_error(Exit::Internal, error))?.into_result()?;
    // The runner sees campaigns as the read tables show them.
    loop {
        reads.wait_for(app.end().await?, PATIENCE).await.map_err(Failure::unavailable)?;
        if !runner.step().await.map_err(|error| Failure::from_error(Exit::Internal, error))? {
            break;
        }
    }
    let mut ready = vec![];
    loop {
        let (signals, until) = app.signals(Interest::Messages(Lane::Campaign, Share::WHOLE), after, 2_000).await?;
        if until == after {
            return Ok(ready);
        }
        after = until;
        ready.extend(signals.into_iter().filter_map(|signal| match signal {
            Signal::Message { customer_id, message_id, channel, stage: DispatchSignal::Ready, .. } => {
                Some(ToGo { customer_id, message_id, channel })
            }
            _ => None,
        }));
    }
}
