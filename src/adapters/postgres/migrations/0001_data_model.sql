-- min_binary: 1
-- The whole data model. Two append-only logs hold the truth; accounts, holds, reversals and totals are derived from
-- them, written in the commit of a settlement, and a replay of the log gives exactly these. Everything but the
-- lookup of the store itself is keyed by partition. Text that identifies is compared bytewise (COLLATE "C"):
-- faster, in the order of the program, and no upgrade of the system's locales can break an index.

CREATE TABLE store (
  only_row     boolean  PRIMARY KEY DEFAULT true CHECK (only_row),
  store_id     uuid     NOT NULL,
  schema       integer  NOT NULL,
  min_binary   integer  NOT NULL,
  cache_secret bytea    NOT NULL CHECK (octet_length(cache_secret) = 32),
  partitions   smallint NOT NULL CHECK (partitions BETWEEN 1 AND 256)
);

-- Lock rows, never updated: an updated row would bloat under any long snapshot.
CREATE TABLE partitions (
  partition smallint PRIMARY KEY
);
CREATE TABLE readers (
  partition smallint NOT NULL,
  reader    text     NOT NULL COLLATE "C",
  PRIMARY KEY (partition, reader)
);

-- Written at first use, immutable.
CREATE TABLE currencies (
  code     text     PRIMARY KEY COLLATE "C",
  exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 18)
);

-- type: d deposit, w withdrawal, t transfer, c capture, v void, e expiry, r reversal, a account_update
-- capture: a automatic, m manual
CREATE TABLE transaction_log (
  partition        smallint    NOT NULL,
  type             "char"      NOT NULL,
  capture          "char"      NOT NULL,
  to_partition     smallint,
  id               bigint      NOT NULL,
  amount_minor     bigint      NOT NULL CHECK (amount_minor >= 0),
  created_at       timestamptz NOT NULL,
  parent_id        bigint,
  hold_expires_at  timestamptz,
  user_id          text        NOT NULL COLLATE "C",
  currency         text        NOT NULL COLLATE "C",
  created_by       text        NOT NULL COLLATE "C",
  to_user_id       text        COLLATE "C",
  idempotency_hash bytea,
  content_hash     bytea,
  reference        text        COLLATE "C",
  description      text,
  metadata         text,
  PRIMARY KEY (partition, id)
) WITH (autovacuum_vacuum_insert_threshold = 1000000, autovacuum_vacuum_insert_scale_factor = 0.1,
        autovacuum_freeze_min_age = 0);
-- A user, and so a key, belongs to one partition, and an id begins with it: leading with it would only make these slower.
-- Unique ones end with it, as a database that is distributed by partition demands.
CREATE UNIQUE INDEX transaction_log_by_key ON transaction_log (idempotency_hash, partition)
  WHERE idempotency_hash IS NOT NULL;
CREATE UNIQUE INDEX transaction_log_by_reference ON transaction_log (user_id, reference, partition)
  WHERE reference IS NOT NULL;
CREATE INDEX transaction_log_by_user ON transaction_log (user_id, id);
CREATE INDEX transaction_log_by_receiver ON transaction_log (to_user_id, id) WHERE to_user_id IS NOT NULL;
CREATE INDEX transaction_log_by_parent ON transaction_log (parent_id, id) WHERE parent_id IS NOT NULL;

-- status: s settled, f failed, a authorized, v voided, x expired
-- A user's entries in the order of account_version are their transactions in the order of id, one ordered stream per
-- partition of the payer, so a statement needs no further index.
CREATE TABLE settlement_log (
  partition          smallint    NOT NULL,
  rules_version      smallint    NOT NULL,
  status             "char"      NOT NULL,
  transaction_id     bigint      NOT NULL,
  posted_after       bigint      NOT NULL,
  held_after         bigint      NOT NULL,
  account_version    bigint      NOT NULL,
  settled_at         timestamptz NOT NULL,
  to_posted_after    bigint,
  to_account_version bigint,
  failure_code       text        COLLATE "C",
  PRIMARY KEY (partition, transaction_id)
) WITH (autovacuum_vacuum_insert_threshold = 1000000, autovacuum_vacuum_insert_scale_factor = 0.1,
        autovacuum_freeze_min_age = 0);

-- Room in every page lets an update stay there and leave the index alone.
CREATE TABLE accounts (
  partition       smallint NOT NULL,
  frozen          boolean  NOT NULL DEFAULT false,
  posted          bigint   NOT NULL,
  held            bigint   NOT NULL,
  version         bigint   NOT NULL,
  overdraft_limit bigint   NOT NULL DEFAULT 0,
  user_id         text     NOT NULL COLLATE "C",
  currency        text     NOT NULL COLLATE "C",
  PRIMARY KEY (partition, user_id, currency)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Transactions with manual capture: status (a authorized, s settled, v voided, x expired) is theirs, closed_by the
-- transaction that ended the hold.
CREATE TABLE holds (
  partition      smallint    NOT NULL,
  status         "char"      NOT NULL,
  transaction_id bigint      NOT NULL,
  held_minor     bigint      NOT NULL,
  captured_minor bigint      NOT NULL,
  expires_at     timestamptz NOT NULL,
  closed_by      bigint,
  closed_at      timestamptz,
  user_id        text        NOT NULL COLLATE "C",
  currency       text        NOT NULL COLLATE "C",
  PRIMARY KEY (partition, transaction_id)
) WITH (fillfactor = 80);
CREATE INDEX holds_open ON holds (partition, expires_at, transaction_id) WHERE status = 'a';

CREATE TABLE reversals (
  partition      smallint NOT NULL,
  original_id    bigint   NOT NULL,
  reversed_minor bigint   NOT NULL,
  PRIMARY KEY (partition, original_id)
) WITH (fillfactor = 80);

-- Sums of what settled, kept independently of the accounts so that the two can be compared.
CREATE TABLE totals (
  partition            smallint NOT NULL,
  currency             text     NOT NULL COLLATE "C",
  deposits             bigint   NOT NULL DEFAULT 0,
  withdrawals          bigint   NOT NULL DEFAULT 0,
  captures             bigint   NOT NULL DEFAULT 0,
  deposit_reversals    bigint   NOT NULL DEFAULT 0,
  withdrawal_reversals bigint   NOT NULL DEFAULT 0,
  PRIMARY KEY (partition, currency)
) WITH (fillfactor = 10);

-- Statement triggers cost an INSERT nothing; ALWAYS also holds for replication roles.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transaction_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON currencies
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
ALTER TABLE currencies ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE transaction_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE settlement_log ENABLE ALWAYS TRIGGER append_only;

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
