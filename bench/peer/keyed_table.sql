-- For information: the same with what a fresh key each costs, a unique 16-byte hash.
\ir table.sql
CREATE UNIQUE INDEX peer_log_by_key ON peer_log (idempotency_hash, partition);
