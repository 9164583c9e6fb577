-- The log: immutable events in streams. Times are microseconds since 1970, UTC. Ids are 16 bytes.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- An epoch begins when the log is made, and when a restored or copied log is confirmed for sending.
CREATE TABLE epochs (
    epoch      INTEGER NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    system_id  TEXT NOT NULL
) STRICT;

-- Streams are interned: events name them by a small number.
CREATE TABLE streams (
    stream    INTEGER NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    category  TEXT NOT NULL,
    key       BLOB NOT NULL,
    UNIQUE (tenant_id, category, key)
) STRICT;
CREATE INDEX streams_of_tenants ON streams (tenant_id) WHERE category = 'tenant';

-- `hash` covers the previous hash of the stream and every other column but `position`; see `SealedEvent::compute_hash`.
CREATE TABLE events (
    position       INTEGER NOT NULL PRIMARY KEY,
    stream         INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    event_id       BLOB NOT NULL,
    type           TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    occurred_at    INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    actor          TEXT NOT NULL,
    command_id     BLOB,
    correlation_id BLOB,
    causation_id   BLOB,
    subject_id     BLOB,
    epoch          INTEGER NOT NULL,
    hash           BLOB NOT NULL,
    data           BLOB NOT NULL,
    personal       BLOB
) STRICT;

CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
CREATE UNIQUE INDEX events_by_id ON events (event_id);

-- What each append of a command made, so that a repeated command is answered and not carried out again.
CREATE TABLE commands (
    tenant_id     BLOB NOT NULL,
    command_id    BLOB NOT NULL,
    ordinal       INTEGER NOT NULL,
    fingerprint   BLOB NOT NULL,
    stream        INTEGER NOT NULL,
    first_version INTEGER NOT NULL,
    last_version  INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, command_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Disposable: folded states, to open long streams fast.
CREATE TABLE snapshots (
    stream       INTEGER NOT NULL,
    fold         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    fold_version INTEGER NOT NULL,
    state        BLOB NOT NULL,
    PRIMARY KEY (stream, fold)
) STRICT, WITHOUT ROWID;

-- Append-only, for every connection. The insert triggers are there because INSERT OR REPLACE deletes without firing
-- delete triggers, unless the connection has set recursive_triggers; they also keep positions free of gaps.

CREATE TRIGGER events_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only: events are never changed'); END;

CREATE TRIGGER events_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only: events are never deleted'); END;

-- A refused insert ends its transaction: a trigger that may abort one statement makes SQLite keep a copy of every page
-- that each insert touches. Whoever inserts with OR ROLLBACK, as commlog's writer does, pays nothing for it.
CREATE TRIGGER events_insert BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
BEGIN SELECT RAISE(ROLLBACK, 'the log is append-only: events are never replaced, and positions have no gaps'); END;

CREATE TRIGGER streams_update BEFORE UPDATE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only: streams are never changed'); END;

CREATE TRIGGER streams_delete BEFORE DELETE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only: streams are never deleted'); END;

CREATE TRIGGER streams_insert BEFORE INSERT ON streams
WHEN EXISTS (SELECT 1 FROM streams WHERE stream = NEW.stream)
    OR EXISTS (SELECT 1 FROM streams WHERE tenant_id = NEW.tenant_id AND category = NEW.category AND key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: streams are never replaced'); END;

CREATE TRIGGER commands_update BEFORE UPDATE ON commands
BEGIN SELECT RAISE(ABORT, 'the log is append-only: commands are never changed'); END;

CREATE TRIGGER commands_delete BEFORE DELETE ON commands
BEGIN SELECT RAISE(ABORT, 'the log is append-only: commands are never deleted'); END;

CREATE TRIGGER epochs_update BEFORE UPDATE ON epochs
BEGIN SELECT RAISE(ABORT, 'the log is append-only: epochs are never changed'); END;

CREATE TRIGGER epochs_delete BEFORE DELETE ON epochs
BEGIN SELECT RAISE(ABORT, 'the log is append-only: epochs are never deleted'); END;
