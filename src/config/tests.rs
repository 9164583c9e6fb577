use super::*;

fn config(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_parts(file.map(|text| (Path::new("commlog.toml"), text)), variables, &[])
}

#[test]
fn no_configuration_means_sqlite_under_data_and_loopback() {
    let config = config(None, &[("HOME", "/root")]).unwrap();
    assert_eq!(config.log, LogUrl::Sql(StoreUrl::Sqlite("data/log.db".into())));
    assert_eq!(config.read, StoreUrl::Sqlite("data/read".into()));
    assert_eq!(config.keys, StoreUrl::Sqlite("data/keys.db".into()));
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.roles, Roles::ALL);
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let config = config(
        Some("data_dir = \"a\"\nlisten = \"127.0.0.1:1\"\nroles = [\"api\", \"projector\"]\n"),
        &[("COMMLOG_LISTEN", "127.0.0.1:2"), ("COMMLOG_DATA_DIR", "")],
    )
    .unwrap();
    assert_eq!(config.data_dir, PathBuf::from("a"));
    assert_eq!(config.listen.port(), 2);
    assert!(config.roles.api && config.roles.projector && !config.roles.processes);
}

#[test]
fn read_tables_follow_the_log_to_postgresql_and_keys_do_not() {
    let config = config(None, &[("COMMLOG_LOG_URL", "postgres://u:secret@db:5433/crm")]).unwrap();
    assert_eq!(config.read.to_string(), "postgres://db:5433/crm");
    assert_eq!(config.keys, StoreUrl::Sqlite("data/keys.db".into()));
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn a_log_in_kurrentdb_leaves_the_other_stores_embedded() {
    let address = "kurrentdb+discover://u:secret@crm.example.com:2113?tls=false&log=crm";
    let config = config(None, &[("COMMLOG_LOG_URL", address)]).unwrap();
    assert_eq!(config.log.to_string(), "kurrentdb+discover://crm.example.com:2113");
    assert_eq!(config.read, StoreUrl::Sqlite("data/read".into()));
    assert_eq!(config.log_index, PathBuf::from("data/log-index.db"));
    assert!(!format!("{config:?}").contains("secret"));
    let LogUrl::Kurrent(url) = config.log else { panic!("is in KurrentDB") };
    assert_eq!(url.address(), address);
}

#[test]
fn an_unknown_key_is_named_with_where_it_stands() {
    let in_file = config(Some("lissten = \"x\""), &[]).unwrap_err().to_string();
    assert_eq!(in_file, "unknown key \"lissten\" in commlog.toml; did you mean listen?");
    let far = config(Some("bananas = \"x\""), &[]).unwrap_err().to_string();
    assert!(far.starts_with("unknown key \"bananas\" in commlog.toml; the keys are data_dir, log_url"), "{far}");
    let in_environment = config(None, &[("COMMLOG_LOGURL", "x")]).unwrap_err().to_string();
    assert_eq!(in_environment, "unknown key \"COMMLOG_LOGURL\" in the environment; did you mean COMMLOG_LOG_URL?");
}

#[test]
fn a_bad_value_is_explained_with_key_and_origin() {
    let cases = [
        ("COMMLOG_READ_URL", "kurrentdb://localhost:2113", "KurrentDB keeps only the log"),
        ("COMMLOG_LOG_URL", "esdb://", "names no host"),
        ("COMMLOG_LOG_URL", "mysql://localhost", "no backend has the scheme"),
        ("COMMLOG_LOG_URL", "/var/lib/log.db", "must begin with a scheme"),
        ("COMMLOG_LOG_URL", "sqlite::memory:", "would lose the log"),
        ("COMMLOG_LISTEN", "7700", "an address and a port"),
        ("COMMLOG_ROLES", "api,cook", "\"cook\" is not a role"),
        ("COMMLOG_ROLES", ",", "at least one role"),
        ("COMMLOG_MASTER_KEY", "abc", "64 hex digits"),
        ("COMMLOG_DISPATCH_SHARES", "0", "from 1 to 64"),
        ("COMMLOG_DISPATCH_SHARES", "65", "from 1 to 64"),
    ];
    for (name, value, expected) in cases {
        let error = config(None, &[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(name), "{name}={value}: {error}");
    }
    let error = config(Some("listen = 1.5"), &[]).unwrap_err().to_string();
    assert_eq!(error, "listen in commlog.toml: a float is not allowed here");
}

#[test]
fn a_master_key_never_shows() {
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let given = config(None, &[("COMMLOG_MASTER_KEY", key)]).unwrap();
    assert!(!format!("{given:?}").contains("0011"));
    let error = config(None, &[("COMMLOG_MASTER_KEY", &key[1..])]).unwrap_err().to_string();
    assert!(!error.contains("0112"));
}
