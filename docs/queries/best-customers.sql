-- Who ordered most?
-- Persons, not records: the orders of merged customers are added up.
SELECT person_id, currency, sum(orders) AS orders, round(sum(revenue), 2) AS revenue
FROM v_customer_totals
GROUP BY person_id, currency
ORDER BY revenue DESC, person_id
LIMIT 100;
