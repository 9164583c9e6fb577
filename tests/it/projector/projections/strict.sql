-- projection: strict
-- question: Which activities are there? Refuses a status, to be poisoned by it.
-- events: ActivityRecorded
-- scope: customer
-- version: 1

-- section: tables
CREATE TABLE strict (
    tenant_id UUID NOT NULL,
    activity_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    status TEXT CHECK (status <> 'poison'),
    at_version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, activity_id)
);

-- section: apply
INSERT INTO strict (tenant_id, activity_id, customer_id, status, at_version)
SELECT tenant_id, activity_id, customer_id, @text(data, 'status'), version FROM batch WHERE type = 'ActivityRecorded'
ON CONFLICT (tenant_id, activity_id) DO UPDATE SET status = excluded.status, at_version = excluded.at_version;
