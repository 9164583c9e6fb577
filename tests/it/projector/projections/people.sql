-- projection: people
-- question: Who is this customer, and how much was ordered?
-- events: CustomerRegistered, CustomerProfileChanged, CustomerForgotten, NoteAdded, ActivityRecorded
-- scope: customer
-- version: 1

-- section: tables
CREATE TABLE people (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    name TEXT,
    owner TEXT,
    attributes JSONB,
    lead_score BIGINT,
    anonymous BOOLEAN,
    version BIGINT NOT NULL,
    forgotten BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
);
CREATE TABLE people_tags (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    tag TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, tag)
);
CREATE TABLE people_words (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, word)
);
CREATE INDEX people_words_by_word ON people_words (tenant_id, word);
CREATE TABLE people_totals (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    currency TEXT NOT NULL,
    orders BIGINT NOT NULL,
    amount_micros BIGINT NOT NULL,
    quantity_milli BIGINT NOT NULL,
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    largest_micros BIGINT,
    PRIMARY KEY (tenant_id, customer_id, currency)
);

-- section: apply
-- The event carries the whole profile: the highest version of each customer counts.
INSERT INTO people (tenant_id, customer_id, name, owner, attributes, lead_score, anonymous, version, forgotten)
SELECT b.tenant_id, b.customer_id, @text(b.personal, 'name'), @text(b.data, 'profile.owner'),
       @json(b.personal, 'attributes'), @int(b.data, 'profile.lead_score'), @bool(b.data, 'anonymous'), b.version, FALSE
FROM batch b
JOIN (SELECT tenant_id, customer_id, max(version) AS version FROM batch
      WHERE type IN ('CustomerRegistered', 'CustomerProfileChanged') GROUP BY tenant_id, customer_id) newest
  ON newest.tenant_id = b.tenant_id AND newest.customer_id = b.customer_id AND newest.version = b.version
WHERE b.type IN ('CustomerRegistered', 'CustomerProfileChanged')
ON CONFLICT (tenant_id, customer_id) DO UPDATE
SET name = excluded.name, owner = excluded.owner, attributes = excluded.attributes,
    lead_score = excluded.lead_score, anonymous = excluded.anonymous,
    version = excluded.version;

UPDATE people SET forgotten = TRUE
WHERE EXISTS (SELECT 1 FROM batch b WHERE b.type = 'CustomerForgotten'
              AND b.tenant_id = people.tenant_id AND b.customer_id = people.customer_id);

INSERT INTO people_tags (tenant_id, customer_id, tag, version)
SELECT b.tenant_id, b.customer_id, t.value, max(b.version)
FROM batch b, @elements(b.data, 'profile.tags') AS t
WHERE b.type IN ('CustomerRegistered', 'CustomerProfileChanged')
GROUP BY b.tenant_id, b.customer_id, t.value
ON CONFLICT (tenant_id, customer_id, tag) DO UPDATE SET version = @greatest(people_tags.version, excluded.version);

-- on: CustomerRegistered, CustomerProfileChanged
INSERT INTO people_words (tenant_id, customer_id, word)
SELECT DISTINCT tenant_id, customer_id, token FROM batch_tokens WHERE field = 'name'
ON CONFLICT (tenant_id, customer_id, word) DO NOTHING;

INSERT INTO people_totals (tenant_id, customer_id, currency, orders, amount_micros, quantity_milli, first_at, last_at, largest_micros)
SELECT b.tenant_id, b.customer_id, @text(b.data, 'currency'), @count_if(@text(b.data, 'kind') = 'order'),
       coalesce(@sum(@int(b.data, 'amount_micros')), 0), coalesce(@sum(l.quantity), 0),
       min(b.occurred_at), max(b.occurred_at), max(@int(b.data, 'amount_micros'))
FROM batch b
LEFT JOIN (SELECT ordinal, @sum(quantity_milli) AS quantity FROM batch_lines GROUP BY ordinal) l ON l.ordinal = b.ordinal
WHERE b.type = 'ActivityRecorded' AND @has(b.data, 'currency')
GROUP BY b.tenant_id, b.customer_id, @text(b.data, 'currency')
ON CONFLICT (tenant_id, customer_id, currency) DO UPDATE
SET orders = people_totals.orders + excluded.orders,
    amount_micros = people_totals.amount_micros + excluded.amount_micros,
    quantity_milli = people_totals.quantity_milli + excluded.quantity_milli,
    first_at = @least(people_totals.first_at, excluded.first_at),
    last_at = @greatest(people_totals.last_at, excluded.last_at),
    largest_micros = @greatest(people_totals.largest_micros, excluded.largest_micros);

-- section: forget
UPDATE people SET name = NULL, attributes = NULL
WHERE EXISTS (SELECT 1 FROM forgotten f WHERE f.tenant_id = people.tenant_id AND f.customer_id = people.customer_id);
DELETE FROM people_words
WHERE EXISTS (SELECT 1 FROM forgotten f
              WHERE f.tenant_id = people_words.tenant_id AND f.customer_id = people_words.customer_id);
