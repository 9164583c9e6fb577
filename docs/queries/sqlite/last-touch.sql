-- Which message came last before each order?
-- The last message sent to the person in the 30 days before; orders without one are left out, and so are cancellations.
WITH touches AS (
    SELECT
        o.activity_id, o.currency, o.amount, m.channel, m.campaign_id,
        row_number() OVER (PARTITION BY o.activity_id ORDER BY m.sent_at DESC) AS place
    FROM v_activities o JOIN v_messages m ON m.person_id = o.person_id
    WHERE o.kind = 'order' AND o.amount_micros > 0 AND m.direction = 'outbound'
        AND m.sent_at < o.occurred_at AND julianday(o.occurred_at) - julianday(m.sent_at) <= 30
)
SELECT channel, campaign_id, currency, count(*) AS orders, round(sum(amount), 2) AS revenue
FROM touches
WHERE place = 1
GROUP BY channel, campaign_id, currency
ORDER BY revenue DESC;
