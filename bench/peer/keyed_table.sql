-- For comparison: the same table with a unique 16-byte hash, which is the cost of a fresh key per transaction.
\ir table.sql
CREATE UNIQUE INDEX peer_log_by_key ON peer_log (idempotency_hash, partition);
