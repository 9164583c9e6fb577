-- A refused insert ends its transaction: a trigger that may abort one statement makes SQLite keep a copy of every page
-- that each insert touches. Whoever inserts with OR ROLLBACK, as commlog's writer does, pays nothing for it.
DROP TRIGGER events_insert;
CREATE TRIGGER events_insert BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
BEGIN SELECT RAISE(ROLLBACK, 'the log is append-only: events are never replaced, and positions have no gaps'); END;
