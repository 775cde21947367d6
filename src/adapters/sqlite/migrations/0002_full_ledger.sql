-- min_binary: 2
-- Captures, voids, expiries, reversals and account updates. A binary that does not know them would settle them as
-- unprocessable, so it may not use the store any more.

-- account_update: the new values; NULL leaves a setting as it is. A CHECK would read the whole log now.
ALTER TABLE transaction_log ADD COLUMN overdraft_limit INTEGER;
ALTER TABLE transaction_log ADD COLUMN frozen INTEGER;

-- As for the logs: INSERT OR REPLACE does not fire the delete trigger.
CREATE TRIGGER currencies_append BEFORE INSERT ON currencies
WHEN EXISTS (SELECT 1 FROM currencies WHERE code = NEW.code AND exponent <> NEW.exponent)
BEGIN
  SELECT RAISE(ABORT, 'a recorded currency never changes');
END;

DROP VIEW transactions;
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
  CASE exponent
    WHEN 0 THEN limit_digits
    ELSE substr(limit_digits, 1, length(limit_digits) - exponent) || '.' || substr(limit_digits, -exponent)
  END AS overdraft_limit,
  frozen,
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
    CASE WHEN t.overdraft_limit IS NOT NULL THEN printf('%0*d', c.exponent + 1, t.overdraft_limit) END AS limit_digits,
    coalesce(h.status, s.status, 'pending') AS status,
    s.failure_code,
    coalesce(h.closed_at, CASE WHEN s.status = 'authorized' THEN NULL ELSE s.settled_at END) AS settled_at
  FROM transaction_log t
  JOIN currencies c ON c.code = t.currency
  LEFT JOIN settlement_log s ON s.transaction_id = t.id
  LEFT JOIN holds h ON h.transaction_id = t.id
);
