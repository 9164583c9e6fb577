//! Imports go one way. This test reads every path that begins with `crate::` and keeps it so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name, beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("clock", &[]),
    ("offload", &[]),
    ("traces", &["ids"]),
    ("sql", &["ids"]),
    ("domain", &["ids"]),
    ("files", &["ids", "clock", "domain"]),
    ("log", &["ids", "clock", "offload", "sql"]),
    ("rendering", &["domain"]),
    ("providers", &["ids", "clock", "domain"]),
    ("app", &["ids", "clock", "offload", "traces", "domain", "rendering", "log"]),
    ("projections", &["ids", "clock", "offload", "sql", "log", "domain"]),
    ("queries", &["ids", "clock", "sql", "log", "domain", "projections"]),
    ("accounts", &["ids", "clock", "domain", "app", "queries", "providers"]),
    ("campaigns", &["ids", "clock", "domain", "rendering", "app", "queries"]),
    ("imports", &["ids", "clock", "domain", "files", "app"]),
    ("ledger", &["ids"]),
    ("verification", &["ids", "clock", "ledger", "log"]),
    ("backup", &["ids", "clock", "log"]),
    (
        "exports",
        &["ids", "clock", "offload", "ledger", "sql", "files", "domain", "log", "app", "projections", "queries"],
    ),
    ("intake", &["ids", "clock", "domain", "app", "queries", "providers", "accounts"]),
    (
        "processes",
        &[
            "ids",
            "clock",
            "domain",
            "log",
            "app",
            "queries",
            "providers",
            "accounts",
            "campaigns",
            "exports",
            "imports",
            "intake",
            "traces",
        ],
    ),
    (
        "graphql",
        &[
            "ids",
            "clock",
            "domain",
            "rendering",
            "log",
            "app",
            "queries",
            "accounts",
            "campaigns",
            "providers",
            "ledger",
            "verification",
            "exports",
            "imports",
        ],
    ),
    (
        "http",
        &[
            "ids",
            "clock",
            "domain",
            "files",
            "log",
            "app",
            "queries",
            "graphql",
            "providers",
            "accounts",
            "intake",
            "exports",
            "imports",
            "traces",
        ],
    ),
    ("config", &["ids", "domain", "log"]),
    ("boot", EVERYTHING_BELOW_BOOT),
    ("cli", EVERYTHING_BELOW_BOOT),
];

/// What composition and command line may name; the command line names `boot` too, which nothing else does.
const EVERYTHING_BELOW_BOOT: &[&str] = &[
    "ids",
    "clock",
    "sql",
    "domain",
    "files",
    "rendering",
    "log",
    "providers",
    "app",
    "projections",
    "queries",
    "accounts",
    "campaigns",
    "ledger",
    "verification",
    "backup",
    "exports",
    "imports",
    "intake",
    "processes",
    "graphql",
    "http",
    "config",
    "traces",
];

/// What only `boot` (and the module itself) may name, beside each provider: the concrete backends.
const CONCRETE: &[(&str, &str)] = &[
    ("log::sql::sqlite", "log"),
    ("log::sql::postgres", "log"),
    ("log::kurrentdb", "log"),
    ("log::blobs::folder", "log"),
    ("log::blobs::postgres", "log"),
    ("log::keys::sqlite", "log"),
    ("log::keys::postgres", "log"),
];

/// The path of each provider: a folder that is neither a port nor a tool.
fn provider_folders() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers");
    let folders = fs::read_dir(root).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    names
        .filter(|name| !["kind", "kit", "port"].contains(&name.as_str()))
        .map(|name| format!("providers::{name}"))
        .collect()
}

fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                let module = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
                files.push((module, path));
            }
        }
    }
    files.sort();
    files
}

/// A file's code without its unit tests, which may put real parts together.
fn code_of(file: &Path) -> String {
    let code = fs::read_to_string(file).unwrap();
    code.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned()
}

/// Every path after `crate::` in code, with groups in braces taken apart: `crate::{a::b, c}` gives `a::b` and `c`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let code: String =
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut paths = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let standing_alone = !code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if standing_alone {
            collect(&code[start + "crate::".len()..], "", &mut paths);
        }
    }
    paths
}

/// Reads one path, or a group of paths, behind `prefix`; returns what is left of the text.
fn collect<'t>(text: &'t str, prefix: &str, paths: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = collect(rest, prefix, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                Some(more) => return more.trim_start().strip_prefix('}').unwrap_or_default(),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    if let Some(rest) = rest.strip_prefix("::") {
        collect(rest, &path, paths)
    } else {
        paths.insert(path);
        without_alias(rest)
    }
}

/// What follows a path: ` as Other` belongs to it.
fn without_alias(rest: &str) -> &str {
    match rest.trim_start().strip_prefix("as ") {
        Some(alias) => {
            alias.trim_start().trim_start_matches(|character: char| character.is_alphanumeric() || character == '_')
        }
        None => rest,
    }
}

#[test]
fn paths_are_read_out_of_code() {
    let code =
        "use crate::{ids::{A, B as C}, log}; // crate::boot\nfn f() { crate::app::run(); } $crate::sql::x mycrate::cli";
    let found = crate_paths(code);
    let expected = ["app::run", "ids::A", "ids::B", "log", "sql::x"];
    assert!(expected.iter().all(|path| found.contains(*path)), "{found:?}");
    assert!(!found.iter().any(|path| path.starts_with("boot") || path.starts_with("cli")), "{found:?}");
}

#[test]
fn imports_go_one_way() {
    let mut violations = Vec::new();
    for (module, file) in sources() {
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = LAYERS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("say in LAYERS what the module {module} may use"));
        for path in crate_paths(&code_of(&file)) {
            let used = path.split("::").next().unwrap();
            let is_module = LAYERS.iter().any(|(name, _)| *name == used);
            let is_command_line = module == "cli" && used == "boot";
            if is_module && used != module && !allowed.contains(&used) && !is_command_line {
                violations.push(format!("{}: {module} must not use crate::{path}", file.display()));
            }
        }
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn providers_know_of_the_domain_only_its_values() {
    for (_, file) in sources().iter().filter(|(module, _)| module == "providers") {
        for path in crate_paths(&code_of(file)) {
            let allowed = !path.starts_with("domain") || path.starts_with("domain::value");
            assert!(allowed, "{} uses crate::{path}", file.display());
        }
    }
}

#[test]
fn only_boot_names_concrete_backends_and_providers() {
    let providers = provider_folders();
    for (module, file) in sources() {
        for path in crate_paths(&code_of(&file)) {
            let providers = providers.iter().map(|provider| (provider.as_str(), "providers"));
            let concrete = CONCRETE.iter().copied().chain(providers).find(|(concrete, _)| path.starts_with(concrete));
            if let Some((_, home)) = concrete {
                assert!(module == "boot" || module == home, "{} names crate::{path}", file.display());
            }
        }
    }
}

#[test]
fn the_api_knows_of_providers_only_how_they_describe_themselves() {
    for (_, file) in sources().iter().filter(|(module, _)| module == "graphql") {
        for path in crate_paths(&code_of(file)) {
            let allowed = !path.starts_with("providers") || path.starts_with("providers::kind");
            assert!(allowed, "{} uses crate::{path}", file.display());
        }
    }
}

#[test]
fn the_domain_reads_no_clock_and_does_no_input_or_output() {
    for (_, file) in sources().iter().filter(|(module, _)| module == "domain") {
        let code = code_of(file);
        for forbidden in ["std::fs", "std::net", "std::env", "std::time", "tokio::", "sqlx::", "Utc::now"] {
            assert!(!code.contains(forbidden), "{} uses {forbidden}", file.display());
        }
    }
}

#[test]
fn only_the_application_appends() {
    for (module, file) in sources() {
        if ["log", "app"].contains(&module.as_str()) {
            continue;
        }
        let code = code_of(&file);
        let appends =
            code.contains(".append_all(") || code.contains("journal.append(") || code.contains("log::Append,");
        assert!(!appends, "{} appends to the log", file.display());
    }
}
