-- projection: imports
-- question: Which files were imported, what did each bring, and was it taken back?
-- events: ImportStarted, ImportCompleted, ImportUndone
-- scope: tenant
-- version: 1

-- section: tables

-- `version` is that of the event that the state comes from.
-- view: Which files were imported, and what did each bring? One row per import.
CREATE TABLE imports (
    tenant_id UUID NOT NULL,
    import_id UUID NOT NULL, -- the import's id
    kind TEXT NOT NULL, -- customers, orders or messages
    state TEXT NOT NULL, -- running, completed or undone
    file_digest TEXT NOT NULL, -- SHA-256 of the file, in hex
    run BIGINT NOT NULL, -- number of times that this file's import was undone before, from 0
    actor TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL, -- when it began
    completed_at TIMESTAMPTZ, -- when it ended
    undone_at TIMESTAMPTZ, -- when it was taken back
    lines BIGINT, -- number of lines read
    appended BIGINT, -- number of facts recorded
    already BIGINT, -- number of facts that were known
    refused BIGINT, -- number of lines refused
    retracted BIGINT, -- number of facts taken back
    kept BIGINT, -- number of facts that undoing left
    file_name TEXT, -- personal: the file's name; it stays when customers are forgotten
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, import_id)
);
CREATE INDEX imports_newest ON imports (tenant_id, started_at, import_id);

-- section: apply

-- An import that was interrupted is started again under the same id.
INSERT INTO imports (
    tenant_id, import_id, kind, state, file_digest, run, actor, started_at, file_name, version
)
SELECT
    b.tenant_id, b.import_id, @text(b.data, 'kind'), 'running', @text(b.data, 'file_digest'), @int(b.data, 'run'),
    b.actor, b.occurred_at, @text(b.personal, 'file_name'), b.version
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'ImportStarted' GROUP BY tenant_id, import_id
)
ON CONFLICT (tenant_id, import_id) DO UPDATE SET
    kind = excluded.kind, state = excluded.state, file_digest = excluded.file_digest, run = excluded.run,
    actor = excluded.actor, started_at = excluded.started_at, file_name = excluded.file_name,
    version = excluded.version;

UPDATE imports AS i SET
    completed_at = c.occurred_at, lines = c.lines, appended = c.appended, already = c.already, refused = c.refused,
    state = CASE WHEN c.version > i.version THEN 'completed' ELSE i.state END,
    version = @greatest(i.version, c.version)
FROM (
    SELECT
        b.tenant_id, b.import_id, b.occurred_at, b.version, @int(b.data, 'lines') AS lines,
        @int(b.data, 'appended') AS appended, @int(b.data, 'already') AS already, @int(b.data, 'refused') AS refused
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'ImportCompleted' GROUP BY tenant_id, import_id
    )
) AS c
WHERE i.tenant_id = c.tenant_id AND i.import_id = c.import_id;

UPDATE imports AS i SET
    undone_at = u.occurred_at, retracted = u.retracted, kept = u.kept,
    state = CASE WHEN u.version > i.version THEN 'undone' ELSE i.state END,
    version = @greatest(i.version, u.version)
FROM (
    SELECT
        b.tenant_id, b.import_id, b.occurred_at, b.version, @int(b.data, 'retracted') AS retracted,
        @int(b.data, 'kept') AS kept
    FROM batch b
    WHERE b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'ImportUndone' GROUP BY tenant_id, import_id
    )
) AS u
WHERE i.tenant_id = u.tenant_id AND i.import_id = u.import_id;

-- section: forget
