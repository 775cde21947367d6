-- The peer: one INSERT and one commit per transaction, as in most services. It has the columns, the primary key and the index
-- on the user of transaction_log.
DROP TABLE IF EXISTS peer_log;
CREATE TABLE peer_log (
  partition        smallint    NOT NULL,
  type             "char"      NOT NULL,
  capture          "char"      NOT NULL,
  to_partition     smallint,
  id               bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
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
);
CREATE INDEX peer_log_by_user ON peer_log (user_id, id);
