-- projection: templates
-- question: Which templates are there, what do their drafts say, and what did each version say?
-- events: TemplateSaved, TemplatePublished, TemplateArchived
-- scope: tenant
-- version: 1

-- section: tables

-- The drafts. `stream_version` is that of the last event in the template's own stream, `title_key` the title in small letters.
CREATE TABLE templates (
    tenant_id UUID NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    default_locale TEXT NOT NULL,
    variables JSONB NOT NULL,
    contents JSONB NOT NULL,
    revision BIGINT NOT NULL,
    archived BOOLEAN NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by TEXT NOT NULL,
    stream_version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, code)
);

-- What was published never changes.
CREATE TABLE template_versions (
    tenant_id UUID NOT NULL,
    code TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    content_hash TEXT NOT NULL,
    default_locale TEXT NOT NULL,
    variables JSONB NOT NULL,
    contents JSONB NOT NULL,
    includes JSONB NOT NULL,
    published_at TIMESTAMPTZ NOT NULL,
    published_by TEXT NOT NULL,
    PRIMARY KEY (tenant_id, code, version)
);

-- section: apply

INSERT INTO templates (
    tenant_id, code, title, title_key, kind, class, default_locale, variables, contents, revision, archived, changed_at,
    changed_by, stream_version
)
SELECT
    b.tenant_id, @text(b.data, 'code'), @text(b.data, 'title'), @text(b.data, 'title_key'), @text(b.data, 'kind'),
    @text(b.data, 'class'), @text(b.data, 'default_locale'), @json(b.data, 'variables'), @json(b.data, 'contents'),
    @int(b.data, 'revision'), FALSE, b.occurred_at, b.actor, b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'TemplateSaved' GROUP BY tenant_id, stream_key
)
ON CONFLICT (tenant_id, code) DO UPDATE SET
    title = excluded.title, title_key = excluded.title_key, kind = excluded.kind, class = excluded.class,
    default_locale = excluded.default_locale, variables = excluded.variables, contents = excluded.contents,
    revision = excluded.revision, archived = FALSE, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    stream_version = excluded.stream_version
WHERE excluded.stream_version > templates.stream_version;

-- One that was saved again after it was archived is offered again.
UPDATE templates SET
    archived = TRUE, revision = b.revision, changed_at = b.occurred_at, changed_by = b.actor, stream_version = b.version
FROM (
    SELECT tenant_id, @text(data, 'code') AS code, @int(data, 'revision') AS revision, occurred_at, actor, version
    FROM batch
    WHERE ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'TemplateArchived' GROUP BY tenant_id, stream_key
    )
) AS b
WHERE templates.tenant_id = b.tenant_id AND templates.code = b.code AND b.version > templates.stream_version;

INSERT INTO template_versions (
    tenant_id, code, version, revision, content_hash, default_locale, variables, contents, includes, published_at,
    published_by
)
SELECT
    b.tenant_id, @text(b.data, 'code'), @int(b.data, 'version'), @int(b.data, 'revision'),
    @text(b.data, 'content_hash'), @text(b.data, 'default_locale'), @json(b.data, 'variables'),
    @json(b.data, 'contents'), @json(b.data, 'includes'), b.occurred_at, b.actor
FROM batch b
WHERE b.type = 'TemplatePublished'
ON CONFLICT (tenant_id, code, version) DO NOTHING;

-- section: forget
