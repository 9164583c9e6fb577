//! Work over batches (cryptography, decoding), off the threads that serve requests, and on all processors.

use std::sync::Arc;

/// Up to this many events take less time than handing them to another thread.
const INLINE: usize = 32;

/// Below this many, one thread is enough.
const SPLIT: usize = 512;

/// Maps items in order; `events` says how much work they are together.
pub(crate) async fn map<T, R, F>(events: usize, items: Vec<T>, work: F) -> Vec<R>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Fn(T) -> R + Send + Sync + 'static,
{
    if events <= INLINE {
        return items.into_iter().map(work).collect();
    }
    let threads = if events < SPLIT { 1 } else { std::thread::available_parallelism().map_or(1, |n| n.get().min(4)) };
    let share = items.len().div_ceil(threads).max(1);
    let work = Arc::new(work);
    let mut results = Vec::with_capacity(items.len());
    let mut items = items.into_iter();
    let mut running = Vec::with_capacity(threads);
    loop {
        let part: Vec<T> = items.by_ref().take(share).collect();
        if part.is_empty() {
            break;
        }
        let work = Arc::clone(&work);
        running.push(tokio::task::spawn_blocking(move || part.into_iter().map(|item| work(item)).collect::<Vec<R>>()));
    }
    for part in running {
        results.extend(done(part).await);
    }
    results
}

/// As [`map`], for what cannot be split.
pub(crate) async fn run<R: Send + 'static>(events: usize, work: impl FnOnce() -> R + Send + 'static) -> R {
    if events <= INLINE { work() } else { done(tokio::task::spawn_blocking(work)).await }
}

async fn done<R>(task: tokio::task::JoinHandle<R>) -> R {
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
