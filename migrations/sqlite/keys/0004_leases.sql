-- Which node has what one node at a time may have (src/log/keys/lease/mod.rs). `term` rises with each holder: it is the fencing
-- token. Times are microseconds since 1970 by the clock of this machine, which all nodes that share the file have in common.
CREATE TABLE leases (
    name   TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    term   INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER leases_update BEFORE UPDATE ON leases WHEN NEW.term < OLD.term
BEGIN SELECT RAISE(ABORT, 'the term of a lease never falls'); END;

CREATE TRIGGER leases_delete BEFORE DELETE ON leases
BEGIN SELECT RAISE(ABORT, 'the term of a lease never falls'); END;
