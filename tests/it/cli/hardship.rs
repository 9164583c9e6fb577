//! The running server with nowhere to write diagnostics, without descriptors, and with more callers than it serves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Place;
use super::server::{Server, place};

/// Account and token of a provider that is never called.
const ACCOUNT: &str = "[[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = 'http://127.0.0.1:9'\n\
    account_sid = 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\nauth_token = '0123456789abcdef0123456789abcdef'\nfrom = '+14155550100'\n";

/// How long the server may take to recover.
const PATIENCE: Duration = Duration::from_mins(1);

fn key(place: &Place) -> String {
    place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]).trim().to_owned()
}

/// Executes an operation with objects in objects; the answer's head and body.
fn nested(server: &Server, key: &str) -> String {
    let head = format!("POST /graphql HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json");
    server.request(&head, r#"{"query":"{ customers(first: 2) { nodes { name addresses { kind address } } } }"}"#)
}

fn register(server: &Server, key: &str, name: &str) -> String {
    let head = format!("POST /graphql HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json");
    let query = "mutation($n: String!) { registerCustomer(input: { name: $n, addresses: [{ kind: EMAIL, address: \\\"a@example.com\\\" }] }) \
        { customer { id addresses { address } } refusal { code } } }";
    server.request(&head, &format!(r#"{{"query":"{query}","variables":{{"n":"{name}"}}}}"#))
}

/// A connection that has sent a part of a request.
fn begun(server: &Server, part: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(part.as_bytes()).unwrap();
    stream
}

/// What a connection is answered.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    // A server that closes early resets the connection once more was sent than it read.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Waits until something is as it should be.
fn until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

fn is_ready(server: &Server) -> bool {
    server.request("GET /readyz HTTP/1.1", "").contains("200 OK")
}

/// Has the server say more than a pipe holds, and sees that it works.
fn works_while_it_talks(server: &Server, key: &str) {
    for number in 0..60 {
        let refused = server.request("POST /webhooks/twilio/main HTTP/1.1", "Body=forged");
        assert!(refused.contains("401 Unauthorized"), "{number}: {refused}");
    }
    let made = register(server, key, "Ada Example");
    assert!(made.contains("a@example.com"), "{made}");
    until("the customer is listed", || nested(server, key).contains("Ada Example"));
    until("it is ready", || is_ready(server));
}

#[test]
fn a_server_without_stderr_works_and_stops_cleanly() {
    let mut place = place();
    place.set("COMMLOG_LOG_FILTER", "trace");
    place.file("commlog.toml", ACCOUNT);
    let key = key(&place);
    let server = Server::start_mute(&mut place);
    works_while_it_talks(&server, &key);
    assert_eq!(server.stop(), Some(0));
    place.ok(&["verify"]);
}

#[test]
fn a_server_whose_diagnostics_nobody_reads_works_and_stops_cleanly() {
    for is_broken in [false, true] {
        let mut place = place();
        place.set("COMMLOG_LOG_FILTER", "trace");
        place.file("commlog.toml", ACCOUNT);
        let key = key(&place);
        let mut server = Server::start_unread(place.command(&["serve"]), false);
        if is_broken {
            server.break_pipe();
        }
        works_while_it_talks(&server, &key);
        assert_eq!(server.stop(), Some(0), "broken: {is_broken}");
        place.ok(&["verify"]);
    }
}

#[test]
fn descriptors_that_were_used_up_are_given_back() {
    let place = place();
    let key = key(&place);
    let server = Server::start_after(&place, "ulimit -n 96");
    // No nested query was answered before.
    let idle: Vec<_> = (0..150).map(|_| begun(&server, "GET /healthz HTTP/1.1\r\n")).collect();
    // Further ones are not served now, and nothing that they leave half done stands in the way later.
    for _ in 0..3 {
        drop(begun(&server, "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"));
    }
    drop(idle);
    until("it is ready", || is_ready(&server));
    let made = register(&server, &key, "Bea Example");
    assert!(made.contains("a@example.com"), "{made}");
    until("the customer is listed", || nested(&server, &key).contains("Bea Example"));
    assert_eq!(server.stop(), Some(0));
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
}

#[test]
fn health_is_reported_while_all_places_are_taken() {
    let place = place();
    let key = key(&place);
    // 512 open files leave 128 places for connections.
    let server = Server::start_after(&place, "ulimit -n 512");
    let slow = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{{"
    );
    let taken: Vec<_> = (0..128).map(|_| begun(&server, &slow)).collect();
    let began = Instant::now();
    until("others are turned away", || server.request("GET / HTTP/1.1", "").contains("503 Service Unavailable"));
    let turned_away = server.request("GET / HTTP/1.1", "");
    assert!(turned_away.to_lowercase().contains("retry-after: 5"), "{turned_away}");
    for path in ["/healthz", "/readyz"] {
        let health = server.request(&format!("GET {path} HTTP/1.1"), "");
        assert!(health.contains("200 OK"), "{health}");
    }
    let metrics = server.request("GET /metrics HTTP/1.1", "");
    assert!(metrics.contains("commlog_http_connections 1"), "{metrics}");
    // Some who call for health and say nothing keep nobody else out for long.
    let silent: Vec<_> = (0..64).map(|_| begun(&server, "G")).collect();
    let health = server.request("GET /healthz HTTP/1.1", "");
    assert!(health.contains("200 OK"), "{health}");
    assert!(began.elapsed() < Duration::from_secs(25), "before the slow ones were given up");
    drop((taken, silent));
    until("requests are served", || nested(&server, &key).contains("200 OK"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn slow_bodies_without_a_key_are_given_up_soon() {
    let place = place();
    let key = key(&place);
    let server = Server::start_after(&place, "ulimit -n 512");
    let began = Instant::now();
    for route in ["/graphql", "/attachments?customer=1", "/webhooks/nobody/nothing"] {
        let slow = format!("POST {route} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{");
        let refused: Vec<_> = (0..128).map(|_| begun(&server, &slow)).collect();
        until("requests are served", || nested(&server, &key).contains("200 OK"));
        drop(refused);
    }
    assert!(began.elapsed() < Duration::from_secs(28), "{:?}: longer than one slow body may take", began.elapsed());
    assert_eq!(server.stop(), Some(0));
}

/// As large as a webhook may be, nearly.
const LARGE: usize = 31 * 1024 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn large_webhooks_of_no_account_are_not_kept_in_memory() {
    let place = place();
    let server = Server::start(&place, &["serve"]);
    let before = server.most_memory();
    let piece = vec![b'x'; 1024 * 1024];
    let mut streams: Vec<_> = (0..40)
        .map(|number| {
            let path = if number % 2 == 0 { "/webhooks/nobody/nothing" } else { "/attachments?customer=1" };
            begun(&server, &format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {LARGE}\r\n\r\n"))
        })
        .collect();
    for _ in 0..8 {
        for stream in &mut streams {
            // The server may have closed it, which is one way of not keeping anything.
            let _ = stream.write_all(&piece);
        }
    }
    let grown = server.most_memory() - before;
    assert!(grown < 64 * 1024 * 1024, "grew by {grown} bytes for 320 MB of bodies");
    drop(streams);
    assert!(server.request("GET /healthz HTTP/1.1", "").contains("200 OK"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn large_webhooks_of_an_account_take_places_and_small_ones_do_not() {
    let place = place();
    place.file("commlog.toml", ACCOUNT);
    let server = Server::start(&place, &["serve"]);
    let head =
        |length: usize| format!("POST /webhooks/twilio/main HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
    let expecting = format!("{}expect: 100-continue\r\n\r\n", head(LARGE));
    let mut waiting: Vec<_> = (0..16).map(|_| begun(&server, &expecting)).collect();
    for stream in &mut waiting {
        let mut invited = [0; 12];
        stream.read_exact(&mut invited).unwrap();
        assert_eq!(String::from_utf8_lossy(&invited), "HTTP/1.1 100");
    }
    let refused = answer(begun(&server, &format!("{}connection: close\r\nexpect: 100-continue\r\n\r\n", head(LARGE))));
    assert!(refused.contains("429 Too Many Requests"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after: 5"), "{refused}");
    let small = server.request("POST /webhooks/twilio/main HTTP/1.1", "Body=forged");
    assert!(small.contains("401 Unauthorized"), "{small}");
    drop(waiting);
    until("there is room again", || {
        let request = format!("{}connection: close\r\n\r\n{}", head(100_000), "x".repeat(100_000));
        answer(begun(&server, &request)).contains("401 Unauthorized")
    });
    assert_eq!(server.stop(), Some(0));
}

/// Everything below a folder.
#[cfg(unix)]
fn below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

#[cfg(unix)]
#[test]
fn what_commlog_writes_only_its_user_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    // As a volume is mounted: for all to look into. Nothing that is made there may be seen for it.
    std::fs::create_dir(place.path("data")).unwrap();
    let ours = place.file("people.csv", "customer,name,email\nk1,Ada Example,ada@example.com\nk2,Bob,broken\n");
    let runs: [&[&str]; 6] = [
        &["import", "customers", ours, "--refused", "refused.csv"],
        &["export", "customers", "--format", "csv", "--output", "customers.csv"],
        &["export", "events", "--personal", "--output", "events.jsonl"],
        &["replay", "--position", "00000000000000000000000000000001", "--into", "then.db"],
        &["verify", "--sign", "checkpoint.json"],
        &["rebuild"],
    ];
    for arguments in runs {
        place.ok(arguments);
    }
    let server = Server::start_after(&place, "umask 000");
    let key = key(&place);
    assert!(register(&server, &key, "Ada Example").contains("a@example.com"));
    let open: Vec<_> = below(&place.path("."))
        .into_iter()
        .filter(|path| !path.ends_with(ours) && path.metadata().unwrap().permissions().mode() & 0o077 != 0)
        .collect();
    assert!(open.is_empty(), "others may read {open:?}");
    for written in ["refused.csv", "customers.csv", "events.jsonl", "then.db", "checkpoint.json", "data/keys.db-wal"] {
        assert!(super::exists(&place.path(written)), "{written}");
    }
    assert_eq!(server.stop(), Some(0));
}
