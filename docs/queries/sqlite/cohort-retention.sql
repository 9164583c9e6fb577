-- How many customers order again, by the month of their first order?
-- Persons, not records: merged customers count once. Cancellations are no orders.
WITH orders AS (
    SELECT person_id, substr(occurred_at, 1, 7) AS month
    FROM v_activities
    WHERE kind = 'order' AND amount_micros > 0
), firsts AS (
    SELECT person_id, min(month) AS cohort FROM orders GROUP BY person_id
)
SELECT f.cohort, o.month, count(DISTINCT o.person_id) AS customers
FROM orders o JOIN firsts f ON f.person_id = o.person_id
GROUP BY f.cohort, o.month
ORDER BY f.cohort, o.month;
