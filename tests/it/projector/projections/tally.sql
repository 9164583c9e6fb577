-- projection: tally
-- question: How many events of each type were applied? Not idempotent on purpose: it shows a batch applied twice.
-- events: CustomerRegistered, CustomerProfileChanged, CustomerForgotten, NoteAdded, ActivityRecorded
-- scope: tenant
-- version: 1

-- section: tables
CREATE TABLE tally (
    tenant_id UUID NOT NULL,
    type TEXT NOT NULL,
    events BIGINT NOT NULL,
    last_position BYTES NOT NULL,
    PRIMARY KEY (tenant_id, type)
);

-- section: apply
INSERT INTO tally (tenant_id, type, events, last_position)
SELECT b.tenant_id, b.type, n.events, b.position
FROM batch b
JOIN (SELECT tenant_id, type, count(*) AS events, max(ordinal) AS ordinal FROM batch
      WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged', 'CustomerForgotten', 'NoteAdded', 'ActivityRecorded')
      GROUP BY tenant_id, type) n ON n.ordinal = b.ordinal
WHERE TRUE
ON CONFLICT (tenant_id, type) DO UPDATE
SET events = tally.events + excluded.events, last_position = excluded.last_position;
