-- name: append_event
-- Add one event; positional parameters, because this is the hottest statement of all.
INSERT INTO events (topic, org_id, source, account_id, stream, header, created_at, size_bytes, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: last_seq
-- The seq of the newest event of this connection's transaction.
SELECT last_insert_rowid();

-- name: read_events
-- What a consumer has not acknowledged yet, oldest first.
SELECT seq, topic, org_id, source, account_id, stream, header, created_at, size_bytes, body
FROM events
WHERE topic = :topic
  AND seq > coalesce((SELECT p.seq FROM positions p
                      WHERE p.topic = :topic AND p.consumer = :consumer), 0)
ORDER BY seq
LIMIT :limit;

-- name: get_event
-- One event by its number.
SELECT seq, topic, org_id, source, account_id, stream, header, created_at, size_bytes, body
FROM events
WHERE seq = :seq;

-- name: subscribe
-- Make a consumer known before it has read anything, so that nothing is pruned before it did.
INSERT INTO positions (topic, consumer, seq, acknowledged_at)
VALUES (:topic, :consumer, 0, :now)
ON CONFLICT DO NOTHING;

-- name: acknowledge
-- Move a position forward; a late or repeated acknowledgement changes nothing.
INSERT INTO positions (topic, consumer, seq, acknowledged_at)
VALUES (:topic, :consumer, :seq, :now)
ON CONFLICT (topic, consumer) DO UPDATE
SET seq = excluded.seq, acknowledged_at = excluded.acknowledged_at
WHERE excluded.seq > seq;

-- name: get_position
-- The last event a consumer is done with.
SELECT seq FROM positions WHERE topic = :topic AND consumer = :consumer;

-- name: list_positions
-- Every consumer and how far it has come.
SELECT topic, consumer, seq, acknowledged_at FROM positions ORDER BY topic, consumer;

-- name: count_lag
-- How many events a consumer has yet to do.
SELECT count(*)
FROM events
WHERE topic = :topic
  AND seq > coalesce((SELECT p.seq FROM positions p
                      WHERE p.topic = :topic AND p.consumer = :consumer), 0);

-- name: prune_events
-- Delete a block of what every consumer has passed and no waiting or dead job still points at.
-- A topic that nobody has subscribed to is kept: its first reader may be yet to come.
DELETE FROM events
WHERE seq IN (
  SELECT e.seq
  FROM (SELECT topic, min(seq) AS passed FROM positions GROUP BY topic) AS p
  JOIN events AS e ON e.topic = p.topic AND e.seq <= p.passed
  WHERE (e.topic <> :cached_topic OR e.created_at < :cached_since)
    AND NOT EXISTS (SELECT 1 FROM jobs AS j
                    WHERE j.event_seq = e.seq AND j.state NOT IN ('completed', 'cancelled'))
  LIMIT :block
)
RETURNING seq;
