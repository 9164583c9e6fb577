//! Rules tried on what has been: they find what would have happened under them, and nothing else.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use commlog::app::{DispatchDecision, TriedPerson};
use commlog::campaigns::back_test::{BackTest, Change, Question, back_test, prepare};
use commlog::domain::consent::event::ConsentState;
use commlog::domain::customer::decide::{AddressInput, ForgetCustomer, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::list::decide::{ChangeMembers, CreateList};
use commlog::domain::message::back_test::{Course, End, Tried};
use commlog::domain::message::decide::SendMessage;
use commlog::domain::message::dispatch::CallOutcome;
use commlog::domain::message::event::{MessageClass, MessageEvent, Route};
use commlog::domain::refusal::Refusal;
use commlog::domain::tenant::change_policy::UpdatePolicy;
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::tenant::policy::{CapWindow, FrequencyCap, QuietHours, RuleAction};
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{CustomerId, ListId, MessageId};

use super::lists::{Dice, Following};
use super::merging::{merge, says};
use super::on_both;
use super::world::{World, decode, email};

fn cap(channel: Option<Channel>, limit: u32, window: CapWindow, action: RuleAction) -> FrequencyCap {
    FrequencyCap { channel, topic: None, limit, window, action }
}

fn quiet(channel: Option<Channel>, from: u32, to: u32, action: RuleAction) -> QuietHours {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
    QuietHours { channel, from: time(from), to: time(to), action }
}

fn caps(caps: Vec<FrequencyCap>) -> UpdatePolicy {
    UpdatePolicy { caps: Some(caps), ..UpdatePolicy::default() }
}

/// The rules that are tried, and under which tenants are run.
fn policies() -> Vec<UpdatePolicy> {
    let (sms, mail) = (Some(Channel::Sms), Some(Channel::Email));
    vec![
        UpdatePolicy::default(),
        caps(vec![cap(None, 1, CapWindow::Rolling { hours: 24 }, RuleAction::Abort)]),
        caps(vec![cap(mail, 2, CapWindow::Week, RuleAction::Hold), cap(sms, 1, CapWindow::Day, RuleAction::Hold)]),
        UpdatePolicy {
            quiet_hours: Some(vec![quiet(None, 21, 8, RuleAction::Hold), quiet(sms, 12, 14, RuleAction::Abort)]),
            ..caps(vec![cap(None, 3, CapWindow::Rolling { hours: 72 }, RuleAction::Hold)])
        },
        UpdatePolicy { require_opt_in: Some(true), ..UpdatePolicy::default() },
    ]
}

/// A tenant of six customers whose weeks follow from a seed, under its own rules.
struct Story {
    world: World,
    customers: Vec<CustomerId>,
    /// Which record takes what is sent to each customer.
    owners: Vec<CustomerId>,
    /// What was asked for, in order.
    asked: Vec<(CustomerId, MessageId)>,
    /// What may wait, with how often nothing was to be done about it.
    open: Vec<(usize, u32)>,
    serial: u32,
}

impl Story {
    async fn begin(world: World, policy: UpdatePolicy) -> Self {
        world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
        world.done(world.app.update_policy(&world.agent(), policy).await);
        let mut customers = vec![];
        let zones = ["Europe/Berlin", "America/New_York", "UTC"];
        for number in 0..6 {
            let address =
                |kind, address: String| AddressInput { kind, address, region: None, label: None, primary: true };
            let command = RegisterCustomer {
                profile: ProfileInput {
                    name: Some(format!("Person {number}")),
                    time_zone: Some(zones[number % 3].to_owned()),
                    ..ProfileInput::default()
                },
                addresses: vec![
                    address(AddressKind::Email, format!("person{number}@example.org")),
                    address(AddressKind::Phone, format!("+44740012345{number}")),
                ],
                source: Source::Api,
            };
            customers.push(world.done(world.app.register_customer(&world.agent(), command).await).value);
        }
        let owners = customers.clone();
        Self { world, customers, owners, asked: vec![], open: vec![], serial: 0 }
    }

    /// Three weeks of messages, opt-ins and opt-outs, and a merge; dispatchers take what is due at each whole hour.
    async fn run(&mut self, seed: u64) {
        let mut dice = Dice(seed);
        for hour in 0..21 * 24 {
            self.world.advance(TimeDelta::hours(1));
            self.dispatch().await;
            if hour == 250 {
                merge(&self.world, self.customers[5], self.customers[4]).await;
                self.owners[5] = self.customers[4];
            }
            while dice.below(5) == 0 {
                let who = usize::try_from(dice.below(6)).expect("fits");
                match dice.below(12) {
                    0 => says(&self.world, self.customers[who], "news", ConsentState::OptedOut).await,
                    1 | 2 => says(&self.world, self.customers[who], "news", ConsentState::OptedIn).await,
                    kind => {
                        let later = dice.below(48);
                        self.send(who, kind, (later > 40).then_some(later)).await;
                    }
                }
                self.dispatch().await;
            }
        }
    }

    async fn send(&mut self, who: usize, kind: u64, after_hours: Option<u64>) {
        let class = if kind == 3 { MessageClass::Transactional } else { MessageClass::Marketing };
        self.serial += 1;
        let hours = |hours: u64| TimeDelta::hours(i64::try_from(hours).expect("fits"));
        let command = SendMessage {
            channel: if kind.is_multiple_of(2) { Channel::Email } else { Channel::Sms },
            topic: if kind > 8 { "offers".to_owned() } else { "news".to_owned() },
            send_at: after_hours.map(|later| self.world.now() + hours(later)),
            ..email(self.customers[who], class)
        };
        let sent = self.world.done(self.world.app.send_message(&self.world.agent(), command, None).await).value;
        self.open.push((self.asked.len(), 0));
        self.asked.push((self.owners[who], sent.message_id));
    }

    /// Takes whatever is due to a provider that accepts it.
    async fn dispatch(&mut self) {
        let route = Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None };
        let (world, caller) = (&self.world, self.world.agent());
        let mut open = vec![];
        for (index, idle) in std::mem::take(&mut self.open) {
            let (customer, message) = self.asked[index];
            let routes = std::slice::from_ref(&route);
            match world.app.begin_dispatch(&caller, customer, message, routes, None).await.expect("the log answers") {
                DispatchDecision::Go(ticket) => {
                    let accepted = CallOutcome::Accepted {
                        provider_message_id: None,
                        segments: 1,
                        cost_micros: None,
                        currency: None,
                    };
                    world.app.finish_dispatch(&caller, *ticket, accepted).await.expect("the log answers");
                }
                DispatchDecision::NotBefore(_) => open.push((index, 0)),
                // It was held again, or is settled.
                DispatchDecision::Nothing if idle == 0 => open.push((index, 1)),
                DispatchDecision::Nothing => {}
            }
        }
        self.open = open;
    }

    /// What became of each message.
    async fn courses(&self) -> Vec<Course> {
        let mut courses: BTreeMap<MessageId, Course> = BTreeMap::new();
        for id in &self.customers {
            for recorded in self.world.recorded(*id).await {
                let CustomerEvent::Message(event) = decode(&recorded) else { continue };
                let course = courses.entry(event.message_key().message_id).or_default();
                match event {
                    MessageEvent::MessageHeld(held) => {
                        course.held_by = Some(held.rule);
                        course.end = End::Waits(held.until);
                    }
                    MessageEvent::MessageSuppressed(stopped) => course.end = End::Stopped(stopped.rule),
                    MessageEvent::DispatchStarted(_) => course.end = End::Sent(recorded.envelope.occurred_at),
                    _ => {}
                }
            }
        }
        self.asked.iter().map(|(_, message)| courses[message].clone()).collect()
    }

    /// Each message as it would have been under other rules.
    async fn tried(&self, policy: UpdatePolicy) -> Vec<Tried> {
        let caller = self.world.agent();
        let proposal = self.world.app.propose(&caller, policy, None, None).await.expect("the log answers");
        let proposal = proposal.expect("it makes sense");
        let person = |ids: &[usize]| TriedPerson {
            records: ids.iter().map(|index| self.customers[*index]).collect(),
            excluded: vec![],
        };
        let persons = vec![person(&[0]), person(&[1]), person(&[2]), person(&[3]), person(&[4, 5])];
        let replayed = self.world.app.try_on(&caller, &proposal, persons).await.expect("the log answers");
        let found = replayed.into_iter().flat_map(|replayed| replayed.messages);
        let mut found: BTreeMap<MessageId, Tried> = found.map(|tried| (tried.key.message_id, tried)).collect();
        self.asked.iter().map(|(_, message)| found.remove(message).expect("each message is tried")).collect()
    }
}

async fn read_tables(world: &World) -> Following {
    let tables = Following::start(world.read_store().await);
    tables.caught_up().await;
    tables
}

async fn test_of(world: &World, tables: &Following, question: Question) -> Result<BackTest, Refusal> {
    let prepared = prepare(&world.app, &tables.reads, &world.agent(), question, None).await.expect("stores answer")?;
    Ok(back_test(&world.app, &tables.reads, &world.agent(), &prepared, |_| {}).await.expect("stores answer"))
}

async fn mail(world: &World, customer: CustomerId, class: MessageClass) -> MessageId {
    let sent = world.done(world.app.send_message(&world.agent(), email(customer, class), None).await).value;
    let route = Route { provider: "double".to_owned(), account: "test".to_owned(), domain: None };
    let taken = world.app.begin_dispatch(&world.agent(), customer, sent.message_id, &[route], None).await;
    if let DispatchDecision::Go(ticket) = taken.expect("the log answers") {
        let accepted =
            CallOutcome::Accepted { provider_message_id: None, segments: 1, cost_micros: None, currency: None };
        world.app.finish_dispatch(&world.agent(), *ticket, accepted).await.expect("the log answers");
    }
    sent.message_id
}

fn at(world: &World, hours: i64) -> Option<DateTime<Utc>> {
    Some(world.now() + TimeDelta::hours(hours))
}

/// Another empty world on the same engine.
async fn another(world: &World) -> World {
    if world.is_postgres() { World::postgres().await } else { World::sqlite().await }
}

on_both! {
    async fn it_finds_what_a_tenant_under_the_rules_would_have_decided_and_the_rules_in_force_change_nothing(world: World) {
        let seed = 7;
        let mut stories = vec![];
        for policy in policies() {
            let mut story = Story::begin(another(&world).await, policy).await;
            story.run(seed).await;
            stories.push((story.courses().await, story));
        }
        let mut differences = 0;
        for (index, (courses, story)) in stories.iter().enumerate() {
            let size = story.world.size().await;
            let unchanged = story.tried(UpdatePolicy::default()).await;
            for (tried, course) in unchanged.iter().zip(courses) {
                assert_eq!((&tried.was, &tried.would), (course, course), "rules {index}: {tried:?}");
            }
            for (other, ((expected, _), policy)) in stories.iter().zip(policies()).enumerate() {
                // What is in force and not named in a change stays in force.
                let whole = UpdatePolicy {
                    caps: policy.caps.or(Some(vec![])),
                    quiet_hours: policy.quiet_hours.or(Some(vec![])),
                    require_opt_in: policy.require_opt_in.or(Some(false)),
                    ..UpdatePolicy::default()
                };
                for (number, (tried, course)) in story.tried(whole).await.iter().zip(expected).enumerate() {
                    assert_eq!(&tried.would, course, "message {number} of rules {index} under {other}: {tried:?}");
                    differences += usize::from(tried.was.end != tried.would.end);
                }
            }
            assert_eq!(story.world.size().await, size, "nothing is recorded");
        }
        assert!(differences > 50, "the stories differ: {differences}");
    }

    async fn a_stricter_cap_never_lets_more_through(world: World) {
        let mut story = Story::begin(world, UpdatePolicy::default()).await;
        story.run(11).await;
        for window in [CapWindow::Rolling { hours: 48 }, CapWindow::Day, CapWindow::Week, CapWindow::Month] {
            let mut most = 0;
            for limit in 1..8 {
                let tried = story.tried(caps(vec![cap(None, limit, window, RuleAction::Abort)])).await;
                let sent = tried.iter().filter(|tried| matches!(tried.would.end, End::Sent(_))).count();
                assert!(sent >= most, "{window:?}: {sent} messages with a limit of {limit}, {most} with one less");
                most = sent;
            }
            // 0 is off, and no way to block everything.
            let off = story.tried(caps(vec![cap(None, 0, window, RuleAction::Abort)])).await;
            assert!(off.iter().all(|tried| tried.was == tried.would), "{window:?}");
        }
    }

    async fn what_would_not_have_been_sent_counts_against_no_later_cap(world: World) {
        world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
        let (ada, _) = world.customer("ada@example.org").await;
        let mut sent = vec![];
        for hours in [1, 10, 10, 10, 1] {
            world.advance(TimeDelta::hours(hours));
            sent.push(mail(&world, ada, MessageClass::Marketing).await);
        }
        mail(&world, ada, MessageClass::Transactional).await;
        world.advance(TimeDelta::hours(1));
        let tables = read_tables(&world).await;
        // At hours 1, 11, 21, 31, 32: the second and the third are too many; the fourth is not, as these two were not sent.
        let day = CapWindow::Rolling { hours: 24 };
        let policy = caps(vec![cap(None, 1, day, RuleAction::Abort)]);
        let found = test_of(&world, &tables, Question { policy, ..Question::default() }).await.expect("it makes sense");
        let ruled = &found.by_rule[&(Change::NotSent, "frequency_cap".to_owned())];
        let examples: Vec<_> = ruled.examples.iter().map(|example| example.message_id).collect();
        assert_eq!(examples, [sent[1], sent[2], sent[4]]);
        assert_eq!((found.totals.messages, found.totals.not_sent, found.totals.sent_as_well), (6, 3, 3));
        assert_eq!((ruled.customers, found.changed_customers, found.customers), (1, 1, 1));
        assert_eq!(found.by_campaign[&None], found.totals);
        // Held, the second waits a day after the first, the third a day after that, and so on.
        let policy = caps(vec![cap(None, 1, day, RuleAction::Hold)]);
        let found = test_of(&world, &tables, Question { policy, ..Question::default() }).await.expect("it makes sense");
        assert_eq!((found.totals.later, found.totals.sent_as_well), (4, 2), "{found:#?}");
        let ruled = &found.by_rule[&(Change::Later, "frequency_cap".to_owned())];
        let first = &ruled.examples[0];
        assert_eq!(first.would_be_sent_at.map(|at| at - first.asked_at), Some(TimeDelta::hours(14)));
        assert_eq!(ruled.still_waiting, 3, "the log ends an hour later");
    }

    async fn members_of_an_excluded_list_get_no_marketing_while_they_are_members(world: World) {
        world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
        let (ada, _) = world.customer("ada@example.org").await;
        let (augusta, _) = world.customer("augusta@example.org").await;
        let list_id = ListId(world.app.ambient().uuid());
        let command = CreateList { list_id, name: "Complaints".to_owned(), criteria: None };
        world.done(world.app.create_list(&world.agent(), command).await);
        let mut inside = vec![];
        for step in 0..4 {
            world.advance(TimeDelta::hours(1));
            if step == 1 || step == 3 {
                let command = ChangeMembers { enter: step == 1, members: vec![ada] };
                world.done(world.app.change_list_members(&world.agent(), list_id, command).await);
                world.advance(TimeDelta::minutes(1));
            }
            let message = mail(&world, ada, MessageClass::Marketing).await;
            if step == 1 || step == 2 {
                inside.push(message);
            }
            mail(&world, ada, MessageClass::Transactional).await;
            mail(&world, augusta, MessageClass::Marketing).await;
        }
        world.advance(TimeDelta::minutes(1));
        let tables = read_tables(&world).await;
        let question = || Question { exclude: vec![list_id], ..Question::default() };
        let found = test_of(&world, &tables, question()).await.expect("it makes sense");
        let ruled = &found.by_rule[&(Change::NotSent, "list".to_owned())];
        let examples: Vec<_> = ruled.examples.iter().map(|example| example.message_id).collect();
        assert_eq!(examples, inside);
        assert_eq!((found.totals.messages, found.totals.not_sent, found.totals.sent_as_well), (12, 2, 10));
        // A person of several records is looked at once.
        merge(&world, augusta, ada).await;
        world.advance(TimeDelta::minutes(1));
        tables.caught_up().await;
        let found = test_of(&world, &tables, question()).await.expect("it makes sense");
        assert_eq!((found.totals.messages, found.customers, found.totals.not_sent), (12, 1, 4), "{found:#?}");
        // Who was forgotten is counted, and not looked at.
        let command = ForgetCustomer { customer_id: ada, reason: "request".to_owned() };
        world.done(world.app.forget_customer(&world.agent(), command).await);
        world.advance(TimeDelta::minutes(1));
        tables.caught_up().await;
        let found = test_of(&world, &tables, question()).await.expect("it makes sense");
        assert_eq!((found.totals.messages, found.forgotten_customers, found.forgotten_messages), (0, 1, 12));
    }

    async fn what_makes_no_sense_is_refused_for_its_field(world: World) {
        world.advance(TimeDelta::days(1));
        world.done(world.app.create_tenant(&world.agent(), CreateTenant { name: "Vineyard".to_owned() }).await);
        world.advance(TimeDelta::days(2));
        let tables = read_tables(&world).await;
        let usual = Question::default;
        let wrong_cap = caps(vec![cap(None, 1_000, CapWindow::Day, RuleAction::Abort)]);
        let all_day = vec![quiet(None, 8, 20, RuleAction::Hold), quiet(None, 20, 8, RuleAction::Hold)];
        let all_day = UpdatePolicy { quiet_hours: Some(all_day), ..UpdatePolicy::default() };
        let unknown = ListId(world.app.ambient().uuid());
        let questions = [
            (Question { policy: wrong_cap, ..usual() }, "INVALID_INPUT", "policy.caps[0].limit"),
            (Question { policy: all_day, ..usual() }, "INVALID_INPUT", "policy.quiet_hours"),
            (Question { since: at(&world, -1), until: at(&world, -2), ..usual() }, "INVALID_INPUT", "since"),
            (Question { until: at(&world, 1), ..usual() }, "INVALID_INPUT", "until"),
            (Question { since: at(&world, -24 * 400), ..usual() }, "INVALID_INPUT", "since"),
            (Question { until: at(&world, -60), ..usual() }, "INVALID_INPUT", "until"),
            (Question { exclude: vec![unknown], ..usual() }, "LIST_UNKNOWN", "exclude_lists"),
        ];
        for (question, code, field) in questions {
            let refusal = test_of(&world, &tables, question.clone()).await.expect_err("it is refused");
            assert_eq!((refusal.code, refusal.field.as_deref()), (code, Some(field)), "{question:?}: {refusal:?}");
        }
        let found = test_of(&world, &tables, usual()).await.expect("nothing was asked for, and that is an answer");
        assert_eq!(found, BackTest::default());
        let (ada, _) = world.customer("ada@example.org").await;
        for _ in 0..3 {
            mail(&world, ada, MessageClass::Marketing).await;
        }
        world.advance(TimeDelta::minutes(1));
        tables.caught_up().await;
        let large = prepare(&world.app, &tables.reads, &world.agent(), usual(), Some(2)).await.expect("stores answer");
        assert_eq!(large.err().map(|refusal| refusal.code), Some("BACK_TEST_TOO_LARGE"));
    }
}
