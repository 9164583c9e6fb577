-- The key store: a key per subject, wrapped by the master key.

-- `check_value` opens with the master key that the store was made with, and with no other.
CREATE TABLE master (
    only        INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    check_value BLOB NOT NULL
) STRICT;

CREATE TABLE subject_keys (
    subject_id BLOB NOT NULL PRIMARY KEY,
    wrapped    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The subjects whose keys were destroyed, in that order. A key beside a tombstone, as a restored backup may bring it,
-- is never used.
CREATE TABLE tombstones (
    mark         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    subject_id   BLOB NOT NULL UNIQUE,
    destroyed_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER tombstones_update BEFORE UPDATE ON tombstones
BEGIN SELECT RAISE(ABORT, 'a tombstone is never changed'); END;

CREATE TRIGGER tombstones_delete BEFORE DELETE ON tombstones
BEGIN SELECT RAISE(ABORT, 'a tombstone is never deleted'); END;

CREATE TRIGGER subject_keys_update BEFORE UPDATE ON subject_keys
BEGIN SELECT RAISE(ABORT, 'a key is never changed'); END;

CREATE TRIGGER subject_keys_insert BEFORE INSERT ON subject_keys
WHEN EXISTS (SELECT 1 FROM tombstones WHERE subject_id = NEW.subject_id)
    OR EXISTS (SELECT 1 FROM subject_keys WHERE subject_id = NEW.subject_id)
BEGIN SELECT RAISE(ABORT, 'this subject has a key, or had one that was destroyed'); END;

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
