//! `make bench-growth`: a first load of customers and their orders, the read tables behind it, and what is asked of them
//! then: lists by every condition, forgetting, stopping and starting.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use commlog::boot::Node;
use commlog::ids::Position;
use tokio_util::sync::CancellationToken;

use crate::import::import;
use crate::load::{self, Request};
use crate::log::per_second;
use crate::report::{Goal, Measurement, goal, peak_of};
use crate::stores::{Own, Place, admin_key};
use crate::{Engine, Result, hand_over};

/// Orders of one customer.
const ORDERS: u64 = 3;

pub async fn run(place: &Place, customers: u64) -> Result<Vec<Measurement>> {
    // Each phase takes minutes: its figures are shown when it has ended.
    hand_over(&first_load(place, customers)?)?;
    hand_over(&catch_up(place).await?)?;
    serve(place, customers).await
}

fn first_load(place: &Place, customers: u64) -> Result<Vec<Measurement>> {
    let folder = Path::new(&place.folder);
    let (people, orders) = (folder.join("people.csv"), folder.join("orders.csv"));
    let mut text = "id,name,email,owner,territory,tags,lead_score\n".to_owned();
    for n in 0..customers {
        // Five thousand owners, a thousand territories; one customer in 997 is a VIP.
        let (first, last) = (n % 1_000, n * 7_919 % 20_011);
        let vip = if n % 997 == 0 { "vip" } else { "retail" };
        writeln!(
            text,
            "M{n},First{first} Last{last},customer.{n}@mail.example,owner{}@shop.example,T{},{vip},{}",
            n % 5_000,
            n % 1_000,
            n % 100
        )?;
    }
    std::fs::write(&people, &text)?;
    text.clear();
    text.push_str("order,customer,date,sku,quantity,price\n");
    for order in 0..customers * ORDERS {
        let customer = order * 7_919 % customers;
        writeln!(text, "O{order},M{customer},2025-03-{:02}T09:00:00Z,A{},2,1.50", 1 + order % 28, order % 500)?;
    }
    std::fs::write(&orders, &text)?;
    drop(text);
    let started = Instant::now();
    let peak = import(place, Own::Import, "customers", &people)?;
    let people_rate = per_second(customers, started.elapsed());
    let started = Instant::now();
    import(place, Own::Import, "orders", &orders)?;
    let rate = per_second(customers * ORDERS, started.elapsed());
    Ok(vec![
        Measurement::new(place.engine, "first load: customers", people_rate, "customers/s", Goal::None)
            .note(format!("{customers} customers")),
        Measurement::new(place.engine, "first load: orders", rate, "orders/s", Goal::AtLeast(10_000.0)),
        peak,
    ])
}

async fn catch_up(place: &Place) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Import).await?;
    let head = stores.journal.backend().head().await?.position;
    let events = stores.journal.backend().count_between(Position::START, head).await?;
    let reads = stores.read_store().await?;
    let (stop, written) = (CancellationToken::new(), bytes_written());
    let started = Instant::now();
    let projector = tokio::spawn({
        let (reads, stop) = (reads.clone(), stop.clone());
        async move { reads.run(stop).await }
    });
    let (mut applied, mut built) = (reads.applied(), reads.built());
    let mut course: Vec<(u64, Duration)> = vec![(0, Duration::ZERO)];
    while *applied.borrow_and_update() < head {
        tokio::select! {
            changed = applied.changed() => changed?,
            changed = built.changed() => {
                changed?;
                course.push((built.borrow_and_update().counter(), started.elapsed()));
            }
        }
    }
    let took = started.elapsed();
    stop.cancel();
    projector.await??;
    stores.close().await;
    course.push((head.counter(), took));
    let goals = goal(place.engine, Goal::AtLeast(25_000.0), Goal::AtLeast(15_000.0));
    let mut measured = vec![
        Measurement::new(
            place.engine,
            "catch-up with customers and orders",
            per_second(events, took),
            "events/s",
            goals,
        )
        .note(format!("{events} events; last tenth beside the first: {:.0} %", 100.0 * flatness(&course))),
    ];
    if let (Engine::Sqlite, Some(before), Some(after)) = (place.engine, written, bytes_written()) {
        let kept = folder_bytes(&Path::new(&place.config(Own::Import)?.data_dir).join("read"))?;
        let ratio = (after - before) as f64 / kept as f64;
        let note = format!("{:.2} GB of tables", kept as f64 / 1e9);
        measured.push(
            Measurement::new(place.engine, "written for each byte of new tables", ratio, "bytes", Goal::Below(3.0))
                .note(note),
        );
    }
    Ok(measured)
}

/// The rate over the last tenth of the way, beside that over the first.
fn flatness(course: &[(u64, Duration)]) -> f64 {
    let end = course.last().map_or(0, |(at, _)| *at);
    let rate = |from: u64, to: u64| {
        let at = |wanted: u64| course.iter().find(|(at, _)| *at >= wanted).copied().unwrap_or_default();
        let (first, last) = (at(from), at(to));
        (last.0 - first.0) as f64 / (last.1.saturating_sub(first.1)).as_secs_f64().max(1e-9)
    };
    rate(end - end / 10, end) / rate(0, end / 10)
}

async fn serve(place: &Place, customers: u64) -> Result<Vec<Measurement>> {
    let mut measured = Vec::new();
    let stores = place.open(Own::Import).await?;
    let token = admin_key(&stores).await?;
    stores.close().await;
    let started = Instant::now();
    let stop = CancellationToken::new();
    let running = Node::start(place.open(Own::Import).await?, stop.clone()).await?;
    let took = started.elapsed().as_secs_f64();
    measured.push(Measurement::new(place.engine, "start", took, "s", Goal::Below(1.0)));
    running.reads().wait_for(token.position, Duration::from_mins(1)).await?;
    let (address, token) = (running.address(), token.value.token);
    for (name, filter) in filters(customers) {
        let request = list(&token, &filter);
        let answer = load::once(address, &request).await?;
        if answer.contains("\"errors\"") {
            return Err(format!("{name}: {}", answer.chars().take(400).collect::<String>()).into());
        }
        let p99 = worst(address, &request).await?;
        let name = format!("list of customers: {name}, p99");
        measured.push(Measurement::new(place.engine, name, p99, "ms", Goal::Below(50.0)));
    }
    measured.extend(import_beside(place, address, &token, customers).await?);
    measured.extend(forget(place, address, &token).await?);
    let started = Instant::now();
    running.finish().await?;
    measured.push(Measurement::new(place.engine, "stop", started.elapsed().as_secs_f64(), "s", Goal::Below(2.0)));
    Ok(measured)
}

/// Every condition, and pairs of them: with many matches, few and none.
fn filters(customers: u64) -> Vec<(&'static str, String)> {
    let last = (customers / 2) * 7_919 % 20_011;
    let first = (customers / 2) % 1_000;
    [
        ("none", String::new()),
        ("two letters", "search: \"fi\"".into()),
        ("a rare word", format!("search: \"last{last}\"")),
        ("no such word", "search: \"zzzz\"".into()),
        ("first and last name", format!("search: \"first{first} last{last}\"")),
        ("two words that never meet", "search: \"first1 customer.2@mail.example\"".into()),
        ("a mailbox", format!("search: \"customer.{}@mail.example\"", customers / 3)),
        ("a tag of few", "tags: [\"vip\"]".into()),
        ("a tag of many", "tags: [\"retail\"]".into()),
        ("a tag of nobody", "tags: [\"nobody\"]".into()),
        ("an owner", "owner: \"owner17@shop.example\"".into()),
        ("an owner of nobody", "owner: \"nobody\"".into()),
        ("a territory", "territory: \"T17\"".into()),
        ("owner and territory", "owner: \"owner17@shop.example\", territory: \"T17\"".into()),
        ("owner and territory that never meet", "owner: \"owner17@shop.example\", territory: \"T18\"".into()),
        ("tag and territory", "tags: [\"vip\"], territory: \"T17\"".into()),
        ("a score that nobody has", "leadScoreMin: 1000".into()),
        ("a score and a tag of few", "leadScoreMin: 99, tags: [\"vip\"]".into()),
        ("without e-mail", "hasEmail: false".into()),
        ("with a phone", "hasPhone: true".into()),
    ]
    .into()
}

fn list(token: &str, filter: &str) -> Request {
    let query = format!("{{ customers(first: 20, filter: {{ {filter} }}) {{ nodes {{ name }} }} }}");
    Request::post("/graphql", token, &serde_json::json!({ "query": query }).to_string())
}

async fn worst(address: SocketAddr, request: &Request) -> Result<f64> {
    let latencies = load::latencies(address, request, 20, Duration::from_secs(5)).await?;
    Ok(load::percentile(&latencies, 0.99).as_secs_f64() * 1_000.0)
}

/// A file of orders is imported while customers are listed: the import is a process of its own, the read tables follow.
async fn import_beside(place: &Place, address: SocketAddr, token: &str, customers: u64) -> Result<Vec<Measurement>> {
    let (file, count) = (Path::new(&place.folder).join("more.csv"), customers.min(200_000));
    let mut text = "order,customer,date,sku,quantity,price\n".to_owned();
    for order in 0..count {
        let customer = order * 7_919 % customers;
        writeln!(text, "N{order},M{customer},2025-04-{:02}T09:00:00Z,A{},2,1.50", 1 + order % 28, order % 500)?;
    }
    std::fs::write(&file, &text)?;
    let (place, started) = (place.clone(), Instant::now());
    let engine = place.engine;
    let importing = tokio::task::spawn_blocking(move || {
        import(&place, Own::Import, "orders", &file)
            .map(|_| started.elapsed())
            .map_err(|error| std::io::Error::other(error.to_string()))
    });
    let (request, mut latencies) = (list(token, ""), Vec::new());
    while !importing.is_finished() {
        latencies.extend(load::latencies(address, &request, 50, Duration::from_secs(1)).await?);
    }
    latencies.sort();
    let rate = per_second(count, importing.await??);
    let p99 = load::percentile(&latencies, 0.99).as_secs_f64() * 1_000.0;
    Ok(vec![
        Measurement::new(engine, "import of orders beside a serving node", rate, "orders/s", Goal::AtLeast(10_000.0))
            .note(format!("{count} orders, {customers} customers")),
        Measurement::new(engine, "lists at 50/s beside that import, p99", p99, "ms", Goal::Below(100.0)),
    ])
}

/// One customer is forgotten while others are listed.
async fn forget(place: &Place, address: SocketAddr, token: &str) -> Result<Vec<Measurement>> {
    let ask = |query: String| Request::post("/graphql", token, &serde_json::json!({ "query": query }).to_string());
    let found = load::once(address, &ask("{ customers(first: 1) { nodes { id name } } }".into())).await?;
    let id =
        found.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).ok_or("nobody to forget")?.to_owned();
    let (before, started) = (peak_of("self"), Instant::now());
    let others = tokio::spawn({
        let request = list(token, "");
        async move { load::latencies(address, &request, 50, Duration::from_secs(5)).await }
    });
    let forgotten = load::once(
        address,
        &ask(format!("mutation {{ forgetCustomer(customerId: \"{id}\", reason: \"request\") {{ __typename }} }}")),
    )
    .await?;
    if forgotten.contains("\"errors\"") {
        return Err(format!("forgetting failed: {forgotten}").into());
    }
    let name = ask(format!("{{ customer(id: \"{id}\") {{ name }} }}"));
    while !load::once(address, &name).await?.contains("\"name\":null") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = started.elapsed().as_secs_f64();
    let p99 = load::percentile(&others.await??, 0.99).as_secs_f64() * 1_000.0;
    let grown = peak_of("self").zip(before).map_or(0.0, |(after, before)| after - before);
    Ok(vec![
        Measurement::new(place.engine, "forgetting: until unreadable", took, "s", Goal::Below(1.0)),
        Measurement::new(place.engine, "forgetting: lists of others at 50/s, p99", p99, "ms", Goal::Below(50.0)),
        Measurement::new(place.engine, "forgetting: growth of the peak memory", grown, "MB", Goal::Below(250.0)),
    ])
}

/// What this process had the disk write, in bytes (Linux).
fn bytes_written() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).and_then(|bytes| bytes.parse().ok())
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
