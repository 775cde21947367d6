-- min_binary: 2
-- The log of API keys: one row when a key was made, one when it was revoked. Only the hash of a key is kept.
-- action: c created, r revoked
CREATE TABLE api_key_log (
  action     "char"      NOT NULL CHECK (action IN ('c', 'r')),
  done_at    timestamptz NOT NULL,
  key_id     text        NOT NULL COLLATE "C",
  done_by    text        NOT NULL COLLATE "C",
  expires_at timestamptz,
  key_hash   bytea       CHECK (octet_length(key_hash) = 32),
  subject    text        COLLATE "C",
  scopes     text        COLLATE "C",
  only_user  text        COLLATE "C",
  PRIMARY KEY (key_id, action),
  CHECK ((action = 'c') = (key_hash IS NOT NULL AND subject IS NOT NULL AND scopes IS NOT NULL)),
  CHECK (action = 'c' OR num_nonnulls(key_hash, subject, scopes, only_user, expires_at) = 0)
);
CREATE UNIQUE INDEX api_key_log_by_hash ON api_key_log (key_hash) WHERE key_hash IS NOT NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON api_key_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
ALTER TABLE api_key_log ENABLE ALWAYS TRIGGER append_only;

-- Everybody's until there are roles (roles.sql). A login that may call this needs no right to read the table: a hash is
-- answered, never shown. The names in it were looked up when it was made (BEGIN ATOMIC), so no other schema or temporary
-- table can stand in for ours.
CREATE FUNCTION find_api_key(hash bytea)
RETURNS TABLE (key_id text, subject text, scopes text, only_user text, created_at timestamptz, created_by text,
               expires_at timestamptz, revoked_at timestamptz, revoked_by text)
LANGUAGE sql STABLE STRICT ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT c.key_id, c.subject, c.scopes, c.only_user, c.done_at, c.done_by, c.expires_at, r.done_at, r.done_by
    FROM api_key_log c
    LEFT JOIN api_key_log r ON r.key_id = c.key_id AND r.action = 'r'
   WHERE c.key_hash = hash;
END;
