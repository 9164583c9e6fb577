-- projection: suppressions
-- question: Which addresses get nothing more, why, who has them, and who decided that when? What did checks find of them?
-- events: AddressSuppressed, SuppressionLifted, AddressClaimed, AddressReleased, AddressValidated, CustomerForgotten
-- scope: tenant
-- version: 2

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
-- What a customer had is looked up here when they are forgotten.
-- on: CustomerForgotten
CREATE INDEX address_claims_of_customer ON address_claims (tenant_id, customer_id, address_id);

-- The check to believe: the newest that could tell, for as long as it counts; one that could not tell takes nothing back
-- that still counted when it was made. So the one that ranks highest is it, in whatever order they come: a verdict ranks by
-- when it ends to count, not knowing by when it was said, and of equal ranks the one that could not tell, then the later
-- one of the stream.
-- view: What did checks find of addresses? One row per address that was checked, with the verdict to believe.
CREATE TABLE address_validations (
    tenant_id UUID NOT NULL,
    address_id UUID NOT NULL,
    kind TEXT NOT NULL, -- email or phone
    validity TEXT NOT NULL, -- deliverable, risky, undeliverable or unknown
    reason TEXT, -- why it is risky or undeliverable
    line_type TEXT, -- what a phone number leads to: mobile, landline, voip, toll_free, service or unknown
    validator TEXT NOT NULL, -- who checked: the name of a service, or offline
    checked_at TIMESTAMPTZ NOT NULL, -- when it was checked
    counts_until TIMESTAMPTZ NOT NULL, -- until when it counts; whoever reads compares it with the present
    carrier TEXT, -- personal: who runs the line
    rank_at TIMESTAMPTZ NOT NULL, -- internal
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, address_id)
);
CREATE INDEX address_validations_newest ON address_validations (tenant_id, checked_at, address_id, validity);

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

INSERT INTO address_validations (
    tenant_id, address_id, kind, validity, reason, line_type, validator, checked_at, counts_until, carrier, rank_at, version
)
SELECT
    r.tenant_id, r.address_id, r.kind, r.validity, r.reason, r.line_type, r.validator, r.checked_at, r.counts_until,
    r.carrier, r.rank_at, r.version
FROM (
    SELECT v.*,
        ROW_NUMBER() OVER (
            PARTITION BY v.tenant_id, v.address_id
            ORDER BY v.rank_at DESC, CASE WHEN v.validity = 'unknown' THEN 0 ELSE 1 END, v.version DESC
        ) AS place
    FROM (
        SELECT
            b.tenant_id, b.address_id, b.version, b.occurred_at AS checked_at,
            @text(b.data, 'kind') AS kind,
            @text(b.data, 'validity') AS validity,
            @text(b.data, 'reason') AS reason,
            @text(b.data, 'line_type') AS line_type,
            @text(b.data, 'validator') AS validator,
            @text(b.personal, 'carrier') AS carrier,
            CASE WHEN @text(b.data, 'validity') = 'unknown'
                THEN @days_after(b.occurred_at, 1) ELSE @days_after(b.occurred_at, 90) END AS counts_until,
            CASE WHEN @text(b.data, 'validity') = 'unknown'
                THEN b.occurred_at ELSE @days_after(b.occurred_at, 90) END AS rank_at
        FROM batch b
        WHERE b.type = 'AddressValidated'
    ) AS v
) AS r
WHERE r.place = 1
ON CONFLICT (tenant_id, address_id) DO UPDATE SET
    kind = excluded.kind, validity = excluded.validity, reason = excluded.reason, line_type = excluded.line_type,
    validator = excluded.validator, checked_at = excluded.checked_at, counts_until = excluded.counts_until,
    carrier = excluded.carrier, rank_at = excluded.rank_at, version = excluded.version
WHERE excluded.rank_at > address_validations.rank_at OR (
    excluded.rank_at = address_validations.rank_at
    AND (excluded.validity = 'unknown' OR address_validations.validity <> 'unknown')
);

-- The addresses that nobody else has: their keys are destroyed.
UPDATE address_validations SET carrier = NULL WHERE (tenant_id, address_id) IN (
    SELECT b.tenant_id, @as_uuid(own.value)
    FROM batch b, @elements(b.data, 'addresses') AS own
    WHERE b.type = 'CustomerForgotten'
);

-- section: forget
-- For comparing an older state: what is personal of an address goes with the last of those who had it.
UPDATE address_validations SET carrier = NULL WHERE (tenant_id, address_id) IN (
    SELECT a.tenant_id, a.address_id
    FROM address_claims a JOIN forgotten f ON f.tenant_id = a.tenant_id AND f.customer_id = a.customer_id
) AND NOT EXISTS (
    SELECT 1 FROM address_claims o
    WHERE o.tenant_id = address_validations.tenant_id AND o.address_id = address_validations.address_id
        AND NOT EXISTS (SELECT 1 FROM forgotten f WHERE f.tenant_id = o.tenant_id AND f.customer_id = o.customer_id)
);
