-- projection: kept_callbacks
-- question: What have providers told that nobody understood, or about messages that nobody knew?
-- events: CallbackKept, CallbackResolved
-- scope: tenant
-- version: 1

-- section: tables

-- What was told is in the log alone, each sealed with a key of its own.
CREATE TABLE kept_callbacks (
    tenant_id UUID NOT NULL,
    callback_id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    reason TEXT NOT NULL,
    provider_message_id TEXT,
    received_at TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, callback_id)
);
CREATE INDEX kept_callbacks_unresolved ON kept_callbacks (received_at, callback_id) WHERE resolved_at IS NULL;

-- section: apply

INSERT INTO kept_callbacks (
    tenant_id, callback_id, provider, account, reason, provider_message_id, received_at, version
)
SELECT
    b.tenant_id, @uuid(b.data, 'callback_id'), b.provider, b.account, @text(b.data, 'reason'),
    @text(b.data, 'provider_message_id'), b.occurred_at, b.version
FROM batch b
WHERE b.type = 'CallbackKept';

UPDATE kept_callbacks AS k SET resolved_at = r.resolved_at
FROM (
    SELECT tenant_id, @uuid(data, 'callback_id') AS callback_id, MIN(occurred_at) AS resolved_at
    FROM batch
    WHERE type = 'CallbackResolved'
    GROUP BY tenant_id, @uuid(data, 'callback_id')
) AS r
WHERE k.tenant_id = r.tenant_id AND k.callback_id = r.callback_id;

-- section: forget
