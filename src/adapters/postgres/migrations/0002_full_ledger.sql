-- min_binary: 2
-- Captures, voids, expiries, reversals and account updates. A binary that does not know them would settle them as
-- unprocessable, so it may not use the store any more.

-- account_update: the new values; NULL leaves a setting as it is. A CHECK would read the whole log under the lock.
ALTER TABLE transaction_log ADD COLUMN overdraft_limit bigint, ADD COLUMN frozen boolean;

DROP VIEW transactions;
-- For people: SELECT * FROM transactions shows each transaction as it stands.
-- Multiplying by 0.01 is exact and gives two decimals.
CREATE VIEW transactions AS
SELECT t.id,
       t.user_id,
       CASE t.type WHEN 'd' THEN 'deposit' WHEN 'w' THEN 'withdrawal' WHEN 't' THEN 'transfer' WHEN 'c' THEN 'capture'
                   WHEN 'v' THEN 'void' WHEN 'e' THEN 'expiry' WHEN 'r' THEN 'reversal' WHEN 'a' THEN 'account_update'
       END AS type,
       t.amount_minor * ('1e-' || c.exponent)::numeric AS amount,
       t.currency,
       CASE coalesce(h.status, s.status) WHEN 's' THEN 'settled' WHEN 'f' THEN 'failed' WHEN 'a' THEN 'authorized'
                                         WHEN 'v' THEN 'voided' WHEN 'x' THEN 'expired' ELSE 'pending'
       END AS status,
       t.created_at,
       coalesce(h.closed_at, CASE WHEN s.status <> 'a' THEN s.settled_at END) AS settled_at,
       s.failure_code AS failure,
       t.to_user_id,
       CASE t.capture WHEN 'm' THEN 'manual' ELSE 'automatic' END AS capture,
       t.hold_expires_at,
       t.overdraft_limit * ('1e-' || c.exponent)::numeric AS overdraft_limit,
       t.frozen,
       t.parent_id,
       t.reference,
       t.description,
       t.metadata::json AS metadata,
       t.created_by,
       s.posted_after * ('1e-' || c.exponent)::numeric AS posted_after,
       s.held_after * ('1e-' || c.exponent)::numeric AS held_after,
       s.account_version,
       t.partition
  FROM transaction_log t
  JOIN currencies c ON c.code = t.currency
  LEFT JOIN settlement_log s ON s.partition = t.partition AND s.transaction_id = t.id
  LEFT JOIN holds h ON h.partition = t.partition AND h.transaction_id = t.id;
