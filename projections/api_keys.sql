-- projection: api_keys
-- question: Which keys open the API, and to what?
-- events: ApiKeyIssued, ApiKeyRevoked
-- scope: tenant
-- version: 2

-- section: tables

-- Looked up by key alone: the key tells the tenant.
CREATE TABLE api_keys (
    key_id UUID NOT NULL PRIMARY KEY,
    tenant_id UUID NOT NULL,
    role TEXT NOT NULL,
    personal BOOLEAN NOT NULL,
    send BOOLEAN NOT NULL,
    acts_for_users BOOLEAN NOT NULL,
    label TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL,
    user_id UUID,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);

-- section: apply

-- A key is issued once; nothing ever gives a revoked one back.
INSERT INTO api_keys (key_id, tenant_id, role, personal, send, acts_for_users, label, secret_hash, user_id, expires_at, issued_at)
SELECT
    b.key_id, b.tenant_id, @text(b.data, 'role'), @bool(b.data, 'personal'), @bool(b.data, 'send'),
    @bool(b.data, 'acts_for_users'),
    @text(b.data, 'label'), @text(b.data, 'secret_hash'), @uuid(b.data, 'user_id'), @time(b.data, 'expires_at'), b.occurred_at
FROM batch b
WHERE b.ordinal IN (SELECT MIN(ordinal) FROM batch WHERE type = 'ApiKeyIssued' GROUP BY key_id)
ON CONFLICT (key_id) DO NOTHING;

UPDATE api_keys AS k SET revoked_at = r.revoked_at
FROM (
    SELECT tenant_id, key_id, MIN(occurred_at) AS revoked_at
    FROM batch WHERE type = 'ApiKeyRevoked' GROUP BY tenant_id, key_id
) AS r
WHERE k.key_id = r.key_id AND k.tenant_id = r.tenant_id AND k.revoked_at IS NULL;

-- section: forget
