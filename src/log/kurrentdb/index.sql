-- What is known of a log in KurrentDB, by its events in their order. Disposable: made again by reading the log once. Ids are
-- 16 bytes; times are microseconds since 1970, UTC.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- Streams are interned in the order in which they were opened. `version` and `hash` are those of the last event.
CREATE TABLE streams (
    stream    INTEGER NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    category  TEXT NOT NULL,
    key       BLOB NOT NULL,
    version   INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    UNIQUE (tenant_id, category, key)
) STRICT;
CREATE INDEX streams_of_tenants ON streams (tenant_id) WHERE category = 'tenant';

-- `commit_at` and `prepare_at` are the event's place in KurrentDB. `reached_at` is the latest `recorded_at` of all events up to this one.
CREATE TABLE events (
    position   INTEGER NOT NULL PRIMARY KEY,
    stream     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    event_id   BLOB NOT NULL,
    commit_at  INTEGER NOT NULL,
    prepare_at INTEGER NOT NULL,
    reached_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_id ON events (event_id);
CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

-- What was made, or was about to be made, under commands. An append counts if its last event is there.
CREATE TABLE claims (
    tenant_id     BLOB NOT NULL,
    command_id    BLOB NOT NULL,
    claim         INTEGER NOT NULL,
    ordinal       INTEGER NOT NULL,
    fingerprint   BLOB NOT NULL,
    category      TEXT NOT NULL,
    key           BLOB NOT NULL,
    first_version INTEGER NOT NULL,
    last_version  INTEGER NOT NULL,
    last_event    BLOB NOT NULL,
    PRIMARY KEY (tenant_id, command_id, claim, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    epoch      INTEGER NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    system_id  TEXT NOT NULL
) STRICT;

-- Folded states, to open long streams fast.
CREATE TABLE snapshots (
    tenant_id    BLOB NOT NULL,
    category     TEXT NOT NULL,
    key          BLOB NOT NULL,
    fold         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    fold_version INTEGER NOT NULL,
    state        BLOB NOT NULL,
    PRIMARY KEY (tenant_id, category, key, fold)
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('commit', 0), ('prepare', 0);
