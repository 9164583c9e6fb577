//! A node among others.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::log::keys::{KeyStoreError, Lease};

/// Short for people, and long for a machine that is busy.
const LASTING: Lasting =
    Lasting { lasts: Duration::from_millis(800), renewed: Duration::from_millis(50), tried: Duration::from_millis(10) };

/// One lease, by a clock that may jump, in a store that may not respond.
#[derive(Default)]
struct Board {
    lease: Mutex<Option<(i64, Instant)>>,
    ahead: Mutex<Duration>,
    is_down: AtomicBool,
}

impl Board {
    fn now(&self) -> Instant {
        Instant::now() + *self.ahead.lock().expect("no panic")
    }

    fn is_up(&self) -> Result<(), KeyStoreError> {
        if self.is_down.load(Ordering::SeqCst) { Err(KeyStoreError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl Leases for Board {
    async fn take_lease(&self, name: &str, _: &str, lasting: Duration) -> Result<Option<Term>, KeyStoreError> {
        self.is_up()?;
        let mut lease = self.lease.lock().expect("no panic");
        let number = match *lease {
            Some((_, until)) if until > self.now() => return Ok(None),
            Some((number, _)) => number + 1,
            None => 1,
        };
        *lease = Some((number, self.now() + lasting));
        Ok(Some(Term { lease: name.to_owned(), number }))
    }

    async fn renew_lease(&self, term: &Term, lasting: Duration) -> Result<bool, KeyStoreError> {
        self.is_up()?;
        let mut lease = self.lease.lock().expect("no panic");
        let is_ours = lease.is_some_and(|(number, _)| number == term.number);
        if is_ours {
            *lease = Some((term.number, self.now() + lasting));
        }
        Ok(is_ours)
    }

    async fn give_lease_back(&self, term: &Term) -> Result<(), KeyStoreError> {
        self.renew_lease(term, Duration::ZERO).await.map(drop)
    }

    async fn leases(&self) -> Result<Vec<Lease>, KeyStoreError> {
        Ok(vec![])
    }
}

/// What a node does.
#[derive(Debug)]
enum Told {
    StandsBy,
    Acts(Tenure),
    Stops,
}

struct Node {
    shutdown: CancellationToken,
    told: mpsc::UnboundedReceiver<Told>,
    metrics: LeaseMetrics,
    running: JoinHandle<Result<(), KeyStoreError>>,
}

impl Node {
    /// A node whose part takes a while to end.
    fn start(board: &Arc<Board>, node: &str, ends_after: Duration) -> Self {
        let (told, heard) = mpsc::unbounded_channel();
        let (shutdown, metrics) = (CancellationToken::new(), LeaseMetrics::default());
        let candidate = Candidate {
            store: board.clone(),
            lease: "processes".to_owned(),
            part: "processes".to_owned(),
            node: node.to_owned(),
            lasting: LASTING,
            metrics: metrics.clone(),
            ambient: Ambient::system(),
        };
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move {
                let tell = |what| told.send(what).expect("the test listens");
                let idle = |stop: CancellationToken| async move {
                    tell(Told::StandsBy);
                    stop.cancelled().await;
                    Ok(())
                };
                let act = |tenure: Tenure, stop: CancellationToken| async move {
                    tell(Told::Acts(tenure));
                    stop.cancelled().await;
                    tell(Told::Stops);
                    tokio::time::sleep(ends_after).await;
                    Ok(())
                };
                candidate.run(&shutdown, idle, act).await
            }
        });
        Self { shutdown, told: heard, metrics, running }
    }

    async fn stands_by(&mut self) {
        let told = self.told.recv().await;
        assert!(matches!(told, Some(Told::StandsBy)), "{told:?}");
    }

    async fn acts(&mut self) -> Tenure {
        match self.told.recv().await {
            Some(Told::Acts(tenure)) => tenure,
            told => panic!("{told:?}"),
        }
    }

    async fn stops(&mut self) {
        let told = self.told.recv().await;
        assert!(matches!(told, Some(Told::Stops)), "{told:?}");
    }

    fn lost(&self) -> u64 {
        self.metrics.0.lost.get_or_create(&LeaseLabel { lease: "processes".to_owned() }).get()
    }
}

fn number(tenure: &Tenure) -> i64 {
    tenure.term().expect("has a term").number
}

#[tokio::test]
async fn one_node_acts_and_another_one_begins_as_soon_as_it_has_ended_in_order() {
    let board = Arc::new(Board::default());
    let ends_after = Duration::from_millis(300);
    let mut first = Node::start(&board, "first", ends_after);
    first.stands_by().await;
    let tenure = first.acts().await;
    let mut second = Node::start(&board, "second", Duration::ZERO);
    second.stands_by().await;
    tokio::time::sleep(2 * LASTING.lasts).await;
    assert!(second.told.try_recv().is_err() && !tenure.is_over(), "it was renewed");

    first.shutdown.cancel();
    first.stops().await;
    let asked = Instant::now();
    let taken = second.acts().await;
    // What was under way had ended before.
    assert!(asked.elapsed() >= ends_after, "{:?}", asked.elapsed());
    assert_eq!((number(&tenure), number(&taken)), (1, 2));
    (&mut first.running).await.expect("no panic").expect("ends in order");
    assert_eq!(first.lost(), 0);
}

#[tokio::test]
async fn a_node_that_is_gone_is_replaced_once_its_lease_has_ended() {
    let board = Arc::new(Board::default());
    let mut first = Node::start(&board, "first", Duration::ZERO);
    first.stands_by().await;
    let tenure = first.acts().await;
    let mut second = Node::start(&board, "second", Duration::ZERO);
    second.stands_by().await;
    first.running.abort();
    let taken = second.acts().await;
    assert!(tenure.is_over() && !taken.is_over());
    assert_eq!(number(&taken), 2);
}

#[tokio::test]
async fn a_node_that_cannot_renew_ends_before_another_one_can_begin() {
    let board = Arc::new(Board::default());
    let mut node = Node::start(&board, "first", Duration::ZERO);
    node.stands_by().await;
    let tenure = node.acts().await;
    board.is_down.store(true, Ordering::SeqCst);
    node.stops().await;
    let (_, until) = board.lease.lock().expect("no panic").expect("is taken");
    assert!(tenure.is_over() && tenure.ends().expect("ends") <= until);
    node.stands_by().await;
    assert_eq!(node.lost(), 1);
    board.is_down.store(false, Ordering::SeqCst);
    assert_eq!(number(&node.acts().await), 2);
}

#[tokio::test]
async fn a_node_that_was_stopped_knows_at_once_that_its_time_is_over() {
    let board = Arc::new(Board::default());
    let mut node = Node::start(&board, "first", Duration::ZERO);
    node.stands_by().await;
    let tenure = node.acts().await;
    // Nothing else runs on this thread: so it is for a process that is stopped.
    std::thread::sleep(LASTING.lasts);
    assert!(tenure.is_over());
    node.stops().await;
    node.stands_by().await;
    // Its own lease has ended, and nobody took it.
    assert_eq!(number(&node.acts().await), 2);
    assert!(tenure.is_over(), "what was begun in the first term stays over");
}

#[tokio::test]
async fn a_store_whose_clock_jumps_ends_a_term_early_and_the_holder_hears_of_it() {
    let board = Arc::new(Board::default());
    let mut first = Node::start(&board, "first", Duration::ZERO);
    first.stands_by().await;
    let tenure = first.acts().await;
    let mut second = Node::start(&board, "second", Duration::ZERO);
    second.stands_by().await;
    *board.ahead.lock().expect("no panic") += Duration::from_secs(3_600);
    let taken = second.acts().await;
    // Until its next renewal, the first one is held up by the number of its term alone.
    assert_eq!((number(&tenure), number(&taken)), (1, 2));
    first.stops().await;
    assert!(tenure.is_over() && !taken.is_over());
    first.stands_by().await;

    // A clock that is put back makes no term last longer than its holder renews it.
    *board.ahead.lock().expect("no panic") = Duration::ZERO;
    let until = || board.lease.lock().expect("no panic").map(|(_, until)| until);
    while until().is_some_and(|until| until > Instant::now() + 2 * LASTING.lasts) {
        tokio::time::sleep(LASTING.tried).await;
    }
    second.running.abort();
    assert_eq!(number(&first.acts().await), 3);
}
