//! A relay between a node and its database, whose connections can be cut, with a word and without.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Bytes are passed on.
    Works,
    /// Connections are closed, and new ones too.
    Cut,
    /// Nothing arrives any more, and nobody is told: neither now nor when the line works again, for connections that were
    /// open by then.
    Swallows,
}

pub(super) struct Proxy {
    pub(super) port: u16,
    line: watch::Sender<Line>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// Relays to a port of loopback.
    pub(super) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (line, watched) = watch::channel(Line::Works);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut relays = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let watched = watched.clone();
                relays.spawn(relay(client, to, watched));
                while relays.try_join_next().is_some() {}
            }
        });
        Self { port, line, _task: task }
    }

    pub(super) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn relay(client: TcpStream, to: u16, mut line: watch::Receiver<Line>) {
    let now = *line.borrow_and_update();
    let (held, server) = match now {
        Line::Works => match TcpStream::connect(("127.0.0.1", to)).await {
            Ok(server) => (client, server),
            Err(_) => return,
        },
        Line::Cut => return,
        Line::Swallows => return swallow(client).await,
    };
    let ends = Arc::new([held, server]);
    tokio::select! {
        () = copy(&ends, 0, 1) => return,
        () = copy(&ends, 1, 0) => return,
        changed = line.changed() => if changed.is_err() { return },
    }
    if *line.borrow() == Line::Swallows {
        // Both sides keep their sockets, and what they still send is lost.
        tokio::join!(discard(&ends[0]), discard(&ends[1]));
        std::future::pending::<()>().await;
    }
}

async fn copy(ends: &Arc<[TcpStream; 2]>, from: usize, to: usize) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        if ends[from].readable().await.is_err() {
            return;
        }
        let read = match ends[from].try_read(&mut bytes) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let mut rest = &bytes[..read];
        while !rest.is_empty() {
            if ends[to].writable().await.is_err() {
                return;
            }
            match ends[to].try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

async fn discard(end: &TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    while end.readable().await.is_ok() {
        match end.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

async fn swallow(mut client: TcpStream) {
    let mut bytes = vec![0; 64 * 1024];
    while client.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    let _ = client.shutdown().await;
}
