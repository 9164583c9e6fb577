-- What do customers order, month by month?
-- Cancellations are orders of negative amount, and are subtracted in the month in which they happened.
SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, currency, count(*) AS orders, round(sum(amount), 2) AS revenue
FROM v_activities
WHERE kind = 'order'
GROUP BY 1, currency
ORDER BY month, currency;
