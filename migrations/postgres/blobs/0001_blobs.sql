-- The blob store: attachments and the like, in sealed frames.

CREATE SCHEMA blobs;

-- A row for each writing. Two that write the same blob do not meet: whoever finishes first has written it, and the
-- other's frames go. `kept` is true once an event is known to refer to the blob.
CREATE TABLE blobs.blobs (
    write_id   uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    subject_id uuid NOT NULL,
    blob_id    uuid NOT NULL,
    bytes      bigint,
    touched_at timestamptz NOT NULL,
    kept       boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX blobs_written ON blobs.blobs (tenant_id, subject_id, blob_id) WHERE bytes IS NOT NULL;
CREATE INDEX blobs_of_subject ON blobs.blobs (tenant_id, subject_id);
CREATE INDEX blobs_unkept ON blobs.blobs (touched_at) WHERE NOT kept;

CREATE TABLE blobs.frames (
    write_id uuid NOT NULL REFERENCES blobs.blobs ON DELETE CASCADE,
    number   integer NOT NULL,
    sealed   bytea NOT NULL,
    PRIMARY KEY (write_id, number)
);
-- What is sealed cannot be compressed.
ALTER TABLE blobs.frames ALTER COLUMN sealed SET STORAGE EXTERNAL;
