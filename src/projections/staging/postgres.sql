-- Temporary tables in `temp_buffers`. `ON COMMIT DELETE ROWS` would cut the files of all of them, their indexes and their
-- TOAST tables at every commit, whether anything is in them or not: more work than most batches.
CREATE TEMP TABLE IF NOT EXISTS batch (
    ordinal bigint NOT NULL,
    position bytea NOT NULL,
    event_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    category text COLLATE "C" NOT NULL,
    stream_key uuid NOT NULL,
    version bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text COLLATE "C" NOT NULL,
    command_id uuid,
    correlation_id uuid,
    causation_id uuid,
    customer_id uuid,
    message_id uuid,
    campaign_id uuid,
    conversation_id uuid,
    activity_id uuid,
    address_id uuid,
    note_id uuid,
    import_id uuid,
    key_id uuid,
    in_reply_to uuid,
    channel text COLLATE "C",
    variant text COLLATE "C",
    class text COLLATE "C",
    state text COLLATE "C",
    provider text COLLATE "C",
    account text COLLATE "C",
    domain text COLLATE "C",
    hour timestamptz NOT NULL,
    day timestamptz NOT NULL,
    data jsonb NOT NULL,
    personal jsonb
);
CREATE TEMP TABLE IF NOT EXISTS batch_lines (
    ordinal bigint NOT NULL,
    activity_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    line bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    quantity_milli bigint NOT NULL,
    unit_price_micros bigint NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS batch_tokens (
    ordinal bigint NOT NULL,
    tenant_id uuid NOT NULL,
    customer_id uuid,
    event_id uuid NOT NULL,
    field text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS forgotten (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL
);
