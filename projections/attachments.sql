-- projection: attachments
-- question: Which files does this message have, and where are they?
-- events: MessageAttached, AttachmentFetched, AttachmentMissed
-- scope: customer
-- version: 2

-- section: tables

-- What a file holds is in the blob store, where it lies at a provider in the log alone.
-- view: Which files does each message have? One row per file of a message.
CREATE TABLE attachments (
    tenant_id UUID NOT NULL,
    attachment_id UUID NOT NULL, -- the file's id
    message_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    number BIGINT NOT NULL, -- its place in the message, from 0
    state TEXT NOT NULL, -- stored, remote (still at the provider) or missing
    reason TEXT, -- why it is missing or still remote
    size BIGINT, -- in bytes
    provider TEXT,
    account TEXT,
    noted_at TIMESTAMPTZ NOT NULL, -- when the log recorded that the message has it
    version BIGINT NOT NULL,
    name TEXT, -- personal: the file's name
    content_type TEXT, -- personal: its media type
    PRIMARY KEY (tenant_id, attachment_id, message_id)
);
CREATE INDEX attachments_of_message ON attachments (tenant_id, message_id, number);
-- on: CustomerForgotten
CREATE INDEX attachments_of_customer ON attachments (tenant_id, customer_id);
CREATE INDEX attachments_remote ON attachments (noted_at, attachment_id) WHERE state = 'remote';
CREATE INDEX attachments_without_account ON attachments (tenant_id, provider, account, noted_at)
WHERE reason = 'no_account';

-- section: apply

INSERT INTO attachments (
    tenant_id, attachment_id, message_id, customer_id, number, state, reason, size, provider, account, noted_at, version,
    name, content_type
)
SELECT
    b.tenant_id, @uuid(b.data, 'attachment_id'), b.message_id, b.customer_id, @int(b.data, 'number'), b.state,
    @text(b.data, 'reason'), @int(b.data, 'size'), b.provider, b.account, b.recorded_at, b.version,
    @text(b.personal, 'name'), @text(b.personal, 'content_type')
FROM batch b
WHERE b.type = 'MessageAttached';

-- A file is fetched or missed once: both reports have the same event id. Only a file that was missed because its account
-- was unknown may have a second report, which counts.
UPDATE attachments AS a SET state = r.state, reason = r.reason, size = coalesce(r.size, a.size)
FROM (
    SELECT
        tenant_id, @uuid(data, 'attachment_id') AS attachment_id, message_id,
        CASE type WHEN 'AttachmentFetched' THEN 'stored' ELSE 'missing' END AS state,
        @text(data, 'reason') AS reason,
        @int(data, 'size') AS size
    FROM batch
    WHERE type IN ('AttachmentFetched', 'AttachmentMissed') AND coalesce(@text(data, 'reason'), '') <> 'no_account'
) AS r
WHERE a.tenant_id = r.tenant_id AND a.attachment_id = r.attachment_id AND a.message_id = r.message_id;

UPDATE attachments AS a SET state = 'missing', reason = 'no_account'
FROM (
    SELECT tenant_id, @uuid(data, 'attachment_id') AS attachment_id, message_id
    FROM batch
    WHERE type = 'AttachmentMissed' AND @text(data, 'reason') = 'no_account'
) AS r
WHERE
    a.tenant_id = r.tenant_id AND a.attachment_id = r.attachment_id AND a.message_id = r.message_id
    AND a.state = 'remote';

-- section: forget
UPDATE attachments SET name = NULL, content_type = NULL
WHERE (tenant_id, attachment_id, message_id) IN (
    SELECT t.tenant_id, t.attachment_id, t.message_id FROM attachments t
    WHERE (t.tenant_id, t.customer_id) IN (SELECT tenant_id, customer_id FROM forgotten)
);
