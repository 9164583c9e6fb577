-- projection: customer_roots
-- question: Which survivor acts for this customer, now that customers were merged?
-- events: CustomerMergedInto, CustomerAbsorbed
-- scope: customer
-- version: 1

-- section: tables

-- Merging moves no rows: what was recorded of a merged customer keeps its id, and reads find it by this table. It is
-- flat: a root has no row of its own. `position` is that of the event that says so; whoever came with somebody else who
-- was merged later has the later root.
-- view: Which customers were merged, and into whom? One row per merged customer.
CREATE TABLE customer_roots (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL, -- the merged record
    root_id UUID NOT NULL, -- the survivor: the record that acts for the person
    merged_at TIMESTAMPTZ NOT NULL, -- when they were merged
    position BYTES NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
) CLUSTERED;
CREATE INDEX customer_roots_of_root ON customer_roots (tenant_id, root_id, customer_id);

-- Merges that were decided, and that the survivor's stream does not tell yet: somebody has to go on with them.
CREATE TABLE open_merges (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    into_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
) CLUSTERED;

-- section: apply

INSERT INTO customer_roots (tenant_id, customer_id, root_id, merged_at, position)
SELECT b.tenant_id, k.absorbed_id, b.customer_id, k.merged_at, b.position
FROM (
    SELECT @uuid(data, 'absorbed_id') AS absorbed_id, MAX(ordinal) AS ordinal, MIN(occurred_at) AS merged_at
    FROM batch
    WHERE type = 'CustomerAbsorbed'
    GROUP BY tenant_id, @uuid(data, 'absorbed_id')
) AS k JOIN batch b ON b.ordinal = k.ordinal
WHERE TRUE
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
    root_id = excluded.root_id, merged_at = @least(customer_roots.merged_at, excluded.merged_at),
    position = excluded.position
WHERE customer_roots.position < excluded.position;

INSERT INTO open_merges (tenant_id, customer_id, into_id)
SELECT b.tenant_id, b.customer_id, @uuid(b.data, 'into_id')
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'CustomerMergedInto' GROUP BY tenant_id, customer_id
) AND NOT EXISTS (
    SELECT 1 FROM customer_roots r WHERE r.tenant_id = b.tenant_id AND r.customer_id = b.customer_id
)
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET into_id = excluded.into_id;
DELETE FROM open_merges WHERE (tenant_id, customer_id) IN (
    SELECT tenant_id, @uuid(data, 'absorbed_id') FROM batch WHERE type = 'CustomerAbsorbed'
);

-- section: forget
