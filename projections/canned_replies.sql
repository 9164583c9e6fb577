-- projection: canned_replies
-- question: Which canned replies may agents reply with?
-- events: CannedReplySaved, CannedReplyRemoved
-- scope: tenant
-- version: 1

-- section: tables

-- `version` is that of the event in the reply's own stream. `title_key` is the title in small letters.
CREATE TABLE canned_replies (
    tenant_id UUID NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    default_locale TEXT NOT NULL,
    bodies JSONB NOT NULL,
    revision BIGINT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, code)
);

-- section: apply

INSERT INTO canned_replies (
    tenant_id, code, title, title_key, default_locale, bodies, revision, changed_at, changed_by, version
)
SELECT
    b.tenant_id, @text(b.data, 'code'), @text(b.data, 'title'), @text(b.data, 'title_key'),
    @text(b.data, 'default_locale'), @json(b.data, 'bodies'), @int(b.data, 'revision'), b.occurred_at, b.actor, b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'CannedReplySaved' GROUP BY tenant_id, stream_key
)
ON CONFLICT (tenant_id, code) DO UPDATE SET
    title = excluded.title, title_key = excluded.title_key, default_locale = excluded.default_locale,
    bodies = excluded.bodies, revision = excluded.revision, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by, version = excluded.version
WHERE excluded.version > canned_replies.version;

-- One that was made again after its removal stays.
DELETE FROM canned_replies
WHERE (tenant_id, code) IN (SELECT tenant_id, @text(data, 'code') FROM batch WHERE type = 'CannedReplyRemoved')
    AND EXISTS (
        SELECT 1 FROM batch b
        WHERE b.type = 'CannedReplyRemoved' AND b.tenant_id = canned_replies.tenant_id
            AND @text(b.data, 'code') = canned_replies.code AND b.version > canned_replies.version
    );

-- section: forget
