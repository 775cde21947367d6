\set other random(2, 1000)
\set pays random(0, 1)
\set payer CASE WHEN :pays = 1 THEN 1 ELSE :other END
\set receiver CASE WHEN :pays = 1 THEN :other ELSE 1 END
\set amount random(1, 500000)
BEGIN;
SELECT id, balance FROM peer_accounts WHERE id IN (:payer, :receiver) ORDER BY id FOR UPDATE;
UPDATE peer_accounts SET balance = balance - :amount, version = version + 1 WHERE id = :payer RETURNING balance AS payer_balance, version AS payer_version \gset
UPDATE peer_accounts SET balance = balance + :amount, version = version + 1 WHERE id = :receiver RETURNING balance AS receiver_balance, version AS receiver_version \gset
INSERT INTO peer_transfers (from_account, to_account, amount, currency, created_at) VALUES (:payer, :receiver, :amount, 'USD', now()) RETURNING id AS transfer \gset
INSERT INTO peer_entries (account_id, version, transfer_id, amount, balance_after, created_at) VALUES (:payer, :payer_version, :transfer, -(:amount::bigint), :payer_balance, now()), (:receiver, :receiver_version, :transfer, :amount, :receiver_balance, now());
COMMIT;
