-- min_binary: 2
-- The epochs of the store: which history of the ledger this is. The newest row counts. A row is added when the database
-- is found somewhere else than it was (place), as after a restore, a fail-over or a move, or without what its log held.
-- An older binary goes on without it: its entries in a shared cache have keys of their own.
CREATE TABLE epoch_log (
  number   integer     PRIMARY KEY,
  begun_at timestamptz NOT NULL,
  epoch    uuid        NOT NULL,
  place    text        NOT NULL COLLATE "C"
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON epoch_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
ALTER TABLE epoch_log ENABLE ALWAYS TRIGGER append_only;
