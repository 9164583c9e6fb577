-- What do customers order, month by month?
-- Cancellations are orders of negative amount, and are subtracted in the month in which they happened.
SELECT substr(occurred_at, 1, 7) AS month, currency, count(*) AS orders, round(sum(amount), 2) AS revenue
FROM v_activities
WHERE kind = 'order'
GROUP BY 1, currency
ORDER BY month, currency;
