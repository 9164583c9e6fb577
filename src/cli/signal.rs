//! SIGINT and SIGTERM: a first one asks the process to finish, a second one ends it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cli::failure::Exit;

/// Cancels `token` at the first SIGINT or SIGTERM, and ends the process at the second one, in case it hangs. Nothing
/// acknowledged is lost. A signal counts from the moment this returns.
pub fn cancel_on_interrupt(token: CancellationToken) -> AbortOnDropHandle<()> {
    let signals = Signals::listen();
    AbortOnDropHandle::new(tokio::spawn(async move {
        // Without handlers, signals end the process at once; nothing acknowledged is lost.
        let Ok(mut signals) = signals else { return };
        signals.next().await;
        token.cancel();
        signals.next().await;
        #[expect(clippy::disallowed_methods, reason = "a second signal means: do not wait for `main`")]
        std::process::exit(Exit::Interrupted as i32);
    }))
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
