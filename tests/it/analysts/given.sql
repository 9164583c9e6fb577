INSERT INTO customers (tenant_id, customer_id, source, anonymous, tags, registered_at, changed_at, version) VALUES
    (@1, @c1, 'api', FALSE, '[]', '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', 1),
    (@1, @c2, 'api', FALSE, '[]', '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', 1),
    (@1, @c3, 'api', FALSE, '[]', '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', 1);
INSERT INTO customer_roots (tenant_id, customer_id, root_id, merged_at, position) VALUES
    (@1, @c3, @c1, '2026-01-02T00:00:00+00:00', #a1);
INSERT INTO activities (tenant_id, activity_id, customer_id, kind, amount_micros, currency, line_count, source, actor, occurred_at, recorded_at, position) VALUES
    (@1, @a1, @c1, 'order', 100000000, 'EUR', 0, 'api', 'cli', '2026-01-05T10:00:00+00:00', '2026-01-05T10:00:00+00:00', #a1),
    (@1, @a2, @c1, 'order', 50000000, 'EUR', 0, 'api', 'cli', '2026-02-10T10:00:00+00:00', '2026-02-10T10:00:00+00:00', #a2),
    (@1, @a3, @c2, 'order', 30000000, 'EUR', 0, 'api', 'cli', '2026-01-20T12:00:00+00:00', '2026-01-20T12:00:00+00:00', #a3),
    (@1, @a4, @c3, 'order', 20000000, 'EUR', 0, 'api', 'cli', '2026-03-01T10:00:00+00:00', '2026-03-01T10:00:00+00:00', #a4),
    (@1, @a5, @c2, 'order', -30000000, 'EUR', 0, 'api', 'cli', '2026-01-21T10:00:00+00:00', '2026-01-21T10:00:00+00:00', #a5);
INSERT INTO customer_totals (tenant_id, customer_id, currency, revenue_thousands, revenue_micros, orders, cancellations) VALUES
    (@1, @c1, 'EUR', 2, 150000000, 2, 0), (@1, @c2, 'EUR', 0, 0, 2, 1), (@1, @c3, 'EUR', 0, 20000000, 1, 0);
INSERT INTO messages (tenant_id, message_id, customer_id, direction, channel, campaign_id, conversation_id, actor, created_at, position, sent_at, sent_count, delivered_count, bounced_count, hard_bounced_count, to_address) VALUES
    (@1, @d1, @c1, 'outbound', 'email', @e1, NULL, 'cli', '2026-01-04T09:00:00+00:00', #d1, '2026-01-04T09:01:00+00:00', 1, 1, 0, 0, 'ann@example.com'),
    (@1, @d2, @c2, 'outbound', 'email', @e1, NULL, 'cli', '2026-01-19T11:59:00+00:00', #d2, '2026-01-19T12:00:00+00:00', 1, 0, 1, 1, 'bob@Example.org'),
    (@1, @d3, @c1, 'outbound', 'sms', @e2, NULL, 'cli', '2026-02-09T07:59:00+00:00', #d3, '2026-02-09T08:00:00+00:00', 1, 1, 0, 0, '+442079460001'),
    (@1, @d4, @c1, 'inbound', 'email', NULL, @f1, 'cli', '2026-01-06T08:00:00.500+00:00', #d4, NULL, 0, 0, 0, 0, NULL),
    (@1, @d5, @c1, 'outbound', 'email', NULL, @f1, 'cli', '2026-01-06T08:29:00+00:00', #d5, '2026-01-06T08:30:00.500+00:00', 1, 0, 0, 0, 'ann@example.com'),
    (@1, @d6, @c2, 'inbound', 'sms', NULL, @f2, 'cli', '2026-01-22T14:10:00+00:00', #d6, NULL, 0, 0, 0, 0, NULL),
    (@1, @d7, @c2, 'outbound', 'sms', NULL, @f2, 'cli', '2026-01-22T14:19:00+00:00', #d7, '2026-01-22T14:20:00.123456+00:00', 1, 0, 0, 0, '+442079460002'),
    (@1, @d8, @c2, 'inbound', 'sms', NULL, @f2, 'cli', '2026-01-23T14:00:00+00:00', #d8, NULL, 0, 0, 0, 0, NULL);
INSERT INTO message_reasons (tenant_id, message_id, event_id, customer_id, state, occurred_at, why) VALUES
    (@1, @d2, @a1, @c2, 'bounced', '2026-01-19T12:01:00+00:00', 'hard'), (@1, @d2, @a2, @c2, 'bounced', '2026-01-19T12:02:00+00:00', 'hard');
INSERT INTO campaign_metrics (tenant_id, campaign_id, variant, channel, queued, suppressed, cancelled, sent, delivered, deferred, soft_bounced, hard_bounced, failed, complained, opted_out, replied, unique_opens, unique_opens_machine, unique_opens_human, unique_clicks, unique_clicks_machine, unique_clicks_human, arrived, bounced, engaged_human) VALUES
    (@1, @e1, '', 'email', 2, 0, 0, 2, 1, 0, 0, 1, 0, 0, 1, 0, 2, 1, 1, 0, 0, 0, 2, 1, 1),
    (@1, @e2, '', 'sms', 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0);
INSERT INTO conversations (tenant_id, conversation_id, customer_id, channel, state, priority, unread, started_at, changed_at, waiting_since, version, position) VALUES
    (@1, @f1, @c1, 'email', 'resolved', 'normal', 0, '2026-01-06T08:00:00+00:00', '2026-01-06T08:30:00+00:00', NULL, 1, #a1),
    (@1, @f2, @c2, 'sms', 'open', 'normal', 1, '2026-01-22T14:10:00+00:00', '2026-01-23T14:00:00+00:00', '2026-01-23T14:00:00+00:00', 1, #a2);
