-- Which node has what one node at a time may have (src/log/keys/lease/mod.rs). `term` rises with each holder: it is the fencing
-- token. Times are microseconds since 1970 by the clock of this database.
CREATE TABLE keys.leases (
    name   text PRIMARY KEY,
    holder text NOT NULL,
    term   bigint NOT NULL,
    since  bigint NOT NULL,
    until  bigint NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION keys.clock() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

CREATE FUNCTION keys.refuse_earlier_term() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.term < OLD.term THEN
        RAISE EXCEPTION 'the term of a lease never falls' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER terms_rise BEFORE UPDATE ON keys.leases FOR EACH ROW EXECUTE FUNCTION keys.refuse_earlier_term();
ALTER TABLE keys.leases ENABLE ALWAYS TRIGGER terms_rise;

CREATE TRIGGER leases_stay BEFORE DELETE OR TRUNCATE ON keys.leases FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse();
ALTER TABLE keys.leases ENABLE ALWAYS TRIGGER leases_stay;
