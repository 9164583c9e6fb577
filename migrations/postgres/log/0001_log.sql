-- The log: immutable events in streams. Times are microseconds since 1970, UTC.

CREATE SCHEMA log;

CREATE TABLE log.meta (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

-- An epoch begins when the log is made, and when a restored or copied log is confirmed for sending.
CREATE TABLE log.epochs (
    epoch      bigint PRIMARY KEY,
    started_at bigint NOT NULL,
    system_id  text NOT NULL
);

-- One row: the end of the log. Whoever appends locks it first, so that position order is commit order; the counters
-- come from here and not from sequences, so that they have no gaps.
CREATE TABLE log.head (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position    bigint NOT NULL,
    recorded_at bigint NOT NULL,
    streams     bigint NOT NULL,
    epoch       bigint NOT NULL
) WITH (fillfactor = 10);

-- Streams are interned: events name them by a small number.
CREATE TABLE log.streams (
    stream    bigint PRIMARY KEY,
    tenant_id uuid NOT NULL,
    category  text COLLATE "C" NOT NULL,
    key       uuid NOT NULL,
    UNIQUE (tenant_id, category, key)
);
CREATE INDEX streams_of_tenants ON log.streams (tenant_id) WHERE category = 'tenant';

-- `hash` covers the previous hash of the stream and every other column but `position`; see `SealedEvent::compute_hash`.
CREATE TABLE log.events (
    position       bigint NOT NULL CONSTRAINT events_by_position PRIMARY KEY,
    stream         bigint NOT NULL,
    version        bigint NOT NULL,
    event_id       uuid NOT NULL CONSTRAINT events_by_id UNIQUE,
    type           text COLLATE "C" NOT NULL,
    schema_version integer NOT NULL,
    occurred_at    bigint NOT NULL,
    recorded_at    bigint NOT NULL,
    actor          text NOT NULL,
    command_id     uuid,
    correlation_id uuid,
    causation_id   uuid,
    subject_id     uuid,
    epoch          bigint NOT NULL,
    hash           bytea NOT NULL,
    data           bytea NOT NULL,
    personal       bytea,
    CONSTRAINT events_by_stream UNIQUE (stream, version)
);

-- Sealed data does not compress, and plain data is small.
ALTER TABLE log.events ALTER COLUMN personal SET STORAGE EXTERNAL;

-- What each append of a command made, so that a repeated command is answered and not carried out again.
CREATE TABLE log.commands (
    tenant_id     uuid NOT NULL,
    command_id    uuid NOT NULL,
    ordinal       bigint NOT NULL,
    fingerprint   bytea NOT NULL,
    stream        bigint NOT NULL,
    first_version bigint NOT NULL,
    last_version  bigint NOT NULL,
    position      bigint NOT NULL,
    PRIMARY KEY (tenant_id, command_id, ordinal)
);

-- Disposable: folded states, to open long streams fast.
CREATE TABLE log.snapshots (
    stream       bigint NOT NULL,
    fold         text NOT NULL,
    version      bigint NOT NULL,
    fold_version bigint NOT NULL,
    state        bytea NOT NULL,
    PRIMARY KEY (stream, fold)
);

INSERT INTO log.head (position, recorded_at, streams, epoch) VALUES (0, 0, 0, 1);

-- Append-only. Per statement, so that appending costs nothing; ALWAYS, so that session_replication_role does not help.
CREATE FUNCTION log.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % of %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['meta', 'epochs', 'streams', 'events', 'commands'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION log.refuse()', name);
        EXECUTE format('ALTER TABLE log.%I ENABLE ALWAYS TRIGGER append_only', name);
    END LOOP;
END $$;

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON log.head FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
ALTER TABLE log.head ENABLE ALWAYS TRIGGER append_only;

CREATE FUNCTION log.refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position < OLD.position OR NEW.recorded_at < OLD.recorded_at OR NEW.streams < OLD.streams
        OR NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'the end of the log never goes back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER forwards_only BEFORE UPDATE ON log.head FOR EACH ROW EXECUTE FUNCTION log.refuse_going_back();
ALTER TABLE log.head ENABLE ALWAYS TRIGGER forwards_only;
