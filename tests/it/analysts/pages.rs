//! docs/analysts.md, followed as it stands, and docs/tables.md. `make analysts` runs what needs DuckDB and pandas.

use std::process::Command;

use super::fill;
use crate::cli::pages::blocks;

#[test]
fn the_page_for_analysts_holds_with_the_binary_and_plain_python() {
    let place = crate::cli::server::place();
    fill(&place);
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_commlog")).parent().expect("a folder");
    let path = std::env::join_paths(
        [binary.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let path = path.expect("a path");
    for block in blocks("analysts.md", "sh") {
        let ended = place.shell(&["-euc", &block]).env("PATH", &path).output().expect("a shell");
        assert!(ended.status.success(), "{block}\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    let totals = std::fs::read_to_string(place.path("totals.csv")).expect("the file of the page");
    assert!(totals.lines().any(|line| line.ends_with(",35.75")), "{totals}");
    assert!(place.path("tables/v_activities.parquet").exists());
    let script = blocks("analysts.md", "python").concat();
    let ended = Command::new("python3").args(["-c", &script]).current_dir(place.path("")).output().expect("python3");
    assert!(ended.status.success(), "{script}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "2026-01 EUR 25.25\n2026-02 EUR 40.5\n");
}

#[test]
fn the_page_of_tables_is_what_the_projection_files_say() {
    let place = crate::cli::server::place();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tables.md")).expect("the page");
    assert!(place.ok(&["tables", "--markdown"]) == page, "docs/tables.md is out of date: run make tables");
}
