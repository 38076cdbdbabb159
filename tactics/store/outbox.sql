-- name: escalate_alert
-- An open alert has become worse: it is told again, whoever has acknowledged or snoozed it.
UPDATE alerts
SET acknowledged_at = NULL, snoozed_until = NULL, notified_at = :now
WHERE key = :key
  AND resolved_at IS NULL
  AND severity IN (SELECT value FROM json_each(:milder))
RETURNING alert_id;

-- name: raise_alert
-- The first sight makes the alert; another one counts, and brings the newest words.
INSERT INTO alerts (key, severity, org_id, source, title, body, command, facts, seen, created_at,
                    last_seen_at, notified_at)
VALUES (:key, :severity, :org_id, :source, :title, :body, :command, :facts, 1, :now, :now, :now)
ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE
SET seen = seen + 1, last_seen_at = :now, severity = excluded.severity, title = excluded.title,
    body = excluded.body, command = excluded.command, facts = excluded.facts
RETURNING alert_id, seen;

-- name: resolve_alerts
-- The trouble is over.
UPDATE alerts
SET resolved_at = :now
WHERE resolved_at IS NULL AND key IN (SELECT value FROM json_each(:keys))
RETURNING alert_id;

-- name: acknowledge_alerts
-- A person knows: nothing is repeated any more.
UPDATE alerts
SET acknowledged_at = :now, snoozed_until = NULL
WHERE resolved_at IS NULL AND alert_id IN (SELECT value FROM json_each(:alert_ids))
RETURNING alert_id;

-- name: snooze_alerts
-- A person wants to hear of it again, but not before that.
UPDATE alerts
SET snoozed_until = :until, acknowledged_at = NULL
WHERE resolved_at IS NULL AND alert_id IN (SELECT value FROM json_each(:alert_ids))
RETURNING alert_id;

-- name: repeat_alerts
-- What is still open and was last told long ago, or whose snooze has ended since.
UPDATE alerts
SET notified_at = :now
WHERE resolved_at IS NULL
  AND acknowledged_at IS NULL
  AND (snoozed_until IS NULL OR snoozed_until <= :now)
  AND (notified_at <= :before OR notified_at < snoozed_until OR notified_at > :now)
RETURNING alert_id, severity;

-- name: add_notices
-- Something to tell of an alert on some channels.
INSERT INTO notices (alert_id, channel, event, created_at, scheduled_at)
SELECT :alert_id, value, :event, :now, :now
FROM json_each(:channels);

-- name: add_resolved_notices
-- The end is told wherever the beginning was.
INSERT INTO notices (alert_id, channel, event, created_at, scheduled_at)
SELECT DISTINCT alert_id, channel, 'resolved', :now, :now
FROM notices
WHERE alert_id IN (SELECT value FROM json_each(:alert_ids));

-- name: reschedule_notices
-- What waits to be told of some alerts waits until then.
UPDATE notices
SET scheduled_at = :at
WHERE delivery_id IS NULL AND alert_id IN (SELECT value FROM json_each(:alert_ids));

-- name: list_waiting
-- What a channel can be told next: nothing while a message of it is under way. What was made after
-- now was made by a clock that has been set back since, here and below: it waits for nothing.
SELECT n.notice_id, n.alert_id, n.event, n.created_at, a.created_at, a.seen, a.key, a.severity,
       a.title, a.body, a.command, a.org_id, a.source, a.facts
FROM notices AS n
JOIN alerts AS a USING (alert_id)
WHERE n.channel = :channel
  AND n.delivery_id IS NULL
  AND (n.scheduled_at <= :now OR n.created_at > :now)
  AND a.severity IN (SELECT value FROM json_each(:severities))
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE channel = :channel AND finalized_at IS NULL)
ORDER BY n.notice_id;

-- name: start_delivery
-- A message is put together and its first attempt begins.
INSERT INTO deliveries (channel, idempotency_key, content, attempt, created_at, scheduled_at,
                        attempted_at, leased_until)
VALUES (:channel, :idempotency_key, :content, 1, :now, :now, :now, :leased_until)
RETURNING delivery_id, channel, idempotency_key, content, attempt;

-- name: attach_notices
-- These travel in that message.
UPDATE notices
SET delivery_id = :delivery_id
WHERE notice_id IN (SELECT value FROM json_each(:notice_ids)) AND delivery_id IS NULL;

-- name: claim_delivery
-- Another attempt at what is under way: when it is due, or when something new is to be told,
-- which is tried once, because the channel may work again. The lease of a dead process runs out.
UPDATE deliveries AS d
SET attempt = attempt + 1, attempted_at = :now, leased_until = :leased_until
WHERE channel = :channel
  AND finalized_at IS NULL
  AND (leased_until IS NULL OR leased_until <= :now OR attempted_at > :now)
  AND (scheduled_at <= :now
       OR attempted_at > :now
       OR EXISTS (SELECT 1
                  FROM notices AS n
                  WHERE n.channel = :channel AND n.delivery_id IS NULL
                    AND n.scheduled_at <= :now AND n.created_at > d.attempted_at))
RETURNING delivery_id, channel, idempotency_key, content, attempt;

-- name: finish_delivery
-- The other side has it.
UPDATE deliveries
SET finalized_at = :now, leased_until = NULL, error_type = '', error_message = '', error_hint = ''
WHERE delivery_id = :delivery_id AND finalized_at IS NULL
RETURNING delivery_id;

-- name: fail_delivery
-- It has not; the next attempt is a row, not a wait.
UPDATE deliveries
SET scheduled_at = :due, leased_until = NULL, error_type = :error_type,
    error_message = :error_message, error_hint = :error_hint
WHERE delivery_id = :delivery_id AND finalized_at IS NULL;

-- name: hasten_delivery
-- A person has mended the channel.
UPDATE deliveries
SET scheduled_at = :now
WHERE channel = :channel AND finalized_at IS NULL
RETURNING delivery_id;

-- name: list_alerts
-- Alerts: those not resolved first, the worst of them first, then the newest.
SELECT alert_id, key, severity, title, body, command, org_id, source, facts, seen, created_at,
       last_seen_at, acknowledged_at, snoozed_until, resolved_at
FROM alerts
WHERE (:resolved OR resolved_at IS NULL)
ORDER BY resolved_at IS NOT NULL,
         CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END,
         alert_id DESC
LIMIT :limit;

-- name: get_alert
-- One alert.
SELECT alert_id, key, severity, title, body, command, org_id, source, facts, seen, created_at,
       last_seen_at, acknowledged_at, snoozed_until, resolved_at
FROM alerts
WHERE alert_id = :alert_id;

-- name: list_open_keys
-- The troubles that last.
SELECT key FROM alerts WHERE resolved_at IS NULL ORDER BY key;

-- name: list_backlog
-- What each channel has still to be told, and why the message under way has not arrived.
SELECT n.channel, count(*), min(n.created_at), max(d.attempt), max(d.scheduled_at),
       max(d.error_type), max(d.error_message), max(d.error_hint)
FROM notices AS n
LEFT JOIN deliveries AS d USING (delivery_id)
WHERE n.delivery_id IS NULL OR d.finalized_at IS NULL
GROUP BY n.channel
ORDER BY n.channel;

-- name: prune_alerts
-- Forget what was resolved long ago, once everybody has been told.
DELETE FROM alerts
WHERE resolved_at < :before
  AND alert_id NOT IN (SELECT n.alert_id
                       FROM notices AS n
                       LEFT JOIN deliveries AS d USING (delivery_id)
                       WHERE n.delivery_id IS NULL OR d.finalized_at IS NULL)
RETURNING alert_id;

-- name: prune_deliveries
-- Forget the messages of which no alert is left.
DELETE FROM deliveries
WHERE finalized_at < :before
  AND NOT EXISTS (SELECT 1 FROM notices AS n WHERE n.delivery_id = deliveries.delivery_id);
