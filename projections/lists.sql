-- projection: lists
-- question: Which lists of customers are there, who is a member since when, and who entered or left?
-- events: ListCreated, ListRenamed, ListCriteriaChanged, ListDeleted, MembersEntered, MembersLeft, ListEvaluated
-- scope: tenant
-- version: 4

-- section: tables

-- A list that was deleted has no rows.
-- view: Which lists of customers are there, and how many members do they have? One row per list.
CREATE TABLE lists (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL, -- the list's id
    kind TEXT NOT NULL, -- static (members are added and removed) or smart (by criteria)
    name TEXT NOT NULL, -- the name
    criteria JSONB, -- of a smart list, as JSON
    uses JSONB, -- internal: the lists whose members the criteria ask for
    rule_version BIGINT NOT NULL, -- number of the criteria, from 1; 0 for a static list
    evaluated_version BIGINT NOT NULL DEFAULT 0, -- number of the criteria that the members meet; less than rule_version while new ones are evaluated
    evaluated_at TIMESTAMPTZ, -- when the whole list was last evaluated
    evaluated_position BYTES, -- internal: everything up to here was taken into account
    members BIGINT NOT NULL DEFAULT 0, -- number of members
    created_at TIMESTAMPTZ NOT NULL, -- when it was made
    changed_at TIMESTAMPTZ NOT NULL, -- when its name or criteria last changed
    changed_by TEXT NOT NULL, -- who changed them
    PRIMARY KEY (tenant_id, list_id)
);

-- view: Who is a member of each list, and since when? One row per list and member.
CREATE TABLE list_members (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL, -- the list's id
    customer_id UUID NOT NULL,
    entered_at TIMESTAMPTZ NOT NULL, -- when the customer entered
    cause TEXT NOT NULL, -- the cause: manual, criteria (new, changed or evaluated again), event, time or customer (merged)
    rule_version BIGINT NOT NULL, -- number of the criteria that were met then; 0 for a static list
    PRIMARY KEY (tenant_id, list_id, customer_id)
) CLUSTERED;
CREATE INDEX list_members_newest ON list_members (tenant_id, list_id, entered_at, customer_id);
-- All lists of some customers at once: whoever evaluates lists asks for them after each change.
CREATE INDEX list_members_of_customer ON list_members (tenant_id, customer_id, list_id);

-- view: Who entered and left each list, and when? One row per change.
CREATE TABLE list_changes (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL, -- the list's id
    changed_at TIMESTAMPTZ NOT NULL, -- when the customer entered or left
    position BYTES NOT NULL,
    customer_id UUID NOT NULL,
    entered BOOLEAN NOT NULL, -- whether the customer entered, or else left
    cause TEXT NOT NULL, -- the cause: manual, criteria (new, changed or evaluated again), event, time or customer (merged, forgotten, import undone)
    rule_version BIGINT NOT NULL, -- number of the criteria; 0 for a static list
    PRIMARY KEY (tenant_id, list_id, changed_at, position, customer_id)
) CLUSTERED;
-- Who was a member when: back-tests ask it of some customers at a time.
CREATE INDEX list_changes_of_customer ON list_changes (
    tenant_id, list_id, customer_id, changed_at, position, entered
);

-- view: How did each list grow? One row per list and quarter of an hour in which somebody entered or left.
CREATE TABLE list_growth (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL, -- the list's id
    quarter TIMESTAMPTZ NOT NULL, -- beginning of the quarter of an hour
    entered BIGINT NOT NULL, -- times that a customer entered
    gone BIGINT NOT NULL, -- times that a customer left
    PRIMARY KEY (tenant_id, list_id, quarter)
) CLUSTERED;

-- section: batch

-- The batch's events of members, without the members: a payload may be large.
CREATE TABLE batch_member_events (
    ordinal BIGINT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    cause TEXT NOT NULL,
    rule_version BIGINT NOT NULL,
    PRIMARY KEY (ordinal)
);

-- Each mention of a member in the batch.
CREATE TABLE batch_members (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    entered BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, list_id, customer_id, ordinal)
) CLUSTERED;

-- Those that change something.
CREATE TABLE batch_member_changes (
    tenant_id UUID NOT NULL,
    list_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    entered BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, list_id, customer_id, ordinal)
) CLUSTERED;

-- section: apply

INSERT INTO lists (
    tenant_id, list_id, kind, name, criteria, uses, rule_version, created_at, changed_at, changed_by
)
SELECT
    b.tenant_id, b.stream_key, @text(b.data, 'kind'), @text(b.data, 'name'), @json(b.data, 'criteria'),
    @json(b.data, 'uses'), CASE WHEN @has(b.data, 'criteria') THEN 1 ELSE 0 END, b.occurred_at, b.occurred_at, b.actor
FROM batch b
WHERE b.type = 'ListCreated';

UPDATE lists AS l SET name = c.name, changed_at = c.occurred_at, changed_by = c.actor
FROM (
    SELECT b.tenant_id, b.stream_key, b.occurred_at, b.actor, @text(b.data, 'name') AS name
    FROM batch b
    WHERE b.ordinal IN (SELECT MAX(ordinal) FROM batch WHERE type = 'ListRenamed' GROUP BY tenant_id, stream_key)
) AS c
WHERE l.tenant_id = c.tenant_id AND l.list_id = c.stream_key;

UPDATE lists AS l SET
    criteria = c.criteria, uses = c.uses, rule_version = c.rule_version, changed_at = @greatest(l.changed_at, c.occurred_at),
    changed_by = c.actor
FROM (
    SELECT
        b.tenant_id, b.stream_key, b.occurred_at, b.actor, @json(b.data, 'criteria') AS criteria,
        @json(b.data, 'uses') AS uses, @int(b.data, 'rule_version') AS rule_version
    FROM batch b
    WHERE b.ordinal IN (SELECT MAX(ordinal) FROM batch WHERE type = 'ListCriteriaChanged' GROUP BY tenant_id, stream_key)
) AS c
WHERE l.tenant_id = c.tenant_id AND l.list_id = c.stream_key;

UPDATE lists AS l SET
    evaluated_version = c.rule_version, evaluated_at = c.evaluated_at, evaluated_position = c.position
FROM (
    SELECT
        b.tenant_id, b.stream_key, b.position, @int(b.data, 'rule_version') AS rule_version,
        @time(b.data, 'evaluated_at') AS evaluated_at
    FROM batch b
    WHERE b.ordinal IN (SELECT MAX(ordinal) FROM batch WHERE type = 'ListEvaluated' GROUP BY tenant_id, stream_key)
) AS c
WHERE l.tenant_id = c.tenant_id AND l.list_id = c.stream_key;

INSERT INTO batch_member_events (ordinal, occurred_at, position, cause, rule_version)
SELECT
    b.ordinal, b.occurred_at, b.position, @text(b.data, 'cause'), @int(b.data, 'rule_version')
FROM batch b
WHERE b.type IN ('MembersEntered', 'MembersLeft');

INSERT INTO batch_members (tenant_id, list_id, customer_id, ordinal, entered)
SELECT b.tenant_id, b.stream_key, @as_uuid(member.value), b.ordinal, b.type = 'MembersEntered'
FROM batch b, @elements(b.data, 'members') AS member
WHERE b.type IN ('MembersEntered', 'MembersLeft')
ON CONFLICT (tenant_id, list_id, customer_id, ordinal) DO NOTHING;

-- What changes nothing is no change: several nodes may find the same.
INSERT INTO batch_member_changes (tenant_id, list_id, customer_id, ordinal, entered)
SELECT m.tenant_id, m.list_id, m.customer_id, m.ordinal, m.entered
FROM batch_members m
WHERE m.entered <> COALESCE(
    (
        SELECT earlier.entered FROM batch_members earlier
        WHERE earlier.tenant_id = m.tenant_id AND earlier.list_id = m.list_id
            AND earlier.customer_id = m.customer_id AND earlier.ordinal < m.ordinal
        ORDER BY earlier.ordinal DESC LIMIT 1
    ),
    EXISTS (
        SELECT 1 FROM list_members known
        WHERE known.tenant_id = m.tenant_id AND known.list_id = m.list_id AND known.customer_id = m.customer_id
    )
);

INSERT INTO list_changes (tenant_id, list_id, changed_at, position, customer_id, entered, cause, rule_version)
SELECT
    m.tenant_id, m.list_id, e.occurred_at, e.position, m.customer_id, m.entered, e.cause, e.rule_version
FROM batch_member_changes m JOIN batch_member_events e ON e.ordinal = m.ordinal;

UPDATE lists AS l SET members = l.members + g.members
FROM (
    SELECT m.tenant_id, m.list_id, @count_if(m.entered = TRUE) - @count_if(m.entered = FALSE) AS members
    FROM batch_member_changes m
    GROUP BY m.tenant_id, m.list_id
) AS g
WHERE l.tenant_id = g.tenant_id AND l.list_id = g.list_id;

INSERT INTO list_growth (tenant_id, list_id, quarter, entered, gone)
SELECT
    m.tenant_id, m.list_id, @quarter(e.occurred_at), @count_if(m.entered = TRUE), @count_if(m.entered = FALSE)
FROM batch_member_changes m JOIN batch_member_events e ON e.ordinal = m.ordinal
GROUP BY m.tenant_id, m.list_id, @quarter(e.occurred_at)
ON CONFLICT (tenant_id, list_id, quarter) DO UPDATE SET
    entered = list_growth.entered + excluded.entered, gone = list_growth.gone + excluded.gone;

-- Who left is no member, and enters again if the batch says so after that.
DELETE FROM list_members WHERE (tenant_id, list_id, customer_id) IN (
    SELECT m.tenant_id, m.list_id, m.customer_id FROM batch_member_changes m WHERE m.entered = FALSE
);
INSERT INTO list_members (tenant_id, list_id, customer_id, entered_at, cause, rule_version)
SELECT m.tenant_id, m.list_id, m.customer_id, e.occurred_at, e.cause, e.rule_version
FROM batch_member_changes m JOIN batch_member_events e ON e.ordinal = m.ordinal
WHERE m.entered = TRUE
    AND NOT EXISTS (
        SELECT 1 FROM batch_member_changes later
        WHERE later.tenant_id = m.tenant_id AND later.list_id = m.list_id AND later.customer_id = m.customer_id
            AND later.ordinal > m.ordinal
    );

DELETE FROM list_members WHERE (tenant_id, list_id) IN (SELECT tenant_id, stream_key FROM batch WHERE type = 'ListDeleted');
DELETE FROM list_changes WHERE (tenant_id, list_id) IN (SELECT tenant_id, stream_key FROM batch WHERE type = 'ListDeleted');
DELETE FROM list_growth WHERE (tenant_id, list_id) IN (SELECT tenant_id, stream_key FROM batch WHERE type = 'ListDeleted');
DELETE FROM lists WHERE (tenant_id, list_id) IN (SELECT tenant_id, stream_key FROM batch WHERE type = 'ListDeleted');

-- section: forget
