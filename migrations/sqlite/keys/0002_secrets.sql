-- Secrets of services outside, such as providers' tokens. Each is sealed with a key derived from the master key, and opens
-- only as the secret of its id, tenant, owner and name. One that is replaced gets a new id, so that who still reads the
-- event with the old one never finds another secret under it.
CREATE TABLE secrets (
    secret_id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    sealed    BLOB NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_of_tenant ON secrets (tenant_id);

CREATE TRIGGER secrets_update BEFORE UPDATE ON secrets
BEGIN SELECT RAISE(ABORT, 'a secret is replaced, never changed'); END;
