//! `commlog serve` and `commlog demo` as processes, stopped by a signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::Place;

/// A server that is stopped at the end.
pub(crate) struct Server {
    child: Child,
    /// What it said until it was ready.
    pub(crate) printed: String,
    /// The pipe that it writes diagnostics to, where nobody reads it.
    unread: Option<Box<dyn BufRead + Send>>,
    address: String,
}

impl Server {
    /// Starts a server and waits until it has said its address.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::start_unread(place.command(arguments), arguments[0] == "demo").unheard()
    }

    /// Starts one of several nodes of a place, as on a machine of its own: with a data folder of this name.
    pub(crate) fn start_node(place: &Place, folder: &str) -> Self {
        let mut command = place.command(&["serve"]);
        command.env("COMMLOG_DATA_DIR", folder);
        Self::start_unread(command, false).unheard()
    }

    /// As [`Self::start`], for somebody who hears each line that it says later.
    pub(crate) fn start_heard(place: &Place, arguments: &[&str], mut hear: impl FnMut(&str) + Send + 'static) -> Self {
        let mut server = Self::start_unread(place.command(arguments), arguments[0] == "demo");
        let lines = server.unread.take().unwrap();
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(|line| hear(&line)));
        server
    }

    /// Starts `commlog serve` in a shell that does something before.
    pub(crate) fn start_after(place: &Place, before: &str) -> Self {
        Self::start_unread(in_shell(place, before), false).unheard()
    }

    /// Whatever it says later must find a reader.
    fn unheard(mut self) -> Self {
        let mut lines = self.unread.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        self
    }

    /// As [`Self::start`]; nobody reads what it says later.
    pub(crate) fn start_unread(mut command: Command, is_demo: bool) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut printed = String::new();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut lines: Box<dyn BufRead + Send> =
            if is_demo { Box::new(BufReader::new(stdout)) } else { Box::new(BufReader::new(stderr)) };
        while !(printed.contains("listening on http://") || is_demo && printed.contains("Ctrl-C"))
            || !printed.ends_with('\n')
        {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the server ended: {printed}");
            printed.push_str(&line);
        }
        // What is said before may name other addresses.
        let said = printed.find("listening on http://").unwrap_or_default();
        let start = said + printed[said..].find("http://").unwrap() + "http://".len();
        let address = printed[start..].split('/').next().unwrap().to_owned();
        Self { child, printed, unread: Some(lines), address }
    }

    /// Starts `commlog serve` without stderr.
    pub(crate) fn start_mute(place: &mut Place) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        place.set("COMMLOG_LISTEN", &address);
        let mut command = in_shell(place, "exec 2>&-");
        drop(port);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(&address).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "the server ended");
            std::thread::yield_now();
        }
        Self { child, printed: String::new(), unread: None, address }
    }

    /// Closes the pipe that nobody reads.
    pub(crate) fn break_pipe(&mut self) {
        self.unread = None;
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The most memory that it has had, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        most.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn request(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks the server to stop, as a service manager does, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Server {
    /// As [`Self::stop`] for a server that nobody read; with what it said since it was ready.
    pub(crate) fn stop_and_hear(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let mut said = String::new();
        self.unread.take().expect("nobody read it").read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `commlog serve` in a shell that does something before.
fn in_shell(place: &Place, before: &str) -> Command {
    let mut shell = place.shell(&["-c", &format!("{before}; exec \"$0\" serve")]);
    shell.arg(place.program());
    shell
}

/// A place whose server listens on any port.
pub(crate) fn place() -> Place {
    let mut place = Place::new();
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.set("COMMLOG_LOG_FILTER", "error");
    place
}
