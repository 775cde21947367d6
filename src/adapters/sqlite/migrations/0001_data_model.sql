-- min_binary: 1
-- Amounts are counts of the currency's minor unit; times are microseconds since 1970-01-01 UTC.
-- `id` is (partition << 45) | sequence, so it is unique by itself and carries the partition.

CREATE TABLE store (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  store_id TEXT NOT NULL,
  schema INTEGER NOT NULL,
  min_binary INTEGER NOT NULL,
  cache_secret BLOB NOT NULL CHECK (length(cache_secret) = 32),
  partitions INTEGER NOT NULL CHECK (partitions BETWEEN 1 AND 256)
) STRICT;

CREATE TABLE partitions (
  partition INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE readers (
  reader TEXT NOT NULL,
  partition INTEGER NOT NULL,
  PRIMARY KEY (reader, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE currencies (
  code TEXT PRIMARY KEY,
  exponent INTEGER NOT NULL CHECK (exponent BETWEEN 0 AND 18)
) STRICT, WITHOUT ROWID;

-- The log: what clients asked for, in order. Append-only.
CREATE TABLE transaction_log (
  id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition = id >> 45),
  type TEXT NOT NULL CHECK (type IN ('deposit', 'withdrawal', 'transfer', 'capture', 'void', 'expiry', 'reversal',
                                     'account_update')),
  user_id TEXT NOT NULL,
  to_user_id TEXT,
  to_partition INTEGER,
  amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
  currency TEXT NOT NULL,
  parent_id INTEGER,
  capture TEXT NOT NULL CHECK (capture IN ('automatic', 'manual')),
  hold_expires_at INTEGER,
  idempotency_hash BLOB CHECK (length(idempotency_hash) = 16),
  content_hash BLOB CHECK (length(content_hash) = 16),
  reference TEXT,
  description TEXT,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;

-- An index of a table with a rowid ends with the rowid, which is `id` here, and a user has one partition: so these are
-- (partition, user_id, id) and so on, and serve a person who asks by user_id alone too.
CREATE INDEX transaction_log_user ON transaction_log (user_id);
CREATE INDEX transaction_log_to_user ON transaction_log (to_user_id) WHERE to_user_id IS NOT NULL;
CREATE INDEX transaction_log_parent ON transaction_log (parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX transaction_log_key ON transaction_log (idempotency_hash) WHERE idempotency_hash IS NOT NULL;
CREATE UNIQUE INDEX transaction_log_reference ON transaction_log (user_id, reference) WHERE reference IS NOT NULL;

-- Their outcomes, in the same order. Append-only, at most one row per transaction.
CREATE TABLE settlement_log (
  transaction_id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition = transaction_id >> 45),
  status TEXT NOT NULL CHECK (status IN ('settled', 'failed', 'authorized')),
  failure_code TEXT CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
  posted_after INTEGER NOT NULL,
  held_after INTEGER NOT NULL,
  account_version INTEGER NOT NULL,
  to_posted_after INTEGER,
  to_account_version INTEGER,
  settled_at INTEGER NOT NULL,
  rules_version INTEGER NOT NULL
) STRICT;

-- Derived from the logs, written with the settlements.
CREATE TABLE accounts (
  partition INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  currency TEXT NOT NULL,
  posted INTEGER NOT NULL,
  held INTEGER NOT NULL CHECK (held >= 0),
  version INTEGER NOT NULL,
  overdraft_limit INTEGER NOT NULL CHECK (overdraft_limit >= 0),
  frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
  PRIMARY KEY (partition, user_id, currency)
) STRICT, WITHOUT ROWID;

-- Transactions with manual capture: `status` is theirs, `closed_by` the transaction that ended the hold.
CREATE TABLE holds (
  transaction_id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition = transaction_id >> 45),
  user_id TEXT NOT NULL,
  currency TEXT NOT NULL,
  held_minor INTEGER NOT NULL CHECK (held_minor >= 0),
  captured_minor INTEGER NOT NULL CHECK (captured_minor >= 0),
  status TEXT NOT NULL CHECK (status IN ('authorized', 'settled', 'voided', 'expired')),
  expires_at INTEGER NOT NULL,
  closed_by INTEGER,
  closed_at INTEGER
) STRICT;

CREATE INDEX holds_open ON holds (partition, expires_at) WHERE status = 'authorized';

CREATE TABLE reversals (
  original_id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL CHECK (partition = original_id >> 45),
  reversed_minor INTEGER NOT NULL CHECK (reversed_minor >= 0)
) STRICT;

CREATE TABLE totals (
  partition INTEGER NOT NULL,
  currency TEXT NOT NULL,
  deposits INTEGER NOT NULL DEFAULT 0,
  withdrawals INTEGER NOT NULL DEFAULT 0,
  captures INTEGER NOT NULL DEFAULT 0,
  deposit_reversals INTEGER NOT NULL DEFAULT 0,
  withdrawal_reversals INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (partition, currency)
) STRICT, WITHOUT ROWID;

-- The logs refuse every change of what is there. A connection without recursive_triggers does not fire the delete
-- trigger for INSERT OR REPLACE, hence the checks before insert. Ids only grow, so one look at the end finds
-- both a replaced id and one out of order.
CREATE TRIGGER transaction_log_append BEFORE INSERT ON transaction_log
WHEN NEW.id <= (
    SELECT max(id) FROM transaction_log WHERE id BETWEEN NEW.partition << 45 AND ((NEW.partition + 1) << 45) - 1)
  OR (NEW.idempotency_hash IS NOT NULL AND EXISTS (
    SELECT 1 FROM transaction_log WHERE idempotency_hash = NEW.idempotency_hash))
  OR (NEW.reference IS NOT NULL AND EXISTS (
    SELECT 1 FROM transaction_log WHERE user_id = NEW.user_id AND reference = NEW.reference))
BEGIN
  SELECT RAISE(ABORT, 'transaction_log is append-only');
END;

CREATE TRIGGER transaction_log_update BEFORE UPDATE ON transaction_log
BEGIN
  SELECT RAISE(ABORT, 'transaction_log is append-only');
END;

CREATE TRIGGER transaction_log_delete BEFORE DELETE ON transaction_log
BEGIN
  SELECT RAISE(ABORT, 'transaction_log is append-only');
END;

CREATE TRIGGER settlement_log_append BEFORE INSERT ON settlement_log
WHEN NEW.transaction_id <= (
  SELECT max(transaction_id) FROM settlement_log
  WHERE transaction_id BETWEEN (NEW.partition << 45) AND ((NEW.partition + 1) << 45) - 1)
BEGIN
  SELECT RAISE(ABORT, 'settlement_log is append-only');
END;

CREATE TRIGGER settlement_log_update BEFORE UPDATE ON settlement_log
BEGIN
  SELECT RAISE(ABORT, 'settlement_log is append-only');
END;

CREATE TRIGGER settlement_log_delete BEFORE DELETE ON settlement_log
BEGIN
  SELECT RAISE(ABORT, 'settlement_log is append-only');
END;

CREATE TRIGGER currencies_update BEFORE UPDATE ON currencies
BEGIN
  SELECT RAISE(ABORT, 'a recorded currency never changes');
END;

CREATE TRIGGER currencies_delete BEFORE DELETE ON currencies
BEGIN
  SELECT RAISE(ABORT, 'a recorded currency never changes');
END;

-- For people: SELECT * FROM transactions shows each transaction as it stands.
CREATE VIEW transactions AS
SELECT
  id,
  user_id,
  type,
  CASE exponent
    WHEN 0 THEN digits
    ELSE substr(digits, 1, length(digits) - exponent) || '.' || substr(digits, -exponent)
  END AS amount,
  currency,
  status,
  strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000)
    AS created_at,
  strftime('%Y-%m-%dT%H:%M:%S', settled_at / 1000000, 'unixepoch') || printf('.%06dZ', settled_at % 1000000)
    AS settled_at,
  failure_code AS failure,
  to_user_id,
  parent_id,
  capture,
  strftime('%Y-%m-%dT%H:%M:%S', hold_expires_at / 1000000, 'unixepoch') || printf('.%06dZ', hold_expires_at % 1000000)
    AS hold_expires_at,
  reference,
  description,
  metadata,
  created_by,
  partition
FROM (
  SELECT
    t.*,
    c.exponent,
    printf('%0*d', c.exponent + 1, t.amount_minor) AS digits,
    coalesce(h.status, s.status, 'pending') AS status,
    s.failure_code,
    coalesce(h.closed_at, CASE WHEN s.status = 'authorized' THEN NULL ELSE s.settled_at END) AS settled_at
  FROM transaction_log t
  JOIN currencies c ON c.code = t.currency
  LEFT JOIN settlement_log s ON s.transaction_id = t.id
  LEFT JOIN holds h ON h.transaction_id = t.id
);
