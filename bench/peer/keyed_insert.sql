\set user random_zipfian(1, 100000, 1.001)
\set amount random(1, 500000)
\set draw random(1, 100)
\set key random(1, 9000000000000000000)
INSERT INTO peer_log (partition, type, user_id, amount_minor, currency, capture, idempotency_hash, content_hash, description, metadata, created_at, created_by) VALUES (0, CASE WHEN :draw <= 10 THEN 'w'::"char" ELSE 'd'::"char" END, 'user_' || :user, :amount, 'USD', 'a', decode(md5(:key::text), 'hex'), decode(md5(:amount::text), 'hex'), CASE WHEN :draw <= 30 THEN 'Order 48151 at the corner shop' END, CASE WHEN :draw > 90 THEN '{"channel":"web","order":"A-48151"}' END, now(), 'anonymous');
