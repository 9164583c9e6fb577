-- projection: provider_accounts
-- question: Whose provider accounts are set up, who changed them last, and when did each last work, or not?
-- events: AccountConfigured, AccountRemoved, AccountRateChanged, AccountPaused, AccountResumed, AccountTested
-- events: MessageSent, DispatchFailed
-- scope: tenant
-- version: 2

-- section: tables

-- The accounts themselves are in the log and, their secrets, in the key store. `last_change` is the type of the event.
CREATE TABLE provider_accounts (
    tenant_id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    last_change TEXT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, provider, account)
);

-- Of any account, configured by whatever means. Each column is the newest of its kind, so their order cannot matter.
CREATE TABLE account_activity (
    tenant_id UUID NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    last_sent_at TIMESTAMPTZ,
    last_refused_at TIMESTAMPTZ,
    last_refusal_event UUID,
    last_refusal_class TEXT,
    last_refusal_code TEXT,
    last_tested_at TIMESTAMPTZ,
    last_test_passed BOOLEAN,
    resumed_at TIMESTAMPTZ,
    PRIMARY KEY (tenant_id, provider, account)
);

-- section: apply

INSERT INTO provider_accounts (tenant_id, provider, account, last_change, changed_at, changed_by, version)
SELECT b.tenant_id, b.provider, b.account, b.type, b.occurred_at, b.actor, b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch
    WHERE type IN (
        'AccountConfigured', 'AccountRemoved', 'AccountRateChanged', 'AccountPaused', 'AccountResumed'
    )
    GROUP BY tenant_id, provider, account
)
ON CONFLICT (tenant_id, provider, account) DO UPDATE SET
    last_change = excluded.last_change, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    version = excluded.version
WHERE excluded.version > provider_accounts.version;

INSERT INTO account_activity (tenant_id, provider, account, last_sent_at)
SELECT b.tenant_id, b.provider, b.account, MAX(b.occurred_at)
FROM batch b
WHERE b.type = 'MessageSent' AND b.provider <> 'import'
GROUP BY b.tenant_id, b.provider, b.account
ON CONFLICT (tenant_id, provider, account) DO UPDATE SET
    last_sent_at = @greatest(account_activity.last_sent_at, excluded.last_sent_at);

INSERT INTO account_activity (tenant_id, provider, account, resumed_at)
SELECT b.tenant_id, b.provider, b.account, MAX(b.occurred_at)
FROM batch b
WHERE b.type = 'AccountResumed'
GROUP BY b.tenant_id, b.provider, b.account
ON CONFLICT (tenant_id, provider, account) DO UPDATE SET
    resumed_at = @greatest(account_activity.resumed_at, excluded.resumed_at);

INSERT INTO account_activity (tenant_id, provider, account, last_tested_at, last_test_passed)
SELECT b.tenant_id, b.provider, b.account, b.occurred_at, @bool(b.data, 'passed')
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'AccountTested' GROUP BY tenant_id, provider, account
)
ON CONFLICT (tenant_id, provider, account) DO UPDATE SET
    last_tested_at = excluded.last_tested_at, last_test_passed = excluded.last_test_passed;

-- Refusals stand in many customers' streams: of those of one moment, the greatest id is the newest.
INSERT INTO account_activity (
    tenant_id, provider, account, last_refused_at, last_refusal_event, last_refusal_class, last_refusal_code
)
SELECT r.tenant_id, r.provider, r.account, r.occurred_at, r.event_id, r.class, r.code
FROM (
    SELECT
        b.tenant_id, b.provider, b.account, b.occurred_at, b.event_id, b.class, @text(b.data, 'code') AS code,
        ROW_NUMBER() OVER (
            PARTITION BY b.tenant_id, b.provider, b.account ORDER BY b.occurred_at DESC, b.event_id DESC
        ) AS place
    FROM batch b
    WHERE b.type = 'DispatchFailed'
) AS r
WHERE r.place = 1
ON CONFLICT (tenant_id, provider, account) DO UPDATE SET
    last_refused_at = excluded.last_refused_at, last_refusal_event = excluded.last_refusal_event,
    last_refusal_class = excluded.last_refusal_class, last_refusal_code = excluded.last_refusal_code
WHERE account_activity.last_refused_at IS NULL
    OR excluded.last_refused_at > account_activity.last_refused_at
    OR (
        excluded.last_refused_at = account_activity.last_refused_at
        AND excluded.last_refusal_event > account_activity.last_refusal_event
    );

-- section: forget
