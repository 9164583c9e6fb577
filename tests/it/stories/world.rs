//! A server of its own process with people who give it commands, and what must hold once they stop.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Habit};
use crate::cli::Place;
use crate::cli::server::Server;
use crate::support::app::http_client;
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::{preloaded, times};

const PUBLIC: &str = "https://commlog.example";

/// How many people give commands at once.
const CLIENTS: usize = 4;

/// The longest that anything may take to be as it should be.
const PATIENCE: Duration = Duration::from_mins(3);

/// The longest that it may take until what became of every message is known: a call whose process is gone counts as lost after
/// two minutes, and is looked for at the provider after that.
const SETTLED_WITHIN: Duration = Duration::from_mins(5);

/// Once nothing has been settled for so long, the clocks of all processes go forward: what is open waits for time to pass.
const QUIET: Duration = Duration::from_secs(3);

/// By how many seconds they go forward: more than a call whose process is gone is waited for.
const LATER: i64 = 150;

/// How long an adversity lasts: what `COMMLOG_STORY_SECONDS` says.
pub(super) fn length() -> Duration {
    Duration::from_secs(times("COMMLOG_STORY_SECONDS", 4) as u64)
}

/// Lets the disk of a process be full and its clock be wrong.
pub(super) struct Adversity {
    _folder: tempfile::TempDir,
    library: PathBuf,
    control: PathBuf,
}

impl Adversity {
    pub(super) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        // PostgreSQL may run as another user.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("our folder");
        let library = preloaded(folder.path(), "tests/it/stories/adversity.c");
        let control = folder.path().join("control");
        let adversity = Self { _folder: folder, library, control };
        adversity.set(false, 0);
        adversity
    }

    pub(super) fn set(&self, is_full: bool, seconds: i64) {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(&self.control);
        let mut bytes = i64::from(is_full).to_ne_bytes().to_vec();
        bytes.extend(seconds.to_ne_bytes());
        file.and_then(|file| file.write_all_at(&bytes, 0)).expect("the control is written");
    }

    /// The variables of a process whose files with a part of their path may be refused.
    pub(super) fn variables(&self, files: &str) -> [(&'static str, String); 3] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("ADVERSITY_CONTROL", self.control.display().to_string()),
            ("ADVERSITY_FILES", files.to_owned()),
        ]
    }
}

/// What was acknowledged, and what was not.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// With the number that each goes to.
    pub(super) messages: Vec<(String, String)>,
    /// UUIDs of what must be in the log.
    pub(super) objects: HashSet<String>,
    /// Why commands were not acknowledged when they were given.
    pub(super) problems: Vec<String>,
}

pub(super) struct World {
    pub(super) place: Place,
    /// Of all processes of the place, where they can be made to load it.
    pub(super) adversity: Option<Adversity>,
    pub(super) twilio: Arc<TwilioDouble>,
    token: String,
    http: reqwest::Client,
    acknowledged: Arc<Mutex<Acknowledged>>,
    /// How often each client succeeded in all, and how often they failed.
    succeeded: Vec<watch::Sender<usize>>,
    failed: Arc<watch::Sender<usize>>,
    /// The addresses that clients talk to, each to the one of its number first.
    servers: Arc<Mutex<Vec<String>>>,
    habit: Habit,
    /// Clients wait while the provider has not been asked to send all but so many messages.
    most_waiting: usize,
    stop: CancellationToken,
    clients: JoinSet<()>,
    /// By how many seconds the clocks of all processes were put forward.
    ahead: i64,
}

impl World {
    /// A place with an account at a double.
    pub(super) async fn new(place: Place) -> Self {
        Self::paced(place, 0).await
    }

    /// The same, with an account that sends so many messages a second; 0 is no limit.
    pub(super) async fn paced(place: Place, rate: usize) -> Self {
        Self::of(place, rate, Habit::GivesUp, "nothing").await
    }

    /// A place with an account at a double, and people who repeat what is not acknowledged until it is.
    pub(super) async fn repeating(place: Place) -> Self {
        Self::of(place, 0, Habit::Repeats, "nothing").await
    }

    /// The same, where the disk of files with a part of their path can be full.
    pub(super) async fn with_disk(place: Place, files: &str) -> Self {
        Self::of(place, 0, Habit::GivesUp, files).await
    }

    async fn of(mut place: Place, rate: usize, habit: Habit, files: &str) -> Self {
        let adversity = cfg!(target_os = "linux").then(Adversity::new);
        for (name, value) in adversity.iter().flat_map(|adversity| adversity.variables(files)) {
            place.set(name, &value);
        }
        let twilio = Arc::new(TwilioDouble::start(Ambient::system()).await);
        place.set("COMMLOG_LISTEN", "127.0.0.1:0");
        place.set("COMMLOG_LOG_FILTER", "error");
        place.file(
            "commlog.toml",
            format!(
                "public_url = '{PUBLIC}'\n[[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = '{}'\n\
                 account_sid = '{}'\nauth_token = '{}'\nfrom = '{}'\nper_second = {rate}\n",
                twilio.settings(PUBLIC).base_url,
                twilio::ACCOUNT,
                twilio::TOKEN,
                twilio::NUMBER,
            ),
        );
        let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "stories"]).trim().to_owned();
        Self {
            place,
            adversity,
            twilio,
            token,
            http: http_client(),
            acknowledged: Arc::default(),
            succeeded: (0..CLIENTS).map(|_| watch::Sender::new(0)).collect(),
            failed: Arc::default(),
            servers: Arc::default(),
            habit,
            most_waiting: if rate == 0 { usize::MAX } else { 5 * rate },
            stop: CancellationToken::new(),
            clients: JoinSet::new(),
            ahead: 0,
        }
    }

    /// Has people give commands to servers, in turns.
    pub(super) fn work(&mut self, servers: &[&Server]) {
        self.talk_to(servers);
        for (number, succeeded) in self.succeeded.iter().enumerate() {
            let client = Client {
                habit: self.habit,
                servers: self.servers.clone(),
                twilio: self.twilio.clone(),
                most_waiting: self.most_waiting,
                http: self.http.clone(),
                token: self.token.clone(),
                number,
                acknowledged: self.acknowledged.clone(),
                succeeded: succeeded.clone(),
                failed: self.failed.clone(),
            };
            self.clients.spawn(client.run(self.stop.clone()));
        }
    }

    /// From now on, people give their commands to these servers, in turns.
    pub(super) fn talk_to(&self, servers: &[&Server]) {
        let addresses = servers.iter().map(|server| server.address().to_owned()).collect();
        *self.servers.lock().expect("no panic") = addresses;
    }

    /// Waits until everybody (or those of one server of several) succeeded some more times.
    pub(super) async fn all_succeed(&self, only: impl Fn(usize) -> bool) {
        let all = async {
            for (_, succeeded) in self.succeeded.iter().enumerate().filter(|(number, _)| only(*number)) {
                let before = *succeeded.borrow();
                succeeded.subscribe().wait_for(|now| *now >= before + 3).await.expect("clients work");
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("commands are carried out");
    }

    /// Waits until somebody fails.
    pub(super) async fn somebody_fails(&self) {
        let before = *self.failed.borrow();
        let mut failed = self.failed.subscribe();
        tokio::time::timeout(PATIENCE, failed.wait_for(|now| *now > before)).await.expect("in time").expect("runs");
    }

    /// Waits until another message is handed over.
    pub(super) async fn another_is_sent(&self) {
        let (began, before) = (Instant::now(), self.twilio.calls());
        while self.twilio.calls() == before {
            assert!(began.elapsed() < PATIENCE, "nothing is sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether a server says that it is ready, and why not; absent if it says nothing.
    pub(super) async fn readiness(&self, server: &Server) -> Option<Result<(), String>> {
        let request = self.http.get(format!("http://{}/readyz", server.address())).timeout(Duration::from_secs(30));
        let answer = request.send().await.ok()?;
        let is_ready = answer.status().is_success();
        let text = answer.text().await.ok()?;
        Some(if is_ready { Ok(()) } else { Err(text) })
    }

    /// Waits until a server says that it is ready, or that it is not.
    pub(super) async fn says(&self, server: &Server, ready: bool) -> String {
        let began = Instant::now();
        loop {
            let said = self.readiness(server).await;
            match &said {
                Some(Ok(())) if ready => return String::new(),
                Some(Err(problems)) if !ready => return problems.clone(),
                _ => {}
            }
            assert!(began.elapsed() < PATIENCE, "ready: {ready} was expected, and it says {said:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sees that a server does not say it is ready, for as long as the adversity lasts.
    pub(super) async fn says_not_ready_for(&self, server: &Server, length: Duration) {
        let began = Instant::now();
        while began.elapsed() < length {
            let said = self.readiness(server).await;
            assert!(!matches!(said, Some(Ok(()))), "it says that it is ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops the people and the servers: everything acknowledged is in the log and was sent at most once, and all tables
    /// and hashes are as they should be.
    pub(super) async fn end(mut self, servers: Vec<Server>) {
        self.stop_people().await;
        let (messages, objects) = {
            let acknowledged = self.acknowledged.lock().expect("no panic");
            (acknowledged.messages.clone(), acknowledged.objects.clone())
        };
        assert!(messages.len() >= 6 * CLIENTS, "only {} messages were acknowledged", messages.len());
        self.settle(&servers[0], messages.clone()).await;
        assert!(self.twilio.most_per_token() <= 1, "a message was sent twice");
        self.nobody_was_written_to_twice();
        for server in servers {
            assert_eq!(server.stop(), Some(0));
        }
        if self.habit == Habit::Repeats {
            self.everything_happened_once(&messages);
        }
        self.place.ok(&["verify"]);
        self.place.ok(&["rebuild", "--check"]);
        let events = self.place.ok(&["export", "events"]);
        let lost: Vec<_> = objects.iter().filter(|id| !events.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "acknowledged, and not in the log: {lost:?}");
    }

    /// Fills the disk of the place's processes, or lets their clock be wrong by some seconds.
    pub(super) fn set(&self, is_full: bool, seconds: i64) {
        self.adversity.as_ref().expect("Linux loads it into processes").set(is_full, seconds);
    }

    /// The people stop.
    async fn stop_people(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no client panicked");
        }
    }

    /// The people stop; waits until the provider is not called any more.
    pub(super) async fn rest(&mut self) {
        self.stop_people().await;
        let (mut calls, mut since) = (self.twilio.calls(), Instant::now());
        while since.elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if self.twilio.calls() != calls {
                (calls, since) = (self.twilio.calls(), Instant::now());
            }
        }
    }

    /// Puts the clocks of all processes forward once more, where that can be done, by more than a call whose process is gone is
    /// waited for. A call that is made later could not be found: its provider's clock is behind then.
    pub(super) fn go_forward(&mut self) {
        self.ahead += LATER;
        if let Some(adversity) = &self.adversity {
            adversity.set(false, self.ahead);
        }
    }

    /// Waits until the provider has every message, or it is in doubt whether it has.
    async fn settle(&mut self, server: &Server, mut open: Vec<(String, String)>) {
        let began = Instant::now();
        let mut settled_at = began;
        let mut count = open.len();
        let query = "query($id: ID!) { message(id: $id) { state } }";
        while !open.is_empty() {
            let mut waiting = vec![];
            let taken = self.taken();
            for (id, number) in open {
                let body = json!({ "query": query, "variables": { "id": id } });
                let url = format!("http://{}/graphql", server.address());
                let answer = self.http.post(url).bearer_auth(&self.token).json(&body).send().await;
                let answer: Value = answer.expect("the server answers").json().await.expect("JSON");
                match answer["data"]["message"]["state"].as_str() {
                    Some("SENT" | "DELIVERED") if taken.contains_key(&number) => {}
                    // What the provider has will be found there.
                    Some("IN_DOUBT") if !taken.contains_key(&number) => {}
                    state => {
                        assert!(
                            began.elapsed() < SETTLED_WITHIN,
                            "message {id}, acknowledged, stands at {state:?}: {answer}"
                        );
                        waiting.push((id, number));
                    }
                }
            }
            if waiting.len() < count {
                (settled_at, count) = (Instant::now(), waiting.len());
            }
            if self.ahead == 0 && settled_at.elapsed() > QUIET {
                self.go_forward();
            }
            open = waiting;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many messages the provider has for each number: everybody gets one.
    fn taken(&self) -> HashMap<String, usize> {
        let mut taken = HashMap::new();
        for message in self.twilio.taken() {
            *taken.entry(message.field("To").unwrap_or_default().to_owned()).or_default() += 1;
        }
        taken
    }

    /// What people repeated until it was acknowledged happened exactly once; nothing was in doubt.
    fn everything_happened_once(&self, messages: &[(String, String)]) {
        let taken = self.taken();
        let missing: Vec<_> = messages.iter().filter(|(_, number)| !taken.contains_key(number)).collect();
        assert!(missing.is_empty(), "acknowledged, and not sent: {missing:?}");
        for event in ["CustomerRegistered", "ActivityRecorded", "MessageQueued", "MessageSent"] {
            let events = self.place.ok(&["export", "events", "--type", event, "--format", "jsonl"]);
            assert_eq!(events.lines().count(), messages.len(), "{event}");
        }
        let acknowledged = self.acknowledged.lock().expect("no panic");
        println!("{} customers, each written to once; what was not acknowledged at once:", messages.len());
        let mut problems = BTreeMap::<&str, usize>::new();
        for problem in &acknowledged.problems {
            *problems.entry(problem).or_default() += 1;
        }
        problems.iter().for_each(|(problem, times)| println!("{times} times: {problem}"));
    }

    fn nobody_was_written_to_twice(&self) {
        let twice: Vec<_> = self.taken().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "a message was sent in several attempts: {twice:?}");
    }
}

/// A place whose server has its stores in a database, reached over another port than that of the server.
pub(super) async fn through(url: &str, port: u16) -> String {
    let mut relayed: url::Url = url.parse().expect("a URL");
    relayed.set_port(Some(port)).expect("has a port");
    relayed.to_string()
}

/// The stores of a place are in these databases.
pub(super) fn on_postgres(place: &mut Place, log: &str, keys: &str) {
    place.set("COMMLOG_LOG_URL", log);
    place.set("COMMLOG_KEYS_URL", keys);
    place.set("COMMLOG_MASTER_KEY", &"6b".repeat(32));
}

/// The log of a place is in KurrentDB, and the other stores are in these databases.
pub(super) fn on_kurrentdb(place: &mut Place, log: &str, keys: &str, read: &str) {
    on_postgres(place, log, keys);
    place.set("COMMLOG_READ_URL", read);
    // One folder for all nodes.
    place.set("COMMLOG_BLOBS_URL", "file:blobs");
}
