-- What must hold of all services' data together when nothing is under way. Every statement gives what violates it:
-- no row is good news. Numbers as in the reliability matrix; those that the catalogue of the database keeps by itself
-- (unique keys, checks, triggers) are proven by its refusal.

-- I-01 each entry balances per currency
SELECT p.entry_id, p.currency, sum(p.amount_minor) FROM billing.ledger_posting p
GROUP BY p.entry_id, p.currency HAVING sum(p.amount_minor) <> 0

-- I-02 the whole ledger balances
SELECT currency, sum(amount_minor) FROM billing.ledger_posting GROUP BY currency HAVING sum(amount_minor) <> 0

-- I-03 an entry has at least two lines
SELECT e.id FROM billing.ledger_entry e LEFT JOIN billing.ledger_posting p ON p.entry_id = e.id
GROUP BY e.id HAVING count(p.position) < 2

-- I-04 one operation, one entry
SELECT operation_key FROM billing.ledger_entry GROUP BY operation_key HAVING count(*) > 1

-- I-06 what is paid was captured into the ledger
SELECT p.id FROM billing.payment p WHERE p.status IN ('paid', 'refunded') AND p.total_minor > 0 AND NOT EXISTS (
    SELECT FROM billing.ledger_entry e
    WHERE e.payment_id = p.id AND e.operation_key = 'capture:' || p.paid_attempt_id)

-- I-07 what the ledger captured was taken by an attempt
SELECT e.id FROM billing.ledger_entry e LEFT JOIN payment.attempt a ON e.operation_key = 'capture:' || a.id
WHERE e.kind = 'capture' AND a.status IS DISTINCT FROM 'succeeded'

-- I-08 the ledger's cash of a payment is what came in less what went back
SELECT p.id, coalesce(here.cash, 0) AS here, coalesce(came.total, 0) - coalesce(back.total, 0) AS there
FROM billing.payment p
LEFT JOIN (SELECT e.payment_id, sum(g.amount_minor) AS cash FROM billing.ledger_entry e
    JOIN billing.ledger_posting g ON g.entry_id = e.id WHERE g.account LIKE 'cash:%' AND e.kind IN ('capture', 'refund')
    GROUP BY 1) here ON here.payment_id = p.id
LEFT JOIN (SELECT payment_id, sum(captured_minor) AS total FROM payment.attempt WHERE status = 'succeeded'
    GROUP BY 1) came ON came.payment_id = p.id
LEFT JOIN (SELECT payment_id, sum(amount_minor) AS total FROM payment.refund WHERE status = 'succeeded'
    GROUP BY 1) back ON back.payment_id = p.id
WHERE coalesce(here.cash, 0) <> coalesce(came.total, 0) - coalesce(back.total, 0)

-- I-09 the amount is ours, not the buyer's
SELECT i.id FROM billing.payment_item i JOIN billing.price r ON r.id = i.price_id JOIN billing.payment p ON p.id = i.payment_id
WHERE i.unit_minor <> r.amount_minor OR p.currency <> r.currency

-- I-10 at most one attempt of a payment pays it
SELECT a.payment_id FROM payment.attempt a WHERE a.status = 'succeeded' GROUP BY a.payment_id HAVING count(*) > 1 + (
    SELECT count(*) FROM billing.refund r WHERE r.payment_id = a.payment_id AND r.source = 'late')

-- I-11 what is paid has its succeeded attempt of the same sum
SELECT p.id FROM billing.payment p LEFT JOIN payment.attempt a ON a.id = p.paid_attempt_id
WHERE p.status IN ('paid', 'refunded') AND p.total_minor > 0 AND (a.status IS DISTINCT FROM 'succeeded'
    OR a.payment_id <> p.id OR a.captured_minor <> p.total_minor OR a.captured_currency <> p.currency)

-- I-12 money taken: the payment is paid, or the money is on its way back
SELECT a.id FROM payment.attempt a JOIN billing.payment p ON p.id = a.payment_id
WHERE a.status = 'succeeded' AND a.captured_minor = p.total_minor AND p.paid_attempt_id IS DISTINCT FROM a.id
    AND NOT EXISTS (SELECT FROM billing.refund r WHERE r.attempt_id = a.id)

-- I-13 only legal transitions
SELECT id, from_status, to_status FROM billing.payment_transition WHERE (from_status, to_status) NOT IN (
    ('unpaid', 'pending'), ('unpaid', 'canceled'), ('unpaid', 'expired'), ('unpaid', 'paid'), ('pending', 'paid'),
    ('pending', 'unpaid'), ('pending', 'canceled'), ('pending', 'expired'), ('paid', 'refunded'))

-- I-14 a final state is reached once
SELECT payment_id, to_status FROM billing.payment_transition WHERE to_status IN ('paid', 'refunded', 'canceled', 'expired')
GROUP BY payment_id, to_status HAVING count(*) > 1

-- I-15 never more back than came in, what is on its way counted
SELECT r.payment_id FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
WHERE r.status IN ('requested', 'pending', 'succeeded') AND r.source <> 'late'
GROUP BY r.payment_id, p.total_minor HAVING sum(r.amount_minor) > p.total_minor

-- I-16 only paid payments are refunded, in their currency
SELECT r.id FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
WHERE r.currency <> p.currency OR (r.source <> 'late' AND p.status NOT IN ('paid', 'refunded'))

-- I-17 a succeeded refund has exactly one entry that gives the money back
SELECT r.id FROM billing.refund r WHERE r.status = 'succeeded' AND (
    SELECT count(*) FROM billing.ledger_entry e WHERE e.refund_id = r.id AND e.kind = 'refund') <> 1

-- I-18 one refund of the provider, one of ours
SELECT provider, provider_reference FROM payment.refund WHERE provider_reference IS NOT NULL
GROUP BY provider, provider_reference HAVING count(*) > 1

-- I-19 money there is money here, per currency
SELECT * FROM (SELECT currency, sum(amount_minor) AS there FROM (
        SELECT currency, amount_minor FROM sandbox.payment WHERE status = 'succeeded'
        UNION ALL SELECT currency, -amount_minor FROM sandbox.refund WHERE status = 'succeeded') AS operation
    GROUP BY currency) AS provider
FULL JOIN (SELECT p.currency, sum(p.amount_minor) AS here FROM billing.ledger_posting p
    JOIN billing.ledger_entry e ON e.id = p.entry_id
    WHERE p.account LIKE 'cash:%' AND e.kind IN ('capture', 'refund') GROUP BY p.currency) AS ledger USING (currency)
WHERE coalesce(there, 0) <> coalesce(here, 0)

-- I-20 one attempt, one payment at the provider
SELECT details.attempt FROM (SELECT metadata->>'attempt_id' AS attempt FROM sandbox.payment) AS details
GROUP BY details.attempt HAVING count(*) > 1

-- I-21 one payment is taken once, unless given back
SELECT taken.payment_id FROM (SELECT metadata->>'payment_id' AS payment_id FROM sandbox.payment
    WHERE status = 'succeeded') AS taken
GROUP BY taken.payment_id HAVING count(*) > 1 + (
    SELECT count(*) FROM billing.refund r WHERE r.payment_id::text = taken.payment_id AND r.source = 'late')

-- I-22 no operation of the provider is unknown to us
SELECT s.id::text FROM sandbox.payment s LEFT JOIN payment.attempt a ON a.provider_reference = s.id::text
WHERE s.status = 'succeeded' AND a.id IS NULL
UNION ALL SELECT s.id::text FROM sandbox.refund s LEFT JOIN payment.refund r ON r.provider_reference = s.id::text
WHERE s.status = 'succeeded' AND r.id IS NULL

-- I-23 what is paid is granted, once for each line
SELECT i.id FROM billing.payment p JOIN billing.payment_item i ON i.payment_id = p.id WHERE p.status IN ('paid', 'refunded')
    AND (SELECT count(*) FROM billing.entitlement e WHERE e.payment_item_id = i.id) <> 1

-- I-24 what is granted is paid, by the same user
SELECT e.id FROM billing.entitlement e LEFT JOIN billing.payment p ON p.id = e.payment_id
WHERE e.revoked_at IS NULL AND (p.status IS DISTINCT FROM 'paid' OR p.user_id <> e.user_id)

-- I-25 what is refunded whole is granted no more
SELECT e.id FROM billing.entitlement e JOIN billing.payment p ON p.id = e.payment_id
WHERE p.refunded_minor = p.total_minor AND p.total_minor > 0 AND e.revoked_at IS NULL

-- I-26 periods of a subscription do not overlap
SELECT a.id, b.id FROM billing.subscription_period a JOIN billing.subscription_period b
    ON a.subscription_id = b.subscription_id AND a.id < b.id
WHERE a.revoked_at IS NULL AND b.revoked_at IS NULL
    AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)

-- I-27 a line buys one period
SELECT payment_item_id FROM billing.subscription_period GROUP BY payment_item_id HAVING count(*) > 1

-- I-28 no message is left unsent or was given up
SELECT id, type FROM billing.outbox_message WHERE sent_at IS NULL
UNION ALL SELECT id, type FROM payment.outbox_message WHERE sent_at IS NULL
UNION ALL SELECT id, type FROM auth.outbox_message WHERE sent_at IS NULL

-- I-29 an outcome is told exactly once
SELECT p.id FROM billing.payment p WHERE p.status IN ('paid', 'refunded') AND (SELECT count(*) FROM billing.outbox_message o
    WHERE o.aggregate_id = p.id AND o.type = 'billing.payment.paid') <> 1
UNION ALL SELECT r.id FROM billing.refund r WHERE r.status = 'succeeded' AND r.source <> 'late' AND (
    SELECT count(*) FROM billing.outbox_message o
    WHERE o.type = 'billing.payment.refunded' AND o.data->>'refund_id' = r.id::text) <> 1

-- I-30 a consumer handles a message once
SELECT consumer, message_id FROM billing.inbox_message GROUP BY 1, 2 HAVING count(*) > 1
UNION ALL SELECT consumer, message_id FROM notification.inbox_message GROUP BY 1, 2 HAVING count(*) > 1

-- I-31 nothing that was sent is lost or lies among the dead
SELECT o.id, o.type FROM payment.outbox_message o WHERE NOT EXISTS (
    SELECT FROM billing.inbox_message i WHERE i.message_id = o.id AND i.handled_at IS NOT NULL)
UNION ALL SELECT o.id, o.type FROM billing.outbox_message o WHERE o.type IN (
    'billing.payment.paid', 'billing.payment.failed', 'billing.payment.refunded', 'billing.refund.requested')
    AND NOT EXISTS (SELECT FROM billing.inbox_message i WHERE i.message_id = o.id AND i.handled_at IS NOT NULL)

-- I-32 every outcome is told to its user
SELECT o.id, o.type FROM billing.outbox_message o
WHERE o.type IN ('billing.payment.paid', 'billing.payment.failed', 'billing.payment.refunded')
    AND NOT EXISTS (SELECT FROM notification.notification n WHERE n.dedupe_key = o.id::text)

-- I-33 one delivery for each notification and channel
SELECT notification_id, channel FROM notification.delivery GROUP BY 1, 2 HAVING count(*) > 1

-- I-34 what counts as sent has reached the mail server, and all of it is sent
SELECT d.id, d.status FROM notification.delivery d
WHERE d.status <> 'sent' OR NOT EXISTS (SELECT FROM oracle.mail m WHERE m.message_id LIKE '<' || d.id || '@%')

-- I-35 the mail server has no mail that is not of a delivery
SELECT m.message_id FROM oracle.mail m
WHERE NOT EXISTS (SELECT FROM notification.delivery d WHERE m.message_id LIKE '<' || d.id || '@%')

-- I-36 one key, one answer kept
SELECT user_id, key FROM billing.idempotency_key GROUP BY user_id, key HAVING count(*) > 1

-- I-37 no key is left locked
SELECT user_id, key FROM billing.idempotency_key WHERE status IS NULL AND locked_at < now() - interval '5 minutes'

-- I-38 what a buyer was told to have begun is there and has come to an end
SELECT a.payment_id, p.status FROM oracle.accepted a LEFT JOIN billing.payment p ON p.id = a.payment_id
WHERE p.status IS NULL OR p.status IN ('unpaid', 'pending')

-- I-40 a callback is stored once
SELECT provider, event, object_id FROM payment.provider_event GROUP BY 1, 2, 3 HAVING count(*) > 1

-- I-41 each callback is decided, each refusal explained
SELECT id, status FROM payment.provider_event
WHERE status = 'waiting' OR (status = 'rejected' AND reason IS NULL) OR case_opened_at IS NOT NULL

-- I-42 nothing stays open for ever
SELECT id, status FROM payment.attempt WHERE status IN ('created', 'pending') AND created_at < now() - interval '2 hours'
