-- min_binary: 2
-- The epochs of the store: which history of the ledger this is. The newest row counts. A row is added when the file is
-- found somewhere else than it was (place), as after a restore or a move, or without what its log held.
CREATE TABLE epoch_log (
  number INTEGER PRIMARY KEY,
  begun_at INTEGER NOT NULL,
  epoch TEXT NOT NULL,
  place TEXT NOT NULL
) STRICT;

-- As for the other logs. INSERT OR REPLACE does not fire the delete trigger.
CREATE TRIGGER epoch_log_append BEFORE INSERT ON epoch_log
WHEN NEW.number <= (SELECT max(number) FROM epoch_log)
BEGIN
  SELECT RAISE(ABORT, 'epoch_log is append-only');
END;

CREATE TRIGGER epoch_log_update BEFORE UPDATE ON epoch_log
BEGIN
  SELECT RAISE(ABORT, 'epoch_log is append-only');
END;

CREATE TRIGGER epoch_log_delete BEFORE DELETE ON epoch_log
BEGIN
  SELECT RAISE(ABORT, 'epoch_log is append-only');
END;
