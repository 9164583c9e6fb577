-- Which sets of read tables there are. The same text runs on both engines.
CREATE TABLE IF NOT EXISTS generations (
    id TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    -- building, ready, live (at most one) or retired
    state TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
