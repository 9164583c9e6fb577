-- The newest event of the log before which a provider was called. A log without this event was restored from a backup, or is
-- another one. `place` tells this store from a copy of it.
CREATE TABLE keys.log_mark (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch     bigint NOT NULL,
    position  bytea NOT NULL,
    hash      bytea NOT NULL,
    place     text NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION keys.refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.epoch, NEW.position) < (OLD.epoch, OLD.position) THEN
        RAISE EXCEPTION 'the mark of the log never goes back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER forwards_only BEFORE UPDATE ON keys.log_mark FOR EACH ROW EXECUTE FUNCTION keys.refuse_going_back();
ALTER TABLE keys.log_mark ENABLE ALWAYS TRIGGER forwards_only;

CREATE TRIGGER mark_stays BEFORE DELETE OR TRUNCATE ON keys.log_mark FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse();
ALTER TABLE keys.log_mark ENABLE ALWAYS TRIGGER mark_stays;
