-- projection: activities
-- question: What business did we do with this customer, and what did it bring?
-- events: ActivityRecorded, ActivityRetracted
-- scope: customer
-- version: 2

-- section: tables

-- An activity that was taken back has no row.
-- view: Which orders, invoices, payments and appointments does each customer have? One row per activity.
CREATE TABLE activities (
    tenant_id UUID NOT NULL,
    activity_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    kind TEXT NOT NULL, -- order, invoice, payment, shipment, appointment or custom; only orders count as revenue
    name TEXT, -- what a custom activity is called
    reference TEXT, -- its number in the tenant's own system, such as the order number
    status TEXT, -- its state in the tenant's own system
    amount_micros BIGINT, -- in micros of the currency; an order of negative amount is a cancellation
    currency TEXT,
    line_count BIGINT NOT NULL, -- number of rows in activity_lines
    due_at TIMESTAMPTZ, -- when an appointment takes place or an invoice is due
    message_id UUID, -- the message that it is attributed to by its source
    source TEXT NOT NULL,
    import_id UUID,
    actor TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    position BYTES NOT NULL,
    title TEXT, -- personal: a line for people
    attributes JSONB, -- personal: further fields as JSON
    PRIMARY KEY (tenant_id, activity_id)
);
-- on: ActivityRetracted, CustomerForgotten
CREATE INDEX activities_newest ON activities (
    -- What criteria of lists ask of each customer is read from here alone, one customer after the other.
    tenant_id, customer_id, occurred_at, position, kind, amount_micros, currency
);

-- What comes into a window of time of a list's criteria, and leaves it.
CREATE INDEX activities_by_time ON activities (tenant_id, occurred_at, kind, customer_id);

-- view: What was ordered? One row per line item of an activity.
CREATE TABLE activity_lines (
    tenant_id UUID NOT NULL,
    activity_id UUID NOT NULL,
    line BIGINT NOT NULL, -- number of the line, from 1
    customer_id UUID NOT NULL, -- internal: the activity's
    sku TEXT NOT NULL, -- article number
    description TEXT, -- the article's name
    quantity_milli BIGINT NOT NULL, -- in thousandths; negative for returns
    unit_price_micros BIGINT NOT NULL, -- price of one, in micros of the activity's currency
    PRIMARY KEY (tenant_id, activity_id, line)
) CLUSTERED;
CREATE INDEX activity_lines_by_sku ON activity_lines (tenant_id, sku, customer_id, activity_id);

-- What the orders in `activities` add up to. Only orders count, so that an order and its invoice are not counted twice;
-- a cancellation is an order of negative amount, and is counted among both. The currency is empty for orders without an amount.
-- A sum is one of thousands and one of what is left of each amount, so that no number of orders is too large to be added up.
-- view: What did each customer order altogether? One row per customer and currency.
CREATE TABLE customer_totals (
    tenant_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    currency TEXT NOT NULL, -- ISO 4217; empty for orders without an amount
    revenue_thousands BIGINT NOT NULL, -- internal: whole thousands of each amount
    revenue_micros BIGINT NOT NULL, -- sum of the orders' amounts, in micros of the currency; cancellations are subtracted
    orders BIGINT NOT NULL, -- number of orders, cancellations among them
    cancellations BIGINT NOT NULL, -- number of orders of negative amount
    first_order_at TIMESTAMPTZ, -- when the first order happened; cancellations are left out
    last_order_at TIMESTAMPTZ, -- when the last order happened; cancellations are left out
    -- The sum once more, such that it sorts: whole thousands, and micros from 0 to less than a thousand.
    revenue_whole BIGINT NOT NULL GENERATED ALWAYS AS ( -- internal
        revenue_thousands
            + (revenue_micros - ((revenue_micros % 1000000000) + 1000000000) % 1000000000) / 1000000000
    ) STORED,
    revenue_rest BIGINT NOT NULL GENERATED ALWAYS AS ( -- internal
        ((revenue_micros % 1000000000) + 1000000000) % 1000000000
    ) STORED,
    PRIMARY KEY (tenant_id, customer_id, currency)
) CLUSTERED;
CREATE INDEX customer_totals_by_revenue
    ON customer_totals (tenant_id, currency, revenue_whole, revenue_rest, customer_id);
CREATE INDEX customer_totals_by_last_order ON customer_totals (tenant_id, last_order_at, customer_id)
    WHERE last_order_at IS NOT NULL;

-- section: batch

-- The last event of each activity.
CREATE TABLE batch_activities (ordinal BIGINT NOT NULL, PRIMARY KEY (ordinal));

-- section: apply

INSERT INTO batch_activities (ordinal)
SELECT MAX(ordinal) FROM batch WHERE type IN ('ActivityRecorded', 'ActivityRetracted') GROUP BY tenant_id, activity_id;

-- What is taken back leaves the totals. It is read from the table: what was recorded and taken back within the batch
-- never got there, and does not enter the totals below.
INSERT INTO customer_totals (
    tenant_id, customer_id, currency, revenue_thousands, revenue_micros, orders, cancellations
)
SELECT
    a.tenant_id, a.customer_id, COALESCE(a.currency, '') AS currency,
    -@sum(COALESCE(a.amount_micros, 0) / 1000000000, a.kind = 'order'),
    -@sum(COALESCE(a.amount_micros, 0) % 1000000000, a.kind = 'order'),
    -@count_if(a.kind = 'order'),
    -@count_if(a.kind = 'order' AND a.amount_micros < 0)
FROM activities a
WHERE (a.tenant_id, a.activity_id) IN (SELECT tenant_id, activity_id FROM batch WHERE type = 'ActivityRetracted')
GROUP BY a.tenant_id, a.customer_id, COALESCE(a.currency, '')
HAVING @count_if(a.kind = 'order') > 0
ON CONFLICT (tenant_id, customer_id, currency) DO UPDATE SET
    revenue_thousands = customer_totals.revenue_thousands + excluded.revenue_thousands,
    revenue_micros = customer_totals.revenue_micros + excluded.revenue_micros,
    orders = customer_totals.orders + excluded.orders,
    cancellations = customer_totals.cancellations + excluded.cancellations;

DELETE FROM activity_lines WHERE (tenant_id, activity_id) IN (
    SELECT tenant_id, activity_id FROM batch WHERE type = 'ActivityRetracted'
);
DELETE FROM activities WHERE (tenant_id, activity_id) IN (
    SELECT tenant_id, activity_id FROM batch WHERE type = 'ActivityRetracted'
);

INSERT INTO activities (
    tenant_id, activity_id, customer_id, kind, name, reference, status, amount_micros, currency, line_count, due_at,
    message_id, source, import_id, actor, occurred_at, recorded_at, position, title, attributes
)
SELECT
    b.tenant_id, b.activity_id, b.customer_id, @text(b.data, 'kind'), @text(b.data, 'name'),
    @text(b.data, 'reference'), @text(b.data, 'status'), @int(b.data, 'amount_micros'), @text(b.data, 'currency'),
    COALESCE(l.lines, 0), @time(b.data, 'due_at'), b.message_id, @text(b.data, 'source'), b.import_id,
    b.actor, b.occurred_at, b.recorded_at, b.position, @text(b.personal, 'title'), @json(b.personal, 'attributes')
FROM batch b LEFT JOIN (SELECT ordinal, COUNT(*) AS lines FROM batch_lines GROUP BY ordinal) AS l
    ON l.ordinal = b.ordinal
WHERE b.type = 'ActivityRecorded' AND b.ordinal IN (SELECT ordinal FROM batch_activities)
ON CONFLICT (tenant_id, activity_id) DO UPDATE SET
    customer_id = excluded.customer_id, kind = excluded.kind, name = excluded.name, reference = excluded.reference,
    status = excluded.status, amount_micros = excluded.amount_micros, currency = excluded.currency,
    line_count = excluded.line_count, due_at = excluded.due_at, message_id = excluded.message_id,
    source = excluded.source, import_id = excluded.import_id, actor = excluded.actor,
    occurred_at = excluded.occurred_at, recorded_at = excluded.recorded_at, position = excluded.position,
    title = excluded.title, attributes = excluded.attributes;

INSERT INTO activity_lines (
    tenant_id, activity_id, line, customer_id, sku, description, quantity_milli, unit_price_micros
)
SELECT
    l.tenant_id, l.activity_id, l.line, l.customer_id, l.sku, l.description, l.quantity_milli, l.unit_price_micros
FROM batch_lines l
WHERE l.ordinal IN (SELECT ordinal FROM batch_activities)
ON CONFLICT (tenant_id, activity_id, line) DO UPDATE SET
    customer_id = excluded.customer_id, sku = excluded.sku, description = excluded.description, quantity_milli = excluded.quantity_milli,
    unit_price_micros = excluded.unit_price_micros;

INSERT INTO customer_totals (
    tenant_id, customer_id, currency, revenue_thousands, revenue_micros, orders, cancellations, first_order_at,
    last_order_at
)
SELECT
    o.tenant_id, o.customer_id, o.currency, @sum(o.amount_micros / 1000000000, o.kind = 'order'),
    @sum(o.amount_micros % 1000000000, o.kind = 'order'),
    @count_if(o.kind = 'order'), @count_if(o.kind = 'order' AND o.amount_micros < 0),
    @min_if(o.occurred_at, o.kind = 'order' AND o.amount_micros >= 0),
    @max_if(o.occurred_at, o.kind = 'order' AND o.amount_micros >= 0)
FROM (
    SELECT
        b.tenant_id, b.customer_id, b.occurred_at, @text(b.data, 'kind') AS kind,
        COALESCE(@text(b.data, 'currency'), '') AS currency, COALESCE(@int(b.data, 'amount_micros'), 0) AS amount_micros
    FROM batch b
    WHERE b.type = 'ActivityRecorded' AND b.ordinal IN (SELECT ordinal FROM batch_activities)
) AS o
GROUP BY o.tenant_id, o.customer_id, o.currency
HAVING @count_if(o.kind = 'order') > 0
ON CONFLICT (tenant_id, customer_id, currency) DO UPDATE SET
    revenue_thousands = customer_totals.revenue_thousands + excluded.revenue_thousands,
    revenue_micros = customer_totals.revenue_micros + excluded.revenue_micros,
    orders = customer_totals.orders + excluded.orders,
    cancellations = customer_totals.cancellations + excluded.cancellations,
    first_order_at = @least(customer_totals.first_order_at, excluded.first_order_at),
    last_order_at = @greatest(customer_totals.last_order_at, excluded.last_order_at);

-- The first and last orders may be those that were taken back: look at what is left of the customer. The number of lines, which
-- is never negative, keeps the index by time from answering alone: it would be read for the whole tenant.
UPDATE customer_totals SET
    first_order_at = (
        SELECT @min_if(a.occurred_at, a.kind = 'order' AND COALESCE(a.amount_micros, 0) >= 0) FROM activities a
        WHERE a.tenant_id = customer_totals.tenant_id AND a.customer_id = customer_totals.customer_id
            AND COALESCE(a.currency, '') = customer_totals.currency AND a.line_count >= 0
    ),
    last_order_at = (
        SELECT @max_if(a.occurred_at, a.kind = 'order' AND COALESCE(a.amount_micros, 0) >= 0) FROM activities a
        WHERE a.tenant_id = customer_totals.tenant_id AND a.customer_id = customer_totals.customer_id
            AND COALESCE(a.currency, '') = customer_totals.currency AND a.line_count >= 0
    )
WHERE (tenant_id, customer_id) IN (
    SELECT tenant_id, customer_id FROM batch WHERE type = 'ActivityRetracted'
);
DELETE FROM customer_totals
WHERE orders = 0 AND cancellations = 0 AND (tenant_id, customer_id) IN (
    SELECT tenant_id, customer_id FROM batch WHERE type = 'ActivityRetracted'
);

-- section: forget
UPDATE activities SET title = NULL, attributes = NULL
WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
