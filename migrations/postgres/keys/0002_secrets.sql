-- Secrets of services outside, such as providers' tokens. Each is sealed with a key derived from the master key, and opens
-- only as the secret of its id, tenant, owner and name. One that is replaced gets a new id, so that who still reads the
-- event with the old one never finds another secret under it.
CREATE TABLE keys.secrets (
    secret_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    sealed    bytea NOT NULL,
    stored_at bigint NOT NULL
);
CREATE INDEX secrets_of_tenant ON keys.secrets (tenant_id);

CREATE TRIGGER secrets_stay_the_same BEFORE UPDATE OR TRUNCATE ON keys.secrets
FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse();
ALTER TABLE keys.secrets ENABLE ALWAYS TRIGGER secrets_stay_the_same;
