-- projection: kept_callbacks
-- question: What have providers reported that nobody understood, or about messages that nobody knew?
-- events: CallbackKept, CallbackResolved, CallbackReviewed, CallbackExpired
-- scope: tenant
-- version: 2

-- section: tables

-- What was told is in the log alone, each sealed with a key of its own, which is destroyed at its end: when it is recorded
-- as what it is, or when it is given up.
CREATE TABLE kept_callbacks (
    tenant_id UUID NOT NULL,
    callback_id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    reason TEXT NOT NULL,
    provider_message_id TEXT,
    received_at TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ,
    expired_at TIMESTAMPTZ,
    -- The version of the parser that looked at it last.
    parser BIGINT NOT NULL,
    is_stored BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, callback_id)
);
CREATE INDEX kept_callbacks_received ON kept_callbacks (tenant_id, received_at, callback_id);
CREATE INDEX kept_callbacks_open ON kept_callbacks (received_at, callback_id)
    WHERE resolved_at IS NULL AND expired_at IS NULL;

-- section: apply

INSERT INTO kept_callbacks (
    tenant_id, callback_id, provider, account, reason, provider_message_id, received_at, parser, is_stored, version
)
SELECT
    b.tenant_id, @uuid(b.data, 'callback_id'), b.provider, b.account, @text(b.data, 'reason'),
    @text(b.data, 'provider_message_id'), b.occurred_at, COALESCE(@int(b.data, 'parser'), 0),
    COALESCE(@bool(b.data, 'is_stored'), FALSE), b.version
FROM batch b
WHERE b.type = 'CallbackKept';

UPDATE kept_callbacks AS k SET
    resolved_at = COALESCE(k.resolved_at, e.resolved_at),
    expired_at = COALESCE(k.expired_at, e.expired_at),
    parser = @greatest(k.parser, e.parser)
FROM (
    SELECT
        tenant_id, @uuid(data, 'callback_id') AS callback_id,
        MIN(CASE WHEN type = 'CallbackResolved' THEN occurred_at END) AS resolved_at,
        MIN(CASE WHEN type = 'CallbackExpired' THEN occurred_at END) AS expired_at,
        MAX(CASE WHEN type = 'CallbackReviewed' THEN @int(data, 'parser') END) AS parser
    FROM batch
    WHERE type IN ('CallbackResolved', 'CallbackReviewed', 'CallbackExpired')
    GROUP BY tenant_id, @uuid(data, 'callback_id')
) AS e
WHERE k.tenant_id = e.tenant_id AND k.callback_id = e.callback_id;

-- section: forget
