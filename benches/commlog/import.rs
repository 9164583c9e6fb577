//! Orders from a file, through the real command in a process of its own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flate2::write::GzEncoder;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::log::per_second;
use crate::report::{Goal, Measurement, goal, peak_of};
use crate::stores::{Own, Place};
use crate::{Result, Size};

pub async fn run(place: &Place, size: Size, orders: Option<&Path>) -> Result<Vec<Measurement>> {
    let made = Path::new(&place.folder).join("orders.csv.gz");
    let (file, kind) = match orders {
        Some(file) => (file.to_owned(), "real orders"),
        None => (make(&made, size.lines)?, "made orders of the same shape"),
    };
    let lines = count_lines(&file)?;
    let started = Instant::now();
    let first_peak = import(place, Own::Import, "orders", &file)?;
    let rate = per_second(lines, started.elapsed());
    let started = Instant::now();
    import(place, Own::Import, "orders", &file)?;
    let again = per_second(lines, started.elapsed());
    let claimed = look_up_claims(place, size.lines)?;
    let goals = goal(place.engine, Goal::AtLeast(20_000.0), Goal::AtLeast(10_000.0));
    Ok(vec![
        Measurement::new(place.engine, "import of orders", rate, "lines/s", goals)
            .note(format!("{lines} lines, {kind}")),
        Measurement::new(place.engine, "the same import again, which changes nothing", again, "lines/s", Goal::None),
        claimed,
        first_peak,
    ])
}

/// Orders that name their customers by mailboxes, which the log's customers have.
fn look_up_claims(place: &Place, lines: u64) -> Result<Measurement> {
    let folder = Path::new(&place.folder);
    let (people, orders) = (folder.join("people.csv"), folder.join("claimed.csv"));
    let (mut people_out, mut orders_out) = (std::fs::File::create(&people)?, std::fs::File::create(&orders)?);
    let customers = (lines / 50).max(1);
    let (mut listed, mut ordered) = ("id,email\n".to_owned(), "order,email,date,sku,quantity,price\n".to_owned());
    for customer in 0..customers {
        writeln!(listed, "M{customer},customer.{customer}@mail.example")?;
    }
    for line in 0..lines {
        let (order, day) = (line / LINES_OF_ORDER, 1 + line % 28);
        let customer = order % customers;
        writeln!(ordered, "M{order},Customer.{customer}@mail.example,2025-03-{day:02}T09:00:00Z,A{line},2,1.50")?;
    }
    people_out.write_all(listed.as_bytes())?;
    orders_out.write_all(ordered.as_bytes())?;
    import(place, Own::Import, "customers", &people)?;
    let started = Instant::now();
    import(place, Own::Import, "orders", &orders)?;
    let rate = per_second(lines, started.elapsed());
    let goals = goal(place.engine, Goal::AtLeast(60_000.0), Goal::None);
    Ok(Measurement::new(place.engine, "import that looks up who has the mailboxes", rate, "lines/s", goals)
        .note(format!("{lines} lines, {customers} customers")))
}

/// How many lines an order has, where they are counted.
const LINES_OF_ORDER: u64 = 10;

/// Runs `commlog import` and returns its peak memory.
pub fn import(place: &Place, own: Own, kind: &str, file: &Path) -> Result<Measurement> {
    let config = place.config(own)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_commlog"));
    command.args(["import", kind, "--currency", "GBP", "--anonymous"]).arg(file);
    command.env("COMMLOG_DATA_DIR", &config.data_dir).env("COMMLOG_MASTER_KEY", "6b".repeat(32));
    if let (Some(log), Some(keys)) = (place.database(own), place.keys(own)) {
        command.env("COMMLOG_LOG_URL", log).env("COMMLOG_KEYS_URL", keys);
    }
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    let mut peak = None;
    // The kernel tells the peak only of processes that still run.
    let status = loop {
        peak = peak_of(&child.id().to_string()).or(peak);
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    if !status.success() {
        return Err(format!("the import ended with {status}").into());
    }
    Ok(Measurement::new(
        place.engine,
        "peak memory: the importing process",
        peak.unwrap_or_default(),
        "MB",
        Goal::Below(250.0),
    ))
}

/// Orders as a wholesaler has them: about 20 lines each, a quarter of the lines without a customer.
fn make(file: &Path, lines: u64) -> Result<PathBuf> {
    let mut random = SmallRng::seed_from_u64(11);
    let mut out = GzEncoder::new(std::fs::File::create(file)?, flate2::Compression::fast());
    writeln!(out, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country")?;
    let (mut order, mut left, mut customer) = (536_364_u64, 0, 0_u64);
    for line in 0..lines {
        if left == 0 {
            order += 1;
            left = random.random_range(1..41);
            customer = if random.random_ratio(1, 4) { 0 } else { random.random_range(12_000..16_400) };
        }
        left -= 1;
        let day = line * 365 / lines;
        let month = 1 + day * 12 / 365;
        let id = if customer == 0 { String::new() } else { format!("{customer}.0") };
        writeln!(
            out,
            "{order},{}A,\"CANDLE HOLDER, {} PIECES\",{},2011-{month:02}-{:02} {:02}:{:02}:00,{}.{:02},{id},United Kingdom",
            random.random_range(20_000..24_000),
            random.random_range(2..12),
            random.random_range(1..48),
            1 + day % 28,
            8 + order % 10,
            order % 60,
            random.random_range(0..12),
            random.random_range(1..100),
        )?;
    }
    out.finish()?;
    Ok(file.to_owned())
}

fn count_lines(file: &Path) -> Result<u64> {
    let bytes = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file)?);
    let gzip = file.extension().is_some_and(|extension| extension == "gz");
    let mut reader: Box<dyn std::io::Read> =
        if gzip { Box::new(flate2::bufread::MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
    let (mut lines, mut buffer) = (0, vec![0; 1 << 16]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(lines),
            count => lines += buffer[..count].iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
}
