-- Columns are declared as those of the read tables are on SQLite: of another affinity, they would find nothing by an index. JSON is
-- kept in SQLite's parsed form (JSONB).
CREATE TEMP TABLE IF NOT EXISTS batch (
    ordinal INTEGER PRIMARY KEY,
    position BLOB NOT NULL,
    event_id BLOB NOT NULL,
    tenant_id BLOB NOT NULL,
    category TEXT NOT NULL,
    stream_key BLOB NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    occurred_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    actor TEXT NOT NULL,
    command_id BLOB,
    correlation_id BLOB,
    causation_id BLOB,
    customer_id BLOB,
    message_id BLOB,
    campaign_id BLOB,
    conversation_id BLOB,
    activity_id BLOB,
    address_id BLOB,
    note_id BLOB,
    import_id BLOB,
    key_id BLOB,
    in_reply_to BLOB,
    channel TEXT,
    variant TEXT,
    class TEXT,
    state TEXT,
    provider TEXT,
    account TEXT,
    domain TEXT,
    hour TEXT NOT NULL,
    day TEXT NOT NULL,
    data BLOB NOT NULL,
    personal BLOB
);
-- Nearly every statement wants a few types only, and rows are wide.
CREATE INDEX IF NOT EXISTS temp.batch_type ON batch (type);
CREATE TEMP TABLE IF NOT EXISTS batch_lines (
    ordinal BIGINT NOT NULL,
    activity_id BLOB NOT NULL,
    tenant_id BLOB NOT NULL,
    customer_id BLOB NOT NULL,
    line BIGINT NOT NULL,
    sku TEXT NOT NULL,
    description TEXT,
    quantity_milli BIGINT NOT NULL,
    unit_price_micros BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS batch_tokens (
    ordinal BIGINT NOT NULL,
    tenant_id BLOB NOT NULL,
    customer_id BLOB,
    event_id BLOB NOT NULL,
    field TEXT NOT NULL,
    token TEXT NOT NULL
);
-- Who is registered is looked up here, once for each customer of a batch.
CREATE INDEX IF NOT EXISTS temp.batch_sort_names ON batch_tokens (ordinal, token) WHERE field = 'sort_name';
CREATE TEMP TABLE IF NOT EXISTS forgotten (
    tenant_id BLOB NOT NULL,
    customer_id BLOB NOT NULL
);
