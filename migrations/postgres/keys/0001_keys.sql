-- The key store: a key per subject, wrapped by the master key.

CREATE SCHEMA keys;

-- `check_value` opens with the master key that the store was made with, and with no other.
CREATE TABLE keys.master (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    check_value bytea NOT NULL
);

CREATE TABLE keys.subject_keys (
    subject_id uuid PRIMARY KEY,
    wrapped    bytea NOT NULL
);

-- The subjects whose keys were destroyed, in that order. A key beside a tombstone, as a restored backup may bring it,
-- is never used.
CREATE TABLE keys.tombstones (
    mark         bigint PRIMARY KEY,
    subject_id   uuid NOT NULL UNIQUE,
    destroyed_at bigint NOT NULL
);

CREATE FUNCTION keys.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER tombstones_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON keys.tombstones
FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse();
ALTER TABLE keys.tombstones ENABLE ALWAYS TRIGGER tombstones_stay;

CREATE TRIGGER keys_stay_the_same BEFORE UPDATE OR TRUNCATE ON keys.subject_keys
FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse();
ALTER TABLE keys.subject_keys ENABLE ALWAYS TRIGGER keys_stay_the_same;

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
