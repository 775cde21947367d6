-- The peer's ledger: 1000 accounts with money, double entries with a running balance, and the transfers themselves.
-- All choices favour the peer: the fewest possible indexes (the primary key of the entries starts with the account), free
-- space for updates in the pages of the accounts, no foreign keys.
DROP TABLE IF EXISTS peer_entries, peer_transfers, peer_accounts;
CREATE TABLE peer_accounts (
  id         bigint      PRIMARY KEY,
  balance    bigint      NOT NULL CHECK (balance >= 0),
  version    bigint      NOT NULL,
  currency   text        NOT NULL COLLATE "C",
  created_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE peer_transfers (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_account bigint      NOT NULL,
  to_account   bigint      NOT NULL,
  amount       bigint      NOT NULL CHECK (amount > 0),
  created_at   timestamptz NOT NULL,
  currency     text        NOT NULL COLLATE "C",
  description  text
);
CREATE TABLE peer_entries (
  account_id    bigint      NOT NULL,
  version       bigint      NOT NULL,
  transfer_id   bigint      NOT NULL,
  amount        bigint      NOT NULL,
  balance_after bigint      NOT NULL,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (account_id, version)
);
INSERT INTO peer_accounts SELECT id, 1000000000000, 0, 'USD', now() FROM generate_series(1, 1000) AS id;
VACUUM (ANALYZE) peer_accounts;
