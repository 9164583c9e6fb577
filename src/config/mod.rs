//! Configuration: embedded defaults ← `commlog.toml` ← `COMMLOG_*` variables. This is the only place that reads the
//! environment.
//!
//! A key has one name: `log_url` in the file is `COMMLOG_LOG_URL` in the environment. Unknown keys are errors, because a
//! misspelt key would otherwise mean the default, silently.

mod accounts;
mod openid;
mod store;
mod traces;
mod validators;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;
use uuid::Uuid;

use crate::domain::value::place;
use crate::ids::TenantId;
use crate::log::seal::{MasterKey, ParseMasterKeyError};

pub use accounts::{AccountConfig, AccountVariable, GivenVariables};
pub use openid::OpenIdConfig;
pub use store::{BlobsUrl, KurrentUrl, LogUrl, StoreUrl};
pub use traces::TracesConfig;
pub use validators::ValidatorConfig;

use values::{base_urls, origins, posted_to, public_url, shares, truth};

/// The file that is read from the working directory if no other is named.
pub const DEFAULT_FILE: &str = "commlog.toml";

/// The tenant of an installation that has only one.
pub const DEFAULT_TENANT: TenantId = TenantId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// Every key, with what it is for; the text of `commlog help configuration` comes from here.
pub const KEYS: &[(&str, &str)] = &[
    ("data_dir", "folder of the embedded stores and of the key file [default: data]"),
    (
        "log_url",
        "the log: sqlite:PATH, postgres://… or kurrentdb://…, kurrentdb+discover://… [default: sqlite:<data_dir>/log.db]",
    ),
    ("read_url", "the read tables: sqlite:FOLDER or postgres://… [default: as the log; else embedded <data_dir>/read]"),
    (
        "keys_url",
        "the key store, kept out of the log's backups: sqlite:PATH or postgres://… [default: sqlite:<data_dir>/keys.db]",
    ),
    (
        "keys_with_log",
        "true: the key store may be in the log's own database, whose dumps then reveal forgotten people [default: false]",
    ),
    (
        "blobs_url",
        "the blob store, for attachments: file:FOLDER or postgres://… [default: as the log; else embedded <data_dir>/blobs]",
    ),
    ("master_key", "32 bytes in hex or base64 that encrypt every key of the key store [default: from master_key_file]"),
    (
        "master_key_file",
        "file with the master key; created with a new key store, readable by its owner only [default: <data_dir>/master.key]",
    ),
    (
        "listen",
        "address and port of the API, health and metrics; without the role api, of the latter only [default: 127.0.0.1:7700]",
    ),
    (
        "public_url",
        "public URL of this server, for links in messages, such as https://mail.example.com [default: http://<listen>]",
    ),
    (
        "cors_origins",
        "web origins, separated by commas, whose pages may call the API, such as https://app.example.com; * for all [default: none]",
    ),
    (
        "oidc_issuer",
        "URL of the OpenID Connect issuer where people sign in to the console [default: none; they use API keys]",
    ),
    ("oidc_client_id", "the name that the issuer knows this server by; its redirect URI is <public_url>/auth/callback"),
    ("oidc_client_secret", "the secret that goes with it, if the issuer gave one"),
    ("oidc_role_claim", "claim of the issuer's ID token with a person's groups [default: groups]"),
    (
        "oidc_roles",
        "what these groups may do here, such as crm-admins=admin, help-desk=agent; who is in none of them does not get in",
    ),
    ("oidc_hours", "how long a sign-in lasts, in hours [default: 12]"),
    ("roles", "roles of this node, separated by commas: api, projector, processes [default: all]"),
    (
        "dispatch_shares",
        "into how many shares of customers the sending of messages is split, 1 to 64, so that several nodes send at a time; the same on all nodes; without effect on a log in SQLite [default: 1]",
    ),
    ("tenant", "the tenant that commands act for without --tenant"),
    (
        "require_opt_in",
        "true: marketing requires an opt-in; false: it requires only that there is no opt-out [default: false]",
    ),
    (
        "default_region",
        "region of phone numbers without a country code, such as GB [default: none; such numbers are refused]",
    ),
    ("projections_dir", "folder of *.sql files that replace or add read models [default: the embedded ones only]"),
    (
        "account_base_urls",
        "base URLs, separated by commas, that accounts set up over the API may use, besides the providers' own [default: none]",
    ),
    (
        "checkpoint_url",
        "URL that each signed checkpoint of the log is posted to as JSON: https, or http on this machine [default: none]",
    ),
    (
        "traces_url",
        "URL of an OpenTelemetry collector that traces are sent to, as OTLP over HTTP, such as http://localhost:4318 [default: OTEL_EXPORTER_OTLP_ENDPOINT; else none]",
    ),
    ("traces_share", "which share of traces is sent, from 0 to 1 [default: 1]"),
    ("simulator_seed", "seed of the simulated provider [default: 1]"),
    ("log_filter", "diagnostics on stderr, such as info or commlog=debug [default: info,sqlx=warn]"),
    ("log_format", "text or json [default: text]"),
];

/// What one node does; each part can run on nodes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Serves GraphQL, health and metrics.
    pub api: bool,
    /// Brings the read tables up to date.
    pub projector: bool,
    /// Dispatches messages and completes erasures.
    pub processes: bool,
}

/// As [`Roles::parse`] reads them.
impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [("api", self.api), ("projector", self.projector), ("processes", self.processes)];
        let names: Vec<_> = all.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect();
        f.write_str(&names.join(","))
    }
}

impl Roles {
    /// Everything: what a single node does.
    pub const ALL: Self = Self { api: true, projector: true, processes: true };

    /// Reads a list such as `api,projector`.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut roles = Self { api: false, projector: false, processes: false };
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "api" => roles.api = true,
                "projector" => roles.projector = true,
                "processes" => roles.processes = true,
                "all" => roles = Self::ALL,
                other => return Err(format!("{other:?} is not a role; the roles are api, projector, processes")),
            }
        }
        if roles == (Self { api: false, projector: false, processes: false }) {
            return Err("name at least one role: api, projector, processes".to_owned());
        }
        Ok(roles)
    }
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// The configuration itself, usually the environment.
    Given(MasterKey),
    /// A file.
    File(PathBuf),
}
/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the embedded stores.
    pub data_dir: PathBuf,
    /// Where the log is.
    pub log: LogUrl,
    /// What this node knows of a log in KurrentDB: a file that is made again when it is missing.
    pub log_index: PathBuf,
    /// Where the read tables are; for SQLite a folder, because each generation is a file.
    pub read: StoreUrl,
    /// Where the key store is.
    pub keys: StoreUrl,
    /// Whether the key store may be in the log's own database.
    pub keys_with_log: bool,
    /// Where attachments are.
    pub blobs: BlobsUrl,
    /// What wraps the keys.
    pub master_key: MasterKeySource,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where people reach the API's server: what links in messages begin with. Without a slash at its end.
    pub public_url: String,
    /// Whether that was configured; without it, only this machine can follow links.
    pub public_url_is_set: bool,
    /// Web origins whose pages may call the API; `*` alone stands for all.
    pub cors_origins: Vec<String>,
    /// What this node does.
    pub roles: Roles,
    /// Into how many shares of customers the dispatching of messages is split, each of which one node has at a time.
    pub dispatch_shares: u8,
    /// The tenant that commands act for.
    pub tenant: TenantId,
    /// Whether marketing needs an explicit opt-in.
    pub require_opt_in: bool,
    /// The region of phone numbers without a country code.
    pub default_region: Option<String>,
    /// Read models beside or instead of the embedded ones.
    pub projections_dir: Option<PathBuf>,
    /// Where people sign in to the console.
    pub openid: Option<OpenIdConfig>,
    /// The providers' accounts; without any, messages go to the simulator.
    pub accounts: Vec<AccountConfig>,
    /// The services that check addresses, in the order in which they are asked.
    pub validators: Vec<ValidatorConfig>,
    /// The variables of providers that are set, for accounts that are set up here.
    pub given_variables: GivenVariables,
    /// Where accounts that administrators set up may send beside the providers' own domains: their origins count.
    pub account_base_urls: Vec<Url>,
    /// Where signed checkpoints are posted.
    pub checkpoint_url: Option<Url>,
    /// Where traces are sent.
    pub traces: Option<TracesConfig>,
    /// Of the simulated provider.
    pub simulator_seed: u64,
    /// Which diagnostics are written.
    pub log_filter: String,
    /// How they are written.
    pub log_format: LogFormat,
}

/// Why there is no valid configuration. Names the key and where it was set.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Nobody reads this key.
    #[error("unknown key {key:?} in {origin}; {}", right_key(key))]
    UnknownKey {
        /// As it was written.
        key: String,
        /// The file, or the environment.
        origin: String,
    },
    /// The value does not fit.
    #[error("{key} in {origin}: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// The file, or the environment.
        origin: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// What a key should have been, as it would be written in the same place.
fn right_key(key: &str) -> String {
    let in_environment = key.strip_prefix("COMMLOG_");
    let name = in_environment.unwrap_or(key).to_lowercase();
    let nearest = KEYS.iter().map(|(known, _)| (strsim::damerau_levenshtein(known, &name), *known)).min();
    match nearest {
        Some((distance, known)) if distance <= 2 => match in_environment {
            Some(_) => format!("did you mean COMMLOG_{}?", known.to_uppercase()),
            None => format!("did you mean {known}?"),
        },
        _ => format!("the keys are {}", known_keys()),
    }
}

fn known_keys() -> String {
    KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ")
}

/// Values with where each was set, by key.
type Values = BTreeMap<String, (String, String)>;

impl Config {
    /// Reads the configuration of this process: the named file, which must exist, or `commlog.toml` if there is one; and
    /// the process's environment. `known` are the variables that configure provider accounts.
    pub fn load(file: Option<&Path>, known: &[AccountVariable]) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => Some((path.to_owned(), read(path)?)),
            None if Path::new(DEFAULT_FILE).exists() => Some((DEFAULT_FILE.into(), read(Path::new(DEFAULT_FILE))?)),
            None => None,
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            // A value that is not UTF-8 keeps its replacement characters and fails where it is parsed, with its name.
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self::from_parts(text.as_ref().map(|(path, text)| (path.as_path(), text.as_str())), variables, known)
    }

    /// Combines the text of a file with variables; pure.
    pub fn from_parts(
        file: Option<(&Path, &str)>,
        variables: impl IntoIterator<Item = (String, String)>,
        known: &[AccountVariable],
    ) -> Result<Self, ConfigError> {
        let mut values = Values::new();
        let mut parties = Parties::default();
        if let Some((path, text)) = file {
            parties = read_file_values(path, text, &mut values)?;
        }
        let mut others = BTreeMap::new();
        for (name, value) in variables {
            let Some(key) = name.strip_prefix("COMMLOG_").map(str::to_lowercase) else {
                others.insert(name, value);
                continue;
            };
            // Settings of the benchmark share the prefix but are not ours.
            if key.starts_with("bench_") {
                continue;
            }
            if !KEYS.iter().any(|(known, _)| *known == key) {
                return Err(ConfigError::UnknownKey { key: name, origin: "the environment".to_owned() });
            }
            // A variable that is set to nothing is how shells and compose files say "not set".
            if !value.is_empty() {
                values.insert(key, (value, format!("the environment (variable {name})")));
            }
        }
        traces::add_variables(&mut values, &others);
        parties.accounts.extend(accounts::from_variables(known, &others));
        validators::add_variables(&mut parties.validators, known, &others);
        parties.variables = GivenVariables::of(known, others);
        Self::from_values(&values, parties)
    }

    fn from_values(values: &Values, parties: Parties) -> Result<Self, ConfigError> {
        let text = |key: &str| values.get(key).map(|(value, _)| value.as_str());
        let data_dir = PathBuf::from(text("data_dir").unwrap_or("data"));
        let store = |key: &str| -> Result<Option<StoreUrl>, ConfigError> { parse(values, key, StoreUrl::parse) };
        let log = parse(values, "log_url", LogUrl::parse)?;
        let log = log.unwrap_or_else(|| LogUrl::Sql(StoreUrl::Sqlite(data_dir.join("log.db"))));
        let read = store("read_url")?.unwrap_or_else(|| match &log {
            LogUrl::Sql(StoreUrl::Postgres(url)) => StoreUrl::Postgres(url.clone()),
            LogUrl::Sql(StoreUrl::Sqlite(_)) | LogUrl::Kurrent(_) => StoreUrl::Sqlite(data_dir.join("read")),
        });
        let keys = store("keys_url")?.unwrap_or_else(|| StoreUrl::Sqlite(data_dir.join("keys.db")));
        let blobs = parse(values, "blobs_url", BlobsUrl::parse)?.unwrap_or_else(|| match &log {
            LogUrl::Sql(StoreUrl::Postgres(url)) => BlobsUrl::Postgres(url.clone()),
            LogUrl::Sql(StoreUrl::Sqlite(_)) | LogUrl::Kurrent(_) => BlobsUrl::Folder(data_dir.join("blobs")),
        });
        let key_file = text("master_key_file").map_or_else(|| data_dir.join("master.key"), PathBuf::from);
        let listen = parse(values, "listen", |text| {
            text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:7700".to_owned())
        })?
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7700)));
        Ok(Self {
            log,
            log_index: data_dir.join("log-index.db"),
            read,
            keys,
            blobs,
            master_key: parse(values, "master_key", |text| {
                text.parse().map_err(|error: ParseMasterKeyError| error.to_string())
            })?
            .map_or(MasterKeySource::File(key_file), MasterKeySource::Given),
            listen,
            public_url_is_set: values.contains_key("public_url"),
            public_url: parse(values, "public_url", public_url)?.unwrap_or_else(|| format!("http://{listen}")),
            cors_origins: parse(values, "cors_origins", origins)?.unwrap_or_default(),
            roles: parse(values, "roles", Roles::parse)?.unwrap_or(Roles::ALL),
            dispatch_shares: parse(values, "dispatch_shares", shares)?.unwrap_or(1),
            tenant: parse(values, "tenant", |text| text.parse().map_err(|_| "must be a UUID".to_owned()))?
                .unwrap_or(DEFAULT_TENANT),
            keys_with_log: parse(values, "keys_with_log", truth)?.unwrap_or(false),
            require_opt_in: parse(values, "require_opt_in", truth)?.unwrap_or(false),
            default_region: parse(values, "default_region", place::region)?,
            projections_dir: text("projections_dir").map(PathBuf::from),
            openid: openid::read(values)?,
            accounts: parties.accounts,
            validators: parties.validators,
            given_variables: parties.variables,
            account_base_urls: parse(values, "account_base_urls", base_urls)?.unwrap_or_default(),
            checkpoint_url: parse(values, "checkpoint_url", posted_to)?,
            traces: traces::read(values)?,
            simulator_seed: parse(values, "simulator_seed", |text| {
                text.parse().map_err(|_| "must be a whole number".to_owned())
            })?
            .unwrap_or(1),
            log_filter: text("log_filter").unwrap_or("info,sqlx=warn").to_owned(),
            log_format: parse(values, "log_format", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("must be text or json".to_owned()),
            })?
            .unwrap_or(LogFormat::Text),
            data_dir,
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

/// Those outside whom this server calls.
#[derive(Default)]
struct Parties {
    accounts: Vec<AccountConfig>,
    validators: Vec<ValidatorConfig>,
    variables: GivenVariables,
}

/// Takes over the keys and returns whom the file names.
fn read_file_values(path: &Path, text: &str, values: &mut Values) -> Result<Parties, ConfigError> {
    let origin = path.display().to_string();
    let mut found = Parties::default();
    let table: toml::Table =
        text.parse().map_err(|source| ConfigError::NotToml { path: path.to_owned(), source: Box::new(source) })?;
    for (key, value) in table {
        match key.as_str() {
            "accounts" => {
                found.accounts = accounts::from_file(&origin, value)?;
                continue;
            }
            "validators" => {
                found.validators = validators::from_file(&origin, value)?;
                continue;
            }
            _ => {}
        }
        if !KEYS.iter().any(|(known, _)| *known == key) {
            return Err(ConfigError::UnknownKey { key, origin });
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            toml::Value::Array(words) if words.iter().all(toml::Value::is_str) => {
                words.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            other => {
                let reason = format!("a {} is not allowed here", other.type_str());
                return Err(ConfigError::Invalid { key, origin, reason });
            }
        };
        values.insert(key, (value, origin.clone()));
    }
    Ok(found)
}

fn parse<T>(values: &Values, key: &str, parser: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, ConfigError> {
    let Some((value, origin)) = values.get(key) else { return Ok(None) };
    parser(value).map(Some).map_err(|reason| ConfigError::Invalid {
        key: key.to_owned(),
        origin: origin.clone(),
        reason,
    })
}

#[cfg(test)]
mod tests;
