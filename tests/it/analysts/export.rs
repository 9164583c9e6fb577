//! `commlog export tables`.

use std::os::unix::fs::PermissionsExt;

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::fill;
use crate::cli::Place;
use crate::support::app::Engine;

on_each_engine! { every_view_becomes_a_private_file_with_or_without_personal_data }

async fn every_view_becomes_a_private_file_with_or_without_personal_data(engine: Engine) {
    let place = match engine {
        Engine::Sqlite => crate::cli::server::place(),
        Engine::Postgres => Place::postgres().await,
    };
    fill(&place);
    let reads = || place.ok(&["export", "events", "--type", "PersonalDataRead"]).lines().count();
    place.ok(&["export", "tables", "--into", "plain", "--format", "csv", "--without-personal-data"]);
    assert_eq!(reads(), 0);
    let text = |file: &str| std::fs::read_to_string(place.path(file)).expect("the file is there");
    let lines = text("plain/v_activity_lines.csv");
    assert!(lines.starts_with("tenant_id,activity_id,line,sku,description,quantity_milli,quantity,"), "{lines}");
    assert!(lines.contains(",1,A,,2000,2.000000,10500000,10.500000"), "{lines}");
    let files = std::fs::read_dir(place.path("plain")).expect("files").map(|file| file.expect("a file").path());
    let files: Vec<_> = files.collect();
    assert!(files.len() > 20 && files.iter().all(|file| !file.to_string_lossy().contains("personal")));
    for file in &files {
        let text = std::fs::read_to_string(file).expect("text");
        assert!(!["Ann Lee", "ann@example.com", "2079460001"].iter().any(|name| text.contains(name)), "{file:?}");
    }
    place.ok(&["export", "tables", "--into", "all"]);
    assert_eq!(reads(), 1);
    let path = place.path("all/v_customer_totals.parquet");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let reader = SerializedFileReader::new(std::fs::File::open(path).expect("a file")).expect("Parquet");
    let rows: Vec<String> =
        reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row").to_string()).collect();
    assert_eq!(rows.len(), 2);
    let ann = rows.iter().find(|row| row.contains("35.75")).expect("the sum of her orders");
    assert!(ann.contains("orders: 2") && ann.contains("2026-01-05 10:00:00"), "{ann}");
    let names = std::fs::read(place.path("all/v_customers_personal.parquet")).expect("a file");
    assert!(names.windows(7).any(|window| window == b"Ann Lee"));
    let again = place.fails(3, &["export", "tables", "--into", "all"]);
    assert!(again.contains("already exists"), "{again}");
    for arguments in [
        &["export", "tables"][..],
        &["export", "tables", "--into", "x", "--format", "jsonl"],
        &["export", "tables", "--into", "x", "--since", "2026-01-01"],
        &["export", "customers", "--format", "parquet"],
        &["export", "events", "--into", "x"],
    ] {
        place.fails(2, arguments);
    }
    assert!(!place.path("x").exists());
}
