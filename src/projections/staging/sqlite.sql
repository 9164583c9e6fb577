-- Column types are those that projections declare, and are written as theirs. JSON is kept in SQLite's parsed form (JSONB).
CREATE TEMP TABLE IF NOT EXISTS batch (
    ordinal INTEGER PRIMARY KEY,
    position BLOB NOT NULL,
    event_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    category TEXT NOT NULL,
    stream_key UUID NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    command_id UUID,
    correlation_id UUID,
    causation_id UUID,
    customer_id UUID,
    message_id UUID,
    campaign_id UUID,
    conversation_id UUID,
    activity_id UUID,
    address_id UUID,
    note_id UUID,
    import_id UUID,
    key_id UUID,
    in_reply_to UUID,
    channel TEXT,
    variant TEXT,
    class TEXT,
    state TEXT,
    provider TEXT,
    account TEXT,
    domain TEXT,
    hour TIMESTAMPTZ NOT NULL,
    day TIMESTAMPTZ NOT NULL,
    data BLOB NOT NULL,
    personal BLOB
);
-- Nearly every statement wants a few types only, and rows are wide.
CREATE INDEX IF NOT EXISTS temp.batch_type ON batch (type);
CREATE TEMP TABLE IF NOT EXISTS batch_lines (
    ordinal BIGINT NOT NULL,
    activity_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    line BIGINT NOT NULL,
    sku TEXT NOT NULL,
    description TEXT,
    quantity_milli BIGINT NOT NULL,
    unit_price_micros BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS batch_tokens (
    ordinal BIGINT NOT NULL,
    tenant_id UUID NOT NULL,
    customer_id UUID,
    event_id UUID NOT NULL,
    field TEXT NOT NULL,
    token TEXT NOT NULL
);
-- Who is registered is looked up here, once for each customer of a batch.
CREATE INDEX IF NOT EXISTS temp.batch_sort_names ON batch_tokens (ordinal, token) WHERE field = 'sort_name';
CREATE TEMP TABLE IF NOT EXISTS forgotten (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL
);
