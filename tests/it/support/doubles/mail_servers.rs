//! A real Postfix and a real Dovecot, of a test's own: on free ports of loopback, in a temporary folder, with a
//! configuration that is not the machine's.
//!
//! They belong to a shell that waits on a pipe from this process: however this process ends, the pipe closes, and the
//! shell stops them and removes the folder. Postfix runs as root only.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use commlog::providers::Secret;
use commlog::providers::kind::Reach;
use commlog::providers::smtp::{ImapSettings, Security, Server, SmtpSettings};

use super::tls::Authority;

const KEEPER: &str = r#"
PATH="$PATH:/usr/sbin:/sbin"
cd "$DIR" || exit 1
trap 'postfix -c "$DIR/postfix" stop; dovecot -c "$DIR/dovecot.conf" stop; rm -rf "$DIR"' EXIT
{ mkdir spool data mail run state && chown postfix data && chown nobody mail &&
  postfix -c "$DIR/postfix" start && dovecot -c "$DIR/dovecot.conf"; } >"$DIR/start.log" 2>&1 ||
  { cat "$DIR"/*.log >&2; exit 1; }
echo ready
cat >"$DIR/end"
"#;

const PASSWORD: &str = "correct-horse";

/// Both servers: mail to `shop.test` ends in one mailbox, mail to `elsewhere.test` comes back.
pub(crate) struct MailServers {
    smtp: u16,
    imap: u16,
    authority: Authority,
    _keeper: Child,
}

impl MailServers {
    /// [`None`] where they cannot be started: without the programs, or by anybody but root.
    pub(crate) fn start() -> Option<Self> {
        let found = |name: &str| {
            ["/usr/sbin", "/sbin", "/usr/local/sbin"].iter().any(|folder| Path::new(folder).join(name).exists())
        };
        if !rustix::process::geteuid().is_root() || !found("postfix") || !found("dovecot") {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its servers may enter it");
        let [smtp, elsewhere, imap] = free_ports();
        let authority = Authority::new();
        write(&folder, &authority, smtp, elsewhere, imap);
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .env("DIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let output = keeper.stdout.take().expect("is piped");
        BufReader::new(output).read_line(&mut line).expect("the shell speaks");
        assert_eq!(line.trim(), "ready", "the mail servers start");
        Some(Self { smtp, imap, authority, _keeper: keeper })
    }

    /// Settings with which both are used.
    pub(crate) fn settings(&self) -> SmtpSettings {
        let server = |port, security| Server {
            host: "localhost".to_owned(),
            port,
            security,
            reach: Reach::Anywhere,
            connect_timeout: Duration::from_secs(10),
        };
        let from = "Shop <news@shop.test>".parse().expect("a mailbox");
        let mut settings = SmtpSettings::new("main", server(self.smtp, Security::StartTls), from);
        settings.return_path = Some("bounce@shop.test".parse().expect("an address"));
        settings.authority = Some(self.authority.pem());
        settings.imap = Some(ImapSettings {
            server: server(self.imap, Security::Tls),
            username: "news@shop.test".to_owned(),
            password: Some(Secret::new(PASSWORD)),
            folder: "INBOX".to_owned(),
            move_to: None,
            pause: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
        });
        settings
    }
}

fn free_ports() -> [u16; 3] {
    // Held together, so that they differ.
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

fn write(folder: &Path, authority: &Authority, smtp: u16, elsewhere: u16, imap: u16) {
    let dir = folder.display();
    let put = |name: &str, content: String| {
        let path: PathBuf = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
    };
    let (certificate, key) = authority.localhost();
    put("cert.pem", certificate);
    put("key.pem", key);
    put(
        "postfix/main.cf",
        format!(
            "compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/postfix.log
maillog_file_prefixes = {dir}
myhostname = mx.shop.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
recipient_delimiter = +
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = may
virtual_mailbox_domains = shop.test
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = inline:{{ news@shop.test=box/, bounce@shop.test=box/ }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
relay_domains = elsewhere.test
transport_maps = inline:{{ {{elsewhere.test=smtp:[127.0.0.1]:{elsewhere}}} }}
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions =
notify_classes =
"
        ),
    );
    put(
        "postfix/master.cf",
        format!(
            "{smtp} inet n - n - - smtpd
{elsewhere} inet n - n - - smtpd
  -o myhostname=mx.elsewhere.test
  -o {{ relay_recipient_maps = inline:{{ nobody@elsewhere.test=x }} }}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
        ),
    );
    put(
        "dovecot.conf",
        format!(
            "protocols = imap
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
ssl = required
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
mail_location = maildir:{dir}/mail/box
first_valid_uid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={dir}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imap}
    ssl = yes
  }}
}}
"
        ),
    );
}
