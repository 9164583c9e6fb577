//! Whatever is said about messages to one address, in whatever order it comes in and however often: what was said last
//! holds, for everybody who has the address in whatever spelling, and no message leaves after an opt-out was recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use commlog::accounts::account::{Account, Terms};
use commlog::accounts::table::Accounts;
use commlog::app::App;
use commlog::app::imports::Ground;
use commlog::config::DEFAULT_TENANT;
use commlog::domain::address::event::{AddressEvent, SuppressionReason};
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::{AddressInput, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::{CustomerEvent, ProfileEvent, Source};
use commlog::domain::import::decide::{ConsentRow, CustomerOptions, CustomerRow, ImportRun, StartImport};
use commlog::domain::import::event::ImportKind;
use commlog::domain::message::decide::{RecordProviderFact, SendDecision, SendMessage};
use commlog::domain::message::event::{MessageClass, MessageEvent, MessageKey, Route};
use commlog::domain::value::message::{BounceKind, Report};
use commlog::domain::value::token::Correlation;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{AddressId, CustomerId, MessageId};
use commlog::log::Category;
use commlog::processes::backlog::Backlog;
use commlog::processes::dispatcher::{Dispatcher, DispatcherOptions};
use commlog::providers::{Accepted, OutboundMessage, Provider, SendError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::imports::undo;
use super::merging::merge;
use super::world::{World, decode, email};
use crate::support::times;

/// A step in the life of a mailbox that two customers have.
#[derive(Debug, Clone)]
enum Step {
    /// A provider reports it, as said in this second of the past, perhaps not for the first time.
    Reported { second: i64, word: Word },
    /// It is said in a form, now.
    Form { is_out: bool },
    /// A file brings an opt-out, as said in this second of the past, or now.
    Import { second: Option<i64> },
    /// The last import is undone.
    Undo,
    /// The two turn out to be one person.
    Merge,
    /// A marketing mail is asked for.
    Send { to: usize },
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Word {
    Unsubscribed,
    Resubscribed,
    HardBounce,
    Complaint,
}

/// A word that stands, and the import that brought it.
#[derive(Debug, Clone, Copy)]
struct Said {
    at: DateTime<Utc>,
    is_out: bool,
    import: Option<usize>,
}

/// What the mailbox's history says by itself: the specification.
#[derive(Default)]
struct Model {
    said: Vec<Said>,
    is_dead: bool,
}

impl Model {
    fn last_is_out(&self) -> bool {
        self.said.iter().max_by_key(|said| said.at).is_some_and(|said| said.is_out)
    }

    fn may_be_written_to(&self) -> bool {
        !self.is_dead && !self.last_is_out()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let word = prop_oneof![
        6 => Just(Word::Unsubscribed),
        6 => Just(Word::Resubscribed),
        1 => Just(Word::HardBounce),
        1 => Just(Word::Complaint),
    ];
    // Each report of the past has a second of its own, and what it says: repetitions say the same again.
    let reports = prop::collection::vec(word, 4);
    reports.prop_flat_map(|words| {
        let reported = (0..words.len())
            .prop_map(move |index| Step::Reported { second: 10 * (1 + index as i64), word: words[index] });
        let step = prop_oneof![
            6 => reported,
            2 => any::<bool>().prop_map(|is_out| Step::Form { is_out }),
            1 => prop::option::of((1..4_i64).prop_map(|number| 10 * number + 5)).prop_map(|second| Step::Import { second }),
            1 => Just(Step::Undo),
            1 => Just(Step::Merge),
            3 => (0..2_usize).prop_map(|to| Step::Send { to }),
        ];
        prop::collection::vec(step, 1..14)
    })
}

/// Takes everything.
struct Taking(Route);

#[async_trait]
impl Provider for Taking {
    fn route(&self) -> &Route {
        &self.0
    }

    fn channels(&self) -> &[Channel] {
        Channel::ALL
    }

    async fn send(&self, _message: OutboundMessage) -> Result<Accepted, SendError> {
        Ok(Accepted { provider_message_id: None, segments: 1, cost: None })
    }
}

async fn dispatch(world: &World, shutdown: &CancellationToken) -> JoinHandle<()> {
    let route = Route { provider: "sendgrid".to_owned(), account: "main".to_owned(), domain: None };
    let accounts = Accounts::new(vec![Account::new(Arc::new(Taking(route)), None, Terms::default())]);
    let backlog = Backlog::from_log(&world.app).await.expect("the log answers");
    let options = DispatcherOptions { tick: Duration::from_millis(5), ..DispatcherOptions::default() };
    let dispatcher = Dispatcher::new(world.app.clone(), accounts, options);
    tokio::spawn(dispatcher.run(backlog.position, backlog.messages, shutdown.clone()))
}

/// The mailbox of one run, and who has it.
struct Mailbox<'a> {
    world: &'a World,
    number: u64,
    /// Which of the two says all that is said: the other one only has the mailbox.
    speaker: usize,
    started: DateTime<Utc>,
    spellings: [String; 2],
    people: [(CustomerId, AddressId); 2],
    imports: Vec<(ImportRun, bool)>,
    merged: bool,
    asked: Vec<MessageId>,
    model: Model,
}

impl<'a> Mailbox<'a> {
    async fn new(world: &'a World, speaker: usize) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let spellings = [format!("nora.{number}@example.org"), format!("<mailto:Nora.{number}@EXAMPLE.org>")];
        let mut people = vec![];
        for (index, spelling) in spellings.iter().enumerate() {
            people.push(register(world, &format!("n{number}.{index}"), AddressKind::Email, spelling).await);
        }
        world.advance(TimeDelta::minutes(10));
        let people = [people[0], people[1]];
        assert_eq!(people[0].1, people[1].1, "one mailbox in two spellings is one address");
        let (imports, asked) = (vec![], vec![]);
        Self {
            world,
            number,
            speaker,
            started: world.now(),
            spellings,
            people,
            imports,
            merged: false,
            asked,
            model: Model::default(),
        }
    }

    /// A moment of the past.
    fn at(&self, second: i64) -> DateTime<Utc> {
        self.started - TimeDelta::minutes(5) + TimeDelta::seconds(second)
    }

    async fn take(&mut self, step: &Step) {
        self.world.advance(TimeDelta::seconds(1));
        match step {
            Step::Reported { second, word } => self.report(*second, *word).await,
            Step::Form { is_out } => self.form(*is_out).await,
            Step::Import { second } => self.import(*second).await,
            Step::Undo => self.undo().await,
            Step::Merge if !self.merged => {
                merge(self.world, self.people[1].0, self.people[0].0).await;
                self.merged = true;
            }
            Step::Merge => {}
            Step::Send { to } => {
                let command = email(self.people[*to].0, MessageClass::Marketing);
                let sent = self.world.app.send_message(&self.world.agent(), command, None).await;
                let sent = self.world.done(sent).value;
                if sent.decision == SendDecision::Queued {
                    self.asked.push(sent.message_id);
                }
            }
        }
    }

    async fn report(&mut self, second: i64, word: Word) {
        let report = match word {
            Word::Unsubscribed => Report::OptedOut { method: "provider".to_owned(), topic: Some("all".to_owned()) },
            Word::Resubscribed => Report::OptedIn { method: "provider".to_owned(), topic: "all".to_owned() },
            Word::HardBounce => Report::Bounced { bounce: BounceKind::Hard, code: None, diagnostic: None },
            Word::Complaint => Report::Complained { kind: None },
        };
        let at = self.at(second);
        let (customer_id, address_id) = self.people[self.speaker];
        let key = MessageKey {
            message_id: MessageId(Uuid::from_u128(u128::from(self.number) << 32)),
            channel: Channel::Email,
            campaign_id: None,
            variant: None,
            conversation_id: None,
        };
        let route = Route { provider: "sendgrid".to_owned(), account: "main".to_owned(), domain: None };
        let fact = RecordProviderFact {
            correlation: Correlation {
                tenant: DEFAULT_TENANT,
                customer_id,
                key,
                address_id: Some(address_id),
                route,
                called_at: self.started,
            },
            occurred_at: at,
            provider_event_id: Some(format!("event {second}")),
            report,
            raw: None,
        };
        self.world.done(self.world.app.record_provider_fact(&self.world.agent(), fact).await);
        match word {
            Word::Unsubscribed => self.model.said.push(Said { at, is_out: true, import: None }),
            Word::Resubscribed => self.model.said.push(Said { at, is_out: false, import: None }),
            Word::HardBounce | Word::Complaint => self.model.is_dead = true,
        }
    }

    async fn form(&mut self, is_out: bool) {
        let state = if is_out { ConsentState::OptedOut } else { ConsentState::OptedIn };
        super::merging::says(self.world, self.people[self.speaker].0, "all", state).await;
        self.model.said.push(Said { at: self.world.now(), is_out, import: None });
    }

    async fn import(&mut self, second: Option<i64>) {
        let digest = format!("{:032x}{:032x}", self.number, self.imports.len());
        let start = StartImport { kind: ImportKind::Customers, file_digest: digest, file_name: "out.csv".to_owned() };
        let run = self.world.done(self.world.app.start_import(&self.world.agent(), start).await).value;
        let said_at = second.map(|second| self.at(second));
        let consent =
            ConsentRow { channel: Channel::Email, topic: "all".to_owned(), state: ConsentState::OptedOut, said_at };
        let profile =
            ProfileInput { external_id: Some(format!("n{}.{}", self.number, self.speaker)), ..ProfileInput::default() };
        let address = address(AddressKind::Email, &self.spellings[1]);
        let row = CustomerRow { line: 1, profile, addresses: vec![address], consents: vec![consent] };
        let options = CustomerOptions::default();
        let chunk = self.world.app.import_customers(&self.world.agent(), &run, &options, vec![row], Ground::Log).await;
        let chunk = chunk.expect("the log answers");
        assert!(chunk.refused.is_empty(), "{:?}", chunk.refused);
        // An opt-out without a time that only repeats what stands is no new word: nobody knows when it was said.
        let repeats = said_at.is_none() && self.model.last_is_out();
        if !repeats {
            let (at, import) = (said_at.unwrap_or_else(|| self.world.now()), Some(self.imports.len()));
            self.model.said.push(Said { at, is_out: true, import });
        }
        self.imports.push((run, false));
    }

    async fn undo(&mut self) {
        let Some(index) = self.imports.iter().rposition(|(_, undone)| !undone) else { return };
        undo(self.world, &self.imports[index].0).await;
        self.imports[index].1 = true;
        self.model.said.retain(|said| said.import != Some(index));
    }

    /// Whether both may be written to, as another process decides.
    async fn decisions(&self, elsewhere: &App) -> Vec<bool> {
        let mut decisions = vec![];
        for (id, _) in self.people {
            let command = SendMessage {
                send_at: Some(self.world.now() + TimeDelta::days(30)),
                ..email(id, MessageClass::Marketing)
            };
            let sent = self.world.done(elsewhere.send_message(&self.world.agent(), command, None).await).value;
            decisions.push(!matches!(sent.decision, SendDecision::Suppressed { .. }));
        }
        decisions
    }

    /// Waits until each message that was queued was sent, or stopped on its way.
    async fn settle(&self) {
        let mut grown = self.world.journal.backend().watch();
        for message in &self.asked {
            loop {
                // A message to somebody who was merged stands with the survivor.
                let mut events = self.world.events(self.people[0].0).await;
                events.extend(self.world.events(self.people[1].0).await);
                let is_over = events.iter().any(|event| match event {
                    CustomerEvent::Message(MessageEvent::MessageSent(sent)) => sent.key.message_id == *message,
                    CustomerEvent::Message(MessageEvent::MessageSuppressed(stopped)) => {
                        stopped.key.message_id == *message
                    }
                    _ => false,
                });
                if is_over {
                    break;
                }
                grown.changed().await.expect("the log is open");
            }
        }
    }

    /// Reads the log in its order: the messages that left although an opt-out stood in it.
    async fn violations(&self) -> Vec<String> {
        let address = self.people[0].1;
        let (mut words, mut dead, mut found) = (vec![], vec![], vec![]);
        for recorded in self.world.all().await {
            let stream = recorded.envelope.stream;
            if stream.category == Category::Address && stream.key == address.0 {
                let event = AddressEvent::decode(&recorded.envelope.event_type, &recorded.data, None);
                note(&mut words, &mut dead, event.expect("an address's event"), recorded.envelope.occurred_at);
            }
            if stream.category != Category::Customer || !self.people.iter().any(|(id, _)| id.0 == stream.key) {
                continue;
            }
            if let CustomerEvent::Message(MessageEvent::DispatchStarted(started)) = decode(&recorded) {
                let last = words.iter().max_by_key(|(at, _, _)| *at);
                if !dead.is_empty() || last.is_some_and(|(_, is_out, _)| *is_out) {
                    found.push(format!("{:?} left at {:?}", started.key.message_id, recorded.envelope.position));
                }
            }
        }
        found
    }
}

type Recorded = (DateTime<Utc>, bool, Option<commlog::ids::ImportId>);

fn note(words: &mut Vec<Recorded>, dead: &mut Vec<SuppressionReason>, event: AddressEvent, at: DateTime<Utc>) {
    match event {
        AddressEvent::AddressOptedOut(out) => words.push((at, true, out.import_id)),
        AddressEvent::AddressOptedIn(_) => words.push((at, false, None)),
        AddressEvent::AddressWordsRetracted(gone) => words.retain(|(_, _, import)| *import != Some(gone.import_id)),
        AddressEvent::AddressSuppressed(suppressed) => dead.push(suppressed.reason),
        AddressEvent::SuppressionLifted(lifted) => dead.retain(|reason| *reason != lifted.reason),
        AddressEvent::AddressClaimed(_)
        | AddressEvent::AddressReleased(_)
        | AddressEvent::AddressSoftBounced(_)
        | AddressEvent::AddressDelivered(_)
        | AddressEvent::AddressValidated(_) => {}
    }
}

fn address(kind: AddressKind, address: &str) -> AddressInput {
    AddressInput { kind, address: address.to_owned(), region: None, label: None, primary: true }
}

pub(super) async fn register(
    world: &World,
    external_id: &str,
    kind: AddressKind,
    spelling: &str,
) -> (CustomerId, AddressId) {
    let profile = ProfileInput { external_id: Some(external_id.to_owned()), ..ProfileInput::default() };
    let command = RegisterCustomer { profile, addresses: vec![address(kind, spelling)], source: Source::Api };
    let id = world.done(world.app.register_customer(&world.agent(), command).await).value;
    let added = world.events(id).await.into_iter().find_map(|event| match event {
        CustomerEvent::Profile(ProfileEvent::CustomerAddressAdded(added)) => Some(added.address_id),
        _ => None,
    });
    (id, added.expect("the address was added"))
}

fn the_last_word_holds(world: impl Future<Output = World>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let world = runtime.block_on(world);
    let elsewhere = runtime.block_on(world.elsewhere());
    let shutdown = CancellationToken::new();
    let running = runtime.block_on(dispatch(&world, &shutdown));
    let mut runner = TestRunner::new(Config {
        cases: u32::try_from(times("COMMLOG_LAST_WORDS", 48)).expect("a number of cases"),
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&(steps(), 0..2_usize), |(steps, speaker)| {
        runtime.block_on(async {
            let mut mailbox = Mailbox::new(&world, speaker).await;
            for step in &steps {
                mailbox.take(step).await;
            }
            mailbox.settle().await;
            let expected = mailbox.model.may_be_written_to();
            prop_assert_eq!(mailbox.decisions(&elsewhere).await, [expected, expected]);
            prop_assert_eq!(mailbox.violations().await, Vec::<String>::new());
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    shutdown.cancel();
    runtime.block_on(running).expect("the dispatcher ends");
}

#[tokio::test]
async fn an_opt_out_that_a_file_says_again_later_outlasts_a_word_in_between() {
    let world = World::sqlite().await;
    let elsewhere = world.elsewhere().await;
    for run in 0..64 {
        let mut mailbox = Mailbox::new(&world, run % 2).await;
        mailbox.take(&Step::Reported { second: 10, word: Word::Unsubscribed }).await;
        mailbox.take(&Step::Import { second: Some(35) }).await;
        mailbox.take(&Step::Reported { second: 30, word: Word::Resubscribed }).await;
        assert_eq!(mailbox.decisions(&elsewhere).await, [false, false], "run {run}");
    }
}

#[tokio::test]
async fn an_opt_out_that_an_undone_file_repeated_does_not_become_newer() {
    let world = World::sqlite().await;
    let elsewhere = world.elsewhere().await;
    for speaker in 0..2 {
        let mut mailbox = Mailbox::new(&world, speaker).await;
        mailbox.take(&Step::Import { second: Some(15) }).await;
        mailbox.take(&Step::Import { second: None }).await;
        mailbox.take(&Step::Undo).await;
        assert_eq!(mailbox.decisions(&elsewhere).await, [false, false]);
        mailbox.take(&Step::Reported { second: 20, word: Word::Resubscribed }).await;
        assert_eq!(mailbox.decisions(&elsewhere).await, [true, true]);
    }
}

#[tokio::test]
async fn an_opt_out_that_files_repeat_without_a_time_does_not_become_newer() {
    let world = World::sqlite().await;
    let elsewhere = world.elsewhere().await;
    for speaker in 0..2 {
        let mut mailbox = Mailbox::new(&world, speaker).await;
        mailbox.take(&Step::Import { second: Some(15) }).await;
        mailbox.take(&Step::Import { second: None }).await;
        assert_eq!(mailbox.decisions(&elsewhere).await, [false, false]);
        mailbox.take(&Step::Reported { second: 20, word: Word::Resubscribed }).await;
        assert_eq!(mailbox.decisions(&elsewhere).await, [true, true]);
    }
}

#[test]
fn the_last_word_about_a_mailbox_holds_on_sqlite() {
    the_last_word_holds(World::sqlite());
}

#[test]
fn the_last_word_about_a_mailbox_holds_on_postgres() {
    the_last_word_holds(World::postgres());
}
