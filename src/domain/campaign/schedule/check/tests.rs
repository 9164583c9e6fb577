use super::*;

fn schedule(json: &str) -> Schedule {
    serde_json::from_str(json).expect("a schedule")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn start() -> DateTime<Utc> {
    at("2026-03-01T00:00:00Z")
}

fn refusal(json: &str) -> String {
    schedule(json).check(Tz::UTC).expect_err("must be refused").to_string()
}

fn plan(json: &str) -> Plan {
    schedule(json).check(Tz::Europe__Vienna).expect("a plan")
}

#[test]
fn each_kind_reads_well_in_json_and_comes_back_the_same() {
    let table = [
        r#"{"when":{"kind":"now"}}"#,
        r#"{"when":{"kind":"at","at":"2026-03-29T01:00:00Z"},"spread_minutes":30}"#,
        r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"09:00:00"}}"#,
        r#"{"when":{"kind":"best_hour","date":"2026-03-29","fallback":"09:00:00","observations":10}}"#,
        r#"{"when":{"kind":"recurring","cron":"0 9 * * MON","zone":"Europe/Vienna"}}"#,
    ];
    for json in table {
        assert_eq!(serde_json::to_string(&schedule(json)).expect("JSON"), json);
        assert!(schedule(json).check(Tz::UTC).is_ok(), "{json}");
    }
}

#[test]
fn a_time_may_be_written_without_seconds() {
    let short = schedule(r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"09:00"}}"#);
    assert_eq!(short, schedule(r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"09:00:00"}}"#));
}

#[test]
fn unknown_fields_are_refused_in_every_kind() {
    let table = [
        r#"{"when":{"kind":"now","at":"2026-03-29T01:00:00Z"}}"#,
        r#"{"when":{"kind":"at","at":"2026-03-29T01:00:00Z","zone":"UTC"}}"#,
        r#"{"when":{"kind":"now"},"spread":5}"#,
        r#"{"when":{"kind":"tomorrow"}}"#,
    ];
    for json in table {
        assert!(serde_json::from_str::<Schedule>(json).is_err(), "{json}");
    }
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_the_place() {
    let recurring =
        |cron: &str, zone: &str| format!(r#"{{"when":{{"kind":"recurring","cron":"{cron}","zone":"{zone}"}}}}"#);
    let long = "0,".repeat(50) + "0 9 * * *";
    let table = [
        (r#"{"when":{"kind":"at","at":"2200-01-01T00:00:00Z"}}"#.to_owned(), "when.at: must be between"),
        (r#"{"when":{"kind":"at","at":"2026-06-30T23:59:60Z"}}"#.to_owned(), "when.at: must be in whole seconds"),
        (r#"{"when":{"kind":"local_time","date":"1999-12-31","time":"09:00:00"}}"#.to_owned(), "when.date: must be"),
        (r#"{"when":{"kind":"local_time","date":"2026-12-31","time":"09:00:00.5"}}"#.to_owned(), "when.time: must be"),
        (
            r#"{"when":{"kind":"best_hour","date":"2026-12-31","fallback":"23:59:60"}}"#.to_owned(),
            "when.fallback: must",
        ),
        (r#"{"when":{"kind":"now"},"spread_minutes":10081}"#.to_owned(), "spread_minutes: must be at most 10080"),
        (recurring("0 9 * * *", "Vienna"), "when.zone: must be the IANA name"),
        (recurring("0 9 * *", "UTC"), "when.cron: must have five fields"),
        (recurring("* 0 9 * * *", "UTC"), "when.cron: must have five fields"),
        (recurring("0 9 30 2 *", "UTC"), "when.cron: never comes"),
        (recurring("0 9 31 4,6,9,11 *", "UTC"), "when.cron: never comes"),
        (recurring("61 9 * * *", "UTC"), "when.cron: must be a cron pattern"),
        (recurring("@often", "UTC"), "when.cron: must be a cron pattern"),
        (recurring(&long, "UTC"), "when.cron: must have at most 100"),
    ];
    for (json, expected) in table {
        let found = refusal(&json);
        assert!(found.starts_with(expected), "{json}: {found}");
    }
}

#[test]
fn a_pattern_that_does_not_come_before_the_schedule_ends_never_comes() {
    let json = r#"{"when":{"kind":"recurring","cron":"0 9 29 2 *","zone":"UTC","until":"2000-02-28T00:00:00Z"}}"#;
    assert!(matches!(schedule(json).check(Tz::UTC), Err(ScheduleError::NeverComes { place: "when.cron" })));
}

#[test]
fn a_moment_is_due_for_an_hour_and_then_long_past_due() {
    let plan = plan(r#"{"when":{"kind":"at","at":"2026-03-29T12:00:00Z"}}"#);
    let moment = at("2026-03-29T12:00:00Z");
    assert_eq!(plan.due(start(), at("2026-03-29T11:59:59Z")), Due::Later { at: moment });
    assert_eq!(plan.due(start(), moment), Due::Now);
    assert_eq!(plan.due(start(), at("2026-03-29T13:00:00Z")), Due::Now);
    let late = plan.due(start(), at("2026-03-29T13:00:01Z"));
    assert_eq!(late, Due::LongPastDue { at: moment, late_seconds: 3_601 });
}

#[test]
fn a_local_time_is_due_by_the_tenants_clock() {
    let plan = plan(r#"{"when":{"kind":"local_time","date":"2026-03-29","time":"02:30:00"}}"#);
    // Vienna's clocks skip that time.
    assert_eq!(plan.due(start(), at("2026-03-29T00:30:00Z")), Due::Later { at: at("2026-03-29T01:00:00Z") });
    assert_eq!(plan.due(start(), at("2026-03-29T01:00:00Z")), Due::Now);
}

#[test]
fn a_run_that_came_between_two_looks_is_due_and_the_schedule_is_over_after_its_end() {
    let plan = plan(
        r#"{"when":{"kind":"recurring","cron":"0 9 * * *","zone":"Europe/Vienna","until":"2026-03-29T07:00:00Z"}}"#,
    );
    let last_look = at("2026-03-28T08:00:00.5Z");
    let run = at("2026-03-29T07:00:00Z");
    assert_eq!(plan.due(last_look, last_look), Due::Later { at: run });
    assert_eq!(plan.due(last_look, at("2026-03-29T07:00:00.2Z")), Due::Now);
    assert_eq!(plan.due(last_look, at("2026-03-29T09:00:00Z")), Due::LongPastDue { at: run, late_seconds: 7_200 });
    assert_eq!(plan.due(at("2026-03-29T07:00:00.000001Z"), at("2026-03-29T09:00:00Z")), Due::Over);
}
