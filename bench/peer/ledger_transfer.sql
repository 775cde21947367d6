\set payer random(1, 1000)
\set receiver 1 + (:payer + random(0, 998)) % 1000
\set amount random(1, 500000)
BEGIN;
SELECT id, balance FROM peer_accounts WHERE id IN (:payer, :receiver) ORDER BY id FOR UPDATE;
UPDATE peer_accounts SET balance = balance - :amount, version = version + 1 WHERE id = :payer RETURNING balance AS payer_balance, version AS payer_version \gset
UPDATE peer_accounts SET balance = balance + :amount, version = version + 1 WHERE id = :receiver RETURNING balance AS receiver_balance, version AS receiver_version \gset
INSERT INTO peer_transfers (from_account, to_account, amount, currency, created_at) VALUES (:payer, :receiver, :amount, 'USD', now()) RETURNING id AS transfer \gset
INSERT INTO peer_entries (account_id, version, transfer_id, amount, balance_after, created_at) VALUES (:payer, :payer_version, :transfer, -(:amount::bigint), :payer_balance, now()), (:receiver, :receiver_version, :transfer, :amount, :receiver_balance, now());
COMMIT;
