//! Keeps the parts of a node running that should never end: one that ends with an error or a panic is reported and started
//! again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::Health;
use crate::processes::every::{JobError, chain};

/// The first and the longest pause before a part is started again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// A part that ran for this long begins again with the first pause.
const STABLE: Duration = Duration::from_mins(5);

/// Runs a part until it ends by itself after `shutdown`. While it is down, `/readyz` reports it.
pub async fn supervise<F, R>(part: &'static str, health: &Health, shutdown: &CancellationToken, start: F)
where
    F: FnMut() -> R,
    R: Future<Output = Result<(), JobError>>,
{
    let (first, longest) = PAUSE;
    supervise_with(first, longest, part, health, shutdown, start).await;
}

async fn supervise_with<F, R>(
    first: Duration,
    longest: Duration,
    part: &'static str,
    health: &Health,
    shutdown: &CancellationToken,
    mut start: F,
) where
    F: FnMut() -> R,
    R: Future<Output = Result<(), JobError>>,
{
    let mut pause = first;
    loop {
        let began = Instant::now();
        // The part is made inside: making it may panic too.
        let ended = AssertUnwindSafe(async { start().await }).catch_unwind().await;
        if shutdown.is_cancelled() {
            return;
        }
        let why = match ended {
            Ok(Ok(())) => "it ended early".to_owned(),
            Ok(Err(error)) => chain(&*error),
            Err(_panic) => "it panicked".to_owned(),
        };
        if began.elapsed() > STABLE {
            pause = first;
        }
        tracing::error!(
            part,
            error = why,
            seconds = pause.as_secs_f32(),
            "a part of the node stopped and is started again"
        );
        health.restarted(part);
        health.fails(part, format!("the {part} stopped and is started again"));
        let ended = shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none();
        health.works(part);
        if ended {
            return;
        }
        pause = (pause * 2).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_part_is_started_again_after_an_error_and_a_panic_until_shutdown() {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let (started, mut seen) = mpsc::unbounded_channel();
        let running = tokio::spawn({
            let (health, shutdown) = (health.clone(), shutdown.clone());
            async move {
                let mut number = 0;
                let part = || {
                    number += 1;
                    started.send(number).expect("the test listens");
                    let (number, shutdown) = (number, shutdown.clone());
                    async move {
                        match number {
                            1 => Err("no room".into()),
                            2 => panic!("a bug"),
                            3 => Ok(()),
                            _ => {
                                shutdown.cancelled().await;
                                Ok(())
                            }
                        }
                    }
                };
                let pause = Duration::from_millis(1);
                supervise_with(pause, pause, "projector", &health, &shutdown, part).await;
            }
        });
        for expected in 1..=4 {
            assert_eq!(seen.recv().await, Some(expected));
        }
        assert_eq!((health.count_restarts("projector"), health.problems()), (3, vec![]));
        shutdown.cancel();
        running.await.expect("it ends");
    }
}
