-- What do customers order within seven days of a message, by channel?
-- An order counts once for each channel; cancellations are subtracted.
WITH orders AS (
    SELECT activity_id, person_id, occurred_at, currency, amount FROM v_activities WHERE kind = 'order'
), reached AS (
    SELECT DISTINCT m.channel, o.activity_id, o.currency, o.amount
    FROM orders o JOIN v_messages m ON m.person_id = o.person_id
    WHERE m.sent_at < o.occurred_at AND julianday(o.occurred_at) - julianday(m.sent_at) <= 7
)
SELECT channel, currency, count(*) AS orders, round(sum(amount), 2) AS revenue
FROM reached
GROUP BY channel, currency
ORDER BY channel, currency;
