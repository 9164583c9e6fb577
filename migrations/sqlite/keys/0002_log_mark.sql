-- The newest event of the log before which a provider was called. A log without this event was restored from a backup, or is
-- another one. `place` tells this store from a copy of it.
CREATE TABLE log_mark (
    only     INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    epoch    INTEGER NOT NULL,
    position BLOB NOT NULL,
    hash     BLOB NOT NULL,
    place    TEXT NOT NULL
) STRICT;

CREATE TRIGGER log_mark_update BEFORE UPDATE ON log_mark
WHEN (NEW.epoch, NEW.position) < (OLD.epoch, OLD.position)
BEGIN SELECT RAISE(ABORT, 'the mark of the log never goes back'); END;

CREATE TRIGGER log_mark_delete BEFORE DELETE ON log_mark
BEGIN SELECT RAISE(ABORT, 'the mark of the log never goes back'); END;
