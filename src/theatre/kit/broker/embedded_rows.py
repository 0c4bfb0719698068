"""The SQL of the embedded broker: one row for each queue that wants a message; gone when the queue is done
with it.

A row is due when `available_at` has passed. A claim pushes that ahead by a lease and counts a delivery, so
what a killed
consumer held comes back by itself. Time is the database's own.
"""

from typing import Any

from theatre.kit.db import Engine

WAKEUP_CHANNEL = "broker"

BIND = """
INSERT INTO binding (exchange, queue, pattern, regex)
SELECT $1, $2, b.pattern, b.regex FROM unnest($3::text[], $4::text[]) AS b (pattern, regex)
ON CONFLICT DO NOTHING
"""
# rows of ids and their queues; an id with a null queue is one that nobody wants
PUBLISH = """
WITH incoming AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::text[]) AS m (id, key, body, trace)
), routed AS MATERIALIZED (
    SELECT DISTINCT m.id, b.queue FROM incoming m JOIN binding b ON b.exchange = $1 AND m.key ~ b.regex
), stored AS (
    INSERT INTO message (queue, message_id, key, body, trace)
    SELECT r.queue, m.id, m.key, m.body, m.trace FROM routed r JOIN incoming m USING (id) ORDER BY r.queue,
    m.id
    ON CONFLICT (queue, message_id) DO NOTHING
), woken AS MATERIALIZED (
    SELECT pg_notify('broker', queue) FROM (SELECT DISTINCT queue FROM routed) AS queues
)
SELECT m.id FROM incoming m
WHERE (SELECT count(*) FROM woken) >= 0 AND NOT EXISTS (SELECT FROM routed r WHERE r.id = m.id)
"""
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT message_id FROM message WHERE queue = $1 AND dead_at IS NULL AND available_at <= now()
    ORDER BY available_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE message m SET available_at = now() + make_interval(secs => $3), deliveries = m.deliveries + 1
FROM due WHERE m.queue = $1 AND m.message_id = due.message_id
RETURNING m.message_id, m.key, m.body, m.trace, m.deliveries
"""
EXTEND = """
UPDATE message SET available_at = now() + make_interval(secs => $3)
WHERE queue = $1 AND message_id = ANY($2::uuid[])
"""
GIVE_BACK = """
UPDATE message SET available_at = now(), deliveries = deliveries - 1 WHERE queue = $1 AND message_id = ANY($2::uuid[])
"""
FORGET = "DELETE FROM message WHERE queue = $1 AND message_id = ANY($2::uuid[])"
DELAY = """
UPDATE message m SET available_at = now() + make_interval(secs => d.seconds), deliveries = 0
FROM unnest($2::uuid[], $3::float8[]) AS d (id, seconds) WHERE m.queue = $1 AND m.message_id = d.id
"""
BURY = """
UPDATE message m SET dead_at = now(), reason = d.reason
FROM unnest($2::uuid[], $3::text[]) AS d (id, reason) WHERE m.queue = $1 AND m.message_id = d.id
"""
LIST_DEAD = """
SELECT message_id, key, body, trace, reason FROM message
WHERE queue = $1 AND dead_at IS NOT NULL ORDER BY dead_at LIMIT $2
"""
COUNT = """
SELECT
    (SELECT count(*) FROM (
        SELECT FROM message WHERE queue = $1 AND dead_at IS NULL AND available_at <= now() LIMIT 10000
    ) AS waiting) AS due,
    (SELECT count(*) FROM (
        SELECT FROM message WHERE queue = $1 AND dead_at IS NOT NULL LIMIT 10000
    ) AS buried) AS dead
"""
REPLAY = """
WITH risen AS (
    UPDATE message SET dead_at = NULL, reason = NULL, deliveries = 0, available_at = now()
    WHERE queue = $1 AND dead_at IS NOT NULL AND ($2::uuid[] IS NULL OR message_id = ANY($2::uuid[]))
    RETURNING 1
)
SELECT count(*) AS number, pg_notify('broker', $1) FROM risen
"""
RELEASE = """
UPDATE message SET available_at = now() WHERE dead_at IS NULL AND deliveries > 0 AND available_at > now()
"""
UNBOUND = """
SELECT q.queue FROM unnest($1::text[]) AS q (queue)
WHERE NOT EXISTS (SELECT FROM binding b WHERE b.queue = q.queue)
"""


async def fetch(engine: Engine, statement: str, *arguments: object) -> list[Any]:
    """Run one statement as one transaction past the ORM and give its rows."""
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        rows: list[Any] = await raw.fetch(statement, *arguments)
        return rows
