-- projection: tenants
-- question: Which companies use this installation?
-- events: TenantCreated
-- scope: tenant
-- version: 1

-- section: tables
-- view: Which tenants are there? One row per tenant.
CREATE TABLE tenants (
    tenant_id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL, -- its name
    created_at TIMESTAMPTZ NOT NULL -- when it was created
);

-- section: apply
INSERT INTO tenants (tenant_id, name, created_at)
SELECT b.tenant_id, @text(b.data, 'name'), b.occurred_at
FROM batch b
WHERE b.ordinal IN (SELECT MAX(ordinal) FROM batch WHERE type = 'TenantCreated' GROUP BY tenant_id)
ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at;

-- section: forget
