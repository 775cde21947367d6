-- min_binary: 2
-- The log of API keys: one row when a key was made, one when it was revoked. Only the hash of a key is kept.
-- action: c created, r revoked
CREATE TABLE api_key_log (
  key_id TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('c', 'r')),
  done_at INTEGER NOT NULL,
  done_by TEXT NOT NULL,
  key_hash BLOB CHECK (length(key_hash) = 32),
  subject TEXT,
  scopes TEXT,
  only_user TEXT,
  expires_at INTEGER,
  PRIMARY KEY (key_id, action),
  CHECK ((action = 'c') = (key_hash IS NOT NULL AND subject IS NOT NULL AND scopes IS NOT NULL)),
  CHECK (action = 'c' OR coalesce(key_hash, subject, scopes, only_user, expires_at) IS NULL)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_key_log_hash ON api_key_log (key_hash) WHERE key_hash IS NOT NULL;

-- As for the other logs. INSERT OR REPLACE does not fire the delete trigger.
CREATE TRIGGER api_key_log_append BEFORE INSERT ON api_key_log
WHEN EXISTS (SELECT 1 FROM api_key_log WHERE key_id = NEW.key_id AND action = NEW.action)
  OR (NEW.key_hash IS NOT NULL AND EXISTS (SELECT 1 FROM api_key_log WHERE key_hash = NEW.key_hash))
BEGIN
  SELECT RAISE(ABORT, 'api_key_log is append-only');
END;

CREATE TRIGGER api_key_log_update BEFORE UPDATE ON api_key_log
BEGIN
  SELECT RAISE(ABORT, 'api_key_log is append-only');
END;

CREATE TRIGGER api_key_log_delete BEFORE DELETE ON api_key_log
BEGIN
  SELECT RAISE(ABORT, 'api_key_log is append-only');
END;
