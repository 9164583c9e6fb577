//! `commlog import campaign-results`: a past campaign comes in, and its effects are what plain Python says.

use std::process::Command;

use serde_json::{Value, json};

use super::server::Server;
use super::{Place, import_id};
use crate::support::app::Engine;

on_each_engine! {
    a_past_campaign_has_the_effects_that_plain_python_computes
    a_past_campaign_is_imported_once_and_undone_whole
}

/// The arguments of the import, without the file.
const ASKED: [&str; 16] = [
    "--name",
    "Holiday test",
    "--started-at",
    "2024-03-20T09:00:00Z",
    "--arm",
    "segment",
    "--hold-out",
    "No E-Mail",
    "--id",
    "id",
    "--activity",
    "visit=visit",
    "--spend",
    "spend",
    "--currency",
    "USD",
];

async fn place(engine: Engine) -> Place {
    let mut place = match engine {
        Engine::Sqlite => Place::new(),
        Engine::Postgres => Place::postgres().await,
    };
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.set("COMMLOG_LOG_FILTER", "error");
    place
}

/// Six hundred customers in three groups, as a spreadsheet writes them: byte order mark, CRLF, quotes and a cell of two lines.
fn sample() -> String {
    let mut text = "\u{FEFF}id,\"segment\",visit,spend,\"a note\"\r\n".to_owned();
    // Seeds of a linear congruential generator: any numbers will do, as long as they are the same each time.
    let mut seed: u64 = 20_080_320;
    let mut below = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for number in 1..=600 {
        let (segment, chance) = [("Mens E-Mail", 30), ("Womens E-Mail", 24), ("No E-Mail", 15)][below(3) as usize];
        let visits = below(100) < chance;
        let spends = visits && below(100) < 40;
        let spend = if spends { format!("{}.{:02}", 5 + below(300), below(100)) } else { "0".to_owned() };
        let visit = u8::from(visits);
        text.push_str(&format!("k{number},\"{segment}\",{visit},{spend},\"two\r\nlines, \"\"quoted\"\"\"\r\n"));
    }
    text
}

fn ask(place: &Place, server: &Server, campaign: &str, arguments: &str) -> Value {
    let key = place.ok(&["keys", "issue", "--role", "analyst", "--label", "test"]);
    let query = format!(
        "{{ campaign(campaignId: \"{campaign}\") {{ name state importId plan {{ topic }} startedAt \
         effects({arguments}) {{ groups {{ variant customers successes rate rateInterval {{ low high }} ordered \
         revenue {{ micros currency }} revenuePerCustomer effect {{ difference differenceInterval {{ low high }} lift \
         liftInterval {{ low high }} pValue revenueDifference revenueInterval {{ low high }} }} }} }} }} }}"
    );
    let head =
        format!("POST /graphql HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json", key.trim());
    let answer = server.request(&head, &json!({ "query": query }).to_string());
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    let start = body.find('{').expect("an object");
    let end = body.rfind('}').expect("an object");
    let answer: Value = serde_json::from_str(&body[start..=end]).expect("JSON");
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"]["campaign"].clone()
}

fn python(place: &Place, success: &[&str]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/campaigns/effects.py");
    let given = ["sample.csv", "--arm", "segment", "--hold-out", "No E-Mail", "--spend", "spend"];
    let ended = Command::new("python3").arg(script).args(given).args(success).current_dir(place.path("")).output();
    let ended = ended.expect("python3");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

/// To 12 digits.
fn same(what: &str, ours: &Value, theirs: &Value) {
    let (ours, theirs) = (ours.as_f64().expect(what), theirs.as_f64().expect(what));
    assert!((ours - theirs).abs() <= theirs.abs() * 1e-12, "{what}: {ours} is not {theirs}");
}

fn same_bounds(what: &str, ours: &Value, theirs: &Value) {
    same(what, &ours["low"], &theirs[0]);
    same(what, &ours["high"], &theirs[1]);
}

fn micros(amount: &Value) -> Value {
    json!(amount.as_f64().expect("a number") * 1e6)
}

fn compare(ours: &Value, theirs: &Value) {
    let groups = ours["effects"]["groups"].as_array().expect("groups");
    assert_eq!(groups.len(), 3, "{ours:#}");
    for group in groups {
        let name = group["variant"].as_str().unwrap_or("No E-Mail");
        let other = &theirs[name];
        assert_eq!((&group["customers"], &group["successes"]), (&other["customers"], &other["successes"]), "{name}");
        same("rate", &group["rate"], &other["rate"]);
        same_bounds("rate interval", &group["rateInterval"], &other["rate_interval"]);
        let revenue = other["revenue"].as_str().expect("a text").parse::<f64>().expect("a number") * 1e6;
        assert_eq!(group["revenue"]["micros"], json!(format!("{revenue:.0}")), "{name}: to the micro");
        same("revenue per customer", &group["revenuePerCustomer"], &micros(&other["revenue_per_customer"]));
        let effect = &group["effect"];
        if name == "No E-Mail" {
            assert!(effect.is_null());
            continue;
        }
        same("difference", &effect["difference"], &other["difference"]);
        same_bounds("difference interval", &effect["differenceInterval"], &other["difference_interval"]);
        same("lift", &effect["lift"], &other["lift"]);
        same_bounds("lift interval", &effect["liftInterval"], &other["lift_interval"]);
        same("p-value", &effect["pValue"], &other["p_value"]);
        same("revenue difference", &effect["revenueDifference"], &micros(&other["revenue_difference"]));
        let bounds = &other["revenue_interval"];
        same_bounds("revenue interval", &effect["revenueInterval"], &json!([micros(&bounds[0]), micros(&bounds[1])]));
    }
}

fn import(place: &Place, file: &str, more: &[&str]) -> String {
    let arguments: Vec<&str> = ["import", "campaign-results", file].into_iter().chain(ASKED).collect();
    place.ok(&[&arguments, more].concat())
}

fn campaign_of(printed: &str) -> String {
    printed.split("commlog campaign effects ").nth(1).and_then(|rest| rest.lines().next()).expect("an id").to_owned()
}

fn count(place: &Place, event_type: &str) -> usize {
    place.ok(&["export", "events", "--type", event_type]).lines().count()
}

async fn a_past_campaign_has_the_effects_that_plain_python_computes(engine: Engine) {
    let place = place(engine).await;
    place.file("sample.csv", sample());
    let dry = import(&place, "sample.csv", &["--dry-run"]);
    assert!(dry.contains("600 lines: 600 campaign-results can be imported, 0 lines are refused"), "{dry}");
    let printed = import(&place, "sample.csv", &[]);
    assert!(printed.contains("600 campaign-results read, 0 of them known already"), "{printed}");
    let campaign = campaign_of(&printed);
    // Brings the read tables up to date.
    let table = place.ok(&["campaign", "effects", &campaign, "--metric", "activity", "--activity-kind", "visit"]);
    assert!(table.contains("Mens E-Mail") && table.contains("(held out)"), "{table}");

    let server = Server::start(&place, &["serve"]);
    let visits = ask(&place, &server, &campaign, "metric: ACTIVITY, activityKind: \"visit\"");
    assert_eq!(
        [&visits["name"], &visits["state"], &visits["plan"]],
        [&json!("Holiday test"), &json!("COMPLETED"), &Value::Null]
    );
    compare(&visits, &python(&place, &["--success", "visit"]));
    compare(&ask(&place, &server, &campaign, "metric: ORDERED"), &python(&place, &[]));
    // All happened within the first minute, and nothing before or after it.
    let nothing = ask(&place, &server, &campaign, "metric: ACTIVITY, activityKind: \"call\", days: 365");
    assert!(nothing["effects"]["groups"].as_array().expect("groups").iter().all(|group| group["successes"] == 0));
    assert_eq!(server.stop(), Some(0));

    // A server ran, and nothing was sent; nor can it be.
    assert_eq!(count(&place, "DispatchStarted"), 0);
    for step in ["start", "resume"] {
        let said = place.fails(3, &["campaign", step, &campaign]);
        assert!(said.contains("an import brought this campaign: it cannot be sent"), "{said}");
    }
    let said = place.fails(3, &["campaign", "dry-run", &campaign]);
    assert!(said.contains("an import brought this campaign"), "{said}");
}

async fn a_past_campaign_is_imported_once_and_undone_whole(engine: Engine) {
    let place = place(engine).await;
    // Known before: one customer of the file, who stays when the import is undone.
    place.file("crm.csv", "customer,name\nk7,Nora Varga\n");
    place.ok(&["import", "customers", "crm.csv"]);
    place.file("sample.csv", sample());
    let first = import(&place, "sample.csv", &[]);
    let campaign = campaign_of(&first);
    let status = place.ok(&["campaign", "status", &campaign]);
    let before = place.ok(&["verify"]);
    let again = import(&place, "sample.csv", &[]);
    assert!(again.contains("600 of them known already, 0 events appended"), "{again}");
    assert_eq!(place.ok(&["verify"]), before, "nothing was appended");
    assert_eq!((campaign_of(&again), place.ok(&["campaign", "status", &campaign])), (campaign.clone(), status));
    assert_eq!(count(&place, "CustomerRegistered"), 600);

    let arguments: Vec<&str> = ["import", "campaign-results", "sample.csv"].into_iter().chain(ASKED).collect();
    let otherwise: Vec<&str> =
        arguments.iter().map(|word| if *word == "Holiday test" { "Another" } else { *word }).collect();
    let said = place.fails(3, &otherwise);
    assert!(said.contains("every line of sample.csv was refused"), "{said}");

    let messages = |place: &Place| place.ok(&["export", "messages"]).lines().count();
    assert!(messages(&place) > 300, "the variants' messages are in the history");
    let undone = place.ok(&["import", "undo", &import_id(&first), "--yes"]);
    assert!(undone.contains("is undone"), "{undone}");
    let gone = place.fails(3, &["campaign", "effects", &campaign, "--metric", "ordered"]);
    assert!(gone.contains("no campaign with this id has started"), "{gone}");
    assert_eq!((messages(&place), place.ok(&["export", "activities"]).lines().count()), (0, 0));
    assert_eq!(place.ok(&["export", "customers"]).lines().count(), 1, "who was known before is there still");
    place.ok(&["rebuild", "--check"]);

    let third = import(&place, "sample.csv", &[]);
    assert_ne!(campaign_of(&third), campaign, "it is another campaign");
    place.ok(&["campaign", "effects", &campaign_of(&third), "--metric", "ordered"]);
    place.ok(&["rebuild", "--check"]);
    place.ok(&["verify"]);
}

#[test]
fn bad_lines_are_refused_with_reasons_and_bad_files_as_a_whole() {
    let place = Place::new();
    let file = "id;segment;visit;spend\n\
                1;blue;True;1,50\n\
                2;none;False;0\n\
                3;blue;perhaps;0\n\
                4;none;0;-2,00\n\
                5;blue;0;x\n\
                6;blue;1;0\n\
                6;none;1;0\n\
                7;;1;0\n\
                2;none;False;0\n\
                9;blue;1;\"unclosed\n";
    place.file("results.csv", file.trim_end());
    let arguments = |file: &'static str, hold_out: &'static str, arm: &'static str| {
        vec![
            "import",
            "campaign-results",
            file,
            "--name",
            "Autumn",
            "--started-at",
            "2024-10-01 09:00",
            "--time-zone",
            "Europe/Vienna",
            "--arm",
            arm,
            "--hold-out",
            hold_out,
            "--id",
            "id",
            "--activity",
            "visit=visit",
            "--spend",
            "spend",
            "--currency",
            "EUR",
        ]
    };
    let asked = [arguments("results.csv", "none", "segment"), vec!["--refused", "refused.csv"]].concat();
    let printed = place.ok(&asked);
    for reason in [
        "visit is neither yes or no, nor a whole number, nor a time",
        "spend is negative",
        "spend is not a decimal number",
        "the customer is in different groups in lines 7 and 8",
        "arm is blank",
        "the customer is in line 3 already",
    ] {
        assert!(printed.contains(reason), "{reason} is not in {printed}");
    }
    let kept = std::fs::read_to_string(place.path("refused.csv")).unwrap();
    assert!(kept.starts_with("refused_line,refused_reason,id,segment") && kept.contains("perhaps"), "{kept}");
    let started = place.ok(&["campaign", "status", &campaign_of(&printed), "--format", "json"]);
    assert!(started.contains("2024-10-01T07:00:00Z"), "the zone counts: {started}");

    place.file("empty.csv", "");
    place.file("header.csv", "id,segment,visit,spend\n");
    for (file, hold_out, arm, said) in [
        (
            "results.csv",
            "nobody",
            "segment",
            "no line has \"nobody\" in the column \"segment\", which has \"blue\", \"none\"",
        ),
        ("results.csv", "none", "arm", "the file has no column \"arm\"; its columns are id, segment, visit, spend"),
        ("results.csv", "1", "id", "the column \"id\" "),
        ("empty.csv", "none", "segment", "empty"),
        ("header.csv", "none", "segment", "which has no values"),
    ] {
        let refused = place.fails(3, &arguments(file, hold_out, arm));
        assert!(refused.contains(said), "{said} is not in {refused}");
    }
    let late: Vec<_> = arguments("results.csv", "none", "segment")
        .into_iter()
        .map(|word| if word.starts_with("2024") { "2199-01-01" } else { word })
        .collect();
    assert!(place.fails(3, &late).contains("must not be in the future"));
}
