-- projection: suppressions
-- question: Which addresses get nothing more, why, who has them, and who decided that when?
-- events: AddressSuppressed, SuppressionLifted, AddressClaimed, AddressReleased
-- scope: tenant
-- version: 1

-- section: tables

-- A suppression that was lifted stays, inactive. `version` is that of the address's stream.
-- view: Which addresses are or were suppressed, and why? One row per address and reason; lifted ones stay, with active = false.
CREATE TABLE suppressions (
    tenant_id UUID NOT NULL,
    address_id UUID NOT NULL,
    reason TEXT NOT NULL, -- hard_bounce, complaint, stop, manual or unreachable
    kind TEXT NOT NULL, -- email, phone, push_token or in_app
    active BOOLEAN NOT NULL, -- whether it still holds
    suppressed_at TIMESTAMPTZ NOT NULL, -- when it began
    lifted_at TIMESTAMPTZ, -- when it was lifted
    lifted_by TEXT, -- who lifted it
    note TEXT, -- personal: what a colleague wrote about it; it is not sealed, and outlasts forgetting
    source TEXT NOT NULL,
    message_id UUID, -- the message that led to it
    customer_id UUID, -- the customer of that message
    actor TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, address_id, reason)
);
CREATE INDEX suppressions_newest ON suppressions (tenant_id, suppressed_at, address_id, reason);

-- Every suppression and every lifting of one, in the order of the log.
-- view: When was each address suppressed and lifted? One row per change.
CREATE TABLE suppression_history (
    tenant_id UUID NOT NULL,
    address_id UUID NOT NULL,
    position BYTES NOT NULL,
    reason TEXT NOT NULL, -- hard_bounce, complaint, stop, manual or unreachable
    suppressed BOOLEAN NOT NULL, -- whether it began (or else was lifted)
    source TEXT,
    note TEXT, -- personal: what a colleague wrote about it; it is not sealed, and outlasts forgetting
    message_id UUID, -- the message that led to it
    customer_id UUID, -- the customer of that message
    actor TEXT NOT NULL,
    event_id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, address_id, position)
) CLUSTERED;

CREATE TABLE address_claims (
    tenant_id UUID NOT NULL,
    address_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    kind TEXT NOT NULL,
    claimed_at TIMESTAMPTZ NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, address_id, customer_id)
);

-- section: apply

INSERT INTO suppression_history (
    tenant_id, address_id, position, reason, suppressed, source, note, message_id, customer_id, actor, event_id,
    occurred_at, recorded_at
)
SELECT
    b.tenant_id, b.address_id, b.position, @text(b.data, 'reason'), b.type = 'AddressSuppressed',
    @text(b.data, 'source'), @text(b.data, 'note'), b.message_id, b.customer_id, b.actor, b.event_id,
    b.occurred_at, b.recorded_at
FROM batch b
WHERE b.type IN ('AddressSuppressed', 'SuppressionLifted');

INSERT INTO suppressions (
    tenant_id, address_id, reason, kind, active, suppressed_at, source, message_id, customer_id, actor, version
)
SELECT
    b.tenant_id, b.address_id, @text(b.data, 'reason'), @text(b.data, 'kind'), TRUE, b.occurred_at,
    @text(b.data, 'source'), b.message_id, b.customer_id, b.actor, b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'AddressSuppressed'
    GROUP BY tenant_id, address_id, @text(data, 'reason')
)
ON CONFLICT (tenant_id, address_id, reason) DO UPDATE SET
    kind = excluded.kind, active = TRUE, suppressed_at = excluded.suppressed_at, lifted_at = NULL, lifted_by = NULL,
    note = NULL, source = excluded.source, message_id = excluded.message_id, customer_id = excluded.customer_id,
    actor = excluded.actor, version = excluded.version;

UPDATE suppressions AS s SET
    active = FALSE, lifted_at = l.occurred_at, lifted_by = l.actor, note = l.note, version = l.version
FROM (
    SELECT b.tenant_id, b.address_id, b.occurred_at, b.actor, b.version, @text(b.data, 'reason') AS reason,
        @text(b.data, 'note') AS note
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'SuppressionLifted'
        GROUP BY tenant_id, address_id, @text(data, 'reason')
    )
) AS l
WHERE s.tenant_id = l.tenant_id AND s.address_id = l.address_id AND s.reason = l.reason AND s.version < l.version;

INSERT INTO address_claims (tenant_id, address_id, customer_id, kind, claimed_at, version)
SELECT b.tenant_id, b.address_id, b.customer_id, @text(b.data, 'kind'), b.occurred_at, b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'AddressClaimed' GROUP BY tenant_id, address_id, customer_id
)
ON CONFLICT (tenant_id, address_id, customer_id) DO UPDATE SET
    kind = excluded.kind, claimed_at = excluded.claimed_at, version = excluded.version;

DELETE FROM address_claims WHERE (tenant_id, address_id, customer_id) IN (
    SELECT a.tenant_id, a.address_id, a.customer_id
    FROM batch r JOIN address_claims a
        ON a.tenant_id = r.tenant_id AND a.address_id = r.address_id AND a.customer_id = r.customer_id
    WHERE r.type = 'AddressReleased' AND a.version < r.version
);

-- section: forget
