//! The files of deploy/ name what exists: metrics, explanations of alerts, paths.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::registries::sources;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code of a folder's files, without their tests.
fn code(folder: &str) -> Vec<String> {
    let mut files = vec![];
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()).collect()
}

/// The text between the quotes that code begins with.
fn literal(code: &str) -> Option<&str> {
    code.trim_start().strip_prefix('"')?.split('"').next()
}

/// What the sources register with Prometheus, with its unit and without the ending that its type adds.
fn registered() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for code in code("src") {
        for call in ["register(", "register_with_unit(", "encode_descriptor("] {
            for (start, _) in code.match_indices(call) {
                let statement = code[start + call.len()..].split(';').next().unwrap_or_default();
                let Some(name) = literal(statement) else { continue };
                let units = [("Unit::Seconds", "_seconds"), ("Unit::Bytes", "_bytes")];
                let unit = units.iter().find(|(unit, _)| statement.contains(unit)).map_or("", |(_, ending)| ending);
                names.insert(format!("commlog_{name}{unit}"));
            }
        }
    }
    assert!(names.len() > 30, "{names:?}");
    names
}

#[test]
fn rules_and_dashboard_name_metrics_that_are_registered() {
    let registered = registered();
    for path in [
        "deploy/prometheus/commlog.rules.yml",
        "deploy/prometheus/commlog.rules.test.yml",
        "deploy/grafana/commlog.json",
    ] {
        let text = read(path);
        let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let named: BTreeSet<&str> =
            text.split(|letter| !is_part(letter)).filter(|word| word.starts_with("commlog_")).collect();
        assert!(named.len() > 20, "{path}: {named:?}");
        for metric in named {
            let ends = ["_total", "_bucket", "_info"];
            let name = ends.iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
            assert!(registered.contains(name), "{path} names {metric}; registered are {registered:#?}");
        }
    }
}

#[test]
fn every_alert_is_explained_and_every_explanation_has_its_alert() {
    let (rules, page) = (read("deploy/prometheus/commlog.rules.yml"), read("docs/monitoring.md"));
    let after = |text: &str, start: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.trim_start().strip_prefix(start)).map(str::to_owned).collect()
    };
    let alerts = after(&rules, "- alert: ");
    assert!(alerts.len() > 20, "{alerts:?}");
    assert_eq!(after(&page, "### "), alerts, "the sections of docs/monitoring.md are the alerts, in their order");
    let links = alerts.iter().map(|alert| format!("docs/monitoring.md#{}", alert.to_lowercase()));
    assert_eq!(after(&rules, "runbook: "), links.collect::<Vec<_>>());
}

#[test]
fn the_ingress_serves_every_path_but_those_of_monitoring() {
    let first = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let mut served = BTreeSet::new();
    for code in code("src/http") {
        served.extend(code.split(".route(").skip(1).filter_map(literal).map(first));
        if let Some((_, sections)) = code.split_once("const SECTIONS") {
            let sections = sections.split_once("];").expect("it ends").0;
            served.extend(sections.lines().filter_map(literal).map(first));
        }
    }
    for inside in ["healthz", "readyz", "metrics"] {
        assert!(served.remove(inside), "{inside} is a path");
    }
    let ingress = read("deploy/kubernetes/ingress.yaml");
    let listed = ingress.split("{path: /").skip(1).map(|path| path.split(',').next().unwrap_or_default().to_owned());
    assert_eq!(listed.collect::<BTreeSet<_>>(), served);
}

#[test]
fn variables_of_deployments_are_keys_of_the_configuration() {
    let files = [
        "Dockerfile",
        "commlog.service",
        "compose.yaml",
        "cluster/compose.yaml",
        "cluster/compose.kurrentdb.yaml",
        "cluster/compose.traces.yaml",
        "kubernetes/config.env",
        "kubernetes/env.example",
    ];
    for file in files {
        let text = read(&format!("deploy/{file}"));
        let words = text.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
        let keys: Vec<String> = words.filter_map(|word| word.strip_prefix("COMMLOG_")).map(str::to_lowercase).collect();
        assert!(!keys.is_empty(), "{file}");
        for key in keys.iter().filter(|key| !key.is_empty()) {
            assert!(commlog::config::KEYS.iter().any(|(known, _)| known == key), "{file}: {key}");
        }
    }
}
