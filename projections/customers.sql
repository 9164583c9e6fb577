-- projection: customers
-- question: Who is this customer, how can they be reached, and which customers match a search?
-- events: CustomerRegistered, CustomerProfileChanged, CustomerAddressAdded, CustomerAddressRemoved
-- events: CustomerRetracted, CustomerForgotten, CustomerAbsorbed
-- scope: customer
-- version: 2

-- section: tables

-- Events carry the whole resulting profile: the newest one is the profile. `version` is that of the stream.
-- view: Who are the customers? One row per record; merged records stay, with person_id in common.
CREATE TABLE customers (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    source TEXT NOT NULL, -- how the record came about: api, import, inbound, provider, customer or demo
    anonymous BOOLEAN NOT NULL, -- whether it collects orders of unknown customers
    import_id UUID,
    territory TEXT, -- sales territory
    account_type TEXT, -- kind of account, in the tenant's own words
    priority TEXT, -- in the tenant's own words
    owner TEXT, -- the colleague who is responsible
    lead_score BIGINT, -- points
    industry TEXT, -- in the tenant's own words
    locale TEXT, -- language, such as en or de-AT
    time_zone TEXT, -- IANA name, such as Europe/Vienna
    preferred_hours TEXT, -- when marketing may come, by the customer's clock, such as mon-fri 18:00-21:00
    tags JSONB NOT NULL, -- JSON array of texts; customer_tags has one row per tag
    name TEXT, -- personal: full name
    -- What lists by name are sorted by, also of who has no name; as personal as the name.
    sort_name TEXT, -- internal
    external_id TEXT, -- personal: the customer's id in the tenant's own system
    attributes JSONB, -- personal: further fields as JSON
    registered_at TIMESTAMPTZ NOT NULL, -- when the customer became known
    changed_at TIMESTAMPTZ NOT NULL, -- when the profile last changed
    forgotten_at TIMESTAMPTZ, -- when the customer was forgotten; personal columns are empty since
    merged BOOLEAN NOT NULL DEFAULT FALSE, -- whether it was merged, so that a survivor acts for it
    has_email BOOLEAN NOT NULL DEFAULT FALSE, -- whether an email address is known
    has_phone BOOLEAN NOT NULL DEFAULT FALSE, -- whether a phone number is known
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
);
-- A list is read from the index of one of its conditions, newest first; counts need nothing else.
CREATE INDEX customers_newest ON customers (tenant_id, registered_at, customer_id, forgotten_at) WHERE merged = FALSE;
CREATE INDEX customers_of_owner ON customers (tenant_id, owner, registered_at, customer_id, forgotten_at)
    WHERE owner IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_territory ON customers (tenant_id, territory, registered_at, customer_id, forgotten_at)
    WHERE territory IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_account_type ON customers (tenant_id, account_type, registered_at, customer_id, forgotten_at)
    WHERE account_type IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_priority ON customers (tenant_id, priority, registered_at, customer_id, forgotten_at)
    WHERE priority IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_industry ON customers (tenant_id, industry, registered_at, customer_id, forgotten_at)
    WHERE industry IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_locale ON customers (tenant_id, locale, registered_at, customer_id, forgotten_at)
    WHERE locale IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_of_import ON customers (tenant_id, import_id, registered_at, customer_id, forgotten_at)
    WHERE import_id IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_by_score ON customers (tenant_id, lead_score, customer_id)
    WHERE lead_score IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_anonymous ON customers (tenant_id, registered_at, customer_id)
    WHERE anonymous = TRUE AND merged = FALSE;
CREATE INDEX customers_without_email ON customers (tenant_id, registered_at, customer_id, forgotten_at)
    WHERE has_email = FALSE AND merged = FALSE;
CREATE INDEX customers_with_phone ON customers (tenant_id, registered_at, customer_id, forgotten_at)
    WHERE has_phone = TRUE AND merged = FALSE;
-- A list by name is read from this index alone, with all that its rows are filtered by: names and filters need not go together.
CREATE INDEX customers_by_name ON customers (
    tenant_id, sort_name, customer_id, forgotten_at, merged, owner, territory, account_type, priority, industry, locale,
    import_id, lead_score, has_email, has_phone, anonymous, registered_at
) WHERE sort_name IS NOT NULL AND merged = FALSE;
CREATE INDEX customers_forgotten ON customers (tenant_id, customer_id) WHERE forgotten_at IS NOT NULL;

-- For whom a survivor acts, also while they are taken back.
CREATE TABLE absorbed_customers (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
) CLUSTERED;

-- view: Which tags does each customer have? One row per customer and tag.
CREATE TABLE customer_tags (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    tag TEXT NOT NULL, -- the tag
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, tag)
) CLUSTERED;
CREATE INDEX customer_tags_by_tag ON customer_tags (tenant_id, tag, customer_id);

-- view: How can each customer be reached? One row per address.
CREATE TABLE customer_addresses (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    address_id UUID NOT NULL,
    kind TEXT NOT NULL, -- email, phone, push_token or in_app
    import_id UUID,
    added_at TIMESTAMPTZ NOT NULL, -- when it was added
    version BIGINT NOT NULL,
    address TEXT, -- personal: the address itself, normalised
    label TEXT, -- personal: what it is for
    PRIMARY KEY (tenant_id, customer_id, address_id)
) CLUSTERED;

-- The address of each kind that is used unless another is asked for; none once the last was removed.
CREATE TABLE customer_primary_addresses (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    kind TEXT NOT NULL,
    address_id UUID,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, kind)
) CLUSTERED;

-- What a search finds: normalised words of the name and the external id (source_id is the customer), and of each
-- address (source_id is the address). Rows exist only while the personal data does.
CREATE TABLE customer_tokens (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    source_id UUID NOT NULL,
    field TEXT NOT NULL,
    token TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, source_id, field, token)
) CLUSTERED;
CREATE INDEX customer_tokens_by_token ON customer_tokens (tenant_id, token, customer_id);

-- section: apply

INSERT INTO customers (
    tenant_id, customer_id, source, anonymous, import_id, territory, account_type, priority, owner, lead_score,
    industry, locale, time_zone, preferred_hours, tags, name, sort_name, external_id, attributes, registered_at, changed_at,
    version
)
SELECT
    b.tenant_id, b.customer_id, @text(b.data, 'source'), COALESCE(@bool(b.data, 'anonymous'), FALSE), b.import_id,
    @text(b.data, 'profile.territory'), @text(b.data, 'profile.account_type'),
    @text(b.data, 'profile.priority'), @text(b.data, 'profile.owner'),
    @int(b.data, 'profile.lead_score'), @text(b.data, 'profile.industry'),
    @text(b.data, 'profile.locale'), @text(b.data, 'profile.time_zone'), @text(b.data, 'profile.preferred_hours'),
    @json(b.data, 'profile.tags'),
    @text(b.personal, 'name'), s.token, @text(b.personal, 'external_id'), @json(b.personal, 'attributes'),
    b.occurred_at, b.occurred_at, b.version
FROM batch b LEFT JOIN (SELECT ordinal, token FROM batch_tokens WHERE field = 'sort_name') AS s ON s.ordinal = b.ordinal
WHERE b.type = 'CustomerRegistered' AND b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'CustomerRegistered' GROUP BY tenant_id, customer_id
)
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET
    source = excluded.source, anonymous = excluded.anonymous, import_id = excluded.import_id,
    territory = excluded.territory, account_type = excluded.account_type, priority = excluded.priority,
    owner = excluded.owner, lead_score = excluded.lead_score, industry = excluded.industry,
    locale = excluded.locale, time_zone = excluded.time_zone, preferred_hours = excluded.preferred_hours,
    tags = excluded.tags, name = excluded.name, sort_name = excluded.sort_name, external_id = excluded.external_id, attributes = excluded.attributes,
    registered_at = excluded.registered_at, changed_at = excluded.changed_at, version = excluded.version;

UPDATE customers AS c SET
    territory = p.territory, account_type = p.account_type, priority = p.priority, owner = p.owner,
    lead_score = p.lead_score, industry = p.industry, locale = p.locale, time_zone = p.time_zone,
    preferred_hours = p.preferred_hours, tags = p.tags,
    name = p.name, sort_name = p.sort_name, external_id = p.external_id, attributes = p.attributes, changed_at = p.occurred_at,
    version = p.version
FROM (
    SELECT
        b.tenant_id, b.customer_id, b.occurred_at, b.version,
        @text(b.data, 'profile.territory') AS territory,
        @text(b.data, 'profile.account_type') AS account_type,
        @text(b.data, 'profile.priority') AS priority,
        @text(b.data, 'profile.owner') AS owner,
        @int(b.data, 'profile.lead_score') AS lead_score,
        @text(b.data, 'profile.industry') AS industry,
        @text(b.data, 'profile.locale') AS locale,
        @text(b.data, 'profile.time_zone') AS time_zone,
        @text(b.data, 'profile.preferred_hours') AS preferred_hours,
        @json(b.data, 'profile.tags') AS tags,
        @text(b.personal, 'name') AS name,
        s.token AS sort_name,
        @text(b.personal, 'external_id') AS external_id,
        @json(b.personal, 'attributes') AS attributes,
        r.version AS retracted
    FROM batch b LEFT JOIN (
        SELECT tenant_id, customer_id, MAX(version) AS version FROM batch WHERE type = 'CustomerRetracted'
        GROUP BY tenant_id, customer_id
    ) AS r ON r.tenant_id = b.tenant_id AND r.customer_id = b.customer_id
    LEFT JOIN (SELECT ordinal, token FROM batch_tokens WHERE field = 'sort_name') AS s ON s.ordinal = b.ordinal
    WHERE b.type = 'CustomerProfileChanged' AND b.ordinal IN (
        SELECT MAX(ordinal) FROM batch WHERE type = 'CustomerProfileChanged' GROUP BY tenant_id, customer_id
    )
) AS p
WHERE c.tenant_id = p.tenant_id AND c.customer_id = p.customer_id AND c.version < p.version
    -- What was taken back before the change is not there to be changed.
    AND (p.retracted IS NULL OR p.retracted < c.version OR p.retracted > p.version);

UPDATE customers AS c SET forgotten_at = f.forgotten_at
FROM (
    SELECT tenant_id, customer_id, MIN(occurred_at) AS forgotten_at
    FROM batch WHERE type = 'CustomerForgotten' GROUP BY tenant_id, customer_id
) AS f
WHERE c.tenant_id = f.tenant_id AND c.customer_id = f.customer_id AND c.forgotten_at IS NULL;

-- Tags and tokens of the profile are replaced by those of the newest event.
DELETE FROM customer_tags WHERE (tenant_id, customer_id) IN (
    SELECT tenant_id, customer_id FROM batch WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged')
);
INSERT INTO customer_tags (tenant_id, customer_id, tag, version)
SELECT DISTINCT b.tenant_id, b.customer_id, tag.value, b.version
FROM batch b, @elements(b.data, 'profile.tags') AS tag
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged')
    GROUP BY tenant_id, customer_id
);
DELETE FROM customer_tokens WHERE (tenant_id, customer_id, source_id) IN (
    SELECT tenant_id, customer_id, customer_id FROM batch
    WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged')
);
INSERT INTO customer_tokens (tenant_id, customer_id, source_id, field, token, version)
SELECT b.tenant_id, b.customer_id, b.customer_id, t.field, t.token, b.version
FROM batch_tokens t JOIN batch b ON b.ordinal = t.ordinal
WHERE t.field <> 'sort_name' AND b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged')
    GROUP BY tenant_id, customer_id
);

INSERT INTO customer_addresses (
    tenant_id, customer_id, address_id, kind, import_id, added_at, version, address, label
)
SELECT
    b.tenant_id, b.customer_id, b.address_id, @text(b.data, 'kind'), b.import_id,
    b.occurred_at, b.version, @text(b.personal, 'address'), @text(b.personal, 'label')
FROM batch b
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'CustomerAddressAdded' GROUP BY tenant_id, customer_id, address_id
)
ON CONFLICT (tenant_id, customer_id, address_id) DO UPDATE SET
    kind = excluded.kind, import_id = excluded.import_id, added_at = excluded.added_at,
    version = excluded.version, address = excluded.address, label = excluded.label;

DELETE FROM customer_tokens WHERE (tenant_id, customer_id, source_id) IN (
    SELECT tenant_id, customer_id, address_id FROM batch WHERE type = 'CustomerAddressAdded'
);
INSERT INTO customer_tokens (tenant_id, customer_id, source_id, field, token, version)
SELECT b.tenant_id, b.customer_id, b.address_id, t.field, t.token, b.version
FROM batch_tokens t JOIN batch b ON b.ordinal = t.ordinal
WHERE b.ordinal IN (
    SELECT MAX(ordinal) FROM batch WHERE type = 'CustomerAddressAdded' GROUP BY tenant_id, customer_id, address_id
);

INSERT INTO customer_primary_addresses (tenant_id, customer_id, kind, address_id, version)
SELECT b.tenant_id, b.customer_id, k.kind,
    CASE WHEN b.type = 'CustomerAddressAdded' THEN b.address_id ELSE @uuid(b.data, 'primary') END,
    b.version
FROM (
    SELECT tenant_id, customer_id, @text(data, 'kind') AS kind, MAX(ordinal) AS ordinal
    FROM batch
    WHERE type = 'CustomerAddressRemoved' OR (type = 'CustomerAddressAdded' AND @bool(data, 'primary'))
    GROUP BY tenant_id, customer_id, @text(data, 'kind')
) AS k JOIN batch b ON b.ordinal = k.ordinal
WHERE TRUE
ON CONFLICT (tenant_id, customer_id, kind) DO UPDATE SET
    address_id = excluded.address_id, version = excluded.version;

-- Removed, unless added again since: the stored version tells.
DELETE FROM customer_addresses WHERE (tenant_id, customer_id, address_id) IN (
    SELECT a.tenant_id, a.customer_id, a.address_id
    FROM batch r JOIN customer_addresses a
        ON a.tenant_id = r.tenant_id AND a.customer_id = r.customer_id AND a.address_id = r.address_id
    WHERE r.type = 'CustomerAddressRemoved' AND a.version < r.version
);
DELETE FROM customer_tokens WHERE (tenant_id, customer_id, source_id, field, token) IN (
    SELECT t.tenant_id, t.customer_id, t.source_id, t.field, t.token
    FROM batch r JOIN customer_tokens t
        ON t.tenant_id = r.tenant_id AND t.customer_id = r.customer_id AND t.source_id = r.address_id
    WHERE r.type = 'CustomerAddressRemoved' AND t.version < r.version
);

-- A retraction takes back whatever stood before it.
DELETE FROM customers WHERE (tenant_id, customer_id) IN (
    SELECT c.tenant_id, c.customer_id
    FROM batch r JOIN customers c ON c.tenant_id = r.tenant_id AND c.customer_id = r.customer_id
    WHERE r.type = 'CustomerRetracted' AND c.version < r.version
);
DELETE FROM customer_tags WHERE (tenant_id, customer_id, tag) IN (
    SELECT t.tenant_id, t.customer_id, t.tag
    FROM batch r JOIN customer_tags t ON t.tenant_id = r.tenant_id AND t.customer_id = r.customer_id
    WHERE r.type = 'CustomerRetracted' AND t.version < r.version
);
DELETE FROM customer_addresses WHERE (tenant_id, customer_id, address_id) IN (
    SELECT a.tenant_id, a.customer_id, a.address_id
    FROM batch r JOIN customer_addresses a ON a.tenant_id = r.tenant_id AND a.customer_id = r.customer_id
    WHERE r.type = 'CustomerRetracted' AND a.version < r.version
);
DELETE FROM customer_primary_addresses WHERE (tenant_id, customer_id, kind) IN (
    SELECT a.tenant_id, a.customer_id, a.kind
    FROM batch r JOIN customer_primary_addresses a ON a.tenant_id = r.tenant_id AND a.customer_id = r.customer_id
    WHERE r.type = 'CustomerRetracted' AND a.version < r.version
);
DELETE FROM customer_tokens WHERE (tenant_id, customer_id, source_id, field, token) IN (
    SELECT t.tenant_id, t.customer_id, t.source_id, t.field, t.token
    FROM batch r JOIN customer_tokens t ON t.tenant_id = r.tenant_id AND t.customer_id = r.customer_id
    WHERE r.type = 'CustomerRetracted' AND t.version < r.version
);

UPDATE customers AS c SET
    has_email = EXISTS (
        SELECT 1 FROM customer_addresses a
        WHERE a.tenant_id = c.tenant_id AND a.customer_id = c.customer_id AND a.kind = 'email'
    ),
    has_phone = EXISTS (
        SELECT 1 FROM customer_addresses a
        WHERE a.tenant_id = c.tenant_id AND a.customer_id = c.customer_id AND a.kind = 'phone'
    )
WHERE (tenant_id, customer_id) IN (
    SELECT tenant_id, customer_id FROM batch
    WHERE type IN ('CustomerRegistered', 'CustomerAddressAdded', 'CustomerAddressRemoved', 'CustomerRetracted')
);
INSERT INTO absorbed_customers (tenant_id, customer_id)
SELECT DISTINCT tenant_id, @uuid(data, 'absorbed_id') FROM batch WHERE type = 'CustomerAbsorbed'
ON CONFLICT (tenant_id, customer_id) DO NOTHING;
UPDATE customers SET merged = TRUE WHERE (tenant_id, customer_id) IN (
    SELECT tenant_id, @uuid(data, 'absorbed_id') FROM batch WHERE type = 'CustomerAbsorbed'
);
UPDATE customers SET merged = TRUE WHERE (tenant_id, customer_id) IN (
    SELECT g.tenant_id, g.customer_id
    FROM batch b JOIN absorbed_customers g ON g.tenant_id = b.tenant_id AND g.customer_id = b.customer_id
    WHERE b.type = 'CustomerRegistered'
);

-- section: forget
UPDATE customers SET name = NULL, sort_name = NULL, external_id = NULL, attributes = NULL
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
UPDATE customer_addresses SET address = NULL, label = NULL
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
DELETE FROM customer_tokens
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
