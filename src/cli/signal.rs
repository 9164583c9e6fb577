//! SIGINT and SIGTERM: a first one asks the process to finish, a second one ends it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cli::failure::Exit;

/// Cancels `token` at the first SIGINT or SIGTERM, and ends the process at the second one, in case it hangs. Nothing
/// acknowledged is lost.
pub fn cancel_on_interrupt(token: CancellationToken) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        wait().await;
        token.cancel();
        wait().await;
        #[expect(clippy::disallowed_methods, reason = "a second signal means: do not wait for `main`")]
        std::process::exit(Exit::Interrupted as i32);
    }))
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers, signals end the process at once; nothing acknowledged is lost.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
