-- What a set of read tables knows about itself. The same text runs on both engines.
CREATE TABLE commlog_checkpoint (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    position BYTES NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    -- Of the event at the position: a log with another event there is not the one that these tables were made from.
    hash BYTES NOT NULL,
    -- Rows of forgotten customers were purged, and their traces in the files are still to be removed.
    unclean BOOLEAN NOT NULL
);
CREATE TABLE commlog_projections (
    name TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL
);
-- Events that a projection could not apply, and those of the same stream that wait behind them (without a reason).
CREATE TABLE commlog_parked (
    projection TEXT NOT NULL,
    tenant_id UUID NOT NULL,
    category TEXT NOT NULL,
    stream_key UUID NOT NULL,
    version BIGINT NOT NULL,
    event_id UUID NOT NULL,
    position BYTES NOT NULL,
    type TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    reason TEXT,
    PRIMARY KEY (projection, tenant_id, category, stream_key, version)
);
-- Customers and addresses whose personal data is not staged any more, though a key may live on for a moment.
CREATE TABLE commlog_forgotten (
    subject_id UUID NOT NULL PRIMARY KEY
);
